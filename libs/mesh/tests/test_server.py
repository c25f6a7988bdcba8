"""Server over mutual TLS: access, errors, drain."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import structlog
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_mesh.auth.ca import CertificateAuthority
from igemoji_mesh.errors import NotFound, StartError
from igemoji_mesh.ids import new_id
from igemoji_mesh.interceptors.access import policies_for
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings, load_settings
from igemoji_mesh.testing.mesh import TestMesh, error_reason, free_port, running, violated_fields
from igemoji_protos import rpcs

SERVICE = "igemoji.ranking.v1.RankingService"


class ThingMissing(NotFound):
    pass


class Ranking(ranking_pb2_grpc.RankingServiceServicer):
    async def GetRanking(self, request, context):
        if request.window == "day":
            raise ThingMissing("The thing does not exist.")
        if request.window == "month":
            raise RuntimeError("secret detail")
        if request.window == "all":
            await asyncio.sleep(30)
        return ranking_pb2.GetRankingResponse()

    async def RecordUse(self, request, context):
        return Empty()

    ForgetEmoji = SetEmojiShown = DeleteUserData = RecordUse


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
async def server(mesh: TestMesh) -> AsyncIterator[MeshServer]:
    async def compose(settings: ServiceSettings) -> MeshServer:
        add = lambda server: ranking_pb2_grpc.add_RankingServiceServicer_to_server(Ranking(), server)  # noqa: E731
        return MeshServer("ranking", settings, {SERVICE: add}, mesh.verifier, {})

    settings = mesh.settings(ServiceSettings, "ranking", rpc_deadline_seconds=1)
    async with running(compose, settings) as running_server:
        yield running_server


@pytest.fixture
def use() -> ranking_pb2.RecordUseRequest:
    return ranking_pb2.RecordUseRequest(
        task_id=new_id(), emoji_id=new_id(), user_id=new_id(), used_at=Timestamp(seconds=1)
    )


def stub(mesh: TestMesh, server: MeshServer, caller: str = "gateway"):
    return ranking_pb2_grpc.RankingServiceStub(mesh.channel(server.port, "ranking", caller=caller))


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_internal_rpc_admits_only_callers_of_the_contract(mesh, server, use):
    await stub(mesh, server, "inference").RecordUse(use)
    for caller in ("gateway", "auth", "stranger"):
        error = await refusal(stub(mesh, server, caller).RecordUse(use))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED")


async def test_headers_up_to_the_gateways_limit_are_accepted(mesh, server):
    """By default, gRPC refuses some headers above 8 KiB and all above 16; the gateway accepts 32."""
    ranking = stub(mesh, server)
    for _ in range(20):
        await ranking.GetRanking(ranking_pb2.GetRankingRequest(), metadata=[("x-large", "x" * 40_000)])


async def test_certificate_of_another_authority_is_refused(mesh, server, tmp_path):
    foreign = TestMesh(tmp_path)
    (tmp_path / "ca.crt").write_bytes((mesh.folder / "ca.crt").read_bytes())
    channel = foreign.channel(server.port, "ranking")
    error = await refusal(ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest()))
    assert error.code() == grpc.StatusCode.UNAVAILABLE


async def test_client_refuses_server_with_another_name(mesh, server):
    channel = mesh.channel(server.port, "auth")
    error = await refusal(ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest()))
    assert error.code() == grpc.StatusCode.UNAVAILABLE


async def test_plaintext_client_is_refused(server):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        error = await refusal(ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest()))
    assert error.code() == grpc.StatusCode.UNAVAILABLE


async def test_domain_error_has_its_reason(mesh, server):
    error = await refusal(stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest(window="day")))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "THING_MISSING")


async def test_unexpected_error_has_no_details(mesh, server):
    error = await refusal(stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest(window="month")))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL_ERROR")
    assert "secret" not in str(error)


async def test_invalid_request_names_the_field(mesh, server):
    error = await refusal(stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest(limit=101)))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert violated_fields(error) == ["limit"]


@pytest.mark.parametrize("data", [b"\x0a\x01\xff", b"\x0a\x7f", b"\xff" * 30])
async def test_undecodable_request_is_invalid_argument_without_internals(mesh, server, data):
    """Text that is not UTF-8, a truncated field, noise."""
    call = mesh.channel(server.port, "ranking").unary_unary(f"/{SERVICE}/GetRanking")(data)
    error = await refusal(call)
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert "protobuf" not in (error.details() or "")


async def test_call_without_deadline_gets_the_default(mesh, server):
    call = stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest(window="all"))
    error = await refusal(call)
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_call_is_logged_with_request_id_and_status(mesh, server):
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        request = ranking_pb2.GetRankingRequest(window="day")
        await refusal(stub(mesh, server).GetRanking(request, metadata=(("x-request-id", "abc"),)))
        async with asyncio.timeout(10):
            while not any(line["event"] == "rpc" for line in lines):  # it is logged after the answer was sent
                await asyncio.sleep(0.01)
    (line,) = [line for line in lines if line["event"] == "rpc"]
    assert (line["request_id"], line["code"], line["method"]) == ("abc", "NOT_FOUND", f"/{SERVICE}/GetRanking")


async def test_health_reports_a_missing_dependency(mesh):
    settings = mesh.settings(ServiceSettings, "ranking")

    async def broken() -> None:
        raise ConnectionError

    async def compose(settings: ServiceSettings) -> MeshServer:
        add = lambda server: ranking_pb2_grpc.add_RankingServiceServicer_to_server(Ranking(), server)  # noqa: E731
        return MeshServer("ranking", settings, {SERVICE: add}, mesh.verifier, {"database": broken})

    async with (
        running(compose, settings) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.health_port}") as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        ready = await health.Check(health_pb2.HealthCheckRequest())
        live = await health.Check(health_pb2.HealthCheckRequest(service="live"))
    assert ready.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert live.status == health_pb2.HealthCheckResponse.SERVING


def served(mesh: TestMesh, servicer: Ranking) -> MeshServer:
    add = lambda server: ranking_pb2_grpc.add_RankingServiceServicer_to_server(servicer, server)  # noqa: E731
    return MeshServer("ranking", mesh.settings(ServiceSettings, "ranking"), {SERVICE: add}, mesh.verifier, {})


async def test_drain_finishes_calls_in_flight_and_refuses_new_ones(mesh, use, monkeypatch):
    monkeypatch.setattr("igemoji_mesh.server.QUIET_SECONDS", 2.0)  # calls arrive late on a busy machine
    monkeypatch.setattr("igemoji_mesh.server.REFUSE_SECONDS", 30.0)
    is_in_flight, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Ranking):
        async def GetRanking(self, request, context):
            is_in_flight.set()
            await may_end.wait()
            return ranking_pb2.GetRankingResponse()

    server = served(mesh, Slow())
    await server.start()
    inference = stub(mesh, server, caller="inference")
    await inference.RecordUse(use)
    call = asyncio.ensure_future(stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest()))
    await is_in_flight.wait()
    stopping = asyncio.create_task(server.stop())
    while not server._drain._draining:
        await asyncio.sleep(0)
    error = await refusal(inference.RecordUse(use))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING")
    may_end.set()
    assert await call == ranking_pb2.GetRankingResponse()
    await stopping


async def test_stopping_upstream_is_a_transient_error(mesh):
    class Calling(Ranking):
        async def GetRanking(self, request, context):
            raise grpc.aio.AioRpcError(grpc.StatusCode.CANCELLED, grpc.aio.Metadata(), grpc.aio.Metadata())

    server = served(mesh, Calling())
    await server.start()
    error = await refusal(stub(mesh, server).GetRanking(ranking_pb2.GetRankingRequest()))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")
    await server.stop()


def test_start_fails_without_access_level():
    with pytest.raises(StartError, match="no access level"):
        policies_for([SERVICE], [replace(rpc, access=None) for rpc in rpcs()])


def test_start_fails_for_an_rpc_that_streams_requests():
    with pytest.raises(StartError, match="streams requests"):
        policies_for([SERVICE], [replace(rpc, client_streaming=True) for rpc in rpcs()])


def test_start_fails_without_certificates(mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TLS_CERT", raising=False)
    with pytest.raises(StartError, match="TLS_CERT"):
        load_settings(ServiceSettings)
    settings = mesh.settings(ServiceSettings, "ranking", tls_key=tmp_path / "none.key")
    with pytest.raises(StartError, match=r"none\.key"):
        MeshServer("ranking", settings, {}, mesh.verifier, {})


async def test_port_in_use_is_a_start_error(mesh, server):
    settings = mesh.settings(ServiceSettings, "ranking", listen=f"127.0.0.1:{server.port}")
    second = MeshServer("ranking", settings, {}, mesh.verifier, {})
    with pytest.raises(StartError, match="in use"):
        await second.start()


def test_private_keys_are_readable_by_owner_only(tmp_path: Path):
    CertificateAuthority.create(days=1).save(tmp_path)
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
    assert free_port()
