"""Backends for tests: private servers, each started when the first test needs it, once for a whole run."""

import os
import secrets
import socketserver
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from igemoji_mesh.db.database import create_engine
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.testing.mesh import TestMesh
from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendMissing, BackendServer

from .ceph import Ceph
from .loops import LoopThread

BackendT = TypeVar("BackendT", bound=BackendServer)


@pytest.fixture(scope="session", autouse=True)
def _quick_stop() -> Iterator[None]:
    """Stop metrics servers faster: by default they check for a shutdown only every half second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (0.02,))
        yield


@pytest.fixture(scope="session")
def backend_loop() -> Iterator[LoopThread]:
    with LoopThread("backends") as loop:
        yield loop


@pytest.fixture(scope="session")
def start_backend(
    backend_loop: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[type[BackendT]], BackendT]]:
    """Return a function that starts a backend. If its programs are missing, a test is skipped, and in CI it fails."""
    running: list[BackendServer] = []

    def start(kind: type[BackendT]) -> BackendT:
        backend = kind(tmp_path_factory.mktemp(kind.name))
        try:
            backend_loop.run(backend.start())
        except BackendMissing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        running.append(backend)
        return backend

    yield start
    for backend in running:
        backend_loop.run(backend.stop())


@pytest.fixture(scope="session")
def mariadb(start_backend: Callable[[type[MariaDb]], MariaDb]) -> MariaDb:
    return start_backend(MariaDb)


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest, backend_loop: LoopThread, tmp_path: Path) -> str:
    """Return the URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/x.db"
    mariadb: MariaDb = request.getfixturevalue("mariadb")
    return backend_loop.run(mariadb.create(f"test_{secrets.token_hex(6)}"))


@pytest.fixture(scope="session", autouse=True)
def _databases_of_services(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--backend real`, run the tests of services on MariaDB, each on a database already migrated."""
    if request.config.getoption("--backend") == "embedded":
        yield
        return
    mariadb: Callable[[], MariaDb] = cache(lambda: request.getfixturevalue("mariadb"))
    backend_loop: LoopThread = request.getfixturevalue("backend_loop")

    @cache
    def table_statements(service: str) -> list[str]:
        """Return statements that create the tables of a service: its migrations run once, not for every test."""
        database = f"migrated_{secrets.token_hex(6)}"
        url = backend_loop.run(mariadb().create(database))
        migrate(url, f"igemoji_{service.replace('-', '_')}")
        return copy_statements(url, database)

    @cache
    def database_for(_data_dir: Path, service: str) -> str:
        database = f"test_{secrets.token_hex(6)}"
        url = backend_loop.run(mariadb().create(database))
        backend_loop.run(mariadb().execute(f"USE {database}", *table_statements(service)))
        return url

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestMesh, "database_for", staticmethod(database_for))
        yield


def copy_statements(url: str, database: str) -> list[str]:
    """Return statements that create the same tables with the same rows in another database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        made = [connection.exec_driver_sql(f"SHOW CREATE TABLE {table}").one()[1] for table in tables]
    engine.dispose()
    filled = [f"INSERT INTO {table} SELECT * FROM {database}.{table}" for table in tables]
    return ["SET foreign_key_checks = 0", *made, *filled]


@pytest.fixture(scope="session")
def rabbitmq(start_backend: Callable[[type[RabbitMq]], RabbitMq]) -> RabbitMq:
    return start_backend(RabbitMq)


@pytest.fixture(scope="session")
def redis(start_backend: Callable[[type[Redis]], Redis]) -> Redis:
    return start_backend(Redis)


@pytest.fixture(scope="session")
def nanio(start_backend: Callable[[type[Nanio]], Nanio]) -> Nanio:
    """Return an S3 server that starts at once."""
    return start_backend(Nanio)


@pytest.fixture(scope="session")
def ceph(start_backend: Callable[[type[Ceph]], Ceph]) -> Ceph:
    """Return Ceph's S3 gateway (radosgw)."""
    return start_backend(Ceph)
