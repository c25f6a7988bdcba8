"""A rolling restart of everything under load: how many requests fail?

    python bench/rolling/bench.py [--seconds 20] [--results bench/results]

Starts a mesh on real parts (`make services`) with two replicas of each service, and two gateways behind a balancer as a
cluster has one: it sends to those that answer /healthz. Clients read lists, the ranking and their own page and upload
photos, first undisturbed and then while each replica of each service, each worker and each gateway is restarted in
turn, as an upgrade does it. Nothing is tried again by the clients. The table says how many requests failed, and the
rate under restarts as a share of the undisturbed rate of the same run. Exits with 1 where any request failed.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import SERVICES, WORKER, MeshOptions

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "assets" / "node_modules" / "@vladmandic" / "face-api" / "demo" / "sample1.jpg"
CLIENTS = 6
MOST_SECONDS = 900
PROBE_SECONDS = 0.2
READY_SECONDS = 120


@dataclass
class Gateway:
    """A gateway as a process, and whether the balancer sends to it."""

    url: str
    command: list[str]
    process: asyncio.subprocess.Process | None = None
    healthy: bool = False

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.DEVNULL)
        async with asyncio.timeout(READY_SECONDS):
            while not self.healthy:  # noqa: ASYNC110 - somebody else's event
                await asyncio.sleep(PROBE_SECONDS)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def probe(self) -> None:
        """As a readiness probe does it, for as long as the run takes."""
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    self.healthy = (await http.get("/healthz")).status_code == 200
                await asyncio.sleep(PROBE_SECONDS)


@dataclass
class Load:
    """What clients did, by phase."""

    gateways: list[Gateway]
    phase: str = ""
    done: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def named(self, phase: str) -> AsyncIterator[None]:
        self.phase, started = phase, time.monotonic()
        yield
        self.seconds[phase] = time.monotonic() - started
        self.phase = ""

    async def client(self, number: int) -> None:
        turns = itertools.count(number)
        async with contextlib.AsyncExitStack() as stack:
            https = [
                await stack.enter_async_context(httpx.AsyncClient(base_url=gateway.url, timeout=60))
                for gateway in self.gateways
            ]
            http = https[0]
            account = {"email": f"c{number}@example.org", "password": f"a long one {number}", "alias": f"c{number}"}
            (await http.post("/api/v1/users", json=account)).raise_for_status()
            token = (await http.post("/api/v1/users/auth", json=account)).json()["access_token"]
            me = {"Authorization": f"Bearer {token}"}
            emoji = (await http.get("/api/v1/emojis/pages/1")).json()["emojis"][0]["id"]
            while True:
                healthy = [client for client, gateway in zip(https, self.gateways, strict=True) if gateway.healthy]
                turn = next(turns)
                http = healthy[turn % len(healthy)] if healthy else https[0]
                await self._one(http, turn, me, emoji)

    async def _one(self, http: httpx.AsyncClient, turn: int, me: dict[str, str], emoji: str) -> None:
        phase, calls = self.phase, ("/api/v1/emojis/pages/1", "/api/v1/faces/ranking", "/api/v1/users/mypage/result")
        path = "upload" if turn % 40 == 0 else calls[turn % 3]
        try:
            if path == "upload":
                answer = await http.post(
                    f"/api/v1/faces/tasks?emoji_id={emoji}", content=PHOTO.read_bytes(), headers=me
                )
            else:
                answer = await http.get(path, headers=me)
            wrong = "" if answer.status_code < 500 else f"{answer.status_code} {answer.text[:100]}"
        except httpx.TransportError as error:
            wrong = repr(error)
        if phase:
            self.done[phase] = self.done.get(phase, 0) + 1
            if wrong:
                self.failed.append(f"{phase}: {path}: {wrong}")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of undisturbed load")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = MeshOptions(
            data=Path(folder),
            assets=ROOT / "assets" / "build",
            port=0,
            workers=1,
            rate_factor=1000,
            backend=Backend.REAL,
            replicas=2,
            worker_replicas=2,
            drain_seconds=3,
        )
        mesh = Mesh(options)
        await mesh.start()
        gateways = []
        try:
            async with asyncio.timeout(MOST_SECONDS):
                gateways = [_gateway(mesh, Path(folder)) for _ in range(2)]
                load = await _run(mesh, gateways, arguments.seconds)
        finally:
            await asyncio.gather(*(gateway.stop() for gateway in gateways))
            await mesh.stop()
    table = _table(load)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "rolling.md").write_text(table)
    print(table)
    return 1 if load.failed else 0


def _gateway(mesh: Mesh, data: Path) -> Gateway:
    edge, admin = free_ports(2)
    ports = [str(port) for port in (mesh.port, mesh.metrics_port("gateway"), edge, admin)]
    script = str(Path(__file__).with_name("gateway.py"))
    return Gateway(f"http://{HOST}:{edge}", [sys.executable, script, str(data / "run" / "envoy.yaml"), *ports])


async def _run(mesh: Mesh, gateways: list[Gateway], seconds: float) -> Load:
    load = Load(gateways)
    background = [asyncio.create_task(gateway.probe()) for gateway in gateways]
    await asyncio.gather(*(gateway.start() for gateway in gateways))
    background += [asyncio.create_task(load.client(number)) for number in range(CLIENTS)]
    try:
        await asyncio.sleep(3)  # everybody has an account, and caches are warm
        async with load.named("undisturbed"):
            await asyncio.sleep(seconds)
        for name in (*SERVICES, WORKER):
            async with load.named(f"{name}, one after the other"):
                for instance in (name, f"{name}-2"):
                    await _restart(mesh, instance)
        async with load.named("gateway, one after the other"):
            for gateway in gateways:
                await gateway.stop()
                gateway.healthy = False
                await gateway.start()
        for task in background:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
    return load


async def _restart(mesh: Mesh, instance: str) -> None:
    """As a rolling upgrade: the next one only when this one is ready again."""
    process = mesh.processes[instance]
    before, pid = process.restarts, process.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(READY_SECONDS):
        while process.restarts == before or not await process.command.ready():  # noqa: ASYNC110 - asks it
            await asyncio.sleep(PROBE_SECONDS)


def _table(load: Load) -> str:
    base = load.done["undisturbed"] / load.seconds["undisturbed"]
    lines = [
        "# A rolling restart of everything, under load",
        "",
        f"Written by bench/rolling/bench.py: {CLIENTS} clients, two replicas of each service and two gateways, on real",
        "parts, on a machine of two cores that they share. The rate is a share of the undisturbed one of the same run.",
        "",
        "| | requests | failed | rate |",
        "|---|---|---|---|",
    ]
    for phase, done in load.done.items():
        failed = sum(line.startswith(f"{phase}: ") for line in load.failed)
        lines.append(f"| {phase} | {done} | {failed} | {done / load.seconds[phase] / base:.2f} |")
    lines.append(f"| **all** | {sum(load.done.values())} | {len(load.failed)} | |")
    return "\n".join([*lines, *(["", "```", *load.failed[:20], "```"] if load.failed else []), ""])


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
