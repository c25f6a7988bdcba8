"""More than a service can answer: what could only wait is refused at once, and says when to come again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio

from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_gateway.filters import READS_AT_ONCE, READS_AT_ONCE_AT_MOST

from .conftest import knows_keys
from .fake_mesh import SOME_ID, FakeMesh, Gateway, error_info, eventually, message
from .test_upstreams import GET_RANKING, RANKING, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = f"/api/v1/faces/tasks/{SOME_ID}/events"
WATCH = "/igemoji.inference.v1.InferenceService/WatchTask"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow(
    envoy: Path, shared_mesh: FakeMesh, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway that asks a service two things at a time, and one stream."""
    options = {"calls_at_once": 2, "streams_at_once": 1}
    async with running(shared_mesh, tmp_path_factory.mktemp("narrow"), **options) as gateway:
        await knows_keys(gateway, shared_mesh)
        yield gateway


@contextlib.asynccontextmanager
async def occupied(mesh: FakeMesh, client: httpx.AsyncClient) -> AsyncIterator[None]:
    """The ranking answers two calls that take until the end of the block."""
    done = asyncio.Event()

    async def slow(_request: Any, _context: Any) -> Any:
        await done.wait()
        return message("igemoji.ranking.v1.GetRankingResponse")()

    async def both_are_there() -> bool:
        return len(mesh.calls) == 2

    mesh.answers[GET_RANKING] = slow
    calls = [asyncio.create_task(client.get(RANKING)) for _ in range(2)]
    try:
        assert await eventually(both_are_there)
        yield
    finally:
        done.set()
        answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers] == [200, 200], "what was let in is answered"


async def test_what_a_service_has_no_room_for_is_refused_at_once_and_told_when_to_come_again(
    mesh: FakeMesh, narrow: Gateway
) -> None:
    async with narrow.client() as client:
        async with occupied(mesh, client):
            refused = await client.get(RANKING)
            assert error_info(refused)[:3] == (503, 14, "OVERLOADED")
            assert refused.headers["retry-after"] == "1"
            assert len(mesh.calls) == 2, "it was not asked, nor asked again"
            other = await client.get(f"/api/v1/emojis/{SOME_ID}")
            assert other.status_code == 200, "each service has room of its own"
        assert (await client.get(RANKING)).status_code == 200


async def test_who_speaks_grpc_is_told_the_same(mesh: FakeMesh, narrow: Gateway) -> None:
    async with narrow.client() as client, occupied(mesh, client):
        async with grpc.aio.insecure_channel(narrow.target) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest())
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "Try again" in (raised.value.details() or "")


async def test_watchers_take_no_room_from_calls_and_have_their_own_limit(
    mesh: FakeMesh, narrow: Gateway, token: str
) -> None:
    done = asyncio.Event()

    async def steps(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield message("igemoji.inference.v1.WatchTaskResponse")(sequence=1)
        await done.wait()

    mesh.answers[WATCH] = steps
    async with narrow.client(headers={"authorization": f"Bearer {token}"}) as client:
        async with client.stream("GET", EVENTS) as watching:
            lines = watching.aiter_lines()
            assert (await anext(lines)).startswith("data: ")
            refused = await client.get(EVENTS)
            assert (error_info(refused)[2], refused.headers["retry-after"]) == ("OVERLOADED", "1")
            assert (await client.get(f"/api/v1/faces/tasks/{SOME_ID}")).status_code == 200
            done.set()
            assert [line async for line in lines if line] == []
        assert (await client.get(EVENTS)).status_code == 200


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eager(envoy: Path, shared_mesh: FakeMesh, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that wants half of the reads answered within 0.1 s."""
    async with running(shared_mesh, tmp_path_factory.mktemp("eager"), read_target_seconds=0.1) as gateway:
        await knows_keys(gateway, shared_mesh)
        yield gateway


def takes(seconds: float, answer: str) -> Any:
    async def slow(_request: Any, _context: Any) -> Any:
        await asyncio.sleep(seconds)
        return message(answer)()

    return slow


async def statuses(client: httpx.AsyncClient, path: str, many: int) -> list[int]:
    """Of so many that ask at the same time."""
    return [answer.status_code for answer in await asyncio.gather(*(client.get(path) for _ in range(many)))]


async def asked_for_long(client: httpx.AsyncClient, path: str) -> list[int]:
    """The limit settles."""
    for _ in range(8):
        found = await statuses(client, path, READS_AT_ONCE_AT_MOST)
    return found


async def test_where_reads_take_long_fewer_are_let_in_and_the_others_are_told_when_to_come_again(
    mesh: FakeMesh, eager: Gateway, token: str
) -> None:
    async with eager.client(headers={"authorization": f"Bearer {token}"}) as client:
        mesh.answers[GET_RANKING] = takes(0.4, "igemoji.ranking.v1.GetRankingResponse")
        settled = await asked_for_long(client, RANKING)
        assert READS_AT_ONCE <= settled.count(200) < 2 * READS_AT_ONCE
        assert settled.count(200) + settled.count(503) == len(settled)

        *_, refused = await asyncio.gather(*(client.get(RANKING) for _ in range(3 * READS_AT_ONCE)))
        assert error_info(refused)[:3] == (503, 14, "OVERLOADED")
        assert refused.headers["retry-after"] == "1"
        async with grpc.aio.insecure_channel(eager.target) as channel:
            stub = ranking_pb2_grpc.RankingServiceStub(channel)
            calls = [stub.GetRanking(ranking_pb2.GetRankingRequest()) for _ in range(3 * READS_AT_ONCE)]
            codes = [await call.code() for call in calls]
        assert {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE} == set(codes), "who speaks gRPC is counted too"

        assert await statuses(client, f"/api/v1/emojis/{SOME_ID}", READS_AT_ONCE) == [200] * READS_AT_ONCE
        others = await statuses(client, f"/api/v1/faces/tasks/{SOME_ID}", READS_AT_ONCE_AT_MOST)
        assert set(others) == {200}, "a service has a limit of its own, or none"


async def test_when_reads_are_soon_answered_again_a_page_of_pictures_is_let_in_at_once(
    mesh: FakeMesh, eager: Gateway
) -> None:
    async with eager.client() as client:
        mesh.answers[GET_RANKING] = takes(0.4, "igemoji.ranking.v1.GetRankingResponse")
        await asked_for_long(client, RANKING)
        del mesh.answers[GET_RANKING]
        for _ in range(12):
            assert await statuses(client, RANKING, 2) == [200, 200], "a few always are"
            await asyncio.sleep(0.1)
        assert await statuses(client, RANKING, 56) == [200] * 56


async def test_a_service_that_is_not_there_says_when_to_come_again(
    envoy: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = FakeMesh.create(tmp_path_factory.mktemp("alone"))
    async with running(alone, tmp_path) as gateway, gateway.client() as client:
        answer = await client.get(RANKING)
        assert (error_info(answer)[2], answer.headers["retry-after"]) == ("SERVICE_UNAVAILABLE", "2")
