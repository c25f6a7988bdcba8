"""Scale benchmark on real backends: latency on an idle mesh, and throughput of two workers on two cores.

    python bench/scale/bench.py [--idle 200] [--seconds 40] [--results bench/results]

Starts a mesh on MariaDB, RabbitMQ, Redis and S3 and confines it to two cores. First it uploads one photo at a time and
measures the time from the stored upload to the first step of a worker, and from each step in Redis to the client that
watches; then the same without watchers, which take processor time themselves. Then it uploads more photos at a time
than two workers can process. The processor time of every process, read from /proc, gives the cost of a photo in each
server, without the usage of the idle mesh. From the first part bench/scale/model.py predicts the throughput of the last
one, and the cores that larger rates need.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx
import sqlalchemy as sa
from cpu_usage import CLIENT, CpuUsage, cpu_usage
from model import Demand, SinglePhoto, max_throughput, table, throughput, waiting_time
from redis.asyncio import Redis as RedisClient

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.users import NO_RETRIES, astronaut, first_template, register  # noqa: E402

from igemoji_client import AsyncClient  # noqa: E402
from igemoji_inference.adapters.progress.redis import PREFIX  # noqa: E402
from igemoji_stack.backends.backend import Backend, RealBackends  # noqa: E402
from igemoji_stack.mesh.mesh import Mesh  # noqa: E402
from igemoji_stack.mesh.options import MeshOptions  # noqa: E402
from igemoji_vision.pipeline import Pipeline  # noqa: E402

TASKS = "/api/v1/faces/tasks"
CORES = 2
CONCURRENT_PHOTOS = 8
USERS = 4
IDLE_SECONDS = 8
WARM_SECONDS = 4
PAUSE_SECONDS = 0.5
"""Pause between single photos: the mesh finishes its work on the last one, such as deliveries."""
UNWATCHED_SECONDS = 1.0
"""Longer than a single photo takes."""
PIPELINE_PHOTOS = 15
MAX_P95_MS = {"start": 30, "progress": 20}
MIN_SHARE = 0.85
MAX_MODEL_ERROR = 0.20


class Client:
    """Client that uploads photos and watches their tasks, over raw HTTP to time each event."""

    def __init__(self, http: httpx.AsyncClient, template_id: str, token: str) -> None:
        self._http = http
        self._template_id = template_id
        self._headers = {"Authorization": f"Bearer {token}"}

    async def upload(self, body: bytes) -> "TaskTimes":
        began = time.time()
        parameters = {"emoji_id": self._template_id}
        created = await self._http.post(TASKS, params=parameters, content=body, headers=self._headers)
        created.raise_for_status()
        return TaskTimes(created.json()["task_id"], began)

    async def photo(self, body: bytes) -> "TaskTimes":
        """Upload a photo and watch its task to the end."""
        task = await self.upload(body)
        state = ""
        async with self._http.stream("GET", f"{TASKS}/{task.task_id}/events", headers=self._headers) as events:
            async for line in events.aiter_lines():
                if line.startswith("data:"):
                    step = json.loads(line.removeprefix("data:"))
                    state = step["task"]["state"]
                    task.received.setdefault(step["sequence"], time.time())
        if state != "TASK_STATE_DONE":
            raise RuntimeError(f"a task ended in state {state}")
        return task


@dataclass
class TaskTimes:
    """Times of a task as seen by its client, in seconds since the epoch."""

    task_id: str
    began: float
    received: dict[int, float] = field(default_factory=dict)
    """Time at which each step was received, by sequence."""

    @property
    def seconds(self) -> float:
        return max(self.received.values()) - self.began


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=200, help="single photos")
    parser.add_argument("--seconds", type=float, default=40, help="duration of the measurement under full load")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as folder:
        options = MeshOptions(
            data=Path(folder),
            assets=ROOT / "assets" / "build",
            port=0,
            workers=1,
            worker_replicas=CORES,
            rate_factor=1000,
            backend=Backend.REAL,
        )
        mesh = Mesh(options)
        await mesh.start()
        try:
            async with httpx.AsyncClient(base_url=mesh.url, timeout=60) as http:
                clients = [await create_client(http, mesh.url) for _ in range(USERS)]
                measured = await measure(mesh, clients, arguments.idle, arguments.seconds)
        finally:
            await mesh.stop()
    text, good = report(measured)
    print(text)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "scale.md").write_text(text, encoding="utf-8")
    (arguments.results / "scale.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


async def create_client(http: httpx.AsyncClient, url: str) -> Client:
    async with AsyncClient(url, options=NO_RETRIES) as user:
        await register(user)
        assert user.session is not None
        return Client(http, (await first_template(user)).id, user.session.access_token)


async def measure(mesh: Mesh, clients: list[Client], idle: int, seconds: float) -> dict[str, object]:
    body = astronaut((1600, 1200), quality=88)
    for number in range(8):  # warm up: pictures, connections and caches
        await clients[number % USERS].photo(body)
    before = cpu_usage(mesh)
    await asyncio.sleep(IDLE_SECONDS)
    idle_usage = cpu_usage(mesh).since(before)

    before = cpu_usage(mesh)
    tasks = []
    for number in range(idle):
        await asyncio.sleep(PAUSE_SECONDS)
        tasks.append(await clients[number % USERS].photo(body))
    single = cpu_usage(mesh).since(before)
    started, progress, occupied = await delays(mesh, tasks)

    before = cpu_usage(mesh)
    unwatched = []
    for number in range(idle):
        unwatched.append(await clients[number % USERS].upload(body))
        await asyncio.sleep(UNWATCHED_SECONDS)
    unwatched_usage = cpu_usage(mesh).since(before)
    started_unwatched, _, _ = await delays(mesh, unwatched)

    done = 0
    over = asyncio.Event()

    async def work(client: Client) -> None:
        nonlocal done
        while not over.is_set():
            await client.photo(body)
            done += 1

    async with asyncio.TaskGroup() as group:
        for number in range(CONCURRENT_PHOTOS):
            group.create_task(work(clients[number % USERS]))
        await asyncio.sleep(WARM_SECONDS)
        before, done = cpu_usage(mesh), 0
        await asyncio.sleep(seconds)
        busy, photos = cpu_usage(mesh).since(before), done
        over.set()

    return {
        "start_ms": percentiles(started_unwatched),
        "start_watched_ms": percentiles(started),
        "progress_ms": percentiles(progress),
        "response_ms": percentiles([task.seconds for task in tasks]),
        "worker_seconds": statistics.mean(occupied),
        "idle_cores": sum(idle_usage.servers.values()) / idle_usage.at,
        "idle_demands": demands(single, idle, idle_usage),
        "photos": photos,
        "rate": photos / busy.at,
        "demands": demands(busy, photos, idle_usage),
        "busy_cores": sum(busy.servers.values()) / busy.at,
        "others": {"single": single.others, "unwatched": unwatched_usage.others, "concurrent": busy.others},
        "pipeline_seconds": pipeline_seconds(body),
    }


def demands(used: CpuUsage, photos: int, idle_usage: CpuUsage) -> dict[str, float]:
    """Return the seconds of a core per photo in each server, without the usage of the idle mesh."""
    return {
        server: max(0.0, spent - idle_usage.servers[server] / idle_usage.at * used.at) / photos
        for server, spent in used.servers.items()
    }


def pipeline_seconds(body: bytes) -> float:
    """Return the seconds of a core that the bare pipeline takes for the photo."""
    cv2.setNumThreads(1)
    pipeline = Pipeline(ROOT / "assets" / "build" / "models")
    template = next((ROOT / "assets" / "build" / "templates").glob("*/happy.png")).parent
    pictures = {path.stem: path.read_bytes() for path in template.glob("*.png")}
    began = 0.0
    for number in range(PIPELINE_PHOTOS + 1):
        began = time.process_time() if number == 1 else began
        pipeline.run(body, pictures, lambda *_: None)
    return (time.process_time() - began) / PIPELINE_PHOTOS


async def delays(mesh: Mesh, tasks: list[TaskTimes]) -> tuple[list[float], list[float], list[float]]:
    """Return three lists of seconds: upload to first step, each step to the client, and time in a worker.

    An upload is timed by its row in the database, a step by its entry in Redis: the id of an entry in a stream is its
    time in milliseconds.
    """
    assert isinstance(mesh.backends, RealBackends)
    environment = mesh.backends.environment("inference")
    engine = sa.create_engine(environment["DATABASE_URL"])
    redis = RedisClient.from_url(environment["PROGRESS_URL"], decode_responses=True)
    started, progress, occupied = [], [], []
    with engine.connect() as connection:
        query = sa.text("SELECT id, UNIX_TIMESTAMP(created_at) FROM tasks")
        uploaded = {row[0]: float(row[1]) for row in connection.execute(query)}
    for task in tasks:
        entries = await redis.xrange(PREFIX + task.task_id)
        instants = [int(entry_id.partition("-")[0]) / 1000 for entry_id, _ in entries]
        for at, (_, fields) in zip(instants, entries, strict=True):
            sequence = int(fields["sequence"])
            if sequence == 2:
                started.append(at - uploaded[task.task_id])
            if sequence in task.received:
                progress.append(task.received[sequence] - at)
        if task.received:
            progress.append(max(task.received.values()) - instants[-1])  # the last event has no sequence
        occupied.append(instants[-1] - instants[0])
    await redis.aclose()
    engine.dispose()
    return started, progress, occupied


def percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles([value * 1000 for value in values], n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def report(measured: dict) -> tuple[str, bool]:  # type: ignore[type-arg]
    costs = [Demand(server, seconds) for server, seconds in measured["demands"].items()]
    available = CORES - measured["idle_cores"]
    ceiling = max_throughput(costs, available)
    single = SinglePhoto(
        sum(measured["idle_demands"].values()), measured["response_ms"]["p50"] / 1000, measured["worker_seconds"]
    )
    predicted = throughput(single, CONCURRENT_PHOTOS, CORES, available)
    share = measured["rate"] / ceiling
    start, watched = measured["start_ms"], measured["start_watched_ms"]
    progress, response = measured["progress_ms"], measured["response_ms"]
    met = {
        "start": start["p95"] < MAX_P95_MS["start"],
        "progress": progress["p95"] < MAX_P95_MS["progress"],
        "share": share >= MIN_SHARE,
        "model": abs(predicted / measured["rate"] - 1) <= MAX_MODEL_ERROR,
    }
    verdict = {name: "yes" if passed else "**no**" for name, passed in met.items()}
    others = measured["others"]
    warning = "**The machine was busy: do not trust these figures.**\n\n" if max(others.values()) > 0.1 else ""
    cost = sum(each.seconds for each in costs)
    waits = waiting_time(measured["rate"] / 2, single.worker, CORES, 0.3)
    return (
        f"""# Scale: real backends, two workers, two cores

{warning}Made by `make bench-scale`. Other processes, the kernel and the host kept {others["single"]:.2f} cores busy \
during the single photos, {others["unwatched"]:.2f} during those without watchers, and {others["concurrent"]:.2f} \
during {CONCURRENT_PHOTOS} concurrent photos.

| latency | p50 | p95 | p99 | maximum of p95 | met |
|---|---|---|---|---|---|
| stored upload → first step of a worker, idle mesh, no watcher, ms | {row(start)} \
| < {MAX_P95_MS["start"]} | {verdict["start"]} |
| the same while the client starts to watch, ms | {row(watched)} | | |
| step in Redis → client that watches, ms | {row(progress)} | < {MAX_P95_MS["progress"]} | {verdict["progress"]} |
| upload → done, idle mesh, ms | {row(response)} | | |

{CONCURRENT_PHOTOS} photos at a time: **{measured["rate"]:.2f} per second**, {measured["photos"]} in all, with \
{measured["busy_cores"]:.2f} of {CORES} cores busy. A photo cost {cost:.3f} s of a core in the whole system, including \
the client of the benchmark (the bare pipeline takes {measured["pipeline_seconds"]:.3f}). The idle mesh leaves \
{available:.2f} of two cores, enough for {ceiling:.2f} photos per second: **{share:.0%}** of that was reached (goal \
{MIN_SHARE:.0%}: {verdict["share"]}).

From the single photos, the model predicted {predicted:.2f} per second, \
{predicted / measured["rate"] - 1:+.0%} (goal: within {MAX_MODEL_ERROR:.0%}: {verdict["model"]}). \
At half of the measured rate a photo waits {waits * 1000:.0f} ms for a worker.

## Cores for larger rates

{table([cost for cost in costs if cost.server != CLIENT])}
""",
        all(met.values()),
    )


def row(values: dict[str, float]) -> str:
    return " | ".join(f"{value:.0f}" for value in values.values())


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
