"""Calls that are stored with a change, whichever database they are stored in."""

import asyncio
import contextlib
import datetime
from collections import Counter
from collections.abc import AsyncIterator

import pymysql
import pytest
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY

from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.outbox import LEASE_SECONDS, Delivery, Outbox, outbox_table

metadata = sa.MetaData()
table = outbox_table(metadata)
TOPIC = "tell"


class Peer:
    """Another service, that may be away."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.away = False

    async def tell(self, message: StringValue) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        self.heard[message.value] += 1


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def replicas(database_url: str, peer: Peer) -> AsyncIterator[list[Outbox]]:
    """The outbox as two replicas of a service see it."""
    databases = [Database(database_url), Database(database_url)]
    await databases[0].write(metadata.create_all)
    deliveries = {TOPIC: Delivery(StringValue, peer.tell)}
    yield [Outbox(database, table, deliveries, backoff_seconds=(0, 600)) for database in databases]
    for database in databases:
        await database.close()


async def add(outbox: Outbox, *texts: str) -> None:
    def work(connection: sa.Connection) -> None:
        for text in texts:
            outbox.add(connection, TOPIC, StringValue(value=text))

    await outbox._database.write(work)


async def publish_all(outbox: Outbox) -> None:
    while await outbox.publish_due():
        pass


async def test_each_call_is_made_once_though_two_replicas_make_them(replicas, peer):
    texts = [f"{number} 😀" for number in range(120)]
    adding = [add(replicas[number % 2], *texts[number * 12 : number * 12 + 12]) for number in range(10)]
    await asyncio.gather(*adding, *map(publish_all, replicas))
    await publish_all(replicas[0])
    assert peer.heard == Counter(texts)


async def test_what_was_rolled_back_is_never_told(replicas, peer):
    def work(connection: sa.Connection) -> None:
        replicas[0].add(connection, TOPIC, StringValue(value="x"))
        raise LookupError

    with pytest.raises(LookupError):
        await replicas[0]._database.write(work)
    await publish_all(replicas[0])
    assert peer.heard == Counter()


async def test_a_peer_that_is_away_is_told_later_by_whoever_comes(replicas, peer):
    peer.away = True
    await add(replicas[0], "x")
    assert await replicas[0].publish_due() == 1
    peer.away = False
    await publish_all(replicas[1])
    assert peer.heard == Counter("x")
    await publish_all(replicas[0])
    assert peer.heard == Counter("x")


async def test_metrics_tell_how_many_calls_wait_and_since_when(replicas, peer):
    def told(what: str) -> float:
        found = REGISTRY.get_sample_value(f"igemoji_outbox_{what}", {"outbox": table.name})
        assert found is not None
        return found

    peer.away = True
    await add(replicas[0], "x", "y")
    assert await replicas[0].publish_due() == 2
    assert told("pending") == 2
    assert 0 < told("oldest_seconds") < 600
    peer.away = False
    await publish_all(replicas[1])
    assert told("pending") == told("oldest_seconds") == 0


@contextlib.asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    run = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    yield
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def heard(peer: Peer, *texts: str) -> None:
    async with asyncio.timeout(10):
        while peer.heard != Counter(texts):
            await asyncio.sleep(0.01)


async def left(outbox: Outbox) -> int:
    def count(connection: sa.Connection) -> int:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    return await outbox._database.read(count)


async def test_what_is_stored_while_it_runs_is_told_without_a_sweep(replicas, peer, monkeypatch):
    async with running(replicas[1]):
        await add(replicas[0], "found by a sweep")  # it is not run, and leaves it to the other one
        await heard(peer, "found by a sweep")
        monkeypatch.setattr(replicas[1], "publish_due", None)
        await add(replicas[1], "x", "y")
        await heard(peer, "found by a sweep", "x", "y")
        async with asyncio.timeout(10):
            while await left(replicas[1]):
                await asyncio.sleep(0.01)


async def test_what_was_tried_again_or_rolled_back_is_told_once_or_never_while_it_runs(replicas, peer):
    attempts: list[int] = []

    def work(connection: sa.Connection) -> None:
        attempts.append(len(attempts))
        replicas[0].add(connection, TOPIC, StringValue(value=f"attempt {attempts[-1]}"))
        if attempts == [0]:
            conflict = pymysql.err.OperationalError(1213, "Deadlock found")
            raise sa.exc.DBAPIError("INSERT", None, conflict) from conflict
        if len(attempts) == 3:
            raise LookupError

    async with running(replicas[0]):
        await replicas[0]._database.write(work)
        with pytest.raises(LookupError):
            await replicas[0]._database.write(work)
        await add(replicas[0], "the last one")
        await heard(peer, "attempt 1", "the last one")


async def test_what_a_killed_service_was_about_to_tell_another_one_tells_after_the_lease(replicas, peer, monkeypatch):
    replicas[0]._deliveries = {TOPIC: Delivery(StringValue, lambda _message: asyncio.Event().wait())}
    async with running(replicas[0]):
        await add(replicas[0], "x")
        async with asyncio.timeout(10):
            while replicas[0]._new.qsize():
                await asyncio.sleep(0.01)
    assert await replicas[1].publish_due() == 0, "it is still the other one's"
    later = utc_now() + datetime.timedelta(seconds=LEASE_SECONDS)
    monkeypatch.setattr("igemoji_mesh.db.outbox.utc_now", lambda: later)
    assert await replicas[1].publish_due() == 1
    assert peer.heard == Counter("x")
