"""Admission control: bursts are queued, sustained load is shed."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_mesh.ids import new_id
from igemoji_mesh.interceptors.admission import INTERNAL_FACTOR, MAX_QUEUED, CoDelLimiter, Overloaded
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, error_reason, running

SERVICE = "igemoji.ranking.v1.RankingService"
GET = ranking_pb2.GetRankingRequest()
MAX_CALLS = 2


class Slow(ranking_pb2_grpc.RankingServiceServicer):
    """Answers once `may_answer` is set."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.may_answer = asyncio.Event()

    async def GetRanking(self, request, context):
        self.in_flight += 1
        try:
            await self.may_answer.wait()
        finally:
            self.in_flight -= 1
        return ranking_pb2.GetRankingResponse()

    async def RecordUse(self, request, context):
        return Empty()

    ForgetEmoji = SetEmojiShown = DeleteUserData = RecordUse


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> TestMesh:
    return TestMesh(tmp_path_factory.mktemp("mesh"))


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def server(mesh: TestMesh, slow: Slow) -> AsyncIterator[MeshServer]:
    async def compose(settings: ServiceSettings) -> MeshServer:
        add = lambda server: ranking_pb2_grpc.add_RankingServiceServicer_to_server(slow, server)  # noqa: E731
        return MeshServer("ranking", settings, {SERVICE: add}, mesh.verifier, {})

    settings = mesh.settings(ServiceSettings, "ranking", max_calls=MAX_CALLS)
    async with running(compose, settings) as running_server:
        yield running_server


def stub(mesh: TestMesh, server: MeshServer, caller: str):
    return ranking_pb2_grpc.RankingServiceStub(mesh.channel(server.port, "ranking", caller=caller))


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def occupy(ranking, slow: Slow, calls: int) -> list[asyncio.Future[ranking_pb2.GetRankingResponse]]:
    """Start calls, and wait until they are in flight."""
    before = slow.in_flight
    found = [asyncio.ensure_future(ranking.GetRanking(GET)) for _ in range(calls)]
    async with asyncio.timeout(30):
        while slow.in_flight < before + calls:
            await asyncio.sleep(0.01)
    return found


async def test_burst_of_a_page_is_answered(mesh, server, slow):
    """A page loads sixty pictures and ten lists at once, browsers don't retry, and the limit is two calls."""
    slow.may_answer.set()
    gateway = stub(mesh, server, "gateway")
    answers = await asyncio.gather(*(gateway.GetRanking(GET) for _ in range(70)))
    assert answers == [ranking_pb2.GetRankingResponse()] * 70


async def test_excess_calls_are_refused_and_admitted_ones_finish(mesh, server, slow):
    gateway = stub(mesh, server, "gateway")
    running_calls = await occupy(gateway, slow, MAX_CALLS)
    error = await refusal(gateway.GetRanking(GET))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert dict(error.trailing_metadata())["retry-after"] == "1"
    slow.may_answer.set()
    assert await asyncio.gather(*running_calls) == [ranking_pb2.GetRankingResponse()] * MAX_CALLS
    assert await gateway.GetRanking(GET) == ranking_pb2.GetRankingResponse(), "the slots are free again"


async def test_calls_of_other_services_have_a_limit_of_their_own(mesh, server, slow):
    running_calls = await occupy(stub(mesh, server, "gateway"), slow, MAX_CALLS)
    inference = stub(mesh, server, "inference")
    use = ranking_pb2.RecordUseRequest(
        task_id=new_id(), emoji_id=new_id(), user_id=new_id(), used_at=Timestamp(seconds=1)
    )
    await inference.RecordUse(use)
    running_calls += await occupy(inference, slow, MAX_CALLS * INTERNAL_FACTOR)
    assert error_reason(await refusal(inference.RecordUse(use))) == "OVERLOADED", "their limit holds too"
    slow.may_answer.set()
    await asyncio.gather(*running_calls)


async def test_canceled_call_frees_its_slot(mesh, server, slow):
    gateway = stub(mesh, server, "gateway")
    for call in await occupy(gateway, slow, MAX_CALLS):
        call.cancel()
    slow.may_answer.set()
    assert await gateway.GetRanking(GET) == ranking_pb2.GetRankingResponse()


async def test_queue_that_does_not_drain_sheds_load():
    limiter = CoDelLimiter(1, burst_seconds=60, overloaded_seconds=0, interval_seconds=0.01)
    await limiter.acquire()
    first = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.05)  # longer than the interval
    with pytest.raises(Overloaded):
        await limiter.acquire()
    limiter.release()
    await first  # queued in the burst, admitted
    limiter.release()
    await limiter.acquire()
    second = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    limiter.release()
    await second  # after the queue was empty, bursts wait again


async def test_queue_is_bounded_and_survives_cancellations():
    limiter = CoDelLimiter(1, burst_seconds=60)
    await limiter.acquire()
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(MAX_QUEUED)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await limiter.acquire()
    for call in waiting[:-1]:
        call.cancel()
    await asyncio.gather(*waiting[:-1], return_exceptions=True)
    limiter.release()
    await waiting[-1]


async def test_slot_of_a_call_canceled_while_admitted_goes_to_the_next():
    limiter = CoDelLimiter(1, burst_seconds=60)
    await limiter.acquire()
    first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    limiter.release()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await second
