-- Runs first on the request and last on the response; for what the declarative filters cannot do.

-- Whether the client uses gRPC or gRPC-Web. Checked here, because the transcoder makes every request look like gRPC to the
-- later filters; local replies read the result too.
local function speaks_grpc(content_type)
  return content_type ~= nil and string.find(content_type, "application/grpc", 1, true) == 1
end

-- gRPC allows fewer header names and values than HTTP. Headers that it would refuse mean nothing to a service and are
-- removed: otherwise the call would fail with an internal error.
local function remove_headers_grpc_refuses(headers)
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

-- Whether the answer gets Strict-Transport-Security. Not for `localhost`, whose other ports are other programs.
local function is_for_https_only(headers)
  local host = headers:get(":authority") or ""
  return headers:get("x-forwarded-proto") == "https" and string.match(host, "^localhost:?%d*$") == nil
end

function envoy_on_request(handle)
  -- Two Host headers arrive as one with a comma and must be refused (RFC 9112, 3.2): parsers disagree on which one counts.
  if string.find(handle:headers():get(":authority") or "", "[^%w%.:%-%[%]_%%]") then
    handle:respond({ [":status"] = "400" }, "Invalid Host header.")
    return
  end
  if is_for_https_only(handle:headers()) then
    handle:streamInfo():dynamicMetadata():set("igemoji", "https", true)
  end
  remove_headers_grpc_refuses(handle:headers())
  if speaks_grpc(handle:headers():get("content-type")) then
    handle:streamInfo():dynamicMetadata():set("igemoji", "grpc", true)
  end
end

-- A service sets a status that gRPC does not have in the header x-http-code: 201, 202, 304; 412 or 413 with an error.
-- gRPC clients must not see it: they fail on any status except 200.
function envoy_on_response(handle)
  local headers = handle:headers()
  local code = headers:get("x-http-code")
  headers:remove("x-http-code")
  local marks = handle:streamInfo():dynamicMetadata():get("igemoji")
  if marks ~= nil and marks["https"] then
    headers:replace("strict-transport-security", "max-age=31536000")
  end
  if marks ~= nil and marks["grpc"] then
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
