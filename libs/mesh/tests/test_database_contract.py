"""What a unit of work may rely on, whichever database is behind it."""

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
    """The database as two replicas of a service see it."""
    databases = [Database(database_url), Database(database_url)]
    await databases[0].write(make_tables)
    for (
        database
    ) in databases:  # opens all connections: otherwise the first of many would be done before the last begins
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
async def test_text_is_equal_only_to_itself(database, pair):
    for name in pair:
        await add(database, name)
    assert [await find(database, name) for name in pair] == [[name] for name in pair]


async def test_an_instant_comes_back_to_the_microsecond_from_any_time_zone(database):
    seoul = datetime.timezone(datetime.timedelta(hours=9))
    await add(database, "x", NOON.astimezone(seoul))
    assert await database.read(lambda connection: connection.execute(sa.select(names.c.at)).scalar()) == NOON


async def test_what_raises_leaves_nothing(database):
    def work(connection: sa.Connection) -> None:
        connection.execute(names.insert().values(name="x"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await find(database, "x") == []


async def test_no_more_are_let_in_than_a_unit_of_work_counts(replicas):
    """It reads, decides and writes; many do so at once, in both replicas."""

    def let_in(connection: sa.Connection) -> bool:
        here = sa.select(sa.func.count()).select_from(tries).where(tries.c.bucket == "door")
        if connection.execute(here).scalar_one() >= 10:
            return False
        time.sleep(0.005)  # so that others come in between, where they can
        connection.execute(tries.insert().values(bucket="door"))
        return True

    answers = await asyncio.gather(*(replicas[i % 2].write(let_in) for i in range(40)))
    assert answers.count(True) == 10


async def test_nothing_is_counted_twice_or_forgotten(replicas):
    """The first of many makes the row, the others find it, in a savepoint."""

    def count(connection: sa.Connection) -> None:
        try:
            with connection.begin_nested():
                connection.execute(names.insert().values(name="x", uses=1))
        except sa.exc.IntegrityError:
            connection.execute(names.update().where(names.c.name == "x").values(uses=names.c.uses + 1))

    await asyncio.gather(*(replicas[i % 2].write(count) for i in range(40)))
    assert await replicas[0].read(lambda connection: connection.execute(sa.select(names.c.uses)).scalar()) == 40


async def test_two_that_lock_in_opposite_order_both_succeed(replicas):
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


async def test_a_read_sees_one_state(replicas):
    await add(replicas[0], "x")
    seen: list[int] = []
    loop = asyncio.get_running_loop()

    def add_one(connection: sa.Connection) -> None:
        connection.execute(names.update().values(uses=names.c.uses + 1))

    def look_twice(connection: sa.Connection) -> None:
        seen.append(connection.execute(sa.select(names.c.uses)).scalar_one())
        asyncio.run_coroutine_threadsafe(replicas[1].write(add_one), loop).result(30)
        seen.append(connection.execute(sa.select(names.c.uses)).scalar_one())

    await replicas[0].read(look_twice)
    assert seen == [0, 0]


async def end_sessions(database: Database, others: Database) -> None:
    """As a server does that was restarted, or that found a connection idle for too long."""

    def work(connection: sa.Connection) -> None:
        sessions = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        for session in connection.execute(sa.text(sessions)).scalars().all():
            connection.execute(sa.text(f"KILL {session}"))

    if database.engine.dialect.name == "mysql":
        await others.write(work)


async def test_sessions_that_ended_meanwhile_are_noticed_by_nobody(replicas):
    database, others = replicas

    def add(connection: sa.Connection) -> None:
        connection.execute(names.insert().values(name=f"name {time.monotonic_ns()}"))

    async def take_a_turn() -> None:
        async with advisory_lock(database, "sweep") as mine:
            assert mine

    for use in (
        database.check,
        partial(database.write, add),
        partial(database.write, add, isolation="READ COMMITTED"),
        take_a_turn,
    ):
        await asyncio.gather(*(database.check() for _ in range(POOL_SIZE)))
        await end_sessions(database, others)
        await use()
    assert await database.read(lambda connection: len(connection.execute(sa.select(names)).all())) == 2
