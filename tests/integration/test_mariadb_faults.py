"""A database server that closes connections, is unavailable, or is slow."""

import asyncio
import secrets

import pytest
import sqlalchemy as sa

from igemoji_mesh.db import mysql
from igemoji_mesh.db.database import Database
from igemoji_mesh.storage_errors import DatabaseAway, DatabaseBusy

pytestmark = pytest.mark.real

NUMBERS = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer))


@pytest.fixture
async def database(backend_loop, mariadb):
    database = Database(backend_loop.run(mariadb.create(f"test_{secrets.token_hex(6)}")))
    await database.write(NUMBERS.metadata.create_all)
    yield database
    await database.close()


def add(connection: sa.Connection) -> None:
    connection.execute(NUMBERS.insert().values(number=1))


def own_id(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())


async def count(database: Database) -> int:
    query = sa.select(sa.func.count()).select_from(NUMBERS)
    return await database.read(lambda connection: connection.execute(query).scalar_one())


async def test_idle_connection_that_was_closed_is_replaced(database, mariadb):
    await mariadb.execute(f"KILL CONNECTION {await database.read(own_id)}")
    await database.write(add)
    assert await count(database) == 1


async def test_transaction_on_a_lost_connection_is_retried_once(database, mariadb):
    attempts: list[int] = []
    loop = asyncio.get_running_loop()

    def work(connection: sa.Connection) -> None:
        add(connection)
        if not attempts:
            kill = mariadb.execute(f"KILL CONNECTION {own_id(connection)}")
            asyncio.run_coroutine_threadsafe(kill, loop).result(30)
        attempts.append(1)
        add(connection)

    await database.write(work)
    assert len(attempts) == 2
    assert await count(database) == 2


async def test_commit_with_unknown_outcome_is_not_retried(database, mariadb):
    attempts: list[int] = []
    loop = asyncio.get_running_loop()

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        add(connection)
        kill = mariadb.execute(f"KILL CONNECTION {own_id(connection)}")
        asyncio.run_coroutine_threadsafe(kill, loop).result(30)

    with pytest.raises(DatabaseAway):
        await database.write(work)
    assert len(attempts) == 1


async def test_unavailable_server_is_reported_until_it_is_back(database, mariadb, backend_loop):
    await database.write(add)
    await asyncio.to_thread(backend_loop.run, mariadb.kill())
    try:
        with pytest.raises(DatabaseAway):
            await database.write(add)
        with pytest.raises(DatabaseAway):
            await database.check()
    finally:
        await asyncio.to_thread(backend_loop.run, mariadb.start())
    await database.write(add)
    assert await count(database) == 2


async def test_slow_statement_times_out(mariadb, backend_loop, monkeypatch):
    monkeypatch.setattr(mysql, "STATEMENT_SECONDS", 0.2)
    database = Database(await asyncio.to_thread(backend_loop.run, mariadb.create("test_slow")))
    with pytest.raises(DatabaseBusy):
        await database.read(lambda connection: connection.exec_driver_sql("SELECT SLEEP(60)"))
    await database.close()


async def test_lock_timeout_is_a_transient_error(database, monkeypatch):
    monkeypatch.setattr("igemoji_mesh.db.database.RETRY_SECONDS", 0.1)
    await database.write(add)
    change = NUMBERS.update().values(number=2)
    with database.engine.begin() as other:
        other.execute(change)
        with pytest.raises(DatabaseBusy):
            await database.write(lambda connection: connection.execute(change))
    await database.write(lambda connection: connection.execute(change))
