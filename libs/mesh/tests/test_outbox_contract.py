"""Contract of the outbox, on every database."""

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
TOPIC = "greetings"


class Upstream:
    """Service that may be unreachable."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.is_away = False

    async def receive(self, message: StringValue) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise ConnectionError
        self.received[message.value] += 1


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def replicas(database_url: str, upstream: Upstream) -> AsyncIterator[list[Outbox]]:
    """Create the outboxes of two replicas."""
    databases = [Database(database_url), Database(database_url)]
    await databases[0].write(metadata.create_all)
    deliveries = {TOPIC: Delivery(StringValue, upstream.receive)}
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


async def test_two_replicas_make_each_delivery_once(replicas, upstream):
    texts = [f"{number} 😀" for number in range(120)]
    adding = [add(replicas[number % 2], *texts[number * 12 : number * 12 + 12]) for number in range(10)]
    await asyncio.gather(*adding, *map(publish_all, replicas))
    await publish_all(replicas[0])
    assert upstream.received == Counter(texts)


async def test_rolled_back_delivery_is_not_made(replicas, upstream):
    def work(connection: sa.Connection) -> None:
        replicas[0].add(connection, TOPIC, StringValue(value="x"))
        raise LookupError

    with pytest.raises(LookupError):
        await replicas[0]._database.write(work)
    await publish_all(replicas[0])
    assert upstream.received == Counter()


async def test_failed_delivery_is_retried_by_any_replica(replicas, upstream):
    upstream.is_away = True
    await add(replicas[0], "x")
    assert await replicas[0].publish_due() == 1
    upstream.is_away = False
    await publish_all(replicas[1])
    assert upstream.received == Counter("x")
    await publish_all(replicas[0])
    assert upstream.received == Counter("x")


async def test_metrics_count_pending_deliveries_and_their_age(replicas, upstream):
    def metric(what: str) -> float:
        found = REGISTRY.get_sample_value(f"igemoji_outbox_{what}", {"outbox": table.name})
        assert found is not None
        return found

    upstream.is_away = True
    await add(replicas[0], "x", "y")
    assert await replicas[0].publish_due() == 2
    assert metric("pending") == 2
    assert 0 < metric("oldest_seconds") < 600
    upstream.is_away = False
    await publish_all(replicas[1])
    assert metric("pending") == metric("oldest_seconds") == 0


@contextlib.asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    run = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    yield
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def received(upstream: Upstream, *texts: str) -> None:
    async with asyncio.timeout(10):
        while upstream.received != Counter(texts):
            await asyncio.sleep(0.01)


async def count_rows(outbox: Outbox) -> int:
    def count(connection: sa.Connection) -> int:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    return await outbox._database.read(count)


async def test_delivery_is_made_right_after_the_commit(replicas, upstream, monkeypatch):
    async with running(replicas[1]):
        await add(replicas[0], "found by a sweep")  # only the other replica runs
        await received(upstream, "found by a sweep")
        monkeypatch.setattr(replicas[1], "publish_due", None)
        await add(replicas[1], "x", "y")
        await received(upstream, "found by a sweep", "x", "y")
        async with asyncio.timeout(10):
            while await count_rows(replicas[1]):
                await asyncio.sleep(0.01)


async def test_retried_transaction_delivers_once_and_rolled_back_never(replicas, upstream):
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
        await received(upstream, "attempt 1", "the last one")


async def test_outbox_rows_of_a_killed_replica_are_delivered_after_lease_expiry(replicas, upstream, monkeypatch):
    replicas[0]._deliveries = {TOPIC: Delivery(StringValue, lambda _message: asyncio.Event().wait())}
    async with running(replicas[0]):
        await add(replicas[0], "x")
        async with asyncio.timeout(10):
            while replicas[0]._new.qsize():
                await asyncio.sleep(0.01)
    assert await replicas[1].publish_due() == 0, "still leased by the killed replica"
    later = utc_now() + datetime.timedelta(seconds=LEASE_SECONDS)
    monkeypatch.setattr("igemoji_mesh.db.outbox.utc_now", lambda: later)
    assert await replicas[1].publish_due() == 1
    assert upstream.received == Counter("x")
