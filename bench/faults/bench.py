"""Faults on real parts, each under a load of uploads: what was accepted, finished, doubled, and how long it took.

    python bench/faults/bench.py [--only queue …] [--results bench/results]

Starts a mesh of its own (two replicas of each service, two workers, MariaDB, RabbitMQ, Redis and S3; whatever listens
is behind a proxy) and harms it in every way once, while twenty people upload. Somebody else uploads photos from the
fault on: the time from the fault to the end of the first of theirs is that of the recovery.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from resilience.backends import RealHarmed  # noqa: E402
from resilience.invariants import settled  # noqa: E402
from resilience.load_users import LoadUsers, User  # noqa: E402

from igemoji_stack.mesh.options import GATEWAY, SERVICES  # noqa: E402

AWAY_SECONDS = 5
STORE_AWAY_SECONDS = 10
SCALE = 3
"""Of the crowd's photos, so that some are being worked on whenever a fault comes."""
MOST_SECONDS = 120


@dataclass
class Outcome:
    """What became of the photos of one fault."""

    fault: str
    accepted: int = 0
    finished: int = 0
    doubled: int = 0
    lost: int = 0
    errors: int = 0
    """Answers to try again after, and connections that ended."""
    recovery: float = 0.0
    trouble: str = ""


async def probe(harmed: RealHarmed, user: User, emoji_id: str) -> float:
    """Uploads until a photo is finished; returns when that was."""
    async with httpx.AsyncClient(base_url=harmed.url, timeout=20) as http, asyncio.timeout(MOST_SECONDS):
        while True:
            try:
                created = await http.post(
                    "/api/v1/faces/tasks", params={"emoji_id": emoji_id}, content=user.photo, headers=user.headers
                )
                if created.status_code == 202:
                    user.accepted.append(created.json()["task_id"])
                    path = f"/api/v1/faces/tasks/{user.accepted[-1]}"
                    while True:
                        task = await http.get(path, headers=user.headers)
                        if task.is_success and task.json()["state"] == "TASK_STATE_DONE":
                            return time.monotonic()
                        await asyncio.sleep(0.05)
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def suffer(harmed: RealHarmed, fault: str, harm: Callable[[], Awaitable[None]]) -> Outcome:
    outcome = Outcome(fault)
    crowd = harmed.crowd(SCALE)
    prober = harmed.users.pop()
    try:
        async with crowd.at_work():
            began = time.monotonic()
            harming = asyncio.ensure_future(harm())
            outcome.recovery = await probe(harmed, prober, crowd.emoji_ids[0]) - began
            await harming
        harmed.users.append(prober)
        await harmed.check(crowd)
    except Exception as error:
        outcome.trouble = repr(error)[:200]
    await settled(harmed.books)
    count(harmed, crowd, outcome)
    return outcome


def count(harmed: RealHarmed, crowd: LoadUsers, outcome: Outcome) -> None:
    accepted = {task_id for user in harmed.users for task_id in user.accepted}
    ends = harmed.books.rows("inference", "SELECT task_id FROM task_steps WHERE state IN ('DONE', 'FAILED')")
    ended = [task_id for (task_id,) in ends if task_id in accepted]
    states = dict(harmed.books.rows("inference", "SELECT id, state FROM tasks"))
    outcome.accepted = len(accepted)
    outcome.finished = sum(states.get(task_id) == "DONE" for task_id in accepted)
    outcome.doubled = len(ended) - len(set(ended))
    outcome.lost = len(accepted) - outcome.finished
    outcome.errors = crowd.refusals + len(crowd.lost_connections)


def faults(harmed: RealHarmed) -> dict[str, Callable[[], Awaitable[None]]]:
    async def unreachable() -> None:
        async with harmed.unreachable("objects"):
            await asyncio.sleep(STORE_AWAY_SECONDS)

    async def slow(name: str) -> None:
        async with harmed.slow(name, 0.1):
            await asyncio.sleep(AWAY_SECONDS)

    async def cut(name: str) -> None:
        for _ in range(AWAY_SECONDS):
            harmed.cut(name)
            await asyncio.sleep(1)

    listening = {name: part.name for name, part in harmed.parts.items()} | {name: name for name in (GATEWAY, *SERVICES)}
    return {
        "none": lambda: asyncio.sleep(0),
        "kill -9 of a worker": lambda: harmed.kill("inference-worker"),
        "kill -9 of a worker's child": harmed.kill_child_at_work,
        "kill -9 of an inference replica": lambda: harmed.kill("inference"),
        "kill -9 of RabbitMQ": lambda: harmed.restart("queue", AWAY_SECONDS),
        "kill -9 of Redis": lambda: harmed.restart("progress", AWAY_SECONDS),
        "kill -9 of MariaDB": lambda: harmed.restart("database", AWAY_SECONDS),
        f"object store unreachable for {STORE_AWAY_SECONDS} s": unreachable,
        **{f"slow connections to {title} (100 ms)": partial(slow, name) for name, title in listening.items()},
        **{f"cut connections to {title}": partial(cut, name) for name, title in listening.items()},
    }


def report(outcomes: list[Outcome]) -> str:
    lines = [
        "# Faults on real parts",
        "",
        "Made by `make bench-faults`: two replicas of each service, two workers, twenty people who upload. What was "
        f"killed came back after {AWAY_SECONDS} s, replicas and workers at once. Errors are answers to try again after "
        "(429, 503, 504) and connections that ended; recovery is from the fault to the end of a photo that was "
        "uploaded after it, behind those of the others.",
        "",
        "| fault | accepted | finished | finished twice | lost | errors seen by clients | seconds to recover | held |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.fault} | {each.accepted} | {each.finished} | {each.doubled} | {each.lost} | {each.errors} "
        f"| {each.recovery:.1f} | {each.trouble or 'yes'} |"
        for each in outcomes
    ]
    return "\n".join(lines) + "\n"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="faults whose names hold one of these words")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        harmed = RealHarmed(Path(folder))
        await harmed.start()
        try:
            for name, harm in faults(harmed).items():
                if not arguments.only or any(word in name for word in arguments.only):
                    outcomes.append(await suffer(harmed, name, harm))
                    print(outcomes[-1], file=sys.stderr, flush=True)
        finally:
            await harmed.stop()
    text = report(outcomes)
    print(text)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "faults.md").write_text(text, encoding="utf-8")
    return 0 if all(not each.trouble and not each.lost and not each.doubled for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
