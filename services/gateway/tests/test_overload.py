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
from igemoji_gateway import Crowds
from igemoji_gateway.runtime.adaptive_breaker import CALM_SECONDS, FEW, LOOK_SECONDS, MANY

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


@contextlib.asynccontextmanager
async def looked_after(gateway: Gateway) -> AsyncIterator[list[str]]:
    """Somebody looks after crowds; what they say."""
    said: list[str] = []
    looking = asyncio.create_task(Crowds(gateway.options.admin, 1, said.append).watch())
    try:
        yield said
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def statuses(client: httpx.AsyncClient, path: str, many: int) -> list[int]:
    """Of so many that ask at the same time."""
    return [answer.status_code for answer in await asyncio.gather(*(client.get(path) for _ in range(many)))]


async def test_where_a_crowd_stands_few_are_let_in_until_it_has_gone(mesh: FakeMesh, gateway: Gateway) -> None:
    free = asyncio.Semaphore(2)

    async def slow(_request: Any, _context: Any) -> Any:
        async with free:
            await asyncio.sleep(0.05)
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = slow
    async with gateway.client() as client, looked_after(gateway) as said:
        many = 2 * MANY
        crowd = [asyncio.create_task(keep_asking(client)) for _ in range(many)]

        async def is_narrow() -> bool:
            return bool(said)

        assert await eventually(is_narrow)
        await asyncio.sleep(2 * CALM_SECONDS)
        assert len(said) == 1, "as long as the crowd stands"
        at_once = await statuses(client, RANKING, many)
        assert 0 < at_once.count(503) < many, "some are refused, and somebody is always let in"
        assert await statuses(client, f"/api/v1/emojis/{SOME_ID}", FEW) == [200] * FEW, "each service has its own"

        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        del mesh.answers[GET_RANKING]

        async def is_wide() -> bool:
            return len(said) == 2

        assert await eventually(is_wide)
        assert said == [
            "lets only 4 calls at a time in to ranking",
            "lets as many calls at a time as usual in to ranking",
        ]
        assert await statuses(client, RANKING, 75) == [200] * 75


async def keep_asking(client: httpx.AsyncClient) -> None:
    while True:
        answer = await client.get(RANKING)
        await asyncio.sleep(0.05 if answer.status_code == 503 else 0)


async def test_a_burst_is_let_wait(mesh: FakeMesh, gateway: Gateway) -> None:
    one = asyncio.Semaphore(1)

    async def slow(_request: Any, _context: Any) -> Any:
        async with one:
            await asyncio.sleep(0.004)
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = slow
    async with gateway.client() as client, looked_after(gateway) as said:
        for _ in range(3):
            assert (said, await statuses(client, RANKING, 70)) == ([], [200] * 70)
            await asyncio.sleep(2 * LOOK_SECONDS)


async def test_a_service_that_is_not_there_says_when_to_come_again(
    envoy: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = FakeMesh.create(tmp_path_factory.mktemp("alone"))
    async with running(alone, tmp_path) as gateway, gateway.client() as client:
        answer = await client.get(RANKING)
        assert (error_info(answer)[2], answer.headers["retry-after"]) == ("SERVICE_UNAVAILABLE", "2")
