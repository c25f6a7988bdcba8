"""The command of the container: `igemoji-gateway serve` runs and drains Envoy."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from .fake_mesh import FakeMesh, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

Serving = tuple[asyncio.subprocess.Process, str]


@pytest_asyncio.fixture(loop_scope="session")
async def serving(envoy: Path, mesh: FakeMesh) -> AsyncIterator[Serving]:
    """Yield a process of the command and its URL; kill it if the test has not ended it."""
    options = mesh.options()
    upstreams = [f"--upstream={name}={at.host}:{at.port}" for name, at in options.upstreams.items()]
    certificates = options.certificates
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from igemoji_gateway.cli import main; main()", "serve", "--mode", "machine"),
        *("--cert", str(certificates.cert), "--key", str(certificates.key), "--ca", str(certificates.ca), *upstreams),
        *("--listen", f"127.0.0.1:{options.listen.port}", "--admin", f"127.0.0.1:{options.admin.port}"),
        *("--drain-seconds", "4"),
    )
    url = f"http://127.0.0.1:{options.listen.port}"
    try:
        assert await eventually(lambda: answers(url, 200), seconds=30, give_up=process)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(url: str, status: int) -> bool:
    try:
        async with httpx.AsyncClient(base_url=url) as client:
            return (await client.get("/healthz")).status_code == status
    except httpx.TransportError:
        return False


async def test_sigterm_fails_the_health_check_then_drains_then_stops(serving: Serving) -> None:
    process, url = serving
    process.send_signal(signal.SIGTERM)
    assert await eventually(lambda: answers(url, 503))
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/")).status_code == 200, "calls during the drain are answered"
    async with asyncio.timeout(60):
        assert await process.wait() == 0


async def test_serve_ends_when_envoy_ends(serving: Serving) -> None:
    process, _ = serving
    (envoy,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()  # noqa: ASYNC240
    os.kill(int(envoy), signal.SIGKILL)
    async with asyncio.timeout(60):
        assert await process.wait() != 0
