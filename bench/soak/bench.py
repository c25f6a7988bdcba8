"""Many tasks in a row through the whole mesh: does anything grow?

    python bench/soak/bench.py [--tasks 1000] [--results bench/results]

Starts a mesh of its own on a free port of 127.0.0.1, uploads one photo after the other (scikit-image's astronaut, two
at a time) and samples memory, open files and threads of every process of the mesh from /proc. Writes a table and a
plot. A process is flat when its last quarter is within a tenth of its second one: in the first, caches and arenas fill.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path

import httpx
from PIL import Image
from samples import Samples, plot, table
from skimage import data

from igemoji_mesh.ids import new_id
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
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
    lines, flat = table(samples)
    head = [
        "# A soak: many tasks in a row",
        "",
        f"{done} tasks done in {seconds:.0f} s, {AT_ONCE} at a time. Medians of the second and the last quarter.",
        "",
    ]
    return "\n".join([*head, *lines, ""]), flat


def photo() -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=92)  # type: ignore[no-untyped-call]
    return file.getvalue()


PHOTO = photo()

if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
