"""REST and server-sent events, as for a browser or curl."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from igemoji_protos import OPENAPI, Rpc

from .fake_mesh import ROUTED, SOME_ID, FakeMesh, Gateway, error_info, eventually, message, rest_calls
from .test_errors import fails

pytestmark = pytest.mark.asyncio(loop_scope="session")

INFERENCE = "/igemoji.inference.v1.InferenceService"
TASK = f"/api/v1/faces/tasks/{SOME_ID}"

HttpBody: Any = message("google.api.HttpBody")
Step: Any = message("igemoji.inference.v1.WatchTaskResponse")


@pytest.mark.parametrize("rpc", ROUTED, ids=lambda rpc: rpc.name)
async def test_additional_slashes_in_paths_are_accepted(
    rpc: Rpc, mesh: FakeMesh, gateway: Gateway, user: httpx.AsyncClient
) -> None:
    for method, path in rest_calls(rpc):
        for variant in (path, path + "/", "/" + path, path.replace("/v1/", "/v1//")):
            body = {"content": "{}"} if method == "POST" else {}
            reply = await user.request(method, gateway.url + variant, **body)  # type: ignore[arg-type]
            assert reply.status_code == 200, f"{method} {variant}: {reply.text}"
    if rpc.name != "Jwks":
        assert [call.rpc for call in mesh.calls] == [rpc] * 4 * len(rpc.bindings)


async def test_path_query_and_body_reach_the_service(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    await user.get("/api/v1/emojis/pages/3", params={"owner_id": "a b+c/d&e"})
    await user.get("/api/v1/users?case=email&value=some+one%2Btag@example.org")
    await user.post("/api/v1/users", json={"email": "a@example.org", "alias": "이모지", "unknown": 1})
    page, available, register = (call.request for call in mesh.calls)
    assert (page.page_number, page.owner_id) == (3, "a b+c/d&e")
    assert available.value == "some one+tag@example.org"
    assert (register.email, register.alias) == ("a@example.org", "이모지")


async def test_fields_keep_their_names_and_empty_ones_are_present(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    task = message("igemoji.inference.v1.Task")(task_id=SOME_ID, state=6)
    mesh.answers[f"{INFERENCE}/GetTask"] = lambda _request, _context: task
    found = (await user.get(TASK)).json()
    assert found["state"] == "TASK_STATE_DONE"
    assert found["faces"] == []
    assert found["more_faces"] is False
    assert "error" not in found


async def test_create_task_answers_202_with_location(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    async def accepted(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("x-http-code", "202"), ("location", TASK)))
        return message("igemoji.inference.v1.CreateTaskResponse")(task_id=SOME_ID)

    mesh.answers[f"{INFERENCE}/CreateTask"] = accepted
    photo = bytes(range(256)) * 65536
    reply = await user.post(
        "/api/v1/faces/tasks", params={"emoji_id": SOME_ID}, content=photo, headers={"content-type": "image/png"}
    )
    assert (reply.status_code, reply.headers["location"], reply.json()) == (202, TASK, {"task_id": SOME_ID})
    assert not [name for name in reply.headers if name.startswith(("grpc-", "x-http", "x-envoy"))]
    (call,) = mesh.calls
    assert (call.request.image.content_type, call.request.emoji_id) == ("image/png", SOME_ID)
    assert call.request.image.data == photo


async def test_template_with_seven_large_pictures_is_accepted(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    async def created(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("x-http-code", "201"),))
        return message("igemoji.emoji_catalog.v1.Emoji")()

    mesh.answers["/igemoji.emoji_catalog.v1.EmojiCatalogService/CreateEmoji"] = created
    picture = "QUJD" * (1 << 20 >> 2) + "QUJD" * 80_000
    expressions = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    reply = await user.post("/api/v1/emojis/", json={"name": "big", "images": dict.fromkeys(expressions, picture)})
    assert reply.status_code == 201
    assert len(mesh.calls[0].request.images.sad) == len(picture) * 3 // 4


async def test_unchanged_picture_is_304(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    async def unchanged(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("x-http-code", "304"), ("etag", '"abc"')))
        return HttpBody()

    mesh.answers["/igemoji.emoji_catalog.v1.EmojiCatalogService/GetEmojiImage"] = unchanged
    reply = await client.get(f"/api/v1/emojis/{SOME_ID}/images/happy", headers={"if-none-match": '"abc"'})
    assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", '"abc"')
    assert mesh.calls[0].metadata["if-none-match"] == '"abc"'


async def test_picture_is_not_changed_by_the_gateway(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    picture = b"\x89PNG" + bytes(100_000)

    async def image(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("cache-control", "public, max-age=31536000, immutable"), ("etag", '"x"')))
        return HttpBody(content_type="image/png", data=picture)

    mesh.answers["/igemoji.emoji_catalog.v1.EmojiCatalogService/GetEmojiImage"] = image
    reply = await client.get(f"/api/v1/emojis/{SOME_ID}/images/happy", headers={"accept-encoding": "gzip"})
    assert (reply.headers["content-type"], reply.content) == ("image/png", picture)
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["etag"] == '"x"'
    assert "content-encoding" not in reply.headers


async def test_streamed_picture_is_not_buffered(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    first, rest = b"\xff\xd8\xff" + bytes(1000), bytes(range(256)) * 20_000
    arrived = asyncio.Event()

    async def image(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield HttpBody(content_type="image/jpeg", data=first)
        await asyncio.wait_for(arrived.wait(), 5)
        for at in range(0, len(rest), 500_000):
            yield HttpBody(data=rest[at : at + 500_000])

    mesh.answers[f"{INFERENCE}/GetResultImage"] = image
    received = b""
    async with user.stream("GET", f"{TASK}/image") as reply:
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")
        async for piece in reply.aiter_bytes():
            received += piece
            arrived.set()
    assert received == first + rest


async def test_events_are_not_buffered(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    seen = [asyncio.Event() for _ in range(3)]

    async def steps(_request: Any, _context: Any) -> AsyncIterator[Any]:
        for number, event in enumerate(seen, start=1):
            yield Step(sequence=number, task={"percent": number * 10})
            await asyncio.wait_for(event.wait(), 5)

    mesh.answers[f"{INFERENCE}/WatchTask"] = steps
    events = []
    async with user.stream("GET", f"{TASK}/events?after_sequence=2", headers={"accept-encoding": "gzip, br"}) as reply:
        assert reply.headers["content-type"] == "text/event-stream"
        assert "content-encoding" not in reply.headers
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-accel-buffering"] == "no"
        async for line in reply.aiter_lines():
            if line:
                events.append(json.loads(line.removeprefix("data: ")))
                seen[len(events) - 1].set()
    assert [event["task"]["percent"] for event in events] == [10, 20, 30]
    assert mesh.calls[0].request.after_sequence == 2


async def test_error_before_the_first_event_is_json(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    mesh.answers[f"{INFERENCE}/WatchTask"] = fails(5, "TASK_NOT_FOUND")
    assert error_info(await user.get(f"{TASK}/events"))[:3] == (404, 5, "TASK_NOT_FOUND")


async def test_disconnected_watcher_cancels_the_stream(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    left = asyncio.Event()

    async def steps(_request: Any, _context: Any) -> AsyncIterator[Any]:
        try:
            yield Step(sequence=1)
            await asyncio.sleep(30)
        finally:
            left.set()

    mesh.answers[f"{INFERENCE}/WatchTask"] = steps
    async with user.stream("GET", f"{TASK}/events") as reply:
        await anext(reply.aiter_lines())
    await asyncio.wait_for(left.wait(), 5)


async def test_service_gets_the_deadline_of_the_route(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    await user.get("/api/v1/users/me")
    await user.post("/api/v1/faces/tasks?emoji_id=1", content=b"x")
    await user.get(f"{TASK}/events")
    short, upload, stream = (call.deadline_seconds for call in mesh.calls)
    assert short is not None
    assert 10 < short <= 15
    assert upload is not None
    assert 50 < upload <= 60
    assert stream is None


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_json_is_compressed_if_accepted(encoding: str, gateway: Gateway) -> None:
    async with gateway.client(headers={"accept-encoding": encoding}) as client, client.stream("GET", "/") as reply:
        assert reply.headers["content-encoding"] == encoding
        assert reply.headers["vary"] == "Accept-Encoding"
    async with gateway.client(headers={"accept-encoding": "identity"}) as client:
        assert "content-encoding" not in (await client.get("/")).headers


@pytest.mark.parametrize(("encoding", "etag"), [("identity", '"one"'), ("gzip", 'W/"one"'), ("br", 'W/"one"')])
async def test_etag_survives_compression(encoding: str, etag: str, mesh: FakeMesh, gateway: Gateway) -> None:
    async def answer(_request: Any, context: Any) -> Any:
        await context.send_initial_metadata((("etag", '"one"'),))
        return message("igemoji.emoji_catalog.v1.Emoji")(name="a" * 1000)

    mesh.answers["/igemoji.emoji_catalog.v1.EmojiCatalogService/GetEmoji"] = answer
    async with (
        gateway.client(headers={"accept-encoding": encoding}) as client,
        client.stream("GET", f"/api/v1/emojis/{SOME_ID}") as reply,
    ):
        assert (reply.headers.get("content-encoding", "identity"), reply.headers["etag"]) == (encoding, etag)


async def test_allowed_origins_may_call(client: httpx.AsyncClient, user: httpx.AsyncClient) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    preflight = await client.options("/api/v1/users", headers={"origin": "https://igemoji.example", **asks})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://igemoji.example"
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    for reply in (
        await user.get("/api/v1/users/me", headers={"origin": "https://igemoji.example"}),
        await client.get("/api/v1/users/me", headers={"origin": "https://igemoji.example"}),
        await client.get("/api/v1/nowhere", headers={"origin": "https://igemoji.example"}),
    ):
        assert reply.headers["access-control-allow-origin"] == "https://igemoji.example"
        exposed = reply.headers["access-control-expose-headers"].split(", ")
        assert {"location", "retry-after", "x-request-id", "grpc-status", "grpc-message"} <= set(exposed)


async def test_other_origins_may_not_call(client: httpx.AsyncClient) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for method in ("OPTIONS", "GET"):
        reply = await client.request(method, "/api/v1/users", headers=headers)
        assert "access-control-allow-origin" not in reply.headers


async def test_landing_page_has_working_links(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "IGE MOJI" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for address in ("/api/docs", "/api/openapi.json", "/api/v1/emojis/pages/1", "/api/v1/faces/ranking", "/healthz"):
        assert f'href="{address}"' in page.text
        assert (await client.get(address)).status_code == 200


async def test_openapi_document_is_served(client: httpx.AsyncClient) -> None:
    reply = await client.get("/api/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == json.loads(OPENAPI.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
async def test_swagger_ui_loads_only_from_its_own_origin(path: str, client: httpx.AsyncClient) -> None:
    page = await client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "//" not in page.text
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 5
    for address in files:
        reply = await client.get(address)
        assert reply.status_code == 200, address
        assert reply.headers["content-type"] != "text/plain"
    bundle = await client.get(next(address for address in files if "bundle" in address))
    assert "immutable" in bundle.headers["cache-control"]
    assert "SwaggerUIBundle" in bundle.text


async def test_headers_that_grpc_refuses_are_removed(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    refused = {b"x-odd%name": b"1", b"X~Odd`Name": b"2", b"x-odd": "é".encode(), b"x-tab": b"a\tb"}
    reply = await user.get("/api/v1/users/me", headers=[*refused.items(), (b"x-even", b"3")])
    assert reply.status_code == 200
    (call,) = mesh.calls
    assert call.metadata["x-even"] == "3"
    assert not {name.decode().lower() for name in refused} & set(call.metadata)


async def test_idempotency_key_is_forwarded_by_rest_and_grpc(
    mesh: FakeMesh, user: httpx.AsyncClient, channel: grpc.aio.Channel, token: str
) -> None:
    key = "8d5a1f3e-0000-4000-8000-0123456789ab"
    await user.post("/api/v1/users/guest", json={}, headers={"Idempotency-Key": key})
    start_guest: Any = channel.unary_unary("/igemoji.auth.v1.AuthService/StartGuest")
    await start_guest(b"", metadata=(("idempotency-key", key),))
    assert [call.metadata.get("idempotency-key") for call in mesh.calls] == [key, key]


async def test_answers_have_security_headers_and_no_internal_ones(user: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz", "/api/v1/users/me", "/api/v1/nowhere"):
        reply = await user.get(path)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["server"] == "igemoji"
        assert not [name for name in reply.headers if name.startswith(("x-envoy", "grpc-"))]
    assert (await user.get("/api/v1/users/me")).headers["cache-control"] == "no-store"


async def test_access_log_has_no_query_and_no_token(
    mesh: FakeMesh, gateway: Gateway, user: httpx.AsyncClient, token: str
) -> None:
    reply = await user.get("/api/v1/users?case=email&value=secret@example.org")
    line, entry = await logged(gateway, reply.headers["x-request-id"])
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/api/v1/users", 200)
    assert entry["rpc"] == "/igemoji.auth.v1.AuthService/CheckAvailability"
    assert entry["upstream"] == "auth"
    assert entry["duration_ms"] >= 0
    assert "secret" not in line
    assert token not in gateway.log.read_text() + gateway.errors.read_text()


async def test_grpc_call_is_logged_with_its_status(
    mesh: FakeMesh, gateway: Gateway, channel: Any, user: httpx.AsyncClient
) -> None:
    path = "/igemoji.ranking.v1.RankingService/GetRanking"
    for code in ("0", "9"):
        call = channel.unary_unary(path)(b"")
        assert str((await call.code()).value[0]) == code
        metadata = [*(await call.initial_metadata() or ()), *(await call.trailing_metadata() or ())]
        _, entry = await logged(gateway, dict(metadata)["x-request-id"])
        assert (entry["grpc_status"], entry["status"]) == (code, 200)
        mesh.answers[path] = fails(9, "SOME_REASON")
    reply = await user.get("/api/v1/faces/ranking")
    _, entry = await logged(gateway, reply.headers["x-request-id"])
    assert entry["status"] == 400
    assert not entry.get("grpc_status")


async def logged(gateway: Gateway, request_id: str) -> tuple[str, dict[str, Any]]:
    """Wait for the line of a request in the access log."""

    def found() -> list[str]:
        return [line for line in gateway.log.read_text().splitlines() if request_id in line]

    async def is_there() -> bool:
        return bool(found())

    assert await eventually(is_there)
    return found()[0], json.loads(found()[0])


async def test_calls_are_counted_by_method_of_the_contract_only(gateway: Gateway, client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/faces/ranking")
    headers = {"content-type": "application/grpc-web+proto"}
    await client.post("/igemoji.ranking.v1.RankingService/MadeUp", content=bytes(5), headers=headers)
    async with httpx.AsyncClient(base_url=gateway.admin) as admin:
        stats = (await admin.get("/stats/prometheus")).text
    label = 'rpc="igemoji.ranking.v1.RankingService.GetRanking"'
    assert re.search(rf"^envoy_cluster_grpc_success{{[^}}]*{label}[^}}]*}} [1-9]", stats, re.MULTILINE)
    assert "MadeUp" not in stats


async def test_envoy_starts_without_warnings(gateway: Gateway) -> None:
    complaints = [
        line for line in gateway.errors.read_text().splitlines() if "Deprecated" in line or "overload" in line
    ]
    assert complaints == []
