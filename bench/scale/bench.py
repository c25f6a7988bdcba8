"""Real parts and two workers: how long a photo waits on an idle system, and how many a second two cores do.

    python bench/scale/bench.py [--idle 200] [--seconds 40] [--results bench/results]

Starts a mesh of its own on MariaDB, RabbitMQ, Redis and S3, on two cores however many there are. First one photo after
the other: from the moment in which an upload is stored to the step that says that a worker has it, and from each step
in Redis to the client that watches; and once more while nobody watches, which is work for the same cores. Then more at
once than two workers can do. The processor time of every process is read from /proc, so that what a photo costs in each
part is known, with what the mesh spends without any photo taken off; bench/scale/model.py says from the first part how
many a second the last should do, and what larger rates need.
"""

import argparse
import asyncio
import io
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
from PIL import Image
from redis.asyncio import Redis as RedisClient
from skimage import data

sys.path.insert(0, str(Path(__file__).parent))

from model import Alone, Demand, most, table, together, wait
from usage import CLIENT, Usage, usage

from igemoji_inference.adapters.progress.redis import PREFIX
from igemoji_mesh.ids import new_id
from igemoji_stack.backends.backend import Backend, RealBackends
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions
from igemoji_vision.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
TASKS = "/api/v1/faces/tasks"
CORES = 2
AT_ONCE = 8
USERS = 4
STILL_SECONDS = 8
WARM_SECONDS = 4
PAUSE_SECONDS = 0.5
"""Between photos that come one after the other: what the mesh tidies up after each of them is done then."""
UNWATCHED_SECONDS = 1.0
"""More than a photo takes where there is no other one."""
BARE_PHOTOS = 15
WANTED = {"start": 30, "news": 20}
"""Milliseconds, at p95."""
WANTED_SHARE = 0.85
WANTED_MODEL = 0.20
QUIET = 0.15
"""Cores that may be busy with something else."""


class Client:
    """Somebody who uploads and watches."""

    def __init__(self, http: httpx.AsyncClient, emoji_id: str, token: str) -> None:
        self._http = http
        self._emoji_id = emoji_id
        self._headers = {"Authorization": f"Bearer {token}"}

    async def upload(self, body: bytes) -> "Course":
        began = time.time()
        parameters = {"emoji_id": self._emoji_id}
        created = await self._http.post(TASKS, params=parameters, content=body, headers=self._headers)
        created.raise_for_status()
        return Course(created.json()["task_id"], began)

    async def photo(self, body: bytes) -> "Course":
        """Uploads and watches to the end."""
        course = await self.upload(body)
        state = ""
        async with self._http.stream("GET", f"{TASKS}/{course.task_id}/events", headers=self._headers) as events:
            async for line in events.aiter_lines():
                if line.startswith("data:"):
                    step = json.loads(line.removeprefix("data:"))
                    state = step["task"]["state"]
                    course.came.setdefault(step["sequence"], time.time())
        if state != "TASK_STATE_DONE":
            raise RuntimeError(f"a photo ended {state}")
        return course


@dataclass
class Course:
    """How a photo went, as its owner saw it; instants as time.time() tells them."""

    task_id: str
    began: float
    came: dict[int, float] = field(default_factory=dict)
    """When each of its steps came in, by sequence."""

    @property
    def seconds(self) -> float:
        return max(self.came.values()) - self.began


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=200, help="photos, one after the other")
    parser.add_argument("--seconds", type=float, default=40, help="with more at once than can be done")
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
                clients = [await client(http) for _ in range(USERS)]
                measured = await measure(mesh, clients, arguments.idle, arguments.seconds)
        finally:
            await mesh.stop()
    text, good = report(measured)
    print(text)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "scale.md").write_text(text, encoding="utf-8")
    (arguments.results / "scale.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


async def client(http: httpx.AsyncClient) -> Client:
    name = new_id()[-12:]
    account = {"email": f"{name}@example.org", "password": f"password of {name}", "alias": name}
    (await http.post("/api/v1/users", json=account)).raise_for_status()
    login = await http.post("/api/v1/users/auth", json={key: account[key] for key in ("email", "password")})
    emojis = (await http.get("/api/v1/emojis/pages/1")).json()["emojis"]
    return Client(http, emojis[0]["id"], login.json()["access_token"])


async def measure(mesh: Mesh, clients: list[Client], idle: int, seconds: float) -> dict[str, object]:
    body = photo()
    for number in range(8):  # pictures, connections and caches
        await clients[number % USERS].photo(body)
    before = usage(mesh)
    await asyncio.sleep(STILL_SECONDS)
    still = usage(mesh).since(before)

    before = usage(mesh)
    courses = []
    for number in range(idle):
        await asyncio.sleep(PAUSE_SECONDS)
        courses.append(await clients[number % USERS].photo(body))
    alone = usage(mesh).since(before)
    started, told, held = await delays(mesh, courses)

    before = usage(mesh)
    unwatched = []
    for number in range(idle):
        unwatched.append(await clients[number % USERS].upload(body))
        await asyncio.sleep(UNWATCHED_SECONDS)
    nobody_watched = usage(mesh).since(before)
    started_unwatched, _, _ = await delays(mesh, unwatched)

    done = 0
    over = asyncio.Event()

    async def work(client: Client) -> None:
        nonlocal done
        while not over.is_set():
            await client.photo(body)
            done += 1

    async with asyncio.TaskGroup() as crowd:
        for number in range(AT_ONCE):
            crowd.create_task(work(clients[number % USERS]))
        await asyncio.sleep(WARM_SECONDS)
        before, done = usage(mesh), 0
        await asyncio.sleep(seconds)
        busy, photos = usage(mesh).since(before), done
        over.set()

    return {
        "start_ms": percentiles(started_unwatched),
        "start_watched_ms": percentiles(started),
        "news_ms": percentiles(told),
        "response_ms": percentiles([course.seconds for course in courses]),
        "held_seconds": statistics.mean(held),
        "still_cores": sum(still.parts.values()) / still.at,
        "idle_demands": demands(alone, idle, still),
        "photos": photos,
        "rate": photos / busy.at,
        "demands": demands(busy, photos, still),
        "busy_cores": sum(busy.parts.values()) / busy.at,
        "others": {"alone": alone.others, "unwatched": nobody_watched.others, "together": busy.others},
        "bare_seconds": bare(body),
    }


def demands(used: Usage, photos: int, still: Usage) -> dict[str, float]:
    """Seconds of a core that a photo cost in each part, without what it spends when there is none."""
    return {
        part: max(0.0, spent - still.parts[part] / still.at * used.at) / photos for part, spent in used.parts.items()
    }


def bare(body: bytes) -> float:
    """Seconds of a core that the photo costs the pipeline alone."""
    cv2.setNumThreads(1)
    pipeline = Pipeline(ROOT / "assets" / "build" / "models")
    template = next((ROOT / "assets" / "build" / "templates").glob("*/happy.png")).parent
    pictures = {path.stem: path.read_bytes() for path in template.glob("*.png")}
    began = 0.0
    for number in range(BARE_PHOTOS + 1):
        began = time.process_time() if number == 1 else began
        pipeline.run(body, pictures, lambda *_: None)
    return (time.process_time() - began) / BARE_PHOTOS


async def delays(mesh: Mesh, courses: list[Course]) -> tuple[list[float], list[float], list[float]]:
    """Seconds from the upload's row to a worker's first step, from each step to the client, and of a worker's work.

    Redis names an entry by the millisecond in which it came.
    """
    assert isinstance(mesh.backends, RealBackends)
    environment = mesh.backends.environment("inference")
    engine = sa.create_engine(environment["DATABASE_URL"])
    redis = RedisClient.from_url(environment["PROGRESS_URL"], decode_responses=True)
    started, told, held = [], [], []
    with engine.connect() as connection:
        query = sa.text("SELECT id, UNIX_TIMESTAMP(created_at) FROM tasks")
        uploaded = {row[0]: float(row[1]) for row in connection.execute(query)}
    for course in courses:
        entries = await redis.xrange(PREFIX + course.task_id)
        instants = [int(entry_id.partition("-")[0]) / 1000 for entry_id, _ in entries]
        for at, (_, fields) in zip(instants, entries, strict=True):
            sequence = int(fields["sequence"])
            if sequence == 2:
                started.append(at - uploaded[course.task_id])
            if sequence in course.came:
                told.append(course.came[sequence] - at)
        if course.came:
            told.append(max(course.came.values()) - instants[-1])  # the end, which names no sequence
        held.append(instants[-1] - instants[0])
    await redis.aclose()
    engine.dispose()
    return started, told, held


def percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles([value * 1000 for value in values], n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def report(measured: dict) -> tuple[str, bool]:  # type: ignore[type-arg]
    costs = [Demand(part, seconds) for part, seconds in measured["demands"].items()]
    left = CORES - measured["still_cores"]
    ceiling = most(costs, left)
    alone = Alone(
        sum(measured["idle_demands"].values()), measured["response_ms"]["p50"] / 1000, measured["held_seconds"]
    )
    predicted = together(alone, AT_ONCE, CORES, left)
    share = measured["rate"] / ceiling
    start, watched = measured["start_ms"], measured["start_watched_ms"]
    news, response = measured["news_ms"], measured["response_ms"]
    good = {
        "start": start["p95"] < WANTED["start"],
        "news": news["p95"] < WANTED["news"],
        "share": share >= WANTED_SHARE,
        "model": abs(predicted / measured["rate"] - 1) <= WANTED_MODEL,
    }
    verdict = {name: "yes" if held else "**no**" for name, held in good.items()}
    others = measured["others"]
    warned = (
        "**Other things kept the machine busy: do not trust these figures.**\n\n" if max(others.values()) > 0.1 else ""
    )
    cost = sum(each.seconds for each in costs)
    waits = wait(measured["rate"] / 2, alone.worker, CORES, 0.3)
    return (
        f"""# Scale: real parts, two workers, two cores

{warned}Made by `make bench-scale`. Something else, the kernel and what the host takes away included, kept \
{others["alone"]:.2f} cores busy while one photo came after the other, {others["unwatched"]:.2f} while nobody watched \
them, and {others["together"]:.2f} while {AT_ONCE} were under way at a time.

| what | p50 | p95 | p99 | wanted at p95 | held |
|---|---|---|---|---|---|
| an upload is stored → a worker has it, idle, ms | {row(start)} | < {WANTED["start"]} | {verdict["start"]} |
| the same while its owner's client begins to watch, ms | {row(watched)} | | |
| a step in Redis → the client that watches, ms | {row(news)} | < {WANTED["news"]} | {verdict["news"]} |
| upload → done, idle, ms | {row(response)} | | |

{AT_ONCE} photos at a time: **{measured["rate"]:.2f} a second**, {measured["photos"]} in all, with \
{measured["busy_cores"]:.2f} of {CORES} cores busy. A photo cost {cost:.3f} s of a core in the whole system, this \
client included (the bare pipeline takes {measured["bare_seconds"]:.3f}). So what the mesh leaves of two cores when \
it has nothing to do ({left:.2f}) could do {ceiling:.2f}: **{share:.0%}** of it was reached (wanted \
{WANTED_SHARE:.0%}: {verdict["share"]}).

From photos that came one at a time, the model predicted {predicted:.2f} a second, \
{predicted / measured["rate"] - 1:+.0%} (wanted within {WANTED_MODEL:.0%}: {verdict["model"]}). \
At half of the measured rate a photo waits {waits * 1000:.0f} ms for a worker.

## What larger rates need

{table([cost for cost in costs if cost.part != CLIENT])}
""",
        all(good.values()),
    )


def row(values: dict[str, float]) -> str:
    return " | ".join(f"{value:.0f}" for value in values.values())


def photo() -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).resize((1600, 1200)).save(file, "JPEG", quality=88)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
