"""One mesh for all faults of a module, each with new users: later checks find what an earlier fault left behind."""

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
from support.users import ASSETS

from igemoji_mesh.auth.tokens import SigningKey
from igemoji_mesh.testing.free_ports import free_ports
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

from .invariants import FolderData, check_objects, check_ranking, check_results, check_tasks, settled
from .load_users import LoadUsers, User, make_users


class FaultyMesh:
    """A mesh with embedded backends, its load, and faults to inject."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.stored = FolderData(data)
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
        """Start a new mesh on the same data, at the same address."""
        self.mesh = self._mesh()
        await self.mesh.start()

    def new_load(self, scale: int = 1) -> LoadUsers:
        """Return a load of new users; larger photos take longer."""
        self.users = make_users(signing_key(self.data), scale)
        emojis = self.stored.rows("emoji-catalog", "SELECT id FROM emojis ORDER BY id LIMIT 2")
        return LoadUsers(self.mesh.url, self.users, [emoji_id for (emoji_id,) in emojis])

    def pid(self, service: str) -> int:
        pid = self.mesh.processes[service].pid
        assert pid is not None
        return pid

    def worker_pids(self) -> list[int]:
        inference = self.pid("inference")
        return [int(pid) for pid in Path(f"/proc/{inference}/task/{inference}/children").read_text().split()]

    async def kill_busy_sandbox(self) -> None:
        """Kill sandbox processes until one had a photo: an idle one is not missed."""
        seen = len(self.lines)
        async with asyncio.timeout(20):
            while not any("task.worker_lost" in line for line in self.lines[seen:]):
                for pid in self.worker_pids()[:1]:
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.2)

    async def signal_and_wait(self, service: str, signum: signal.Signals) -> None:
        """Signal a service and wait until it has been restarted."""
        seen = len(self.events)
        os.kill(self.pid(service), signum)
        async with asyncio.timeout(30):
            while (service, "is ready again") not in self.events[seen:]:
                await asyncio.sleep(0.05)

    async def check(self, load: LoadUsers, *, answers_were_lost: bool, connections_were_lost: bool = False) -> None:
        """Check that nothing is lost, doubled, mixed up or left behind, and that every response was valid."""
        assert load.invalid_responses == []
        assert connections_were_lost or load.lost_connections == []
        await settled(self.stored)
        check_tasks(self.stored, self.users, answers_were_lost=answers_were_lost)
        check_objects(self.stored)
        check_ranking(self.stored)
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
    """Return a data folder after a first start, which takes long because it stores the built-in templates."""
    data = tmp_path_factory.mktemp("first") / "data"

    async def start_and_stop() -> None:
        mesh = Mesh(MeshOptions(data=data, assets=ASSETS, port=0))
        await mesh.start()
        await mesh.stop()

    asyncio.run(start_and_stop())
    return data


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_mesh(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FaultyMesh]:
    """Start one mesh for all tests of a module, because a start takes as long as a fault."""
    data = tmp_path_factory.mktemp("faulty_mesh") / "data"
    shutil.copytree(first_start, data)
    faulty_mesh = FaultyMesh(data)
    await faulty_mesh.start()
    try:
        yield faulty_mesh
    finally:
        await faulty_mesh.stop()


def signing_key(data: Path) -> SigningKey:
    with contextlib.closing(sqlite3.connect(data / "auth.db")) as database:
        kid, pem = database.execute("SELECT kid, private_pem FROM signing_keys").fetchone()
    return SigningKey.from_pem(kid, pem.encode())
