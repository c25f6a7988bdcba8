-- Runs first on the way in and last on the way out: what the declarative filters cannot say.

-- Whether a client speaks gRPC or gRPC-Web itself. It is told apart here because the transcoder makes every request look
-- like gRPC further in; local replies read it too.
local function speaks_grpc(content_type)
  return content_type ~= nil and string.find(content_type, "application/grpc", 1, true) == 1
end

-- gRPC admits fewer names and values of headers than HTTP. What it would refuse means nothing to a service, and goes:
-- otherwise the call would end as a fault of ours.
local function remove_what_grpc_refuses(headers)
  local refused = {}
  for name, value in pairs(headers) do
    if string.sub(name, 1, 1) ~= ":" and (string.find(name, "[^%l%d_.-]") or string.find(value, "[^ -~]")) then
      table.insert(refused, name)
    end
  end
  for _, name in ipairs(refused) do
    headers:remove(name)
  end
end

-- Whether a browser is told to come by HTTPS only. Not to `localhost`, whose other ports are other programs.
local function is_for_https_only(headers)
  local host = headers:get(":authority") or ""
  return headers:get("x-forwarded-proto") == "https" and string.match(host, "^localhost:?%d*$") == nil
end

function envoy_on_request(handle)
  -- Two Host headers come as one with a comma, and must be refused (RFC 9112, 3.2): readers differ on which one counts.
  if string.find(handle:headers():get(":authority") or "", "[^%w%.:%-%[%]_%%]") then
    handle:respond({ [":status"] = "400" }, "The host is not the name of one.")
    return
  end
  if is_for_https_only(handle:headers()) then
    handle:streamInfo():dynamicMetadata():set("igemoji", "https", true)
  end
  remove_what_grpc_refuses(handle:headers())
  if speaks_grpc(handle:headers():get("content-type")) then
    handle:streamInfo():dynamicMetadata():set("igemoji", "grpc", true)
  end
end

-- A service says a status beyond gRPC's through the header x-http-code: 201, 202, 304; 412 or 413 with an error.
-- Native clients must not see it: they fail on any status but 200.
function envoy_on_response(handle)
  local headers = handle:headers()
  local code = headers:get("x-http-code")
  headers:remove("x-http-code")
  local ours = handle:streamInfo():dynamicMetadata():get("igemoji")
  if ours ~= nil and ours["https"] then
    headers:replace("strict-transport-security", "max-age=31536000")
  end
  if ours ~= nil and ours["grpc"] then
    return
  end
  if code ~= nil then
    local failed = tonumber(headers:get(":status")) >= 400
    if (failed and string.match(code, "^[45]%d%d$")) or (not failed and string.match(code, "^[23]%d%d$")) then
      headers:replace(":status", code)
    end
  end
  headers:remove("grpc-status")
  headers:remove("grpc-message")
  headers:remove("grpc-status-details-bin")
  headers:remove("grpc-encoding")
  headers:remove("grpc-accept-encoding")
end
