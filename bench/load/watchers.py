"""Many who watch one inference replica at once: does each get every step, and what does one cost?"""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from bench.load.generator import ALL, watch
from bench.load.people import PHOTO, Crowd
from bench.soak.samples import children, read
from igemoji_stack.mesh.mesh import Mesh

PER_TASK = 5
HELD_SECONDS = 12
"""Tasks must begin within the twenty seconds that one may take."""
STATEMENTS = re.compile(r"^igemoji_database_statement_seconds_count\{[^}]*\} (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Watched:
    wanted: int
    at_once: int
    """Connected at the same moment, while no worker worked."""
    ended: Counter[str]
    kib: dict[str, float]
    """By process: memory for one more watcher."""
    statements: float
    """That the database was asked for one watcher, from its first step to its last."""
    seconds: float
    """From the moment in which workers went on to the last step of all."""

    @property
    def held(self) -> bool:
        return self.at_once == self.wanted == self.ended[ALL]


async def many_watch(mesh: Mesh, http: httpx.AsyncClient, crowd: Crowd, wanted: int) -> Watched:
    """Workers are stopped, tasks made and watched, and workers let go on when all are connected."""
    inference = mesh.processes["inference"].pid
    gateway = mesh.processes["gateway"].pid
    assert inference is not None
    assert gateway is not None
    workers, watching, before = children(inference), asyncio.Event(), {}
    connected = 0

    def one_more() -> None:
        nonlocal connected
        connected += 1
        if connected == wanted:
            watching.set()

    before = {"inference": _memory(inference), "gateway": _memory(gateway)}
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        tasks = await _tasks(http, crowd, wanted // PER_TASK)
        asked = await _statements(mesh)
        watchers = [
            asyncio.create_task(watch(mesh.port, task, token, one_more))
            for task, token in tasks
            for _ in range(PER_TASK)
        ]
        try:
            async with asyncio.timeout(HELD_SECONDS):
                await watching.wait()
        except TimeoutError:
            pass
        at_once = connected
        after = {"inference": _memory(inference), "gateway": _memory(gateway)}
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    went_on = time.monotonic()
    ended = Counter(outcome for outcome, *_ in await asyncio.gather(*watchers))
    seconds = time.monotonic() - went_on
    statements = (await _statements(mesh) - asked) / wanted
    kib = {name: 1024 * (after[name] - before[name]) / max(at_once, 1) for name in before}
    return Watched(wanted, at_once, ended, kib, statements, seconds)


async def _tasks(http: httpx.AsyncClient, crowd: Crowd, count: int) -> list[tuple[str, str]]:
    """One task each of so many guests."""
    free = asyncio.Semaphore(4)

    async def upload(token: str) -> tuple[str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with free:
            answer = await http.post(f"/api/v1/faces/tasks?emoji_id={crowd.emoji_id}", content=PHOTO, headers=headers)
        return answer.raise_for_status().json()["task_id"], token

    return await asyncio.gather(*(upload(token) for token in crowd.tokens[:count]))


async def _statements(mesh: Mesh) -> float:
    async with httpx.AsyncClient() as scraper:
        text = (await scraper.get(f"http://127.0.0.1:{mesh.metrics_port('inference')}/metrics")).text
    return sum(float(count) for count in STATEMENTS.findall(text))


def _memory(pid: int) -> float:
    reading = read(pid)
    return reading[0] if reading else 0.0
