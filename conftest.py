"""Real parts for tests: private servers that are started when the first test asks for them, once for a whole run."""

import asyncio
import os
import secrets
import socketserver
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from igemoji_mesh.db.database import create_engine
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.testing.mesh import TestMesh
from igemoji_stack.backends import BackendMissing, BackendServer, Ceph, MariaDb, Nanio, RabbitMq, Redis

T = TypeVar("T")
PartT = TypeVar("PartT", bound=BackendServer)

ROOT = Path(__file__).parent
START_SECONDS = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=("embedded", "real"), default="embedded", help="what services are tested on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--backend real` a test of a service that runs none is left out: it would be on SQLite a second time."""
    if config.getoption("--backend") == "real":
        left_out = [item for item in items if item.path.is_relative_to(ROOT / "services") and not runs_a_service(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def runs_a_service(item: pytest.Item) -> bool:
    return "mesh" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def _quick_stop() -> Iterator[None]:
    """The server of the metrics looks only every half second whether it shall stop: too slow for so many starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (0.02,))
        yield


class PartsLoop:
    """An event loop in a thread of its own, in which the parts are started, harmed and stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="parts")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Blocks: in an async test, call it in a thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def parts_loop() -> Iterator[PartsLoop]:
    loop = PartsLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def running_part(
    parts_loop: PartsLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[type[PartT]], PartT]]:
    """Starts a part. Without its programs a test is skipped, and in CI it fails."""
    running: list[BackendServer] = []

    def start(kind: type[PartT]) -> PartT:
        part = kind(tmp_path_factory.mktemp(kind.name))
        try:
            parts_loop.run(part.start())
        except BackendMissing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        running.append(part)
        return part

    yield start
    for part in running:
        parts_loop.run(part.stop())


@pytest.fixture(scope="session")
def mariadb(running_part: Callable[[type[MariaDb]], MariaDb]) -> MariaDb:
    return running_part(MariaDb)


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest, parts_loop: PartsLoop, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/x.db"
    mariadb: MariaDb = request.getfixturevalue("mariadb")
    return parts_loop.run(mariadb.create(f"test_{secrets.token_hex(6)}"))


@pytest.fixture(scope="session", autouse=True)
def _databases_of_services(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--backend real` the tests of services run on MariaDB, each on a database that is migrated already."""
    if request.config.getoption("--backend") == "embedded":
        yield
        return
    mariadb: Callable[[], MariaDb] = cache(lambda: request.getfixturevalue("mariadb"))
    parts_loop: PartsLoop = request.getfixturevalue("parts_loop")

    @cache
    def copying(service: str) -> list[str]:
        """What makes the tables of a service. Its migrations are run once: hundreds of times they take minutes."""
        database = f"migrated_{secrets.token_hex(6)}"
        url = parts_loop.run(mariadb().create(database))
        migrate(url, f"igemoji_{service.replace('-', '_')}")
        return statements_that_copy(url, database)

    @cache
    def database_for(_data_dir: Path, service: str) -> str:
        database = f"test_{secrets.token_hex(6)}"
        url = parts_loop.run(mariadb().create(database))
        parts_loop.run(mariadb().execute(f"USE {database}", *copying(service)))
        return url

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestMesh, "database_for", staticmethod(database_for))
        yield


def statements_that_copy(url: str, database: str) -> list[str]:
    """Statements that make the same tables with the same rows in the database in which they are executed."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        made = [connection.exec_driver_sql(f"SHOW CREATE TABLE {table}").one()[1] for table in tables]
    engine.dispose()
    filled = [f"INSERT INTO {table} SELECT * FROM {database}.{table}" for table in tables]  # noqa: S608 - our own
    return ["SET foreign_key_checks = 0", *made, *filled]


@pytest.fixture(scope="session")
def rabbitmq(running_part: Callable[[type[RabbitMq]], RabbitMq]) -> RabbitMq:
    return running_part(RabbitMq)


@pytest.fixture(scope="session")
def redis(running_part: Callable[[type[Redis]], Redis]) -> Redis:
    return running_part(Redis)


@pytest.fixture(scope="session")
def nanio(running_part: Callable[[type[Nanio]], Nanio]) -> Nanio:
    """S3 that is up at once."""
    return running_part(Nanio)


@pytest.fixture(scope="session")
def ceph(running_part: Callable[[type[Ceph]], Ceph]) -> Ceph:
    """S3 by Ceph's radosgw."""
    return running_part(Ceph)
