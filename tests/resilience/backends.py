"""A mesh with real backends, two replicas of each service, two workers, and a proxy before everything that listens."""

import asyncio
import contextlib
import datetime
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.users import ASSETS

from igemoji_inference.adapters.db.deletion import SqlDeletionStore
from igemoji_inference.usecases.orphans import Orphans
from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.port import ObjectStore, S3Credentials
from igemoji_mesh.testing.free_ports import free_ports
from igemoji_stack.backends.backend import BUCKET, Backend, Urls
from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.backends.server import BackendServer
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import GATEWAY, MeshOptions

from .invariants import StoredData, check_objects, check_ranking, check_results, check_tasks, settled
from .load_users import LoadUsers, User, make_users
from .proxy import HOST, Proxy

USER = "mesh"
REPLICAS = 2
BACK_SECONDS = 60


class RealData(StoredData):
    """Backends of a mesh, read past the proxies."""

    def __init__(self, database: str, objects: ObjectStore) -> None:
        self._database = database
        self._engines: dict[str, sa.Engine] = {}
        self.store = objects

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        name = f"igemoji_{service.replace('-', '_')}"
        engine = self._engines.setdefault(service, sa.create_engine(self._database.format(name), pool_pre_ping=True))
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def url(self, service: str) -> str:
        return self._database.format(f"igemoji_{service.replace('-', '_')}")

    def objects(self, prefix: str) -> list[str]:
        return sorted(self.store.keys(f"{prefix}/"))

    def half_written(self) -> list[str]:
        """Return nothing: S3 has only complete objects."""
        return []

    def pending(self, table: str) -> list[tuple[Any, ...]]:
        return self.rows("inference", f"SELECT topic, attempts, due_at FROM {table}")

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


class ProxiedMesh(Mesh):
    """A mesh whose services and gateway connect to services through proxies."""

    def __init__(self, options: MeshOptions, *observers: Callable[[str, str], None]) -> None:
        super().__init__(options, *observers)
        self.proxies: dict[str, list[Proxy]] = {}
        self._starting: list[asyncio.Task[None]] = []

    def rpc_ports(self, service: str) -> list[int]:
        if service not in self.proxies:
            self.proxies[service] = [Proxy(service, port) for port in super().rpc_ports(service)]
            self._starting += [asyncio.create_task(proxy.start()) for proxy in self.proxies[service]]
        return [proxy.port for proxy in self.proxies[service]]


class FaultyRealMesh:
    """A mesh with real backends, its load, and faults to inject."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.mariadb, self.rabbitmq = MariaDb(folder / "mariadb"), RabbitMq(folder / "rabbitmq")
        self.redis, self.s3 = Redis(folder / "redis"), Nanio(folder / "s3")
        self.backends: dict[str, BackendServer] = {
            "database": self.mariadb,
            "queue": self.rabbitmq,
            "progress": self.redis,
            "objects": self.s3,
        }
        self.port = free_ports(1)[0]
        listening = {**{name: backend.port for name, backend in self.backends.items()}, GATEWAY: self.port}
        self._proxies = {name: [Proxy(name, port)] for name, port in listening.items()}
        self.events: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.users: list[User] = []
        os.environ.update(self.s3.keys)  # as an operator gives them to `igemoji up`
        self.mesh = ProxiedMesh(
            self._options(),
            lambda name, line: self.lines.append(f"{name} {line}"),
            lambda name, event: self.events.append((name, event)),
        )

    async def start(self) -> None:
        await asyncio.gather(*(backend.start() for backend in self.backends.values()))
        await self.mariadb.execute(
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{USER}'", f"GRANT ALL ON *.* TO '{USER}'@'%'"
        )
        await asyncio.gather(*(proxy.start() for (proxy,) in self._proxies.values()))
        await self.mesh.start()

    async def stop(self) -> None:
        self.stored.close()
        await self.mesh.stop()
        await asyncio.gather(*(proxy.stop() for proxies in self.proxies.values() for proxy in proxies))
        await asyncio.gather(*(backend.stop() for backend in self.backends.values()))

    @property
    def url(self) -> str:
        """Return the address of the gateway's proxy."""
        return f"http://{HOST}:{self._proxies[GATEWAY][0].port}"

    @property
    def proxies(self) -> dict[str, list[Proxy]]:
        """Return the proxies before each backend, the gateway and each replica, by name."""
        return self._proxies | self.mesh.proxies

    @cached_property
    def stored(self) -> RealData:
        keys = S3Credentials(self.s3.keys["OBJECT_STORE_ACCESS_KEY"], self.s3.keys["OBJECT_STORE_SECRET_KEY"])
        objects = object_store(self.s3.url(BUCKET).replace(f"{BUCKET}?", f"{BUCKET}/inference?"), keys)
        return RealData(f"mysql+pymysql://{USER}:{USER}@{HOST}:{self.mariadb.port}/{{}}", objects)

    def new_load(self, scale: int = 1) -> LoadUsers:
        """Return a load of new users; larger photos take longer."""
        ((kid, pem),) = self.stored.rows("auth", "SELECT kid, private_pem FROM signing_keys LIMIT 1")
        self.users = make_users(SigningKey.from_pem(kid, pem.encode()), scale)
        emojis = self.stored.rows("emoji-catalog", "SELECT id FROM emojis ORDER BY id LIMIT 2")
        return LoadUsers(self.url, self.users, [emoji_id for (emoji_id,) in emojis])

    async def kill(self, process: str) -> None:
        """Kill a replica or a worker with its children, and wait until it has been restarted."""
        seen = len(self.events)
        pid = self.mesh.processes[process].pid
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        async with asyncio.timeout(BACK_SECONDS):
            while (process, "is ready again") not in self.events[seen:]:
                await asyncio.sleep(0.05)

    async def kill_busy_sandbox(self) -> None:
        """Kill sandbox processes of workers until one had a photo: an idle one is not missed."""
        seen = len(self.lines)
        async with asyncio.timeout(BACK_SECONDS):
            while not any("task.worker_lost" in line for line in self.lines[seen:]):
                for pid in self._children_of_workers()[:1]:
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.3)

    async def restart(self, backend: str, away_seconds: float = 0) -> None:
        """Kill a backend and start it again, as after a power loss."""
        await self.backends[backend].kill()
        await asyncio.sleep(away_seconds)
        await self.backends[backend].start()

    @contextlib.asynccontextmanager
    async def unreachable(self, name: str) -> AsyncIterator[None]:
        """Make a backend or service unreachable: connections end and new ones get no answer."""
        async with contextlib.AsyncExitStack() as silent:
            for proxy in self.proxies[name]:
                await silent.enter_async_context(proxy.silent())
            self.cut(name)
            yield
        self.cut(name)

    @contextlib.asynccontextmanager
    async def slow(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Delay all connections to a backend or service."""
        async with contextlib.AsyncExitStack() as slow:
            for proxy in self.proxies[name]:
                await slow.enter_async_context(proxy.slow(seconds))
            yield

    def cut(self, name: str) -> None:
        """Abort every connection to a backend or service; new ones are accepted."""
        for proxy in self.proxies[name]:
            proxy.cut()

    async def check(self, load: LoadUsers, *, answers_were_lost: bool = True) -> None:
        """Check that nothing is lost, doubled or mixed up, and that every response was valid."""
        assert load.invalid_responses == []
        await settled(self.stored)
        await self.sweep()
        check_tasks(self.stored, self.users, answers_were_lost=answers_were_lost)
        check_objects(self.stored)
        check_ranking(self.stored)
        await check_results(self.url, self.users)

    async def sweep(self) -> None:
        """Run the hourly sweep now: objects without a row, left by a crash, are deleted."""
        database = Database(self.stored.url("inference"))
        await Orphans(SqlDeletionStore(database), self.stored.store).sweep(datetime.timedelta())
        await database.close()

    def _children_of_workers(self) -> list[int]:
        """Return the sandbox processes of the workers."""
        workers = [process.pid for name, process in self.mesh.processes.items() if name.startswith("inference-worker")]
        return [grandchild for pid in workers if pid for child in children(pid) for grandchild in children(child)]

    def _options(self) -> MeshOptions:
        port = {name: proxy.port for name, (proxy,) in self._proxies.items()}
        urls = Urls(
            database=f"mysql+pymysql://{USER}:{USER}@{HOST}:{port['database']}/igemoji",
            queue=self.rabbitmq.url.replace(f":{self.rabbitmq.port}/", f":{port['queue']}/"),
            progress=self.redis.url.replace(f":{self.redis.port}/", f":{port['progress']}/"),
            objects=self.s3.url(BUCKET).replace(f"%3A{self.s3.port}", f"%3A{port['objects']}"),
        )
        return MeshOptions(
            data=self._folder / "data",
            assets=ASSETS,
            port=self.port,
            workers=1,
            rate_factor=1000,
            backend=Backend.REAL,
            urls=urls,
            replicas=REPLICAS,
            worker_replicas=2,
        )


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
