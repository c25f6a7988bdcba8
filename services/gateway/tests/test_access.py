"""Access control: every RPC of the contract, by REST and by gRPC, with every kind of token."""

import time
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from igemoji.common.v1 import access_pb2
from igemoji_gateway.config.contract import LEVELS_WITHOUT_TOKEN, access
from igemoji_mesh.auth.tokens import SigningKey
from igemoji_protos import Rpc

from .fake_mesh import INTERNAL, ROUTED, SOME_ID, FakeMesh, Gateway, message, rest_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

Metadata = tuple[tuple[str, str], ...]


class Forge:
    """Creates valid and invalid tokens."""

    def __init__(self, mesh: FakeMesh) -> None:
        self.key = mesh.certificates.signing_key

    def token(self, key: SigningKey | None = None, kid: str | None = None, **claims: Any) -> str:
        key = key or self.key
        now = int(time.time())
        payload = {"iss": "igemoji", "aud": "igemoji", "sub": SOME_ID, "role": "user", "iat": now, "exp": now + 600}
        payload = {name: value for name, value in (payload | claims).items() if value is not None}
        return jwt.encode(payload, key.key, algorithm="EdDSA", headers={"kid": kid or key.kid})

    def unsigned(self) -> str:
        return jwt.encode({"iss": "igemoji", "aud": "igemoji", "sub": SOME_ID, "exp": 2**33}, "", algorithm="none")

    def keyed_with_the_public_key(self) -> str:
        """Return a token that is signed with the public key as an HMAC secret."""
        public = self.key.public.key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        claims = {"iss": "igemoji", "aud": "igemoji", "sub": SOME_ID, "exp": 2**33}
        return jwt.encode(claims, public, algorithm="HS256", headers={"kid": self.key.kid})


@pytest.fixture
def forge(shared_mesh: FakeMesh) -> Forge:
    return Forge(shared_mesh)


BAD: dict[str, Callable[[Forge], str]] = {
    "expired": lambda forge: forge.token(exp=int(time.time()) - 60),
    "signed with another key": lambda forge: forge.token(SigningKey.generate(), kid=forge.key.kid),
    "signed with another key and kid": lambda forge: forge.token(SigningKey.generate()),
    "unsigned": Forge.unsigned,
    "keyed with the public key": Forge.keyed_with_the_public_key,
    "of another issuer": lambda forge: forge.token(iss="https://elsewhere.example"),
    "for another audience": lambda forge: forge.token(aud="elsewhere"),
    "without audience": lambda forge: forge.token(aud=None),
    "without expiry": lambda forge: forge.token(exp=None),
    "not a token": lambda forge: "abc.def.ghi",
}


def expected_status(rpc: Rpc, kind: str) -> int:
    """Return the HTTP status for a token that is `missing`, `bad` or `good`."""
    level = access(rpc).level
    if level in LEVELS_WITHOUT_TOKEN or kind == "good":
        return 200
    if level == access_pb2.LEVEL_OPTIONAL_USER:
        return 200 if kind == "missing" else 401
    return 401


async def by_rest(client: httpx.AsyncClient, rpc: Rpc, headers: dict[str, str]) -> list[int]:
    statuses = []
    for method, path in rest_calls(rpc):
        body = {"content": "{}", "headers": headers} if method in ("POST", "PUT", "PATCH") else {"headers": headers}
        statuses.append((await client.request(method, path, **body)).status_code)
    return statuses


async def by_grpc(channel: Any, rpc: Rpc, metadata: Metadata) -> grpc.StatusCode:
    request = message(rpc.request)().SerializeToString()
    try:
        if rpc.server_streaming:
            async for _ in channel.unary_stream(rpc.path)(request, metadata=metadata):
                pass
        else:
            await channel.unary_unary(rpc.path)(request, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def call_every_rpc(client: httpx.AsyncClient, channel: grpc.aio.Channel, kind: str, token: str | None) -> None:
    """Make every call with one token, and list all wrong answers."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    wrong = []
    for rpc in ROUTED:
        expected = expected_status(rpc, kind)
        statuses = await by_rest(client, rpc, headers)
        code = await by_grpc(channel, rpc, tuple(headers.items()))
        if statuses != [expected] * len(rpc.bindings):
            wrong.append(f"REST {rpc.name}: {statuses}, expected {expected}")
        if code != (grpc.StatusCode.OK if expected == 200 else grpc.StatusCode.UNAUTHENTICATED):
            wrong.append(f"gRPC {rpc.name}: {code}, expected {expected}")
    assert not wrong


async def test_without_a_token(mesh: FakeMesh, client: httpx.AsyncClient, channel: grpc.aio.Channel) -> None:
    await call_every_rpc(client, channel, "missing", None)
    private = [call.rpc.name for call in mesh.calls if expected_status(call.rpc, "missing") == 401]
    assert not private


async def test_with_a_valid_token(
    mesh: FakeMesh, client: httpx.AsyncClient, channel: grpc.aio.Channel, token: str
) -> None:
    await call_every_rpc(client, channel, "good", token)
    assert {call.rpc.path for call in mesh.calls} == {rpc.path for rpc in ROUTED} - {
        "/igemoji.auth.v1.AuthService/Jwks"
    }
    assert all(call.metadata["authorization"] == f"Bearer {token}" for call in mesh.calls)


@pytest.mark.parametrize("kind", BAD)
async def test_with_an_invalid_token(
    kind: str, mesh: FakeMesh, client: httpx.AsyncClient, channel: grpc.aio.Channel, forge: Forge
) -> None:
    await call_every_rpc(client, channel, "bad", BAD[kind](forge))


async def test_forged_tokens_differ_from_valid_ones_only_in_the_defect(client: httpx.AsyncClient, forge: Forge) -> None:
    """Prove that the test above fails for its reason only."""
    headers = {"authorization": f"Bearer {forge.token()}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 200


async def test_token_in_query_is_not_accepted(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.get("/api/v1/users/me", params={"access_token": token})).status_code == 400
    path = f"/igemoji.auth.v1.AuthService/GetMe?access_token={token}"
    reply = await client.post(path, headers={"content-type": "application/grpc-web+proto"}, content=bytes(5))
    assert reply.headers["grpc-status"] == "16"


@pytest.mark.parametrize("rpc", INTERNAL, ids=lambda rpc: rpc.name)
async def test_internal_rpc_is_unreachable(
    rpc: Rpc, mesh: FakeMesh, gateway: Gateway, client: httpx.AsyncClient, channel: grpc.aio.Channel, token: str
) -> None:
    for metadata in ((), (("authorization", f"Bearer {token}"),)):
        assert await by_grpc(channel, rpc, metadata) == grpc.StatusCode.UNIMPLEMENTED
        for path in (rpc.path, rpc.path + "/", rpc.path + "?x=1", "/" + rpc.path, rpc.path.replace("R", "%52")):
            for content_type in ("application/json", "application/grpc", "application/grpc-web+proto"):
                headers = {"content-type": content_type, **dict(metadata)}
                reply = await client.post(gateway.url + path, headers=headers, content=bytes(5))
                assert reply.headers.get("grpc-status") == "12" or reply.status_code == 404, path
    assert mesh.calls == []


SPOOFED = {
    "x-user-id": "someone-else",
    "X-User-Role": "operator",
    "x-user-anything": "1",
    "x-jwt-payload": "e30",
    "x-caller": "auth",
    "x-caller-name": "auth",
    "x-forwarded-client-cert": "By=auth",
    "x-http-code": "404",
    "x-request-id": "chosen-by-the-client",
    "x-envoy-original-path": "/elsewhere",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-retry-on": "5xx",
    "x-igemoji-anything": "1",
}


async def test_identity_headers_of_clients_are_removed(
    mesh: FakeMesh, gateway: Gateway, user: httpx.AsyncClient, channel: grpc.aio.Channel, token: str
) -> None:
    wrong = []
    for rpc in ROUTED:
        await by_rest(user, rpc, SPOOFED)
        metadata = tuple((name.lower(), value) for name, value in SPOOFED.items())
        await by_grpc(channel, rpc, (*metadata, ("authorization", f"Bearer {token}")))
    for call in mesh.calls:
        values = set(SPOOFED.values()) - {"1"}
        wrong += [f"{call.rpc.name}: {name}" for name, value in call.metadata.items() if value in values]
        wrong += [f"{call.rpc.name}: {name}" for name in call.metadata if name.startswith(("x-user-", "x-igemoji-"))]
    assert len(mesh.calls) > len(ROUTED)
    assert not wrong


async def test_request_id_reaches_service_and_client(mesh: FakeMesh, user: httpx.AsyncClient, gateway: Gateway) -> None:
    first = await user.get("/api/v1/users/me", headers={"x-request-id": "mine"})
    second = await user.get("/api/v1/users/me")
    ids = [reply.headers["x-request-id"] for reply in (first, second)]
    assert [call.metadata["x-request-id"] for call in mesh.calls] == ids
    assert len(set(ids)) == 2
    assert all(len(found) == 36 for found in ids)


async def test_cookies_reach_only_rpcs_with_cookie_level(mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    for rpc in ROUTED:
        mesh.calls.clear()
        await by_rest(user, rpc, {"cookie": "igemoji_refresh=secret", "x-requested-with": "fetch"})
        takes_it = access(rpc).level == access_pb2.LEVEL_COOKIE
        for call in mesh.calls:
            assert call.metadata.get("cookie") == ("igemoji_refresh=secret" if takes_it else None), rpc.path
            assert call.metadata.get("x-requested-with") == "fetch"
            assert call.metadata["x-forwarded-proto"] == "http"
    assert any(access(rpc).level == access_pb2.LEVEL_COOKIE for rpc in ROUTED)


async def test_client_cannot_spoof_scheme_and_address(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    lies = {
        "x-forwarded-proto": "https",
        "x-envoy-external-address": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9",
    }
    await client.get("/api/v1/users", params={"case": "alias", "value": "x"}, headers=lies)
    (call,) = mesh.calls
    assert call.metadata["x-forwarded-proto"] == "http"
    assert call.metadata["x-envoy-external-address"] == "127.0.0.1"
