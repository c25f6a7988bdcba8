"""What a mesh on this machine says of itself, and whether it is well."""

import asyncio
import contextlib
import fcntl
import json
import ssl
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from igemoji_mesh.testing.free_ports import HOST


def state_file(data: Path) -> Path:
    """What a running mesh says of itself: its pid, its address, the ports of its services."""
    return data / "run" / "mesh.json"


def read_state(data: Path) -> dict[str, Any] | None:
    """What the mesh in a data folder says of itself; None where none runs."""
    try:
        with (data / "run" / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError):
            state: dict[str, Any] = json.loads(state_file(data).read_text())
            return state
        return None


async def is_serving(port: int) -> bool:
    """Whether grpc.health.v1 on a plaintext port says SERVING."""
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def answers_ok(url: str, path: str) -> bool:
    """Whether a GET to a mesh on this machine is answered with 200."""
    scheme, _, authority = url.partition("://")
    # Asks only whether it is there: whom a certificate names is for those to check who send something.
    tls = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(HOST, int(authority.rpartition(":")[2]), ssl=tls)
            with contextlib.closing(writer):
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
