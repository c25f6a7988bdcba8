"""Backends of one mesh: embedded in the services, or real servers on this machine or elsewhere."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendError, BackendServer

BUCKET = "igemoji"
STORES_OBJECTS = ("emoji-catalog", "inference", "inference-worker")
KINDS: dict[str, type[BackendServer]] = {"database": MariaDb, "queue": RabbitMq, "progress": Redis, "objects": Nanio}
"""Server to start, by the field of `Urls` that is empty."""
CREDENTIALS = ("OBJECT_STORE_ACCESS_KEY", "OBJECT_STORE_SECRET_KEY")


class Backend(StrEnum):
    """Kind of the backends, as `igemoji up --backend` names it."""

    EMBEDDED = "embedded"
    """SQLite, folders and worker processes inside the services: nothing to install."""
    REAL = "real"
    """MariaDB or MySQL, S3, RabbitMQ and Redis."""


@dataclass(frozen=True)
class Urls:
    """URLs of real backends that run already. Those without a URL are started on this machine."""

    database: str = ""
    """`mysql+pymysql://user:password@host/igemoji`: each service gets `igemoji_<service>`."""
    queue: str = ""
    """`amqp://user:password@host//`."""
    progress: str = ""
    """`redis://:password@host/0`."""
    objects: str = ""
    """`s3://bucket?endpoint=https://host`; the credentials are in the environment, as for a service."""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


class RealBackends:
    """The real backends of one mesh: those with a URL are used, the others are started and stopped with the mesh."""

    def __init__(
        self,
        folder: Path,
        urls: Urls,
        services: list[str],
        on_line: Callable[[str, str], None],
        on_event: Callable[[str, str], None],
    ) -> None:
        self._urls = urls
        self._services = services
        self.databases: dict[str, str] = {}
        """Database URLs by service."""
        self.own: dict[str, BackendServer] = {
            name: kind(folder / kind.name, on_line, on_event) for name, kind in KINDS.items() if not getattr(urls, name)
        }

    async def start(self) -> None:
        """Start the servers and create the databases. Raises BackendError."""
        try:
            async with asyncio.TaskGroup() as group:
                for server in self.own.values():
                    group.create_task(server.start())
        except ExceptionGroup as errors:  # an error raised within `except*` would be wrapped in a group again
            if (expected := errors.subgroup(BackendError)) is None:
                raise
            raise BackendError(str(expected.exceptions[0])) from None
        await self._create_databases()

    async def stop(self) -> None:
        """Stop the servers that `start` started."""
        await asyncio.gather(*(server.stop() for server in self.own.values()))

    def environment(self, service: str) -> dict[str, str]:
        """Return the backend settings of a service, and no secret that it does not need."""
        settings = {"DATABASE_URL": self.databases[service.removesuffix("-worker")]}
        if service in STORES_OBJECTS:
            settings |= self.objects()
        if service.startswith("inference"):
            settings["TASK_QUEUE_URL"] = self._url("queue", RabbitMq)
            settings["PROGRESS_URL"] = self._url("progress", Redis)
        return settings

    def objects(self) -> dict[str, str]:
        """Return the settings of the object store: URL and credentials."""
        own = self.own.get("objects")
        if isinstance(own, Nanio):
            return {"OBJECT_STORE_URL": own.url(BUCKET), **own.keys}
        keys = {name: os.environ[name] for name in CREDENTIALS if name in os.environ}
        return {"OBJECT_STORE_URL": self._urls.objects, **keys}

    def _url(self, name: str, kind: type[RabbitMq] | type[Redis]) -> str:
        own = self.own.get(name)
        return own.url if isinstance(own, kind) else str(getattr(self._urls, name))

    async def _create_databases(self) -> None:
        own = self.own.get("database")
        for service in self._services:
            name = f"igemoji_{service.replace('-', '_')}"
            if isinstance(own, MariaDb):
                self.databases[service] = await own.create(name)
            else:
                self.databases[service] = await asyncio.to_thread(_create_database, self._urls.database, service)


def _create_database(url: str, service: str) -> str:
    """Create the database of a service if it is missing; return its URL. Raises BackendError."""
    malformed = BackendError("The database's URL must look like mysql+pymysql://user:password@host/igemoji.")
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise malformed from None
    if parsed.get_backend_name() not in ("mysql", "mariadb") or not parsed.database:
        raise malformed
    name = f"{parsed.database}_{service.replace('-', '_')}"
    engine = sa.create_engine(parsed.set(database=""))
    try:
        with engine.connect() as connection:
            exists = connection.execute(
                sa.text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name"), {"name": name}
            ).first()
            if not exists:
                quoted = engine.dialect.identifier_preparer.quote_identifier(name)
                connection.exec_driver_sql(f"CREATE DATABASE {quoted} CHARACTER SET utf8mb4")
    except sa.exc.DBAPIError as error:
        raise BackendError(f"The database {name} can't be used: {error.orig}.") from None
    finally:
        engine.dispose()
    return parsed.set(database=name).render_as_string(hide_password=False)
