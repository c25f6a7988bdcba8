"""Soak benchmark: many tasks through the whole mesh, with a check that no process grows.

    python bench/soak/bench.py [--tasks 1000] [--results bench/results]

Starts a mesh on a free port of 127.0.0.1, uploads photos (two at a time) and samples memory, open files and threads of
every process of the mesh from /proc. Writes a table and a plot. Exits with 1 if a process is not flat
(process_stats.py) or a task failed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from process_stats import ProcessStats, plot, table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.users import NO_RETRIES, astronaut, finish, first_template, register  # noqa: E402

from igemoji_client import AsyncClient, TaskFailed  # noqa: E402
from igemoji_stack.mesh.mesh import Mesh  # noqa: E402
from igemoji_stack.mesh.options import MeshOptions  # noqa: E402

CONCURRENT_TASKS = 2
SAMPLE_SECONDS = 1.0
MAX_SECONDS = 1800


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = MeshOptions(data=Path(folder), assets=ROOT / "assets" / "build", port=0, rate_factor=1000)
        mesh = Mesh(options)
        await mesh.start()
        try:
            stats, seconds, done = await soak(mesh, arguments.tasks)
        finally:
            await mesh.stop()
    table, flat = report(stats, seconds, done)
    print(table)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "soak.md").write_text(table, encoding="utf-8")
    plot(stats, arguments.results / "soak.png")
    return 0 if flat and done == arguments.tasks else 1


async def soak(mesh: Mesh, tasks: int) -> tuple[ProcessStats, float, int]:
    stats, started, photo = ProcessStats(), time.monotonic(), astronaut(quality=92)
    left = list(range(tasks))
    done = 0

    async def work(client: AsyncClient, template_id: str) -> None:
        nonlocal done
        while left and time.monotonic() - started < MAX_SECONDS:
            left.pop()
            done += await is_finished(client, photo, template_id)
            if done % 100 == 0:
                print(f"{done} of {tasks} tasks", file=sys.stderr)

    async def sample() -> None:
        while True:
            stats.take(mesh, started)
            await asyncio.sleep(SAMPLE_SECONDS)

    async with AsyncClient(mesh.url, options=NO_RETRIES) as client:
        await register(client)
        template_id = (await first_template(client)).id
        sampler = asyncio.create_task(sample())
        await asyncio.gather(*(work(client, template_id) for _ in range(CONCURRENT_TASKS)))
        sampler.cancel()
    return stats, time.monotonic() - started, done


async def is_finished(client: AsyncClient, photo: bytes, template_id: str) -> bool:
    """Upload a photo and fetch the result; return whether the task was done."""
    try:
        task = await finish(client, photo, template_id)
    except TaskFailed:
        return False
    return bool(await client.tasks.result_image(task.task_id))


def report(stats: ProcessStats, seconds: float, done: int) -> tuple[str, bool]:
    lines, flat = table(stats)
    head = [
        "# Soak",
        "",
        f"Made by `make bench-soak`: {done} tasks done in {seconds:.0f} s, {CONCURRENT_TASKS} at a time. The table has "
        "medians of the second and the last quarter of the time.",
        "",
    ]
    return "\n".join([*head, *lines, ""]), flat


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
