"""Real parts and two workers: how long a photo waits on an idle system, and how many a second two cores do.

    python bench/scale/bench.py [--idle 60] [--seconds 40] [--results bench/results]

Starts a mesh of its own on MariaDB, RabbitMQ, Redis and S3. First one photo after the other: from the commit of the
upload to the worker's first step, and from each step in Redis to the client that watches. Then more at once than two
workers can do. The processor time of every process is read from /proc, so that what a photo costs in each part is
known; bench/scale/model.py then says how many a second two cores should do, and what larger rates need.
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
from collections import defaultdict
from pathlib import Path

import httpx
import sqlalchemy as sa
from PIL import Image
from redis.asyncio import Redis as RedisClient
from skimage import data

sys.path.insert(0, str(Path(__file__).parent))

from model import Demand, most, table, wait

from igemoji_inference.redis_feed import PREFIX
from igemoji_mesh.ids import new_id
from igemoji_stack.backend import Backend, RealParts
from igemoji_stack.mesh import Mesh, MeshOptions

ROOT = Path(__file__).parents[2]
CORES = 2
AT_ONCE = 8
USERS = 4
TICK = os.sysconf("SC_CLK_TCK")
WANTED = {"start": 30, "news": 20}
"""Milliseconds, at p95."""
WANTED_SHARE = 0.85
CLIENT = "this client"


class Client:
    """Somebody who uploads and watches."""

    def __init__(self, http: httpx.AsyncClient, emoji_id: str, token: str) -> None:
        self._http = http
        self._emoji_id = emoji_id
        self._headers = {"Authorization": f"Bearer {token}"}

    async def photo(self, body: bytes) -> tuple[str, dict[int, float]]:
        """The task's id, and when each of its steps came in."""
        url = "/api/v1/faces/tasks"
        created = await self._http.post(url, params={"emoji_id": self._emoji_id}, content=body, headers=self._headers)
        created.raise_for_status()
        task_id = created.json()["task_id"]
        came: dict[int, float] = {}
        state = ""
        async with self._http.stream("GET", f"{url}/{task_id}/events", headers=self._headers) as events:
            async for line in events.aiter_lines():
                if line.startswith("data:"):
                    step = json.loads(line.removeprefix("data:"))
                    state = step["task"]["state"]
                    came.setdefault(step["sequence"], time.time())
        if state != "TASK_STATE_DONE":
            raise RuntimeError(f"a photo ended {state}")
        return task_id, came


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=60, help="photos, one after the other")
    parser.add_argument("--seconds", type=float, default=40, help="with more at once than can be done")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    arguments = parser.parse_args()
    others = os.getloadavg()[0]
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
    text, good = report(measured, others)
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
    before = processor_seconds(mesh)
    courses = [await clients[number % USERS].photo(body) for number in range(idle)]
    costs = {part: (now - before.get(part, 0)) / idle for part, now in processor_seconds(mesh).items()}
    started, told = await delays(mesh, courses)

    before, begun = processor_seconds(mesh), time.monotonic()
    done: list[float] = []

    async def work(client: Client) -> None:
        while time.monotonic() - begun < seconds:
            await client.photo(body)
            done.append(time.monotonic() - begun)

    await asyncio.gather(*(work(clients[number % USERS]) for number in range(AT_ONCE)))
    spent = {part: now - before.get(part, 0) for part, now in processor_seconds(mesh).items()}
    whole = [when for when in done if when <= seconds]
    return {
        "idle_photos": idle,
        "start_ms": percentiles(started),
        "news_ms": percentiles(told),
        "idle_demands": costs,
        "photos": len(done),
        "rate": len(whole) / seconds,
        "busy_seconds": done[-1],
        "demands": {part: seconds_spent / len(done) for part, seconds_spent in spent.items()},
    }


async def delays(mesh: Mesh, courses: list[tuple[str, dict[int, float]]]) -> tuple[list[float], list[float]]:
    """Seconds from commit to a worker's first step, and from each step in Redis to the client.

    Redis names an entry by the millisecond in which it came.
    """
    assert isinstance(mesh.parts, RealParts)
    environment = mesh.parts.environment("inference")
    engine = sa.create_engine(environment["DATABASE_URL"])
    redis = RedisClient.from_url(environment["PROGRESS_URL"], decode_responses=True)
    started, told = [], []
    with engine.connect() as connection:
        query = sa.text("SELECT id, UNIX_TIMESTAMP(created_at) FROM tasks")
        uploaded = {row[0]: float(row[1]) for row in connection.execute(query)}
    for task_id, came in courses:
        for entry_id, fields in await redis.xrange(PREFIX + task_id):
            sequence, at = int(fields["sequence"]), int(entry_id.partition("-")[0]) / 1000
            if sequence == 2:
                started.append(at - uploaded[task_id])
            if sequence in came:
                told.append(came[sequence] - at)
    await redis.aclose()
    engine.dispose()
    return started, told


def processor_seconds(mesh: Mesh) -> dict[str, float]:
    """Of every process so far, by part; the children of each are its own."""
    assert isinstance(mesh.parts, RealParts)
    roots = {name: process.pid for name, process in mesh.processes.items()}
    for part in mesh.parts.own.values():
        roots |= part.pids
    spent: dict[str, float] = defaultdict(float)
    for name, pid in roots.items():
        if pid is not None:
            kind = "workers" if name.startswith("inference-worker") else name
            spent[kind] += sum(spent_by(each) for each in family(pid))
    spent[CLIENT] = time.process_time()
    return dict(spent)


def family(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [pid, *(each for child in text.split() for each in family(int(child)))]


def spent_by(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles([value * 1000 for value in values], n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def report(measured: dict, others: float) -> tuple[str, bool]:  # type: ignore[type-arg]
    demands = [Demand(part, seconds) for part, seconds in measured["demands"].items()]
    at_idle = [Demand(part, seconds) for part, seconds in measured["idle_demands"].items()]
    ceiling, predicted = most(demands, CORES), most(at_idle, CORES)
    share = measured["rate"] / ceiling
    good = {
        "start": measured["start_ms"]["p95"] < WANTED["start"],
        "news": measured["news_ms"]["p95"] < WANTED["news"],
        "share": share >= WANTED_SHARE,
    }
    verdict = {name: "yes" if held else "**no**" for name, held in good.items()}
    warned = "**The machine was busy with other things: do not trust these figures.**\n\n" if others > 0.5 else ""
    start, news = measured["start_ms"], measured["news_ms"]
    waits = wait(predicted / 2, measured["demands"]["workers"], CORES, 0.3)
    return (
        f"""# Scale: real parts, two workers, two cores

{warned}Made by `make bench-scale`; load of the machine before: {others:.1f}.

| what | p50 | p95 | p99 | wanted at p95 | held |
|---|---|---|---|---|---|
| upload committed → a worker's first step, idle, ms | {start["p50"]:.0f} | {start["p95"]:.0f} | {start["p99"]:.0f} \
| < {WANTED["start"]} | {verdict["start"]} |
| a step in Redis → the client that watches, ms | {news["p50"]:.0f} | {news["p95"]:.0f} | {news["p99"]:.0f} \
| < {WANTED["news"]} | {verdict["news"]} |

{AT_ONCE} photos at a time: {measured["rate"]:.1f} a second, {measured["photos"]} in all. A photo cost \
{sum(d.seconds for d in demands):.3f} s of a core in the whole system (this client included), so two cores could do \
{ceiling:.1f}: **{share:.0%}** of it (wanted {WANTED_SHARE:.0%}: {verdict["share"]}).

From what a photo cost one at a time, the model predicted {predicted:.1f} a second: \
{measured["rate"] / predicted:.2f} of it was measured. At half of that rate, a photo would wait {waits * 1000:.0f} ms \
for a worker.

## What larger rates need

{table([demand for demand in demands if demand.part != CLIENT])}
""",
        all(good.values()),
    )


def photo() -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).resize((1600, 1200)).save(file, "JPEG", quality=88)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
