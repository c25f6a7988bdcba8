"""All errors have one form, those of services and of Envoy."""

import asyncio
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from .fake_mesh import Answer, FakeMesh, Gateway, error_info

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET_EMOJI = "/igemoji.emoji_catalog.v1.EmojiCatalogService/GetEmoji"
EMOJI = "/api/v1/emojis/01890a5d-ac96-774b-bcce-b302099a8057"


def fails(code: int, reason: str, *details: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return an answer that fails like the services' error interceptor."""
    status = status_pb2.Status(code=code, message=f"It went wrong: {reason}")
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain="igemoji"), *details):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)

    async def answer(_request: Any, context: Any) -> Any:
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()), *headers))
        codes = {found.value[0]: found for found in grpc.StatusCode}
        await context.abort(codes[code], status.message)

    return answer


@pytest.mark.parametrize(
    ("code", "http_status"),
    [
        (code_pb2.INVALID_ARGUMENT, 400),
        (code_pb2.FAILED_PRECONDITION, 400),
        (code_pb2.UNAUTHENTICATED, 401),
        (code_pb2.PERMISSION_DENIED, 403),
        (code_pb2.NOT_FOUND, 404),
        (code_pb2.ALREADY_EXISTS, 409),
        (code_pb2.ABORTED, 409),
        (code_pb2.RESOURCE_EXHAUSTED, 429),
        (code_pb2.INTERNAL, 500),
        (code_pb2.UNIMPLEMENTED, 501),
        (code_pb2.DEADLINE_EXCEEDED, 504),
    ],
)
async def test_service_error_keeps_its_details(
    code: int, http_status: int, mesh: FakeMesh, client: httpx.AsyncClient
) -> None:
    mesh.answers[GET_EMOJI] = fails(code, "SOME_REASON")
    assert error_info(await client.get(EMOJI)) == (
        http_status,
        code,
        "SOME_REASON",
        "It went wrong: SOME_REASON",
    )


async def test_unavailable_is_503(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    mesh.answers["/igemoji.emoji_catalog.v1.EmojiCatalogService/DeleteEmoji"] = fails(code_pb2.UNAVAILABLE, "BUSY")
    assert error_info(await user.delete(EMOJI))[:3] == (503, 14, "BUSY")


async def test_field_violations_arrive(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="email", description="is taken")
    bad = error_details_pb2.BadRequest(field_violations=[violation])
    mesh.answers["/igemoji.auth.v1.AuthService/Register"] = fails(code_pb2.ALREADY_EXISTS, "EMAIL_TAKEN", bad)
    reply = await client.post("/api/v1/users", json={"email": "a@b.c"})
    assert reply.status_code == 409
    found = reply.json()["details"][1]["field_violations"][0]
    assert (found["field"], found["description"]) == ("email", "is taken")


async def test_service_can_set_an_http_status(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    mesh.answers[GET_EMOJI] = fails(
        code_pb2.FAILED_PRECONDITION, "ETAG_MISMATCH", headers=(("x-http-code", "412"), ("retry-after", "7"))
    )
    reply = await client.get(EMOJI)
    assert error_info(reply)[:3] == (412, 9, "ETAG_MISMATCH")
    assert reply.headers["retry-after"] == "7"
    assert "x-http-code" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("grpc-")]


async def test_error_never_gets_a_success_status(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    mesh.answers[GET_EMOJI] = fails(code_pb2.NOT_FOUND, "GONE", headers=(("x-http-code", "201"),))
    assert (await client.get(EMOJI)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/api/v1/users/me", {}, (401, 16, "TOKEN_MISSING")),
        ("GET", "/api/v1/users/me", {"headers": {"authorization": "Bearer x.y.z"}}, (401, 16, "TOKEN_INVALID")),
        ("GET", "/api/v1/users/me", {"headers": {"authorization": "Basic eDp5"}}, (401, 16, "TOKEN_MISSING")),
        ("GET", "/api/v1/nowhere", {}, (404, 5, "NO_SUCH_CALL")),
        ("GET", "/api", {}, (404, 5, "NO_SUCH_CALL")),
        ("GET", "/nowhere", {}, (404, 5, "NO_SUCH_CALL")),
        ("PATCH", "/api/v1/faces/ranking", {}, (404, 5, "NO_SUCH_CALL")),
        ("OPTIONS", "/api/v1/faces/ranking", {}, (404, 5, "NO_SUCH_CALL")),
        ("POST", "/igemoji.auth.v1.AuthService/Login", {"json": {}}, (404, 5, "NO_SUCH_CALL")),
        ("GET", "/api/v1/faces/ranking?nonsense=1", {}, (400, 3, "INVALID_REQUEST")),
        ("GET", "/api/v1/faces/ranking?limit=many", {}, (400, 3, "INVALID_REQUEST")),
        ("GET", "/api/v1/emojis%2Fpages/1", {}, (400, 3, "INVALID_REQUEST")),
        ("POST", "/api/v1/users/auth", {"content": "{no json"}, (400, 3, "INVALID_REQUEST")),
        ("POST", "/api/v1/users/auth", {"content": b"\xff\xfe"}, (400, 3, "INVALID_REQUEST")),
        ("GET", "/api/v1/faces/ranking", {"headers": {"under_score": "1"}}, (400, 3, "INVALID_REQUEST")),
        ("POST", "/api/v1/users/auth", {"content": bytes(300_000)}, (413, 8, "REQUEST_TOO_LARGE")),
        ("GET", "/api/v1/faces/ranking", {"headers": {"x-long": "x" * 70_000}}, (431, 8, "HEADERS_TOO_LARGE")),
    ],
)
async def test_envoy_errors_have_the_form_of_service_errors(
    method: str,
    path: str,
    options: dict[str, Any],
    expected: tuple[int, int, str],
    mesh: FakeMesh,
    client: httpx.AsyncClient,
) -> None:
    reply = await client.request(method, path, **options)
    *found, text = error_info(reply)
    assert tuple(found) == expected
    assert len(text) > 15
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert mesh.calls == []


async def test_unknown_query_parameter_is_named(client: httpx.AsyncClient) -> None:
    assert "nonsense" in error_info(await client.get("/api/v1/faces/ranking?nonsense=1"))[3]


@pytest.mark.parametrize(
    ("path", "limit_kib"),
    [
        ("/api/v1/users/auth", 256),
        ("/api/v1/emojis", 10240),
        ("/api/v1/emojis/", 10240),
        ("/api/v1/faces/tasks?emoji_id=1", 17408),
        ("/api/v1/faces/tasks/?emoji_id=1", 17408),
    ],
)
async def test_too_large_body_is_refused_before_it_is_sent(path: str, limit_kib: int, gateway: Gateway) -> None:
    status, text = await announce(gateway, path, limit_kib * 1024 + 1)
    assert status == 413
    assert f"at most {limit_kib} KiB" in text


@pytest.mark.parametrize("path", ["/api/v1/users/auth", "/api/v1/emojis", "/api/v1/faces/tasks?emoji_id=1"])
async def test_chunked_body_is_limited(path: str, gateway: Gateway, token: str) -> None:
    """Send a chunked body that exceeds the limit."""
    reader, writer = await asyncio.open_connection(gateway.options.listen.host, gateway.options.listen.port)
    headers = f"host: x\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked"
    writer.write(f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"

    async def send() -> None:
        for _ in range(400):
            writer.write(chunk)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()


async def announce(gateway: Gateway, path: str, length: int) -> tuple[int, str]:
    """Send the headers of a request without its body."""
    reader, writer = await asyncio.open_connection(gateway.options.listen.host, gateway.options.listen.port)
    writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(65536), 10)).decode()
    writer.close()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize(
    ("path", "size", "code"),
    [
        ("/igemoji.auth.v1.AuthService/Nothing", 0, grpc.StatusCode.UNIMPLEMENTED),
        ("/elsewhere.Service/Call", 0, grpc.StatusCode.UNIMPLEMENTED),
        ("/api/v1/users", 0, grpc.StatusCode.UNIMPLEMENTED),
        ("/igemoji.auth.v1.AuthService/GetMe", 0, grpc.StatusCode.UNAUTHENTICATED),
        ("/igemoji.auth.v1.AuthService/Login", 300_000, grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_grpc_clients_get_code_and_message(path: str, size: int, code: grpc.StatusCode, channel: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await channel.unary_unary(path)(bytes(size))
    assert raised.value.code() == code
    details = raised.value.details() or ""
    assert details.endswith(".")
    assert "{" not in details
