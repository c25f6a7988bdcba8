"""A mesh that is harmed time after time, each time with new users: what one fault leaves behind, later checks find."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.testing.free_ports import free_ports
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

from .invariants import FolderInvariants, check_objects, check_ranking, check_results, check_tasks, settled
from .load_users import LoadUsers, User, make_users

ASSETS = Path(__file__).parents[2] / "assets" / "build"


class Harmed:
    """A mesh and its crowd, and the ways to harm it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.books = FolderInvariants(data)
        self.port = free_ports(1)[0]
        self.events: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.mesh = self._mesh()
        self.users: list[User] = []

    async def start(self) -> None:
        await self.mesh.start()

    async def stop(self) -> None:
        await self.mesh.stop()

    async def start_again(self) -> None:
        """On the same data, at the same address."""
        self.mesh = self._mesh()
        await self.mesh.start()

    def crowd(self, scale: int = 1) -> LoadUsers:
        """New users, with photos that take the longer the larger they are."""
        self.users = make_users(signing_key(self.data), scale)
        emojis = self.books.rows("emoji-catalog", "SELECT id FROM emojis ORDER BY id LIMIT 2")
        return LoadUsers(self.mesh.url, self.users, [emoji_id for (emoji_id,) in emojis])

    def pid(self, service: str) -> int:
        pid = self.mesh.processes[service].pid
        assert pid is not None
        return pid

    def worker_pids(self) -> list[int]:
        inference = self.pid("inference")
        return [int(pid) for pid in Path(f"/proc/{inference}/task/{inference}/children").read_text().split()]

    async def kill_worker_at_work(self) -> None:
        """One after the other until one had a photo: an idle one is not missed."""
        seen = len(self.lines)
        async with asyncio.timeout(20):
            while not any("task.worker_lost" in line for line in self.lines[seen:]):
                for pid in self.worker_pids()[:1]:
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.2)

    async def signalled(self, service: str, signum: signal.Signals) -> None:
        """Returns when the service has been started again."""
        seen = len(self.events)
        os.kill(self.pid(service), signum)
        async with asyncio.timeout(30):
            while (service, "is ready again") not in self.events[seen:]:
                await asyncio.sleep(0.05)

    async def check(self, crowd: LoadUsers, *, answers_were_lost: bool, connections_were_lost: bool = False) -> None:
        """Whatever happened: nothing is lost, doubled, mixed up or left behind, and every answer was clean."""
        assert crowd.complaints == []
        assert connections_were_lost or crowd.lost_connections == []
        await settled(self.books)
        check_tasks(self.books, self.users, answers_were_lost=answers_were_lost)
        check_objects(self.books)
        check_ranking(self.books)
        await check_results(self.mesh.url, self.users)

    def _mesh(self) -> Mesh:
        options = MeshOptions(data=self.data, assets=ASSETS, port=self.port, rate_factor=1000)
        return Mesh(
            options,
            lambda name, line: self.lines.append(f"{name} {line}"),
            lambda name, event: self.events.append((name, event)),
        )


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after a first start: built-in templates take longer to store than all the rest of a start."""
    data = tmp_path_factory.mktemp("first") / "data"

    async def start_and_stop() -> None:
        mesh = Mesh(MeshOptions(data=data, assets=ASSETS, port=0))
        await mesh.start()
        await mesh.stop()

    asyncio.run(start_and_stop())
    return data


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harmed(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harmed]:
    """One for all tests of a module: to start a mesh takes as long as to harm it."""
    data = tmp_path_factory.mktemp("harmed") / "data"
    shutil.copytree(first_start, data)
    harmed = Harmed(data)
    await harmed.start()
    try:
        yield harmed
    finally:
        await harmed.stop()


def signing_key(data: Path) -> SigningKey:
    with contextlib.closing(sqlite3.connect(data / "auth.db")) as database:
        kid, pem = database.execute("SELECT kid, private_pem FROM signing_keys").fetchone()
    return SigningKey.from_pem(kid, pem.encode())
