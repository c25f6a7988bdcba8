"""What stands behind the services: embedded in them, or real parts, found on this machine or elsewhere."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from igemoji_stack.backends import MariaDb, Nanio, Part, PartFailed, PartMissing, RabbitMq, Redis

BUCKET = "igemoji"
STORES_OBJECTS = ("emoji-catalog", "inference", "inference-worker")
CREDENTIALS = ("OBJECT_STORE_ACCESS_KEY", "OBJECT_STORE_SECRET_KEY")


class Backend(StrEnum):
    EMBEDDED = "embedded"
    """SQLite, folders and processes of the services: nothing to install."""
    REAL = "real"
    """MariaDB or MySQL, S3, RabbitMQ and Redis."""


class BackendMissing(Exception):
    """A sentence on what a real part lacks."""


@dataclass(frozen=True)
class Urls:
    """Real parts that run already. What is not named is started on this machine."""

    database: str = ""
    """`mysql+pymysql://user:password@host/igemoji`: each service gets `igemoji_<service>`."""
    queue: str = ""
    """`amqp://user:password@host//`."""
    progress: str = ""
    """`redis://:password@host/0`."""
    objects: str = ""
    """`s3://bucket?endpoint=https://host`; the keys are in the environment, as a service reads them."""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


class RealParts:
    """The parts of one mesh: those with a URL are used, the others run as long as the mesh does."""

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
        """URLs by service."""
        kinds: dict[str, type[MariaDb | RabbitMq | Redis | Nanio]] = {
            "database": MariaDb,
            "queue": RabbitMq,
            "progress": Redis,
            "objects": Nanio,
        }
        self.own: dict[str, Part] = {
            name: kind(folder / kind.name, on_line, on_event) for name, kind in kinds.items() if not getattr(urls, name)
        }

    async def start(self) -> None:
        """Raises BackendMissing."""
        try:
            async with asyncio.TaskGroup() as together:
                for part in self.own.values():
                    together.create_task(part.start())
        except ExceptionGroup as errors:  # what is raised within `except*` would come out as a group again
            if (expected := errors.subgroup((PartMissing, PartFailed))) is None:
                raise
            raise BackendMissing(str(expected.exceptions[0])) from None
        await self._make_databases()

    async def stop(self) -> None:
        await asyncio.gather(*(part.stop() for part in self.own.values()))

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told, and nothing that it does not need."""
        told = {"DATABASE_URL": self.databases[service.removesuffix("-worker")]}
        if service in STORES_OBJECTS:
            told |= self.objects()
        if service.startswith("inference"):
            told["TASK_QUEUE_URL"] = self._url("queue", RabbitMq)
            told["PROGRESS_URL"] = self._url("progress", Redis)
        return told

    def objects(self) -> dict[str, str]:
        """Where objects lie, and the keys to them."""
        own = self.own.get("objects")
        if isinstance(own, Nanio):
            return {"OBJECT_STORE_URL": own.url(BUCKET), **own.keys}
        keys = {name: os.environ[name] for name in CREDENTIALS if name in os.environ}
        return {"OBJECT_STORE_URL": self._urls.objects, **keys}

    def _url(self, name: str, kind: type[RabbitMq] | type[Redis]) -> str:
        own = self.own.get(name)
        return own.url if isinstance(own, kind) else str(getattr(self._urls, name))

    async def _make_databases(self) -> None:
        own = self.own.get("database")
        for service in self._services:
            name = f"igemoji_{service.replace('-', '_')}"
            if isinstance(own, MariaDb):
                self.databases[service] = await own.create(name)
            else:
                self.databases[service] = await asyncio.to_thread(_make_database, self._urls.database, service)


def _make_database(url: str, service: str) -> str:
    """Makes a service's database where it is missing; returns its URL. Raises BackendMissing."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BackendMissing("The database's URL must look like mysql+pymysql://user:password@host/igemoji.") from None
    if parsed.get_backend_name() not in ("mysql", "mariadb") or not parsed.database:
        raise BackendMissing("The database's URL must look like mysql+pymysql://user:password@host/igemoji.")
    name = f"{parsed.database}_{service.replace('-', '_')}"
    engine = sa.create_engine(parsed.set(database=""))
    try:
        with engine.connect() as connection:
            there = connection.execute(
                sa.text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name"), {"name": name}
            ).first()
            if not there:
                quoted = engine.dialect.identifier_preparer.quote_identifier(name)
                connection.exec_driver_sql(f"CREATE DATABASE {quoted} CHARACTER SET utf8mb4")
    except sa.exc.DBAPIError as error:
        raise BackendMissing(f"The database {name} can't be used: {error.orig}.") from None
    finally:
        engine.dispose()
    return parsed.set(database=name).render_as_string(hide_password=False)
