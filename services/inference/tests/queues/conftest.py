"""The service with both queues: the embedded one, and Celery with all real backends."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from igemoji_inference.entrypoints.settings import Settings
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.testing.mesh import free_port, running

START_SECONDS = 60


@dataclass
class Backend:
    """A queue and its workers."""

    settings: dict[str, Any]
    workers: subprocess.Popen[bytes] | None = None
    """Celery's main process; None for the embedded queue."""
    environment: dict[str, str] = field(default_factory=dict)

    def children(self) -> list[int]:
        """Return the sandbox processes."""
        parents = [self.workers.pid, *children_of(self.workers.pid)] if self.workers else [os.getpid()]
        found = [child for parent in parents for child in children_of(parent)]
        return [pid for pid in found if self._is_ours(pid)]

    def kill_children(self) -> int:
        """Kill the sandbox processes and return their number."""
        pids = self.children()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def start_workers(self) -> None:
        port = free_port()
        environment = self.environment | {"METRICS_LISTEN": f"127.0.0.1:{port}"}
        command = [sys.executable, "-m", "igemoji_inference.entrypoints.cli", "worker"]
        self.workers = subprocess.Popen(command, env=environment, start_new_session=True)
        until = time.monotonic() + START_SECONDS
        while not answers(port):
            assert self.workers.poll() is None, "the worker ended while it started"
            assert time.monotonic() < until, "the worker was never ready"
            time.sleep(0.05)

    def stop_workers(self, signum: signal.Signals = signal.SIGTERM) -> int:
        assert self.workers is not None
        self.workers.send_signal(signum)
        return self.workers.wait(60)

    def _is_ours(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:
            return False
        return b"sandbox.main" in command and self.settings["memory"] in command


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["local", pytest.param("celery", marks=pytest.mark.real)])
def backend(request: pytest.FixtureRequest, models: Path) -> Iterator[Backend]:
    # The unique limit marks the sandbox processes of this test.
    memory = 1536 * 2**20 + secrets.randbelow(2**20)
    settings = {"task_memory_bytes": memory, "workers": 1, "memory": str(memory).encode()}
    if request.param == "local":
        yield Backend(settings)
        return
    parts = request.getfixturevalue("real_parts")
    environment = {
        **parts,
        "PATH": os.environ["PATH"],
        "MODELS_DIR": str(models),
        "WORKERS": "1",
        "TASK_MEMORY_BYTES": str(memory),
    }
    migrate(parts["DATABASE_URL"], "igemoji_inference")
    backend = Backend({**settings, **{name.lower(): value for name, value in parts.items()}}, None, environment)
    backend.start_workers()
    yield backend
    assert backend.stop_workers() == 0


@pytest.fixture(scope="module")
def real_parts(backend_loop, mariadb, rabbitmq, redis, nanio) -> dict[str, str]:
    """Return settings with an empty database and an empty bucket; all tests share the servers."""
    name = f"test_{secrets.token_hex(6)}"
    return {
        "DATABASE_URL": backend_loop.run(mariadb.create(name)),
        "OBJECT_STORE_URL": nanio.url(name.replace("_", "-")),
        "TASK_QUEUE_URL": rabbitmq.url,
        "PROGRESS_URL": redis.url,
        **nanio.keys,
    }


@pytest.fixture
def queue_settings(settings: Settings, backend: Backend) -> Settings:
    changes = {name: value for name, value in backend.settings.items() if name != "memory"}
    return Settings(**settings.model_dump() | changes)


@pytest.fixture
async def server(mesh, queue_settings: Settings) -> AsyncIterator[Any]:
    async with running(lambda settings: compose(settings, mesh.verifier), queue_settings) as server:
        yield server
