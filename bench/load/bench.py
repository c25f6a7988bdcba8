"""How much the mesh does, what it does when ten times as much comes, and whether it stays as it is for long.

    python -m bench.load.bench [--short] [--minutes 20] [--only ramp overload …] [--results bench/results]

Starts a mesh of its own on a free port of 127.0.0.1 with the limits of one address lifted (all people here have the
same one) and everything else as it is by default. People read lists, rankings, templates and pictures, log in, upload
photos and watch them; requests leave when they are due (generator.py), from the same cores that the mesh has. Exits
with 1 where something did not hold. In its full form it takes less than half an hour, `--short` five minutes.
"""

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx

from bench.load import people, reference, report
from bench.load.report import Report
from bench.load.stages import Load, overload, ramp, soak, sustainable
from bench.load.watchers import many_watch
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

ROOT = Path(__file__).parents[2]
STAGES = ("reference", "ramp", "overload", "watchers", "soak")
MOST_SECONDS = 45 * 60
WATCHERS = 500
RATE_FACTOR = 100_000


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a trial: shorter steps, and a soak of one minute")
    parser.add_argument("--minutes", type=float, default=20, help="of the soak (20)")
    parser.add_argument(
        "--rate", type=float, default=0, help="requests a second that are sustainable; 0: the ramp tells"
    )
    parser.add_argument(
        "--only", nargs="+", choices=STAGES, default=STAGES, help="these; other results stay as they are"
    )
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    done = Report(arguments.results)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        options = MeshOptions(data=Path(folder), assets=ROOT / "assets" / "build", port=0, rate_factor=RATE_FACTOR)
        mesh = Mesh(options)
        await mesh.start()
        try:
            async with asyncio.timeout(MOST_SECONDS), httpx.AsyncClient(base_url=mesh.url, timeout=60) as http:
                load = Load(mesh, http, await people.gather(http), pool)
                await _measure(load, arguments, done)
        finally:
            await mesh.stop()
    print(done.write())
    return 0 if done.held else 1


async def _measure(load: Load, arguments: argparse.Namespace, done: Report) -> None:
    short = arguments.short
    seconds = {"step": 5, "calm": 5, "overload": 20, "soak": 60} if short else {"step": 12, "calm": 30, "overload": 60}
    rate = arguments.rate
    await load.send(10, 5)  # caches fill, keys are known
    if "reference" in arguments.only:
        _say("a bare service")
        done.add(report.of_reference(*await _reference(load, 3 if short else 10)))
    if "ramp" in arguments.only:
        _say("a ramp")
        steps = await ramp(load, seconds["step"])
        rate = rate or sustainable(steps)
        done.add(report.of_ramp(steps))
        done.steps = steps
    if "overload" in arguments.only:
        _say(f"ten times {rate:.0f} a second")
        await load.new_people()
        done.overload = await overload(load, rate, seconds["overload"], seconds["calm"])
        done.add(report.of_overload(done.overload))
    if "watchers" in arguments.only:
        _say("many watchers")
        await load.new_people()
        done.add(report.of_watchers(await many_watch(load.mesh, load.http, load.crowd, WATCHERS)))
    if "soak" in arguments.only:
        _say("a soak")
        done.soak = await soak(load, rate / 3, seconds.get("soak", 60 * arguments.minutes))
        done.add(report.of_soak(done.soak))


async def _reference(load: Load, seconds: float) -> tuple[reference.Rate, reference.Rate]:
    """The bare service, and the mesh through its gateway: the same request by gRPC, from the same client."""
    loop, edge = asyncio.get_running_loop(), f"127.0.0.1:{load.mesh.port}"
    answer = await asyncio.to_thread(reference.answer_of, edge)
    async with reference.bare(answer) as target:
        bare = await loop.run_in_executor(load.pool, reference.ask, target, seconds)
    return bare, await loop.run_in_executor(load.pool, reference.ask, edge, seconds)


def _say(what: str) -> None:
    print(f"{what} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
