"""Rolling restart of the whole mesh under load, with the number of failed requests.

    python bench/rolling/bench.py [--seconds 20] [--results bench/results]

Starts a mesh on real backends (`make install-backends`) with two replicas of each service, and two gateways behind a
load balancer as in a cluster: clients use the gateways that answer /healthz. Clients read lists, the ranking and their
own page and upload photos, first without restarts and then while each replica of each service, each worker and each
gateway is restarted one by one, as in an upgrade. Clients do not retry. The table has the number of failed requests,
and the rate during restarts relative to the rate without them. Exits with 1 if any request failed.
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

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.users import NO_RETRIES, PEOPLE_PHOTO, first_template, register  # noqa: E402

from igemoji_client import AsyncClient  # noqa: E402
from igemoji_mesh.testing.free_ports import HOST, free_ports  # noqa: E402
from igemoji_stack.backends.backend import Backend  # noqa: E402
from igemoji_stack.mesh.mesh import Mesh  # noqa: E402
from igemoji_stack.mesh.options import SERVICES, WORKER, MeshOptions  # noqa: E402

CLIENTS = 6
TIMEOUT_SECONDS = 900
PROBE_SECONDS = 0.2
READY_SECONDS = 120


@dataclass
class Gateway:
    """Gateway process, and whether the load balancer uses it."""

    url: str
    command: list[str]
    process: asyncio.subprocess.Process | None = None
    healthy: bool = False

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=asyncio.subprocess.DEVNULL)
        async with asyncio.timeout(READY_SECONDS):
            while not self.healthy:  # noqa: ASYNC110 - set by the probe
                await asyncio.sleep(PROBE_SECONDS)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def probe(self) -> None:
        """Check readiness until canceled."""
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    self.healthy = (await http.get("/healthz")).status_code == 200
                await asyncio.sleep(PROBE_SECONDS)


@dataclass
class Load:
    """Load of the clients, and its requests by phase."""

    gateways: list[Gateway]
    phase: str = ""
    done: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def during(self, phase: str) -> AsyncIterator[None]:
        self.phase, started = phase, time.monotonic()
        yield
        self.seconds[phase] = time.monotonic() - started
        self.phase = ""

    async def client(self, number: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            https = [
                await stack.enter_async_context(httpx.AsyncClient(base_url=gateway.url, timeout=60))
                for gateway in self.gateways
            ]
            async with AsyncClient(self.gateways[0].url, options=NO_RETRIES) as user:
                await register(user)
                assert user.session is not None
                headers = {"Authorization": f"Bearer {user.session.access_token}"}
                template_id = (await first_template(user)).id
            for count in itertools.count(number):
                healthy = [client for client, gateway in zip(https, self.gateways, strict=True) if gateway.healthy]
                http = healthy[count % len(healthy)] if healthy else https[0]
                await self._request(http, count, headers, template_id)

    async def _request(self, http: httpx.AsyncClient, count: int, headers: dict[str, str], template_id: str) -> None:
        phase, calls = self.phase, ("/api/v1/emojis/pages/1", "/api/v1/faces/ranking", "/api/v1/users/mypage/result")
        path = "upload" if count % 40 == 0 else calls[count % 3]
        try:
            if path == "upload":
                upload = f"/api/v1/faces/tasks?emoji_id={template_id}"
                answer = await http.post(upload, content=PEOPLE_PHOTO.read_bytes(), headers=headers)
            else:
                answer = await http.get(path, headers=headers)
            failure = "" if answer.status_code < 500 else f"{answer.status_code} {answer.text[:100]}"
        except httpx.TransportError as error:
            failure = repr(error)
        if phase:
            self.done[phase] = self.done.get(phase, 0) + 1
            if failure:
                self.failed.append(f"{phase}: {path}: {failure}")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="duration of the load without restarts")
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
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
    listener, admin = free_ports(2)
    ports = [str(port) for port in (mesh.port, mesh.metrics_port("gateway"), listener, admin)]
    script = str(Path(__file__).with_name("gateway.py"))
    return Gateway(f"http://{HOST}:{listener}", [sys.executable, script, str(data / "run" / "envoy.yaml"), *ports])


async def _run(mesh: Mesh, gateways: list[Gateway], seconds: float) -> Load:
    load = Load(gateways)
    background = [asyncio.create_task(gateway.probe()) for gateway in gateways]
    await asyncio.gather(*(gateway.start() for gateway in gateways))
    background += [asyncio.create_task(load.client(number)) for number in range(CLIENTS)]
    try:
        await asyncio.sleep(3)  # every client has an account, and caches are warm
        async with load.during("no restart"):
            await asyncio.sleep(seconds)
        for name in (*SERVICES, WORKER):
            async with load.during(f"{name}, one by one"):
                for instance in (name, f"{name}-2"):
                    await _restart(mesh, instance)
        async with load.during("gateway, one by one"):
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
    """Restart an instance and return when it is ready, as in a rolling upgrade."""
    process = mesh.processes[instance]
    before, pid = process.restarts, process.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(READY_SECONDS):
        while process.restarts == before or not await process.command.ready():  # noqa: ASYNC110 - polls
            await asyncio.sleep(PROBE_SECONDS)


def _table(load: Load) -> str:
    base = load.done["no restart"] / load.seconds["no restart"]
    lines = [
        "# Rolling restart under load",
        "",
        f"Made by `make bench-rolling`: {CLIENTS} clients, two replicas of each service and two gateways on real",
        "backends, all on a machine with two cores. The rate is relative to the rate without restarts in the same run.",
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
