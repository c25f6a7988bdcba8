"""Contract of units of work, on every database."""

import asyncio
import datetime
import threading
import time
from functools import partial

import pytest
import sqlalchemy as sa

from igemoji_mesh.db import mysql
from igemoji_mesh.db.advisory_lock import advisory_lock
from igemoji_mesh.db.database import POOL_SIZE, Database, UtcDateTime

metadata = sa.MetaData()
names = sa.Table(
    "names",
    metadata,
    sa.Column("name", sa.String(50), primary_key=True),
    sa.Column("at", UtcDateTime),
    sa.Column("uses", sa.Integer, nullable=False, default=0),
)
tries = sa.Table(
    "tries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bucket", sa.String(50), nullable=False, index=True),
)

NOON = datetime.datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=datetime.UTC)


def make_tables(connection: sa.Connection) -> None:
    if connection.dialect.name == "mysql":
        mysql.prepare(connection)
    metadata.create_all(connection)


def wait_for_all(barrier: threading.Barrier, _connection: sa.Connection) -> None:
    barrier.wait(10)


@pytest.fixture
async def replicas(database_url):
    """Open one database twice, as two replicas do."""
    databases = [Database(database_url), Database(database_url)]
    await databases[0].write(make_tables)
    for database in databases:  # open all connections first, so that units of work run concurrently
        together = threading.Barrier(POOL_SIZE)
        await asyncio.gather(*(database.read(partial(wait_for_all, together)) for _ in range(POOL_SIZE)))
    yield databases
    for database in databases:
        await database.close()


@pytest.fixture
def database(replicas):
    return replicas[0]


async def add(database: Database, name: str, at: datetime.datetime | None = None) -> None:
    await database.write(lambda connection: connection.execute(names.insert().values(name=name, at=at)))


async def find(database: Database, name: str) -> list[str]:
    query = sa.select(names.c.name).where(names.c.name == name)
    return list(await database.read(lambda connection: connection.execute(query).scalars().all()))


@pytest.mark.parametrize("pair", [("😀", "😃"), ("a", "A"), ("é", "e"), ("각", "가"), ("name", "name "), ("ß", "ss")])
async def test_text_is_compared_byte_by_byte(database, pair):
    for name in pair:
        await add(database, name)
    assert [await find(database, name) for name in pair] == [[name] for name in pair]


async def test_instants_keep_microseconds_in_any_time_zone(database):
    seoul = datetime.timezone(datetime.timedelta(hours=9))
    await add(database, "x", NOON.astimezone(seoul))
    assert await database.read(lambda connection: connection.execute(sa.select(names.c.at)).scalar()) == NOON


async def test_error_rolls_back(database):
    def work(connection: sa.Connection) -> None:
        connection.execute(names.insert().values(name="x"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await find(database, "x") == []


async def test_count_then_insert_is_serializable(replicas):
    """Many transactions in both replicas read, decide and write."""

    def add_if_below_limit(connection: sa.Connection) -> bool:
        count = sa.select(sa.func.count()).select_from(tries).where(tries.c.bucket == "x")
        if connection.execute(count).scalar_one() >= 10:
            return False
        time.sleep(0.005)  # a window for races
        connection.execute(tries.insert().values(bucket="x"))
        return True

    results = await asyncio.gather(*(replicas[i % 2].write(add_if_below_limit) for i in range(40)))
    assert results.count(True) == 10


async def test_concurrent_upserts_lose_no_count(replicas):
    """The first one inserts the row, the others update it, after a savepoint."""

    def count(connection: sa.Connection) -> None:
        try:
            with connection.begin_nested():
                connection.execute(names.insert().values(name="x", uses=1))
        except sa.exc.IntegrityError:
            connection.execute(names.update().where(names.c.name == "x").values(uses=names.c.uses + 1))

    await asyncio.gather(*(replicas[i % 2].write(count) for i in range(40)))
    assert await replicas[0].read(lambda connection: connection.execute(sa.select(names.c.uses)).scalar()) == 40


async def test_deadlocked_transactions_are_retried(replicas):
    for name in "ab":
        await add(replicas[0], name)

    def change(first: str, second: str):
        def work(connection: sa.Connection) -> None:
            for name in (first, second):
                connection.execute(names.update().where(names.c.name == name).values(uses=names.c.uses + 1))

        return work

    await asyncio.gather(*(replicas[i % 2].write(change(*("ab", "ba")[i % 2])) for i in range(20)))
    uses = await replicas[0].read(lambda connection: connection.execute(sa.select(names.c.uses)).scalars().all())
    assert uses == [20, 20]


async def test_read_sees_one_snapshot(replicas):
    await add(replicas[0], "x")
    seen: list[int] = []
    loop = asyncio.get_running_loop()

    def add_one(connection: sa.Connection) -> None:
        connection.execute(names.update().values(uses=names.c.uses + 1))

    def read_twice(connection: sa.Connection) -> None:
        seen.append(connection.execute(sa.select(names.c.uses)).scalar_one())
        asyncio.run_coroutine_threadsafe(replicas[1].write(add_one), loop).result(30)
        seen.append(connection.execute(sa.select(names.c.uses)).scalar_one())

    await replicas[0].read(read_twice)
    assert seen == [0, 0]


async def end_sessions(database: Database, others: Database) -> None:
    """End the sessions of a database, like a server that restarts or that closes idle connections."""

    def work(connection: sa.Connection) -> None:
        sessions = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        for session in connection.execute(sa.text(sessions)).scalars().all():
            connection.execute(sa.text(f"KILL {session}"))

    if database.engine.dialect.name == "mysql":
        await others.write(work)


async def test_stale_pooled_connections_are_replaced_transparently(replicas):
    database, others = replicas

    def add(connection: sa.Connection) -> None:
        connection.execute(names.insert().values(name=f"name {time.monotonic_ns()}"))

    async def take_lock() -> None:
        async with advisory_lock(database, "sweep") as locked:
            assert locked

    for use in (
        database.check,
        partial(database.write, add),
        partial(database.write, add, isolation="READ COMMITTED"),
        take_lock,
    ):
        await asyncio.gather(*(database.check() for _ in range(POOL_SIZE)))
        await end_sessions(database, others)
        await use()
    assert await database.read(lambda connection: len(connection.execute(sa.select(names)).all())) == 2
