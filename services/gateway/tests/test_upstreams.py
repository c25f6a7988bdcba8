"""Services that start late, have the wrong certificate, fail or are slow; rate limits."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio

from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_gateway.config.bootstrap import write
from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.binary import envoy_command
from igemoji_mesh.testing.mesh import free_port

from .conftest import knows_keys
from .fake_mesh import SERVICES, SOME_ID, FakeMesh, Gateway, error_info, eventually, message, start_gateway
from .test_errors import fails

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET_RANKING = "/igemoji.ranking.v1.RankingService/GetRanking"
RANKING = "/api/v1/faces/ranking"
EMOJI = f"/api/v1/emojis/{SOME_ID}"
SHORT_TIMEOUT_SECONDS = 0.4


@contextlib.asynccontextmanager
async def running(mesh: FakeMesh, folder: Path, **options: Any) -> AsyncIterator[Gateway]:
    change = options.pop("change", lambda text: text)
    gateway = await start_gateway(mesh.options(**options), folder, change=change)
    try:
        yield gateway
    finally:
        await gateway.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def bare_mesh(tmp_path: Path) -> AsyncIterator[FakeMesh]:
    """Yield a separate mesh in which nothing runs yet."""
    mesh = FakeMesh.create(tmp_path)
    yield mesh
    await mesh.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(
    envoy: Path, shared_mesh: FakeMesh, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """Gateway with the real rate limits, behind one proxy, with short timeouts."""

    def shorten_timeouts(text: str) -> str:
        return re.sub(r"timeout: 1[56]s", f"timeout: {SHORT_TIMEOUT_SECONDS}s", text)

    folder = tmp_path_factory.mktemp("strict")
    async with running(shared_mesh, folder, rate_factor=1, trusted_proxies=1, change=shorten_timeouts) as gateway:
        await knows_keys(gateway, shared_mesh)
        yield gateway


async def test_tokens_are_checked_soon_after_auth_starts(envoy: Path, bare_mesh: FakeMesh, tmp_path: Path) -> None:
    async with running(bare_mesh, tmp_path) as gateway:
        headers = {"authorization": f"Bearer {bare_mesh.certificates.token()}"}
        async with gateway.client(headers=headers) as client:
            # A missing service must not log users out.
            assert error_info(await client.get("/api/v1/users/me"))[:3] == (503, 14, "TOKEN_KEYS_UNAVAILABLE")
            await asyncio.sleep(1)
            await bare_mesh.start("auth")

            async def passes() -> bool:
                return (await client.get("/api/v1/users/me")).status_code == 200

            assert await eventually(passes, seconds=1.5)


async def test_cached_jwks_outlives_auth(envoy: Path, bare_mesh: FakeMesh, tmp_path: Path) -> None:
    for service in ("auth", "inference"):
        await bare_mesh.start(service)
    async with running(bare_mesh, tmp_path) as gateway:
        await knows_keys(gateway, bare_mesh)
        await bare_mesh.stop("auth")
        headers = {"authorization": f"Bearer {bare_mesh.certificates.token()}"}
        async with gateway.client(headers=headers) as client:
            assert (await client.get(f"/api/v1/faces/tasks/{SOME_ID}")).status_code == 200
            assert error_info(await client.get("/api/v1/users/me"))[:3] == (503, 14, "SERVICE_UNAVAILABLE")


async def test_service_with_another_services_certificate_is_refused(
    envoy: Path, bare_mesh: FakeMesh, tmp_path: Path
) -> None:
    await bare_mesh.start("ranking", certificate="emoji-catalog")
    async with running(bare_mesh, tmp_path) as gateway, gateway.client() as client:
        *found, text = error_info(await client.get(RANKING))
        assert tuple(found) == (503, 14, "SERVICE_UNAVAILABLE")
        assert "certificate" not in text.lower()
        assert bare_mesh.calls == []
        assert "CERTIFICATE_VERIFY_FAILED" in await statistics(gateway) + await log_of(gateway)

        await bare_mesh.stop("ranking")
        await bare_mesh.start("ranking")

        async def passes() -> bool:
            return (await client.get(RANKING)).status_code == 200

        assert await eventually(passes, seconds=3)


async def test_service_of_another_authority_is_refused(
    envoy: Path, bare_mesh: FakeMesh, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    impostor = FakeMesh.create(tmp_path_factory.mktemp("impostor"))
    impostor.ports = bare_mesh.ports
    await impostor.start("ranking")
    async with running(bare_mesh, tmp_path) as gateway, gateway.client() as client:
        assert (await client.get(RANKING)).status_code == 503
    assert impostor.calls == []
    await impostor.stop()


async def test_service_that_does_not_run_is_unavailable(envoy: Path, bare_mesh: FakeMesh, tmp_path: Path) -> None:
    async with running(bare_mesh, tmp_path) as gateway:
        async with gateway.client() as client:
            assert error_info(await client.get(RANKING))[:3] == (503, 14, "SERVICE_UNAVAILABLE")
            assert (await client.get("/healthz")).status_code == 200
        async with grpc.aio.insecure_channel(gateway.target) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest())
            assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_reads_are_retried(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    unavailable = fails(14, "RESTARTING")

    async def second_time(request: Any, context: Any) -> Any:
        if len(mesh.calls) == 1:
            await unavailable(request, context)
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = second_time
    assert (await client.get(RANKING)).status_code == 200
    assert len(mesh.calls) == 2


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/users/auth"), ("DELETE", EMOJI)])
async def test_writes_are_not_retried(method: str, path: str, mesh: FakeMesh, user: httpx.AsyncClient) -> None:
    for name in ("auth.v1.AuthService/Login", "emoji_catalog.v1.EmojiCatalogService/DeleteEmoji"):
        mesh.answers[f"/igemoji.{name}"] = fails(14, "RESTARTING")
    assert (await user.request(method, path)).status_code == 503
    assert len(mesh.calls) == 1


async def test_slow_service_is_deadline_exceeded(mesh: FakeMesh, strict: Gateway) -> None:
    cancelled = asyncio.Event()

    async def never(_request: Any, _context: Any) -> Any:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    mesh.answers[GET_RANKING] = never
    async with strict.client() as client:
        assert error_info(await client.get(RANKING))[:3] == (504, 4, "DEADLINE_EXCEEDED")
    await asyncio.wait_for(cancelled.wait(), 2)


async def test_streams_have_no_timeout(mesh: FakeMesh, strict: Gateway, token: str) -> None:
    async def steps(_request: Any, _context: Any) -> AsyncIterator[Any]:
        for number in range(3):
            yield message("igemoji.inference.v1.WatchTaskResponse")(sequence=number)
            await asyncio.sleep(SHORT_TIMEOUT_SECONDS)

    mesh.answers["/igemoji.inference.v1.InferenceService/WatchTask"] = steps
    headers = {"authorization": f"Bearer {token}"}
    async with strict.client(headers=headers) as client:
        events = (await client.get(f"/api/v1/faces/tasks/{SOME_ID}/events")).text
    assert events.count("data: ") == 3


LOGINS_PER_MINUTE = 30


def from_address(gateway: Gateway, address: str) -> httpx.AsyncClient:
    return gateway.client(headers={"x-forwarded-for": address})


class Logins:
    """Counts accepted logins against the rate limit, which is refilled while the test runs."""

    def __init__(self, *, full: bool) -> None:
        self._tokens = LOGINS_PER_MINUTE if full else 0
        self._started = time.monotonic()
        self.accepted = 0

    def accept(self, accepted: bool) -> bool:
        """Count a call; fail if the rate limit should have refused it. Return whether it was accepted."""
        self.accepted += accepted
        refilled = (time.monotonic() - self._started) * LOGINS_PER_MINUTE / 60
        assert self.accepted <= self._tokens + refilled + 1
        return accepted


async def logged_in(client: httpx.AsyncClient) -> bool:
    reply = await client.post("/api/v1/users/auth", json={})
    assert reply.status_code in (200, 429)
    return reply.status_code == 200


async def test_calls_are_limited_by_address(mesh: FakeMesh, strict: Gateway) -> None:
    logins = Logins(full=True)
    async with from_address(strict, "203.0.113.1") as client:
        while logins.accept((limited := await client.post("/api/v1/users/auth", json={})).status_code == 200):
            pass
        assert logins.accepted >= LOGINS_PER_MINUTE
        *found, text = error_info(limited)
        assert tuple(found) == (429, 8, "RATE_LIMITED")
        assert "Retry-After" in text
        assert limited.headers["retry-after"] == "2"
        assert not [name for name in limited.headers if name.startswith("x-envoy")]
        assert (await client.get(RANKING)).status_code == 200, "every RPC has its own limit"
    # With Envoy's default of 20 tracked addresses, these would reset the limit of the first.
    logins = Logins(full=False)
    for number in range(2, 40):
        async with from_address(strict, f"203.0.113.{number}") as client:
            assert await logged_in(client)
    async with from_address(strict, "203.0.113.1") as client:
        while logins.accept(await logged_in(client)):
            pass


async def test_ipv6_network_shares_one_rate_limit(mesh: FakeMesh, strict: Gateway) -> None:
    logins = Logins(full=True)
    accepted = True
    while accepted:
        async with from_address(strict, f"2001:db8:1:2::{logins.accepted:x}") as client:
            accepted = logins.accept(await logged_in(client))
    assert logins.accepted >= LOGINS_PER_MINUTE
    async with from_address(strict, "2001:db8:1:3::1") as client:
        assert await logged_in(client)


async def test_rest_and_grpc_share_a_rate_limit(mesh: FakeMesh, strict: Gateway) -> None:
    path = "/igemoji.auth.v1.AuthService/Login"
    address = "203.0.113.200"
    logins = Logins(full=True)
    async with from_address(strict, address) as client, grpc.aio.insecure_channel(strict.target) as channel:
        for _ in range(LOGINS_PER_MINUTE):
            assert logins.accept(await logged_in(client))
        login: Any = channel.unary_unary(path)
        code = grpc.StatusCode.OK
        while code == grpc.StatusCode.OK:
            code = await login(b"", metadata=(("x-forwarded-for", address),)).code()
            logins.accept(code == grpc.StatusCode.OK)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_spoofed_client_address_is_ignored(mesh: FakeMesh, gateway: Gateway) -> None:
    """Without a proxy in front, X-Forwarded-For is not trusted; the services get the true address."""
    async with gateway.client() as client:
        await client.get(RANKING)
        await client.get(RANKING, headers={"x-forwarded-for": "203.0.113.9"})
    for call in mesh.calls:
        assert call.metadata["x-envoy-external-address"] == "127.0.0.1"
        assert "x-envoy-internal" not in call.metadata


async def test_address_before_a_trusted_proxy_is_used(mesh: FakeMesh, strict: Gateway) -> None:
    async with from_address(strict, "198.51.100.1, 203.0.113.9") as client:
        await client.get(RANKING)
    assert mesh.calls[0].metadata["x-envoy-external-address"] == "203.0.113.9"


async def test_web_client_replaces_the_landing_page(envoy: Path, shared_mesh: FakeMesh, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = f"web client: {request.split()[1]}".encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nx-frame-options: SAMEORIGIN\r\nconnection: close"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    port, metrics = free_port(), free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    options = {"web": Address("127.0.0.1", port), "metrics": Address("127.0.0.1", metrics)}
    async with server, running(shared_mesh, tmp_path, **options) as gateway, gateway.client() as client:
        for path in ("/", "/assets/app.js", "/some/page"):
            reply = await client.get(path)
            assert reply.text == f"web client: {path}"
            assert reply.headers["x-frame-options"] == "SAMEORIGIN"
            assert reply.headers["x-content-type-options"] == "nosniff"
        assert (await client.get(RANKING)).json() == {"entries": []}
        assert error_info(await client.get("/api/v1/nowhere"))[2] == "NO_SUCH_CALL"
        assert (await client.post("/igemoji.ranking.v1.RankingService/RecordUse", json={})).status_code == 404

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{metrics}") as scraper:
            assert "envoy_" in (await scraper.get("/stats/prometheus")).text
            assert (await scraper.get("/ready")).status_code == 200
            for secret in ("/", "/config_dump", "/certs", "/stats"):
                assert (await scraper.get(secret)).status_code == 404
            assert (await scraper.post("/quitquitquit")).status_code == 404


async def test_gateway_presents_its_certificate(mesh: FakeMesh, client: httpx.AsyncClient) -> None:
    """Let a service record the names in the client certificate."""
    names: list[str] = []

    def whose(_request: Any, context: Any) -> Any:
        names.extend(name.decode() for name in context.auth_context()["x509_subject_alternative_name"])
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = whose
    assert (await client.get(RANKING)).status_code == 200
    assert "gateway.igemoji.internal" in names


async def test_health_checks_find_stopped_services(envoy: Path, bare_mesh: FakeMesh, tmp_path: Path) -> None:
    for service in SERVICES:
        await bare_mesh.start(service)
    async with running(bare_mesh, tmp_path) as gateway:

        async def healthy(service: str, count: int) -> bool:
            return f"cluster.{service}.membership_healthy: {count}" in await statistics(gateway)

        for service in SERVICES:
            assert await eventually(lambda service=service: healthy(service, 1), seconds=3)  # type: ignore[misc]
        await bare_mesh.stop("ranking")
        assert await eventually(lambda: healthy("ranking", 0), seconds=6)


async def statistics(gateway: Gateway) -> str:
    async with httpx.AsyncClient(base_url=gateway.admin) as admin:
        return (await admin.get("/stats")).text


async def log_of(gateway: Gateway) -> str:
    """Wait for the last request in the access log, and return the log."""

    async def has_lines() -> bool:
        return any(json.loads(line)["path"] == RANKING for line in gateway.log.read_text().splitlines())

    assert await eventually(has_lines)
    return gateway.log.read_text()


async def test_upstreams_can_be_dns_names(envoy: Path, bare_mesh: FakeMesh, tmp_path: Path) -> None:
    await bare_mesh.start("ranking")
    names = {service: Address("localhost", port) for service, port in bare_mesh.ports.items()}
    async with running(bare_mesh, tmp_path, upstreams=names, resolve=True) as gateway, gateway.client() as client:

        async def passes() -> bool:
            return (await client.get(RANKING)).status_code == 200

        assert await eventually(passes, seconds=3)


async def test_second_envoy_on_one_port_does_not_start(gateway: Gateway, shared_mesh: FakeMesh, tmp_path: Path) -> None:
    options = shared_mesh.options(listen=gateway.options.listen)
    write(options, tmp_path / "envoy.yaml")
    command = envoy_command(tmp_path / "envoy.yaml", concurrency=1)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        _, errors = await asyncio.wait_for(process.communicate(), 10)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode != 0
    assert b"Address already in use" in errors
