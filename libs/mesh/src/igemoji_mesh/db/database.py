"""A service's own database, SQLite or MySQL: SQLAlchemy, synchronous, in a bounded thread pool of its own."""

import asyncio
import datetime
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from igemoji_mesh.db import mysql
from igemoji_mesh.db.metrics import CONNECTIONS, WAIT_SECONDS, observe
from igemoji_mesh.errors import StartError
from igemoji_mesh.storage_errors import passing_trouble

T = TypeVar("T")

POOL_SIZE = 8
AGAIN_SECONDS = 5.0
"""How long a unit of work is tried again for whose way others were in."""

_AFTER_COMMIT = "igemoji_after_commit"


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """An instant: aware in Python, UTC with microseconds in every database."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects.mysql import DATETIME

            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime.datetime | None, _dialect: sa.Dialect) -> datetime.datetime | None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime.datetime | None, _dialect: sa.Dialect) -> datetime.datetime | None:
        return value.replace(tzinfo=datetime.UTC) if value is not None else None


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Database:
    """Runs units of work in transactions, off the event loop.

    A unit of work is a function of a connection. It is committed when it returns and rolled back when it raises. One
    that writes runs as if it were alone: on SQLite there is one writer, on MySQL its isolation is SERIALIZABLE. Where
    another one is in the way it is rolled back and called again: what it does beside the database must bear that.

    Raises StorageFull, DatabaseBusy or DatabaseAway where the database can't do it now.
    """

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        observe(self.engine)
        self._alone = self.engine.execution_options(igemoji_write="SERIALIZABLE")
        self._beside_others = self.engine.execution_options(igemoji_write="READ COMMITTED")
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="database")

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        return await self._run(self.engine.connect, work)

    async def write(self, work: Callable[[sa.Connection], T], *, alone: bool = True) -> T:
        """Not `alone`: on MySQL it reads what is committed and locks what it names FOR UPDATE, and nothing else.

        That is for work that many do at once, and that sees to it by itself where order matters.
        """
        return await self._run((self._alone if alone else self._beside_others).begin, work)

    async def check(self) -> None:
        """Raises where the database does not answer."""
        await self.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    async def _run(
        self, connect: Callable[[], AbstractContextManager[sa.Connection]], work: Callable[[sa.Connection], T]
    ) -> T:
        asked_at = time.perf_counter()

        def run() -> T:
            WAIT_SECONDS.observe(time.perf_counter() - asked_at)
            with CONNECTIONS.track_inprogress():
                for pause in _pauses():
                    try:
                        return _attempt(connect, work)
                    except _AgainError:
                        time.sleep(pause)
                return _attempt(connect, work, last=True)

        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, run)


def after_commit(connection: sa.Connection, call: Callable[[], object]) -> None:
    """Within a unit of work: has `call` made, in the same thread, once the attempt that asks for it is committed."""
    connection.info.setdefault(_AFTER_COMMIT, []).append(call)


class _AgainError(Exception):
    """Nothing of an attempt holds, and another one may do better."""


def _attempt(
    connect: Callable[[], AbstractContextManager[sa.Connection]],
    work: Callable[[sa.Connection], T],
    *,
    last: bool = False,
) -> T:
    committing = False
    try:
        with connect() as connection:
            # What an attempt before this one asked for did not come about.
            calls = connection.info[_AFTER_COMMIT] = []
            result = work(connection)
            committing = True
    except sa.exc.DBAPIError as error:
        # A connection that is lost while it commits leaves unknown whether it did.
        if not last and (mysql.is_conflict(error) or (mysql.is_lost(error.orig) and not committing)):
            raise _AgainError from error
        if (trouble := passing_trouble(error.orig)) is not None:
            raise trouble from error
        raise
    for call in calls:
        call()
    return result


def _pauses() -> Iterator[float]:
    """Seconds between attempts, ever longer, and random so that those who met do not meet again."""
    until = time.monotonic() + AGAIN_SECONDS
    longest = 0.005
    while time.monotonic() < until:
        yield random.uniform(0, longest)  # noqa: S311 - no secret
        longest = min(2 * longest, 0.5)


def create_engine(url: str, *, bounded: bool = True) -> sa.Engine:
    """`bounded`: statements have a time limit. Raises StartError where the mesh does not run on such a database."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StartError("DATABASE_URL is not a SQLAlchemy URL.") from None
    backend = parsed.get_backend_name()
    if backend in ("mysql", "mariadb"):
        engine = mysql.create_engine(parsed, POOL_SIZE, bounded=bounded)
        event.listen(engine, "begin", mysql.begin)
        return engine
    if backend != "sqlite":
        raise StartError(f"DATABASE_URL names {backend}; the mesh runs on sqlite:/// and mysql+pymysql://.")
    if parsed.database:
        folder = Path(parsed.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"The database's folder {folder} can't be made: {error.strerror}.") from None
    engine = sa.create_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"timeout": 15},
        # Errors end up in logs, and values are addresses and password hashes.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and only before writes: a read then a write could see two states.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # A writer takes its lock at once: one that reads first and writes later would fail instead of wait.
    write = connection.get_execution_options().get("igemoji_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
