"""Many tasks in a row through the whole mesh: does anything grow?

    python bench/soak/bench.py [--tasks 1000] [--results bench/results]

Starts a mesh of its own on a free port of 127.0.0.1, uploads one photo after the other (scikit-image's astronaut, two
at a time) and samples memory, open files and threads of every process of the mesh from /proc. Writes a table and a
plot. A process is flat when its last quarter is within a tenth of its second one: in the first, caches and arenas fill.
"""

import argparse
import asyncio
import io
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image
from skimage import data

from igemoji_mesh.ids import new_id
from igemoji_stack.mesh import Mesh, MeshOptions

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
SAMPLE_SECONDS = 1.0
MAX_SECONDS = 1800
FLAT = 1.10


@dataclass
class Samples:
    """By process: (seconds since the start, memory in MiB, open files, threads)."""

    rows: dict[str, list[tuple[float, float, int, int]]] = field(default_factory=lambda: defaultdict(list))
    processes: list[tuple[float, int]] = field(default_factory=list)

    def take(self, mesh: Mesh, started: float) -> None:
        now = time.monotonic() - started
        count = 0
        for name, process in mesh.processes.items():
            if process.pid is None:
                continue
            for number, pid in enumerate([process.pid, *children(process.pid)]):
                reading = read(pid)
                if reading:
                    self.rows[name if number == 0 else f"{name} worker {number}"].append((now, *reading))
                    count += 1
        self.processes.append((now, count))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def read(pid: int) -> tuple[float, int, int] | None:
    """Proportional memory in MiB (shared pages are divided among those who share them), open files, threads."""
    root = Path(f"/proc/{pid}")
    try:
        rollup = (root / "smaps_rollup").read_text()
        pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        return pss / 1024, len(list((root / "fd").iterdir())), len(list((root / "task").iterdir()))
    except (OSError, StopIteration):
        return None


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
            samples, seconds, done = await soak(mesh, arguments.tasks)
        finally:
            await mesh.stop()
    table, flat = report(samples, seconds, done)
    print(table)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "soak.md").write_text(table, encoding="utf-8")
    plot(samples, arguments.results / "soak.png")
    return 0 if flat and done == arguments.tasks else 1


async def soak(mesh: Mesh, tasks: int) -> tuple[Samples, float, int]:
    samples, started = Samples(), time.monotonic()
    left = list(range(tasks))
    done = 0

    async def work(client: httpx.AsyncClient, emoji_id: str) -> None:
        nonlocal done
        while left and time.monotonic() - started < MAX_SECONDS:
            left.pop()
            ended_well = await one_task(client, emoji_id)
            done += ended_well
            if done % 100 == 0:
                print(f"{done} of {tasks} tasks", file=sys.stderr)

    async def sample() -> None:
        while True:
            samples.take(mesh, started)
            await asyncio.sleep(SAMPLE_SECONDS)

    async with httpx.AsyncClient(base_url=mesh.url, timeout=60) as client:
        await log_in(client)
        emoji_id = (await client.get("/api/v1/emojis/pages/1")).json()["emojis"][0]["id"]
        sampler = asyncio.create_task(sample())
        await asyncio.gather(*(work(client, emoji_id) for _ in range(AT_ONCE)))
        sampler.cancel()
    return samples, time.monotonic() - started, done


async def log_in(client: httpx.AsyncClient) -> None:
    name = new_id()[-12:]
    account = {"email": f"{name}@example.org", "password": f"password of {name}", "alias": name}
    (await client.post("/api/v1/users", json=account)).raise_for_status()
    client.auth = Renewing(account)


class Renewing(httpx.Auth):
    """Logs in again when the access token has expired: a long soak outlives it."""

    def __init__(self, account: dict[str, str]) -> None:
        self._login = {name: account[name] for name in ("email", "password")}
        self._token = "none"

    async def async_auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401:
            login = yield httpx.Request("POST", request.url.copy_with(raw_path=b"/api/v1/users/auth"), json=self._login)
            await login.aread()
            self._token = login.json()["access_token"]
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


async def one_task(client: httpx.AsyncClient, emoji_id: str) -> int:
    """Uploads a photo, waits for its end and fetches the result; 1 where that went well."""
    created = await client.post("/api/v1/faces/tasks", params={"emoji_id": emoji_id}, content=PHOTO)
    created.raise_for_status()
    path = f"/api/v1/faces/tasks/{created.json()['task_id']}"
    events = await client.get(f"{path}/events")
    image = await client.get(f"{path}/image")
    return int("TASK_STATE_DONE" in events.text and image.status_code == 200)


def report(samples: Samples, seconds: float, done: int) -> tuple[str, bool]:
    lines = [
        "# A soak: many tasks in a row",
        "",
        f"{done} tasks done in {seconds:.0f} s, {AT_ONCE} at a time. Medians of the second and the last quarter.",
        "",
        "| process | memory, MiB | ratio | open files | threads |",
        "|---|---|---|---|---|",
    ]
    flat = True
    for name, rows in samples.rows.items():
        early, late = quarter(rows, 1), quarter(rows, 3)
        memory, files, threads = ([median(part, column) for part in (early, late)] for column in (1, 2, 3))
        ratio = memory[1] / memory[0]
        flat &= ratio <= FLAT and files[1] <= files[0] * FLAT + 2 and threads[1] <= threads[0] + 1
        lines.append(
            f"| {name} | {memory[0]:.1f} → {memory[1]:.1f} | {ratio:.2f} "
            f"| {files[0]:.0f} → {files[1]:.0f} | {threads[0]:.0f} → {threads[1]:.0f} |"
        )
    counts = [count for _, count in samples.processes]
    lines += ["", f"Processes: {min(counts)} to {max(counts)}. {'Flat.' if flat else 'NOT flat.'}", ""]
    return "\n".join(lines), flat


def quarter(rows: list[tuple[float, float, int, int]], number: int) -> list[tuple[float, float, int, int]]:
    size = max(len(rows) // 4, 1)
    return rows[number * size : (number + 1) * size] or rows[-1:]


def median(rows: list[tuple[float, float, int, int]], column: int) -> float:
    return statistics.median(row[column] for row in rows)


def plot(samples: Samples, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    for column, (axis, label) in enumerate(zip(axes, ("memory, MiB", "open files", "threads"), strict=True), start=1):
        for name, rows in samples.rows.items():
            axis.plot([row[0] for row in rows], [row[column] for row in rows], label=name, linewidth=1.2)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("seconds")
    axes[0].legend(ncols=4, fontsize=8)
    figure.savefig(path, dpi=110)


def photo() -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=92)  # type: ignore[no-untyped-call]
    return file.getvalue()


PHOTO = photo()

if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
