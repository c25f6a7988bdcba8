"""Load benchmark: the sustainable rate, an overload at ten times that rate, many watchers and a soak.

    python -m bench.load.bench [--short] [--minutes 20] [--only ramp overload …] [--results bench/results]

Starts a mesh on a free port of 127.0.0.1 with the default settings, except for the rate limits per IP address: all
users of the benchmark share one. Users read lists, rankings, templates and pictures, log in, upload photos and watch
their tasks. The load generator is an open loop (generator.py) on the same cores as the mesh. Exits with 1 if a
requirement is not met. The full benchmark takes less than half an hour, `--short` five minutes.
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

from bench.load import baseline, report
from bench.load.report import Report
from bench.load.scenarios import Load, overload, ramp, soak, sustainable
from bench.load.users import create_users
from bench.load.watchers import measure_watchers
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

ROOT = Path(__file__).parents[2]
SCENARIOS = ("baseline", "ramp", "overload", "watchers", "soak")
TIMEOUT_SECONDS = 45 * 60
WATCHERS = 500
RATE_FACTOR = 100_000


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="shorter steps, and a soak of one minute")
    parser.add_argument("--minutes", type=float, default=20, help="length of the soak (20)")
    parser.add_argument(
        "--rate", type=float, default=0, help="sustainable requests per second; 0: measure them with the ramp"
    )
    parser.add_argument(
        "--only", nargs="+", choices=SCENARIOS, default=SCENARIOS, help="scenarios to run; other results are kept"
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
            async with asyncio.timeout(TIMEOUT_SECONDS), httpx.AsyncClient(base_url=mesh.url, timeout=60) as http:
                load = Load(mesh, http, await create_users(mesh.url), pool)
                await _measure(load, arguments, done)
        finally:
            await mesh.stop()
    print(done.write())
    return 0 if done.met else 1


async def _measure(load: Load, arguments: argparse.Namespace, done: Report) -> None:
    short = arguments.short
    seconds = {"step": 5, "half": 5, "overload": 20, "soak": 60} if short else {"step": 12, "half": 30, "overload": 60}
    rate = arguments.rate
    await load.send(10, 5)  # warm up: fill the caches, fetch the JWKS
    if "baseline" in arguments.only:
        _log("baseline")
        done.add(report.baseline_section(*await _baseline(load, 3 if short else 10)))
    if "ramp" in arguments.only:
        _log("ramp")
        steps = await ramp(load, seconds["step"])
        rate = rate or sustainable(steps)
        done.add(report.ramp_section(steps))
        done.steps = steps
    if "overload" in arguments.only:
        _log(f"overload: ten times {rate:.0f} requests per second")
        await load.renew_users()
        done.overload = await overload(load, rate, seconds["overload"], seconds["half"])
        done.add(report.overload_section(done.overload))
    if "watchers" in arguments.only:
        _log("watchers")
        await load.renew_users()
        done.add(report.watchers_section(await measure_watchers(load.mesh, load.http, load.users, WATCHERS)))
    if "soak" in arguments.only:
        _log("soak")
        done.soak = await soak(load, rate / 3, seconds.get("soak", 60 * arguments.minutes))
        done.add(report.soak_section(done.soak))


async def _baseline(load: Load, seconds: float) -> tuple[baseline.Rate, baseline.Rate]:
    """Return the rates of the bare service and of the mesh through its gateway, for the same gRPC request."""
    loop, gateway = asyncio.get_running_loop(), f"127.0.0.1:{load.mesh.port}"
    answer = await asyncio.to_thread(baseline.fetch_answer, gateway)
    async with baseline.bare_service(answer) as target:
        bare = await loop.run_in_executor(load.pool, baseline.measure, target, seconds)
    return bare, await loop.run_in_executor(load.pool, baseline.measure, gateway, seconds)


def _log(message: str) -> None:
    print(f"{message} (load average {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
