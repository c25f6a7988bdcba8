"""The mesh on real parts, two replicas of each service and two workers, with a proxy before everything that listens."""

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

from igemoji_inference.adapters.db.deletion import SqlDeletionStore
from igemoji_inference.usecases.orphans import Orphans
from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.port import ObjectStore, S3Credentials
from igemoji_mesh.testing.free_ports import free_ports
from igemoji_stack.backends import BackendServer, MariaDb, Nanio, RabbitMq, Redis
from igemoji_stack.backends.backend import BUCKET, Backend, Urls
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import GATEWAY, MeshOptions

from .invariants import Invariants, check_objects, check_ranking, check_results, check_tasks, settled
from .load_users import LoadUsers, User, make_users
from .proxy import HOST, Proxy

ASSETS = Path(__file__).parents[2] / "assets" / "build"
USER = "mesh"
REPLICAS = 2
BACK_SECONDS = 60


class RealBooks(Invariants):
    """Of a mesh on real parts, past the proxies."""

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
        """S3 has objects as a whole or not at all."""
        return []

    def pending(self, table: str) -> list[tuple[Any, ...]]:
        return self.rows("inference", f"SELECT topic, attempts, due_at FROM {table}")

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


class ProxiedMesh(Mesh):
    """A mesh whose services reach each other, and whose gateway reaches them, through proxies."""

    def __init__(self, options: MeshOptions, *tell: Callable[[str, str], None]) -> None:
        super().__init__(options, *tell)
        self.proxies: dict[str, list[Proxy]] = {}
        self._starting: list[asyncio.Task[None]] = []

    def rpc_ports(self, service: str) -> list[int]:
        if service not in self.proxies:
            self.proxies[service] = [Proxy(service, port) for port in super().rpc_ports(service)]
            self._starting += [asyncio.create_task(proxy.start()) for proxy in self.proxies[service]]
        return [proxy.port for proxy in self.proxies[service]]


class RealHarmed:
    """A mesh on real parts and its crowd, and the ways to harm them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.mariadb, self.rabbitmq = MariaDb(folder / "mariadb"), RabbitMq(folder / "rabbitmq")
        self.redis, self.s3 = Redis(folder / "redis"), Nanio(folder / "s3")
        self.parts: dict[str, BackendServer] = {
            "database": self.mariadb,
            "queue": self.rabbitmq,
            "progress": self.redis,
            "objects": self.s3,
        }
        self.port = free_ports(1)[0]
        listening = {**{name: part.port for name, part in self.parts.items()}, GATEWAY: self.port}
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
        await asyncio.gather(*(part.start() for part in self.parts.values()))
        await self.mariadb.execute(
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{USER}'", f"GRANT ALL ON *.* TO '{USER}'@'%'"
        )
        await asyncio.gather(*(proxy.start() for (proxy,) in self._proxies.values()))
        await self.mesh.start()

    async def stop(self) -> None:
        self.books.close()
        await self.mesh.stop()
        await asyncio.gather(*(proxy.stop() for proxies in self.proxies.values() for proxy in proxies))
        await asyncio.gather(*(part.stop() for part in self.parts.values()))

    @property
    def url(self) -> str:
        """Of the gateway, through its proxy."""
        return f"http://{HOST}:{self._proxies[GATEWAY][0].port}"

    @property
    def proxies(self) -> dict[str, list[Proxy]]:
        """Before each part, the gateway and each service's replicas: every connection between two passes one."""
        return self._proxies | self.mesh.proxies

    @cached_property
    def books(self) -> RealBooks:
        keys = S3Credentials(self.s3.keys["OBJECT_STORE_ACCESS_KEY"], self.s3.keys["OBJECT_STORE_SECRET_KEY"])
        objects = object_store(self.s3.url(BUCKET).replace(f"{BUCKET}?", f"{BUCKET}/inference?"), keys)
        return RealBooks(f"mysql+pymysql://{USER}:{USER}@{HOST}:{self.mariadb.port}/{{}}", objects)

    def crowd(self, scale: int = 1) -> LoadUsers:
        """New users, with photos that take the longer the larger they are."""
        ((kid, pem),) = self.books.rows("auth", "SELECT kid, private_pem FROM signing_keys LIMIT 1")
        self.users = make_users(SigningKey.from_pem(kid, pem.encode()), scale)
        emojis = self.books.rows("emoji-catalog", "SELECT id FROM emojis ORDER BY id LIMIT 2")
        return LoadUsers(self.url, self.users, [emoji_id for (emoji_id,) in emojis])

    async def kill(self, process: str) -> None:
        """A replica or a worker, with all its children; returns when it has been started again."""
        seen = len(self.events)
        pid = self.mesh.processes[process].pid
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        async with asyncio.timeout(BACK_SECONDS):
            while (process, "is ready again") not in self.events[seen:]:
                await asyncio.sleep(0.05)

    async def kill_child_at_work(self) -> None:
        """Of a worker, one after the other until one had a photo: an idle one is not missed."""
        seen = len(self.lines)
        async with asyncio.timeout(BACK_SECONDS):
            while not any("task.worker_lost" in line for line in self.lines[seen:]):
                for pid in self._children_of_workers()[:1]:
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.3)

    async def restart(self, part: str, away_seconds: float = 0) -> None:
        """As after a loss of power."""
        await self.parts[part].kill()
        await asyncio.sleep(away_seconds)
        await self.parts[part].start()

    @contextlib.asynccontextmanager
    async def unreachable(self, name: str) -> AsyncIterator[None]:
        """Connections end, and no new one comes about: nothing answers there."""
        async with contextlib.AsyncExitStack() as silent:
            for proxy in self.proxies[name]:
                await silent.enter_async_context(proxy.silent())
            self.cut(name)
            yield
        self.cut(name)

    @contextlib.asynccontextmanager
    async def slow(self, name: str, seconds: float) -> AsyncIterator[None]:
        """Whatever goes there or comes from there is so much later."""
        async with contextlib.AsyncExitStack() as slow:
            for proxy in self.proxies[name]:
                await slow.enter_async_context(proxy.slow(seconds))
            yield

    def cut(self, name: str) -> None:
        """Ends every connection to it; new ones are let in."""
        for proxy in self.proxies[name]:
            proxy.cut()

    async def check(self, crowd: LoadUsers, *, answers_were_lost: bool = True) -> None:
        """Whatever happened: nothing is lost, doubled or mixed up, and every answer was clean."""
        assert crowd.complaints == []
        await settled(self.books)
        await self.sweep()
        check_tasks(self.books, self.users, answers_were_lost=answers_were_lost)
        check_objects(self.books)
        check_ranking(self.books)
        await check_results(self.url, self.users)

    async def sweep(self) -> None:
        """What is done every hour, done now: objects go whose row a crash prevented."""
        database = Database(self.books.url("inference"))
        await Orphans(SqlDeletionStore(database), self.books.store).sweep(datetime.timedelta())
        await database.close()

    def _children_of_workers(self) -> list[int]:
        """The processes that look into photos."""
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
