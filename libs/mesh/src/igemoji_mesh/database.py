"""A service's own database: SQLAlchemy, synchronous, in a bounded thread pool of its own."""

import asyncio
import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from igemoji_mesh.errors import StartError
from igemoji_mesh.storage import passing_trouble

T = TypeVar("T")

POOL_SIZE = 8


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

    A unit of work is a function of a connection. It is committed when it returns and rolled back when it raises. Where
    the database has no room or is busy for too long, that is StorageFull or DatabaseBusy.
    """

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="database")

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        return await self._run(self.engine.connect, work)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        return await self._run(self._begin, work)

    async def check(self) -> None:
        """Raises where the database does not answer."""
        await self.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    def _begin(self) -> AbstractContextManager[sa.Connection]:
        return self.engine.execution_options(igemoji_write=True).begin()

    async def _run(
        self, connect: Callable[[], AbstractContextManager[sa.Connection]], work: Callable[[sa.Connection], T]
    ) -> T:
        def run() -> T:
            try:
                with connect() as connection:
                    return work(connection)
            except sa.exc.DBAPIError as error:
                if (trouble := passing_trouble(error.orig)) is not None:
                    raise trouble from error
                raise

        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, run)


def create_engine(url: str) -> sa.Engine:
    """Raises StartError where the URL is not one of a database that the mesh runs on."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StartError("DATABASE_URL is not a SQLAlchemy URL.") from None
    if parsed.get_backend_name() != "sqlite":
        raise StartError(f"DATABASE_URL names {parsed.get_backend_name()}, which is not supported.")
    if parsed.database:
        folder = Path(parsed.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"The database's folder {folder} can't be made: {error.strerror}.") from None
    engine = sa.create_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, connect_args={"timeout": 15})
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
