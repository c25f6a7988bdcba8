"""Database of a service, SQLite or MySQL: synchronous SQLAlchemy in a thread pool."""

import asyncio
import datetime
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.mysql import DATETIME

from igemoji_mesh.db import mysql
from igemoji_mesh.db.errors import to_transient_error
from igemoji_mesh.db.metrics import CONNECTIONS, WAIT_SECONDS, observe
from igemoji_mesh.errors import StartError

T = TypeVar("T")
Isolation = Literal["SERIALIZABLE", "READ COMMITTED"]

POOL_SIZE = 8
RETRY_SECONDS = 5.0
"""Maximum time to retry a transaction that lost a lock conflict."""

_AFTER_COMMIT = "igemoji_after_commit"


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """Instant: aware in Python, UTC with microseconds in every database."""

    impl = sa.DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    """MySQL needs `DATETIME(6)` for microseconds."""
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, _dialect: sa.Dialect) -> datetime.datetime | None:
        """Convert to naive UTC."""
        return value.astimezone(datetime.UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime.datetime | None, _dialect: sa.Dialect) -> datetime.datetime | None:
        """Convert to aware UTC."""
        return value.replace(tzinfo=datetime.UTC) if value is not None else None


def utc_now() -> datetime.datetime:
    """Return the current time, aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)


class Database:
    """Runs units of work in transactions, off the event loop.

    A unit of work is a function of a connection. It is committed when it returns and rolled back when it raises.
    Writes are serializable: SQLite has one writer, MySQL the isolation level. After a lock conflict the transaction is
    rolled back and the function is called again, so its side effects outside of the database must be idempotent.

    Raises StorageFull, DatabaseBusy or DatabaseAway after transient errors that retries did not cure.
    """

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        observe(self.engine)
        self._serializable = self.engine.execution_options(igemoji_write="SERIALIZABLE")
        self._read_committed = self.engine.execution_options(igemoji_write="READ COMMITTED")
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="database")

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a unit of work that only reads."""
        return await self._run(self.engine.connect, work)

    async def write(self, work: Callable[[sa.Connection], T], *, isolation: Isolation = "SERIALIZABLE") -> T:
        """Run a unit of work that writes.

        With "READ COMMITTED", MySQL locks only the rows that are written or selected FOR UPDATE: for frequent
        transactions that lock by themselves what they rely on.
        """
        engine = self._serializable if isolation == "SERIALIZABLE" else self._read_committed
        return await self._run(engine.begin, work)

    async def check(self) -> None:
        """Raise if the database does not answer."""
        await self.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())

    async def close(self) -> None:
        """Wait for running units of work and close all connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    async def _run(
        self, connect: Callable[[], AbstractContextManager[sa.Connection]], work: Callable[[sa.Connection], T]
    ) -> T:
        queued_at = time.perf_counter()

        def run() -> T:
            WAIT_SECONDS.observe(time.perf_counter() - queued_at)
            with CONNECTIONS.track_inprogress():
                for pause in _pauses():
                    try:
                        return _attempt(connect, work)
                    except RetryTransaction:
                        time.sleep(pause)
                return _attempt(connect, work, last=True)

        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, run)


def after_commit(connection: sa.Connection, call: Callable[[], object]) -> None:
    """Within a unit of work: run `call` in the same thread after the commit, unless the attempt is rolled back."""
    connection.info.setdefault(_AFTER_COMMIT, []).append(call)


class RetryTransaction(Exception):
    """The transaction was rolled back and can be retried."""


def _attempt(
    connect: Callable[[], AbstractContextManager[sa.Connection]],
    work: Callable[[sa.Connection], T],
    *,
    last: bool = False,
) -> T:
    committing = False
    try:
        with connect() as connection:
            # Drop the calls of an earlier attempt, which was rolled back.
            calls = connection.info[_AFTER_COMMIT] = []
            result = work(connection)
            committing = True
    except sa.exc.DBAPIError as error:
        # After a connection lost during the commit, nobody knows whether it happened: no retry.
        if not last and (mysql.is_conflict(error) or (mysql.has_code(error.orig, mysql.LOST) and not committing)):
            raise RetryTransaction from error
        if (transient := to_transient_error(error.orig)) is not None:
            raise transient from error
        raise
    for call in calls:
        call()
    return result


def _pauses() -> Iterator[float]:
    """Yield seconds between attempts: exponential backoff with full jitter."""
    until = time.monotonic() + RETRY_SECONDS
    limit = 0.005
    while time.monotonic() < until:
        yield random.uniform(0, limit)  # noqa: S311 - not a secret
        limit = min(2 * limit, 0.5)


def create_engine(url: str, *, bounded: bool = True) -> sa.Engine:
    """Open a database; `bounded`: statements have a time limit. Raises StartError for an unsupported URL."""
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
            raise StartError(f"The database's folder {folder} can't be created: {error.strerror}.") from None
    engine = sa.create_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"timeout": 15},
        # Errors are logged, and parameters are e-mail addresses and password hashes.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    # The driver would begin transactions only before writes: two reads before could see different states.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # A writer locks first: one that reads before it writes would fail instead of wait.
    write = connection.get_execution_options().get("igemoji_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
