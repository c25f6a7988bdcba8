"""The whole mesh as `igemoji up` starts it, driven through its gateway."""

import asyncio
import base64
import io
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from igemoji_mesh.ids import new_id
from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

IGEMOJI = str(Path(sys.executable).parent / "igemoji")
ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "assets" / "build"
PEOPLE = ROOT / "assets" / "node_modules" / "@vladmandic" / "face-api" / "demo"
SYSTEM = "00000000-0000-7000-8000-000000000001"
"""Owns the built-in templates."""
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class LoggedMesh(Mesh):
    """A mesh that remembers what its processes logged."""

    def __init__(self, options: MeshOptions) -> None:
        self.lines: list[str] = []
        self.data = options.data
        super().__init__(options, lambda name, line: self.lines.append(f"{name} {line}"))


@dataclass(frozen=True)
class Elsewhere:
    """A mesh that somebody else started, such as one of container images."""

    url: str


@pytest.fixture(scope="session")
def mesh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedMesh | Elsewhere]:
    """One mesh for the whole run, on a free port, in an event loop and a thread of its own.

    With `--backend real` it stands on real parts, with two of each service and three workers. With IGEMOJI_E2E_URL in
    the environment it is the one that runs there: tests that look inside of a mesh can't run then, and operators are
    made by the command in IGEMOJI_E2E_AUTH, such as `podman exec auth igemoji-auth`.
    """
    if url := os.environ.get("IGEMOJI_E2E_URL"):
        yield Elsewhere(url)
        return
    options = MeshOptions(data=tmp_path_factory.mktemp("mesh"), assets=ASSETS, port=0, rate_factor=100)
    if request.config.getoption("--backend") == Backend.REAL:
        options = replace(options, backend=Backend.REAL, replicas=2, worker_replicas=3, workers=1)
    mesh = LoggedMesh(options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(mesh.start(), loop).result(240)
        yield mesh
    finally:
        asyncio.run_coroutine_threadsafe(mesh.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Someone:
    """A person who uses the product through REST."""

    http: httpx.Client
    email: str
    password: str
    alias: str
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, headers=self.headers, **options)

    def register(self) -> httpx.Response:
        account = {"email": self.email, "password": self.password, "alias": self.alias}
        return self.http.post("/api/v1/users", json=account)

    def log_in(self) -> httpx.Response:
        answer = self.http.post("/api/v1/users/auth", json={"email": self.email, "password": self.password})
        self.token = answer.json().get("access_token", "")
        return answer

    def make_template(self, name: str = "Mine", folder: str = "zoo") -> httpx.Response:
        images = {
            expression: base64.b64encode((ASSETS / "templates" / folder / f"{expression}.png").read_bytes()).decode()
            for expression in EXPRESSIONS
        }
        return self.http.post("/api/v1/emojis", json={"name": name, "images": images}, headers=self.headers)

    def upload(self, photo: bytes, emoji_id: str) -> httpx.Response:
        return self.http.post("/api/v1/faces/tasks", params={"emoji_id": emoji_id}, content=photo, headers=self.headers)

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """Every event of a task until the stream ends."""
        events = []
        with self.http.stream("GET", f"/api/v1/faces/tasks/{task_id}/events", headers=self.headers) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
        return events

    def finished(self, photo: bytes, emoji_id: str) -> dict[str, Any]:
        """Uploads a photo and returns the ended task."""
        answer = self.upload(photo, emoji_id)
        assert answer.status_code == 202, answer.text
        last: dict[str, Any] = self.events(answer.json()["task_id"])[-1]["task"]
        return last

    def image(self, task: dict[str, Any]) -> Image.Image:
        answer = self.get(task["image_url"])
        assert answer.status_code == 200, answer.text
        image = Image.open(io.BytesIO(answer.content))
        image.load()
        return image


@pytest.fixture
def http(mesh: Mesh) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mesh.url, timeout=60) as client:
        yield client


@pytest.fixture
def nobody(http: httpx.Client) -> Someone:
    """Without an account."""
    name = new_id().replace("-", "")[-12:]
    return Someone(http, f"{name}@example.org", f"password of {name}", f"a{name}")


@pytest.fixture
def visitor(http: httpx.Client) -> Someone:
    """Who never logs in."""
    return Someone(http, "", "", "")


@pytest.fixture
def me(nobody: Someone) -> Someone:
    """Registered and logged in."""
    assert nobody.register().status_code == 201
    assert nobody.log_in().status_code == 200
    return nobody


@pytest.fixture
def somebody_else(me: Someone) -> Someone:
    name = new_id().replace("-", "")[-12:]
    other = Someone(me.http, f"{name}@example.org", f"password of {name}", f"b{name}")
    other.register()
    other.log_in()
    return other


@pytest.fixture
def built_in(http: httpx.Client) -> dict[str, Any]:
    """A template that came with the product."""
    found: dict[str, Any] = http.get("/api/v1/emojis/pages/1", params={"owner_id": SYSTEM}).json()["emojis"][0]
    assert found["built_in"]
    return found


@pytest.fixture(scope="session")
def people() -> bytes:
    """A photo of three people, from a package."""
    return (PEOPLE / "sample1.jpg").read_bytes()


def eventually(check: Any, seconds: float = 10) -> Any:
    """The first true answer of `check`; fails after some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(name="eventually")
def eventually_fixture() -> Any:
    return eventually


@pytest.fixture
def operator(mesh: LoggedMesh | Elsewhere, me: Someone) -> Someone:
    """Who decides which templates others may see."""
    name = new_id().replace("-", "")[-12:]
    other = Someone(me.http, f"{name}@example.org", f"password of {name}", f"o{name}")
    other.register()
    if isinstance(mesh, Elsewhere):
        command = [*shlex.split(os.environ["IGEMOJI_E2E_AUTH"]), "make-operator", other.email]
    else:
        command = [IGEMOJI, "admin", "make-operator", other.email, "--data", str(mesh.data)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    other.log_in()
    return other
