"""Concurrent watchers on one inference replica: whether each gets every step, and the cost of one."""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from bench.load.generator import EVERY_STEP, watch
from bench.load.users import PHOTO, UserPool
from bench.soak.process_stats import children, read
from igemoji_stack.mesh.mesh import Mesh

WATCHERS_PER_TASK = 5
STOPPED_SECONDS = 12
"""Workers are stopped for less than the twenty seconds that a task may take."""
STATEMENTS = re.compile(r"^igemoji_database_statement_seconds_count\{[^}]*\} (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class WatchResult:
    target: int
    connected: int
    """Watchers connected at the same time, while the workers were stopped."""
    ended: Counter[str]
    kib: dict[str, float]
    """Memory per watcher in KiB, by process."""
    statements: float
    """SQL statements per watcher, from its first step to its last."""
    seconds: float
    """Time from the restart of the workers to the last step of all tasks."""

    @property
    def met(self) -> bool:
        return self.connected == self.target == self.ended[EVERY_STEP]


async def measure_watchers(mesh: Mesh, http: httpx.AsyncClient, users: UserPool, target: int) -> WatchResult:
    """Stop the workers, create and watch tasks, and continue the workers when all watchers are connected."""
    inference = mesh.processes["inference"].pid
    gateway = mesh.processes["gateway"].pid
    assert inference is not None
    assert gateway is not None
    workers, watching = children(inference), asyncio.Event()
    connected = 0

    def on_first() -> None:
        nonlocal connected
        connected += 1
        if connected == target:
            watching.set()

    before = {"inference": _memory(inference), "gateway": _memory(gateway)}
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        tasks = await _create_tasks(http, users, target // WATCHERS_PER_TASK)
        statements_before = await _statements(mesh)
        watchers = [
            asyncio.create_task(watch(mesh.port, task, token, on_first))
            for task, token in tasks
            for _ in range(WATCHERS_PER_TASK)
        ]
        try:
            async with asyncio.timeout(STOPPED_SECONDS):
                await watching.wait()
        except TimeoutError:
            pass
        watched = connected
        after = {"inference": _memory(inference), "gateway": _memory(gateway)}
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    continued = time.monotonic()
    ended = Counter(outcome for outcome, *_ in await asyncio.gather(*watchers))
    seconds = time.monotonic() - continued
    statements = (await _statements(mesh) - statements_before) / target
    kib = {name: 1024 * (after[name] - before[name]) / max(watched, 1) for name in before}
    return WatchResult(target, watched, ended, kib, statements, seconds)


async def _create_tasks(http: httpx.AsyncClient, users: UserPool, count: int) -> list[tuple[str, str]]:
    """Upload one photo for each of `count` guests, over one HTTP client: to make a client takes longer than this."""
    free, path = asyncio.Semaphore(4), f"/api/v1/faces/tasks?emoji_id={users.template_id}"

    async def upload(token: str) -> tuple[str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with free:
            answer = await http.post(path, content=PHOTO, headers=headers)
        return answer.raise_for_status().json()["task_id"], token

    return await asyncio.gather(*(upload(token) for token in users.tokens[:count]))


async def _statements(mesh: Mesh) -> float:
    async with httpx.AsyncClient() as scraper:
        text = (await scraper.get(f"http://127.0.0.1:{mesh.metrics_port('inference')}/metrics")).text
    return sum(float(count) for count in STATEMENTS.findall(text))


def _memory(pid: int) -> float:
    reading = read(pid)
    return reading[0] if reading else 0.0
