"""The parts of the measurement: up to saturation, ten times beyond it and back, and a long while at a modest rate."""

import asyncio
import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass

import httpx

from bench.load import people
from bench.load.figures import Figures, figures
from bench.load.generator import ALL, UPLOAD, Calls, Outcome, generate
from bench.load.people import LOGIN, READS, Crowd
from bench.soak.samples import Samples
from igemoji_stack.mesh.mesh import Mesh

WANTED_P95_MS = 250
WANTED_REFUSAL_MS = 100
BEARABLE_MS = 1000
"""For who logs in or uploads, 95 %."""
FIRST_RATE = 20.0
GROWTH = 1.3
MOST_STEPS = 20
TIMES = 10
BACK_AFTER_SECONDS = 30
AS_BEFORE = 1.5
"""Latencies are back where they are less than this times what they were, on top of ten milliseconds."""
SETTLE_SECONDS = 240
PART_SECONDS = 300
SAMPLE_SECONDS = 2.0


@dataclass
class Load:
    """A mesh, and who asks it."""

    mesh: Mesh
    http: httpx.AsyncClient
    crowd: Crowd
    pool: Executor
    seed: int = 0

    async def send(self, rate: float, seconds: float) -> Outcome:
        """From a process of its own."""
        self.seed += 1
        plan = self.crowd.plan(self.mesh.port, rate, seconds, self.seed)
        return await asyncio.get_running_loop().run_in_executor(self.pool, generate, plan)

    def crashed(self) -> dict[str, int]:
        """Processes that were started again."""
        return {name: process.restarts for name, process in self.mesh.processes.items() if process.restarts}

    async def new_people(self) -> None:
        self.crowd = await people.gather(self.http)

    async def settled(self, outcome: Outcome) -> Counter[str]:
        """What became of the photos that were accepted, once all have ended."""
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


def everything(outcome: Outcome) -> Figures:
    return figures(outcome.calls.values())


@dataclass(frozen=True)
class Step:
    rate: float
    outcome: Outcome
    reads: Figures
    all: Figures

    @property
    def held(self) -> bool:
        whole = not self.all.refused and not self.all.wrong and not self.outcome.unsent.total()
        slow = (figures([self.outcome.calls[kind]]).p95 for kind in (LOGIN, UPLOAD))
        # Not a number where nobody came.
        return whole and self.reads.p95 < WANTED_P95_MS and not any(p95 >= BEARABLE_MS for p95 in slow)


async def ramp(load: Load, step_seconds: float, first: float = FIRST_RATE) -> list[Step]:
    """Ever more, up to the first rate that twice is not answered as it should be."""
    steps: list[Step] = []
    for number in range(MOST_STEPS):
        for _ in range(2):  # a step that something else spoilt may be tried again
            outcome = await load.send(first * GROWTH**number, step_seconds)
            steps.append(Step(first * GROWTH**number, outcome, figures(reads(outcome)), everything(outcome)))
            if steps[-1].held:
                break
        if not steps[-1].held:
            break
    return steps


def sustainable(steps: list[Step]) -> float:
    """The last rate that was held; where none was, what was answered of the first."""
    held = [step.rate for step in steps if step.held]
    return held[-1] if held else steps[0].rate / GROWTH


@dataclass(frozen=True)
class Overload:
    rate: float
    seconds: float
    before: Outcome
    during: Outcome
    after: Outcome
    ended: Counter[str]
    """Photos that were accepted meanwhile, by how they ended."""
    crashed: dict[str, int]

    def verdicts(self) -> dict[str, bool]:
        during, admitted = everything(self.during), figures(reads(self.during))
        before, after = figures(reads(self.before)).p95, figures(reads(self.after)).p95
        accepted = len(self.during.accepted)
        done = self.ended["TASK_STATE_DONE"]
        return {
            f"nothing crashed{_of(self.crashed)}": not self.crashed,
            f"nothing but answers and refusals{_of(during.wrong)}": not during.wrong,
            f"every refusal says when to come again ({during.without_retry_after} did not)": (
                not during.without_retry_after
            ),
            f"accepted photos were finished ({done} of {accepted}{_of(self.ended)})": done == accepted,
            f"95 % of admitted reads within {WANTED_P95_MS} ms ({admitted.p95:.0f})": admitted.p95 < WANTED_P95_MS,
            f"95 % of refusals within {WANTED_REFUSAL_MS} ms ({during.refused_p95:.0f})": (
                during.refused_p95 < WANTED_REFUSAL_MS
            ),
            f"{BACK_AFTER_SECONDS} s later reads take what they took (95 %: {after:.0f} ms, before {before:.0f})": (
                after < AS_BEFORE * before + 10
            ),
        }


def _of(counts: dict[int, int] | dict[str, int]) -> str:
    return f"; {', '.join(f'{name}: {count}' for name, count in counts.items())}" if counts else ""


async def overload(load: Load, rate: float, seconds: float, calm_seconds: float) -> Overload:
    """Ten times the rate, between two calm times at half of it."""
    before = await load.send(rate / 2, calm_seconds)
    during = asyncio.create_task(load.send(TIMES * rate, seconds))
    await asyncio.sleep(seconds + BACK_AFTER_SECONDS)
    after = await load.send(rate / 2, calm_seconds)
    outcome = await during
    ended = await load.settled(outcome)
    return Overload(TIMES * rate, seconds, before, outcome, after, ended, load.crashed())


@dataclass(frozen=True)
class Soak:
    rate: float
    seconds: float
    samples: Samples
    outcome: Outcome
    ended: Counter[str]
    crashed: dict[str, int]

    @property
    def whole(self) -> bool:
        """Nothing failed, was lost or crashed; refusals are not failures."""
        watched = self.outcome.watchers[ALL] == sum(self.outcome.watchers.values())
        done = self.ended["TASK_STATE_DONE"] == len(self.outcome.accepted)
        return watched and done and not everything(self.outcome).wrong and not self.crashed


async def soak(load: Load, rate: float, seconds: float) -> Soak:
    """In parts: the token of a guest is good for ten minutes."""
    samples, started = Samples(), time.monotonic()
    outcome, ended = Outcome({}, [], Counter()), Counter[str]()

    async def sample() -> None:
        while True:
            samples.take(load.mesh, started)
            await asyncio.sleep(SAMPLE_SECONDS)

    sampler = asyncio.create_task(sample())
    try:
        while (left := started + seconds - time.monotonic()) > 1:
            await load.new_people()
            part = await load.send(rate, min(left, PART_SECONDS))
            ended += await load.settled(part)
            outcome.add(part)
    finally:
        sampler.cancel()
    return Soak(rate, seconds, samples, outcome, ended, load.crashed())
