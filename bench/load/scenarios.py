"""Scenarios: a ramp to saturation, an overload at ten times that rate with recovery, and a soak."""

import asyncio
import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass

import httpx

from bench.load.generator import EVERY_STEP, UPLOAD, Calls, Outcome, generate
from bench.load.summary import Summary, summarize
from bench.load.users import LOGIN, READS, UserPool, create_users
from bench.soak.process_stats import ProcessStats
from igemoji_stack.mesh.mesh import Mesh

MAX_P95_MS = 250
MAX_REFUSAL_P95_MS = 100
MAX_SLOW_P95_MS = 1000
"""Limit for logins and uploads."""
FIRST_RATE = 20.0
GROWTH = 1.3
MAX_STEPS = 20
OVERLOAD_FACTOR = 10
RECOVERY_SECONDS = 30
RECOVERED = 1.5
"""Latencies have recovered when they are below this factor of those before, plus ten milliseconds."""
SETTLE_SECONDS = 240
PART_SECONDS = 300
SAMPLE_SECONDS = 2.0


@dataclass
class Load:
    """A mesh and its users."""

    mesh: Mesh
    http: httpx.AsyncClient
    users: UserPool
    pool: Executor
    seed: int = 0

    async def send(self, rate: float, seconds: float) -> Outcome:
        """Generate load in a process of its own."""
        self.seed += 1
        plan = self.users.plan(self.mesh.port, rate, seconds, self.seed)
        return await asyncio.get_running_loop().run_in_executor(self.pool, generate, plan)

    def crashed(self) -> dict[str, int]:
        """Return how often each process was restarted, without those that were not."""
        return {name: process.restarts for name, process in self.mesh.processes.items() if process.restarts}

    async def renew_users(self) -> None:
        """Replace the users: the access token of a guest is valid for ten minutes."""
        self.users = await create_users(self.mesh.url)

    async def settled(self, outcome: Outcome) -> Counter[str]:
        """Wait until all accepted tasks have ended; return their number by final state."""
        open_tasks = outcome.accepted
        ended: Counter[str] = Counter()
        until = time.monotonic() + SETTLE_SECONDS
        while open_tasks and time.monotonic() < until:
            left = []
            for task, token in open_tasks:
                answer = await self.http.get(
                    f"/api/v1/faces/tasks/{task}", headers={"Authorization": f"Bearer {token}"}
                )
                state = answer.json().get("state", f"status {answer.status_code}")
                if state in ("TASK_STATE_DONE", "TASK_STATE_FAILED") or answer.status_code in (401, 404):
                    ended[state] += 1
                else:
                    left.append((task, token))
            open_tasks = left
            await asyncio.sleep(0.5 if left else 0)
        ended["unfinished"] += len(open_tasks)
        return +ended


def reads(outcome: Outcome) -> list[Calls]:
    return [outcome.calls[kind] for kind in READS]


def summarize_all(outcome: Outcome) -> Summary:
    return summarize(outcome.calls.values())


@dataclass(frozen=True)
class Step:
    rate: float
    outcome: Outcome
    reads: Summary
    all: Summary

    @property
    def met(self) -> bool:
        whole = not self.all.refused and not self.all.wrong and not self.outcome.unsent.total()
        slow = (summarize([self.outcome.calls[kind]]).p95 for kind in (LOGIN, UPLOAD))
        # p95 is NaN, which is never too slow, if there was no such call.
        return whole and self.reads.p95 < MAX_P95_MS and not any(p95 >= MAX_SLOW_P95_MS for p95 in slow)


async def ramp(load: Load, step_seconds: float, first: float = FIRST_RATE) -> list[Step]:
    """Raise the rate step by step, up to the first one that fails its limits twice."""
    steps: list[Step] = []
    for number in range(MAX_STEPS):
        for _ in range(2):  # another process may have disturbed a step: try it twice
            outcome = await load.send(first * GROWTH**number, step_seconds)
            steps.append(Step(first * GROWTH**number, outcome, summarize(reads(outcome)), summarize_all(outcome)))
            if steps[-1].met:
                break
        if not steps[-1].met:
            break
    return steps


def sustainable(steps: list[Step]) -> float:
    """Return the last rate that met its limits; if none did, the rate below the first one."""
    met = [step.rate for step in steps if step.met]
    return met[-1] if met else steps[0].rate / GROWTH


@dataclass(frozen=True)
class Overload:
    rate: float
    seconds: float
    before: Outcome
    during: Outcome
    after: Outcome
    ended: Counter[str]
    """Number of the photos accepted during the overload, by final state."""
    crashed: dict[str, int]

    def requirements(self) -> dict[str, bool]:
        during, admitted = summarize_all(self.during), summarize(reads(self.during))
        before, after = summarize(reads(self.before)).p95, summarize(reads(self.after)).p95
        accepted = len(self.during.accepted)
        done = self.ended["TASK_STATE_DONE"]
        return {
            f"no process crashes{_of(self.crashed)}": not self.crashed,
            f"every call is answered or refused{_of(during.wrong)}": not during.wrong,
            f"every refusal has a Retry-After ({during.without_retry_after} without)": (not during.without_retry_after),
            f"every accepted photo is finished ({done} of {accepted}{_of(self.ended)})": done == accepted,
            f"95 % of admitted reads within {MAX_P95_MS} ms ({admitted.p95:.0f})": admitted.p95 < MAX_P95_MS,
            f"95 % of refusals within {MAX_REFUSAL_P95_MS} ms ({during.refused_p95:.0f})": (
                during.refused_p95 < MAX_REFUSAL_P95_MS
            ),
            f"{RECOVERY_SECONDS} s later reads are as fast as before (95 %: {after:.0f} ms, before {before:.0f})": (
                after < RECOVERED * before + 10
            ),
        }


def _of(counts: dict[int, int] | dict[str, int]) -> str:
    return f"; {', '.join(f'{name}: {count}' for name, count in counts.items())}" if counts else ""


async def overload(load: Load, rate: float, seconds: float, half_rate_seconds: float) -> Overload:
    """Send ten times the rate, before and after it half of the rate."""
    before = await load.send(rate / 2, half_rate_seconds)
    during = asyncio.create_task(load.send(OVERLOAD_FACTOR * rate, seconds))
    await asyncio.sleep(seconds + RECOVERY_SECONDS)
    after = await load.send(rate / 2, half_rate_seconds)
    outcome = await during
    ended = await load.settled(outcome)
    return Overload(OVERLOAD_FACTOR * rate, seconds, before, outcome, after, ended, load.crashed())


@dataclass(frozen=True)
class Soak:
    rate: float
    seconds: float
    stats: ProcessStats
    outcome: Outcome
    ended: Counter[str]
    crashed: dict[str, int]

    @property
    def met(self) -> bool:
        """Return whether nothing failed, was lost or crashed; refusals are no failures."""
        watched = self.outcome.watchers[EVERY_STEP] == sum(self.outcome.watchers.values())
        done = self.ended["TASK_STATE_DONE"] == len(self.outcome.accepted)
        return watched and done and not summarize_all(self.outcome).wrong and not self.crashed


async def soak(load: Load, rate: float, seconds: float) -> Soak:
    """Send a constant rate for a long time and sample the processes."""
    stats, started = ProcessStats(), time.monotonic()
    outcome, ended = Outcome({}, [], Counter()), Counter[str]()

    async def sample() -> None:
        while True:
            stats.take(load.mesh, started)
            await asyncio.sleep(SAMPLE_SECONDS)

    sampler = asyncio.create_task(sample())
    try:
        while (left := started + seconds - time.monotonic()) > 1:
            await load.renew_users()
            part = await load.send(rate, min(left, PART_SECONDS))
            ended += await load.settled(part)
            outcome.add(part)
    finally:
        sampler.cancel()
    return Soak(rate, seconds, stats, outcome, ended, load.crashed())
