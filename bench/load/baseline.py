"""Baseline: the throughput of a bare grpc.aio service on this machine, to compare the mesh with.

The bare service answers the same request with the same bytes over plaintext and does nothing else: no TLS, no token,
no validation, no log, no database. The same client calls both.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

METHOD = "/igemoji.emoji_catalog.v1.EmojiCatalogService/ListEmojis"
REQUEST = b"\x08\x01"
"""ListEmojisRequest(page_number=1)."""
CALLERS = 8


@dataclass(frozen=True)
class Rate:
    per_second: float
    p95_ms: float


def measure(target: str, seconds: float, callers: int = CALLERS) -> Rate:
    """Measure the rate of concurrent callers in a closed loop. To be called in a process of its own."""
    return asyncio.run(_measure(target, seconds, callers))


def fetch_answer(target: str) -> bytes:
    """Return the answer of a service as bytes."""
    with grpc.insecure_channel(target) as channel:
        call: Any = channel.unary_unary(METHOD)
        answer: bytes = call(REQUEST, timeout=10)
        return answer


async def _measure(target: str, seconds: float, callers: int) -> Rate:
    async with grpc.aio.insecure_channel(target) as channel:
        call: Any = channel.unary_unary(METHOD)
        await call(REQUEST, timeout=10, wait_for_ready=True)
        took: list[float] = []
        started = time.perf_counter()

        async def one() -> None:
            while time.perf_counter() - started < seconds:
                began = time.perf_counter()
                await call(REQUEST, timeout=10)
                took.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(callers)))
        return Rate(len(took) / (time.perf_counter() - started), 1000 * statistics.quantiles(took, n=20)[18])


@asynccontextmanager
async def bare_service(answer: bytes) -> AsyncIterator[str]:
    """Run the bare service as a process; yields its target."""
    arguments = [sys.executable, "-m", "bench.load.baseline"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(answer)
    process.stdin.write_eof()
    try:
        yield f"127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.terminate()
        await process.wait()


async def _serve(answer: bytes) -> None:
    async def list_emojis(_request: bytes, _context: Any) -> bytes:
        return answer

    service, _, name = METHOD[1:].rpartition("/")
    server = grpc.aio.server()
    handlers: Any = {name: grpc.unary_unary_rpc_method_handler(list_emojis)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(sys.stdin.buffer.read()))
