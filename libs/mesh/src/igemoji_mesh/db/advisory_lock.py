"""Work that any replica may do, one at a time."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from igemoji_mesh.db.database import Database

Release = Callable[[], None]


@asynccontextmanager
async def turn(database: Database, name: str) -> AsyncIterator[bool]:
    """Takes the turn for work of that name on a database; False where another replica has it now.

    The turn of a replica that dies is free at once: on MySQL the server's lock ends with the session, beside SQLite
    the system's lock on a file ends with the process. `name` is one or two words.
    """
    release = await asyncio.to_thread(_take, database.engine, name)
    try:
        yield release is not None
    finally:
        if release is not None:
            await asyncio.shield(asyncio.to_thread(release))


def _take(engine: sa.Engine, name: str) -> Release | None:
    return _take_file(engine, name) if engine.dialect.name == "sqlite" else _take_on_server(engine, name)


def _take_file(engine: sa.Engine, name: str) -> Release | None:
    path = engine.url.database
    if not path or path == ":memory:":
        return lambda: None
    file = Path(f"{path}.{name}.lock").open("w")  # noqa: SIM115 - it stays open for as long as the turn is taken
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
    connection.detach()  # the pool has one for each thread, and a turn takes long
    return connection


def _take_on_server(engine: sa.Engine, name: str) -> Release | None:
    try:
        connection = _session(engine)
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        connection = _session(engine)  # a new one: the server has been away since the other one was used
    # Names of locks are the server's, not the database's, and at most 64 characters long.
    lock = sa.text("SELECT GET_LOCK(CONCAT(:name, '-', LEFT(SHA2(DATABASE(), 256), 32)), 0)")
    try:
        taken = connection.execute(lock, {"name": name}).scalar_one() == 1
    except BaseException:
        connection.close()
        raise

    def release() -> None:
        with suppress(sa.exc.DBAPIError):  # the lock ends with the session
            connection.close()

    if taken:
        return release
    release()
    return None
