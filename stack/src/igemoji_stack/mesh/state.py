"""State of a running mesh: the lock and the state file in its data folder, and its health."""

import asyncio
import contextlib
import fcntl
import json
import ssl
from pathlib import Path
from typing import Any, TextIO

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.server import write_private


def state_file(data: Path) -> Path:
    """Return the path of the state file: process id, URL and TCP ports of the running mesh."""
    return data / "run" / "mesh.json"


def lock_folder(data: Path) -> TextIO:
    """Lock a data folder for this process. Raises BlockingIOError if a mesh runs there, else OSError."""
    lock = (data / "run" / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise
    return lock


def write_state(data: Path, state: dict[str, Any]) -> None:
    """Write the state file, which holds passwords, for its owner only."""
    write_private(state_file(data), json.dumps(state, indent=2))


def read_state(data: Path) -> dict[str, Any] | None:
    """Return the state of the mesh in a data folder; None if no mesh runs there."""
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
    """Return whether grpc.health.v1 on a plaintext port answers SERVING."""
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def answers_ok(url: str, path: str) -> bool:
    """Return whether a GET request to this machine is answered with 200."""
    scheme, _, authority = url.partition("://")
    # A liveness check that sends no secret: the certificate need not be verified.
    tls = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(HOST, int(authority.rpartition(":")[2]), ssl=tls)
            with contextlib.closing(writer):
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False
