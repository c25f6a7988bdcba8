"""Circuit breakers: calls above the limit are refused at once, with Retry-After."""

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
from igemoji_gateway.runtime.adaptive_breaker import CALM_SECONDS, NARROW_CALLS, OVERLOADED_CALLS, AdaptiveBreaker

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
    """Yield a gateway with a limit of two calls to a service, and one stream."""
    options = {"calls_at_once": 2, "streams_at_once": 1}
    async with running(shared_mesh, tmp_path_factory.mktemp("narrow"), **options) as gateway:
        await knows_keys(gateway, shared_mesh)
        yield gateway


@contextlib.asynccontextmanager
async def occupied(mesh: FakeMesh, client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Keep the ranking busy with two calls until the end of the block."""
    done = asyncio.Event()

    async def slow(_request: Any, _context: Any) -> Any:
        await done.wait()
        return message("igemoji.ranking.v1.GetRankingResponse")()

    async def both_arrived() -> bool:
        return len(mesh.calls) == 2

    mesh.answers[GET_RANKING] = slow
    calls = [asyncio.create_task(client.get(RANKING)) for _ in range(2)]
    try:
        assert await eventually(both_arrived)
        yield
    finally:
        done.set()
        answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers] == [200, 200], "accepted calls are answered"


async def test_calls_above_the_circuit_breaker_are_refused_with_retry_after(mesh: FakeMesh, narrow: Gateway) -> None:
    async with narrow.client() as client:
        async with occupied(mesh, client):
            refused = await client.get(RANKING)
            assert error_info(refused)[:3] == (503, 14, "OVERLOADED")
            assert refused.headers["retry-after"] == "1"
            assert len(mesh.calls) == 2, "the refused call did not reach the service, and was not retried"
            other = await client.get(f"/api/v1/emojis/{SOME_ID}")
            assert other.status_code == 200, "each service has its own circuit breaker"
        assert (await client.get(RANKING)).status_code == 200


async def test_circuit_breaker_applies_to_grpc_clients(mesh: FakeMesh, narrow: Gateway) -> None:
    async with narrow.client() as client, occupied(mesh, client):
        async with grpc.aio.insecure_channel(narrow.target) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await ranking_pb2_grpc.RankingServiceStub(channel).GetRanking(ranking_pb2.GetRankingRequest())
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "Try again" in (raised.value.details() or "")


async def test_streams_have_their_own_circuit_breaker(mesh: FakeMesh, narrow: Gateway, token: str) -> None:
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
async def adaptive_breaker(gateway: Gateway) -> AsyncIterator[list[str]]:
    """Run the adaptive breaker, and yield its events."""
    events: list[str] = []
    running = asyncio.create_task(AdaptiveBreaker(gateway.options.admin, 1, events.append).run())
    try:
        yield events
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def statuses(client: httpx.AsyncClient, path: str, many: int) -> list[int]:
    """Return the statuses of that many concurrent calls."""
    return [answer.status_code for answer in await asyncio.gather(*(client.get(path) for _ in range(many)))]


async def test_sustained_overload_narrows_the_circuit_breaker_until_it_ends(mesh: FakeMesh, gateway: Gateway) -> None:
    free = asyncio.Semaphore(2)

    async def slow(_request: Any, _context: Any) -> Any:
        async with free:
            await asyncio.sleep(0.05)
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = slow
    async with gateway.client() as client, adaptive_breaker(gateway) as events:
        many = 2 * OVERLOADED_CALLS
        load = [asyncio.create_task(call_forever(client)) for _ in range(many)]

        async def is_narrow() -> bool:
            return bool(events)

        assert await eventually(is_narrow)
        await asyncio.sleep(2 * CALM_SECONDS)
        assert len(events) == 1, "it stays narrow during the overload"
        at_once = await statuses(client, RANKING, many)
        assert 0 < at_once.count(503) < many, "some calls are refused, others answered"
        assert await statuses(client, f"/api/v1/emojis/{SOME_ID}", NARROW_CALLS) == [200] * NARROW_CALLS, (
            "each service has its own"
        )

        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)
        del mesh.answers[GET_RANKING]

        async def is_wide() -> bool:
            return len(events) == 2

        assert await eventually(is_wide)
        assert events == [
            "circuit breaker of ranking narrowed to 4 calls at a time",
            "circuit breaker of ranking reset",
        ]
        assert await statuses(client, RANKING, 75) == [200] * 75


async def call_forever(client: httpx.AsyncClient) -> None:
    while True:
        answer = await client.get(RANKING)
        await asyncio.sleep(0.05 if answer.status_code == 503 else 0)


async def test_burst_does_not_narrow_the_circuit_breaker(
    mesh: FakeMesh, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than on a busy machine a burst takes once it is released.
    poll_seconds = 1.0
    monkeypatch.setattr("igemoji_gateway.runtime.adaptive_breaker.POLL_SECONDS", poll_seconds)
    released = asyncio.Event()

    async def held(_request: Any, _context: Any) -> Any:
        await released.wait()
        return message("igemoji.ranking.v1.GetRankingResponse")()

    mesh.answers[GET_RANKING] = held
    async with gateway.client() as client, adaptive_breaker(gateway) as events:
        for _ in range(3):
            released.clear()
            burst = asyncio.create_task(statuses(client, RANKING, 70))
            await asyncio.sleep(1.2 * poll_seconds)
            released.set()
            assert (events, await burst) == ([], [200] * 70)
            await asyncio.sleep(1.2 * poll_seconds)


async def test_unavailable_service_has_retry_after(
    envoy: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = FakeMesh.create(tmp_path_factory.mktemp("alone"))
    async with running(alone, tmp_path) as gateway, gateway.client() as client:
        answer = await client.get(RANKING)
        assert (error_info(answer)[2], answer.headers["retry-after"]) == ("SERVICE_UNAVAILABLE", "2")
