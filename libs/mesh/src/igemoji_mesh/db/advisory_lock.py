"""Advisory lock: run a background job on one replica at a time."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from igemoji_mesh.db.database import Database

Release = Callable[[], None]


@asynccontextmanager
async def advisory_lock(database: Database, name: str) -> AsyncIterator[bool]:
    """Take the lock `name` (one or two words) of a database; yield False if another replica has it.

    The lock of a replica that dies is free at once: MySQL's `GET_LOCK` ends with the session, and next to SQLite
    `flock` on a file ends with the process.
    """
    release = await asyncio.to_thread(_lock, database.engine, name)
    try:
        yield release is not None
    finally:
        if release is not None:
            await asyncio.shield(asyncio.to_thread(release))


def _lock(engine: sa.Engine, name: str) -> Release | None:
    return _lock_file(engine, name) if engine.dialect.name == "sqlite" else _lock_on_server(engine, name)


def _lock_file(engine: sa.Engine, name: str) -> Release | None:
    path = engine.url.database
    if not path or path == ":memory:":
        return lambda: None
    file = Path(f"{path}.{name}.lock").open("w")  # noqa: SIM115 - open while the lock is held
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file.close


def _session(engine: sa.Engine) -> sa.Connection:
    connection = engine.connect()
    connection.exec_driver_sql("SELECT 1")
    connection.rollback()
    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()  # the pool has one for each thread, and a lock is held for long
    return connection


def _lock_on_server(engine: sa.Engine, name: str) -> Release | None:
    try:
        connection = _session(engine)
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        connection = _session(engine)  # a new one: the server has restarted since the pooled one was used
    # Lock names are global to the server and have at most 64 characters.
    get_lock = sa.text("SELECT GET_LOCK(CONCAT(:name, '-', LEFT(SHA2(DATABASE(), 256), 32)), 0)")
    try:
        locked = connection.execute(get_lock, {"name": name}).scalar_one() == 1
    except BaseException:
        connection.close()
        raise

    def release() -> None:
        with suppress(sa.exc.DBAPIError):  # the lock ends with the session
            connection.close()

    if locked:
        return release
    release()
    return None
