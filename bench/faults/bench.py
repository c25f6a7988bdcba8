"""Fault injection on real backends under a load of uploads: accepted, finished and lost tasks, and recovery time.

    python bench/faults/bench.py [--only queue …] [--results bench/results]

Starts a mesh (two replicas of each service, two workers, MariaDB, RabbitMQ, Redis and S3, with a proxy before each) and
injects each fault once while twenty users upload. A probe user uploads photos from the fault on: the recovery time is
the time from the fault to the end of its first task. The probe uses raw HTTP: how clients retry is not measured.
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

from resilience.backends import FaultyRealMesh  # noqa: E402
from resilience.invariants import settled  # noqa: E402
from resilience.load_users import LoadUsers, User  # noqa: E402

from igemoji_stack.mesh.options import GATEWAY, SERVICES  # noqa: E402

DOWN_SECONDS = 5
STORE_DOWN_SECONDS = 10
SCALE = 3
"""Scale of the photos: large enough that some tasks are in progress when a fault is injected."""
TIMEOUT_SECONDS = 120


@dataclass
class Outcome:
    """Tasks and recovery time of one fault."""

    fault: str
    accepted: int = 0
    finished: int = 0
    doubled: int = 0
    lost: int = 0
    errors: int = 0
    """Transient errors and lost connections."""
    recovery: float = 0.0
    error: str = ""


async def probe(faulty_mesh: FaultyRealMesh, user: User, emoji_id: str) -> float:
    """Upload until a task is done; return when that was."""
    async with httpx.AsyncClient(base_url=faulty_mesh.url, timeout=20) as http, asyncio.timeout(TIMEOUT_SECONDS):
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


async def inject(faulty_mesh: FaultyRealMesh, fault: str, fault_injection: Callable[[], Awaitable[None]]) -> Outcome:
    outcome = Outcome(fault)
    load = faulty_mesh.new_load(SCALE)
    prober = faulty_mesh.users.pop()
    try:
        async with load.uploading():
            began = time.monotonic()
            injection = asyncio.ensure_future(fault_injection())
            outcome.recovery = await probe(faulty_mesh, prober, load.emoji_ids[0]) - began
            await injection
        faulty_mesh.users.append(prober)
        await faulty_mesh.check(load)
    except Exception as error:
        outcome.error = repr(error)[:200]
    await settled(faulty_mesh.stored)
    count(faulty_mesh, load, outcome)
    return outcome


def count(faulty_mesh: FaultyRealMesh, load: LoadUsers, outcome: Outcome) -> None:
    accepted = {task_id for user in faulty_mesh.users for task_id in user.accepted}
    ends = faulty_mesh.stored.rows("inference", "SELECT task_id FROM task_steps WHERE state IN ('DONE', 'FAILED')")
    ended = [task_id for (task_id,) in ends if task_id in accepted]
    states = dict(faulty_mesh.stored.rows("inference", "SELECT id, state FROM tasks"))
    outcome.accepted = len(accepted)
    outcome.finished = sum(states.get(task_id) == "DONE" for task_id in accepted)
    outcome.doubled = len(ended) - len(set(ended))
    outcome.lost = len(accepted) - outcome.finished
    outcome.errors = load.refusals + len(load.lost_connections)


def faults(faulty_mesh: FaultyRealMesh) -> dict[str, Callable[[], Awaitable[None]]]:
    async def unreachable() -> None:
        async with faulty_mesh.unreachable("objects"):
            await asyncio.sleep(STORE_DOWN_SECONDS)

    async def slow(name: str) -> None:
        async with faulty_mesh.slow(name, 0.1):
            await asyncio.sleep(DOWN_SECONDS)

    async def cut(name: str) -> None:
        for _ in range(DOWN_SECONDS):
            faulty_mesh.cut(name)
            await asyncio.sleep(1)

    listening = {name: part.name for name, part in faulty_mesh.backends.items()} | {
        name: name for name in (GATEWAY, *SERVICES)
    }
    return {
        "none": lambda: asyncio.sleep(0),
        "kill -9 of a worker": lambda: faulty_mesh.kill("inference-worker"),
        "kill -9 of a sandbox process": faulty_mesh.kill_busy_sandbox,
        "kill -9 of an inference replica": lambda: faulty_mesh.kill("inference"),
        "kill -9 of RabbitMQ": lambda: faulty_mesh.restart("queue", DOWN_SECONDS),
        "kill -9 of Redis": lambda: faulty_mesh.restart("progress", DOWN_SECONDS),
        "kill -9 of MariaDB": lambda: faulty_mesh.restart("database", DOWN_SECONDS),
        f"object store unreachable for {STORE_DOWN_SECONDS} s": unreachable,
        **{f"slow connections to {title} (100 ms)": partial(slow, name) for name, title in listening.items()},
        **{f"cut connections to {title}": partial(cut, name) for name, title in listening.items()},
    }


def report(outcomes: list[Outcome]) -> str:
    lines = [
        "# Faults on real backends",
        "",
        "Made by `make bench-faults`: two replicas of each service, two workers, twenty users who upload. Killed "
        f"backends were restarted after {DOWN_SECONDS} s, replicas and workers at once. Errors are transient errors "
        "(429, 503, 504) and lost connections. Recovery is the time from the fault to the end of a task that was "
        "created after it and queued behind those of the other users.",
        "",
        "| fault | accepted | finished | finished twice | lost | errors seen by clients | recovery, s | passed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.fault} | {each.accepted} | {each.finished} | {each.doubled} | {each.lost} | {each.errors} "
        f"| {each.recovery:.1f} | {each.error or 'yes'} |"
        for each in outcomes
    ]
    return "\n".join(lines) + "\n"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="run only faults whose names contain one of these words")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        faulty_mesh = FaultyRealMesh(Path(folder))
        await faulty_mesh.start()
        try:
            for name, fault_injection in faults(faulty_mesh).items():
                if not arguments.only or any(word in name for word in arguments.only):
                    outcomes.append(await inject(faulty_mesh, name, fault_injection))
                    print(outcomes[-1], file=sys.stderr, flush=True)
        finally:
            await faulty_mesh.stop()
    text = report(outcomes)
    print(text)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "faults.md").write_text(text, encoding="utf-8")
    return 0 if all(not each.error and not each.lost and not each.doubled for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
