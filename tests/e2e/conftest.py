"""The whole mesh as `igemoji up` starts it, and users who call its gateway by REST."""

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from support.mesh import eventually, running
from support.rest import task_events
from support.users import ASSETS, PEOPLE_PHOTO, encoded_pictures, new_account

from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import MeshOptions

IGEMOJI = str(Path(sys.executable).parent / "igemoji")
SYSTEM = "00000000-0000-7000-8000-000000000001"
"""Maker of the built-in templates."""


class LoggedMesh(Mesh):
    """A mesh that keeps the log lines of its processes."""

    def __init__(self, options: MeshOptions) -> None:
        self.lines: list[str] = []
        self.data = options.data
        super().__init__(options, lambda name, line: self.lines.append(f"{name} {line}"))


@dataclass(frozen=True)
class RemoteMesh:
    """A mesh started elsewhere, such as from container images."""

    url: str


@pytest.fixture(scope="session")
def mesh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedMesh | RemoteMesh]:
    """Start one mesh for the whole run, on a free port.

    With `--backend real` it has real backends, two replicas of each service and three workers. With IGEMOJI_E2E_URL in
    the environment, the mesh at that address is used: tests that look inside a mesh can't run then, and the command in
    IGEMOJI_E2E_AUTH makes operators, such as `podman exec auth igemoji-auth`.
    """
    if url := os.environ.get("IGEMOJI_E2E_URL"):
        yield RemoteMesh(url)
        return
    options = MeshOptions(data=tmp_path_factory.mktemp("mesh"), assets=ASSETS, port=0, rate_factor=100)
    if request.config.getoption("--backend") == Backend.REAL:
        options = replace(options, backend=Backend.REAL, replicas=2, worker_replicas=3, workers=1)
    with running(LoggedMesh(options)) as mesh:
        yield mesh


@dataclass
class RestUser:
    """A user who calls the API by REST; the tests check statuses and headers, so no client library is between."""

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
        template = {"name": name, "images": encoded_pictures(folder)}
        return self.http.post("/api/v1/emojis", json=template, headers=self.headers)

    def upload(self, photo: bytes, emoji_id: str) -> httpx.Response:
        return self.http.post("/api/v1/faces/tasks", params={"emoji_id": emoji_id}, content=photo, headers=self.headers)

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """Return the events of a task up to the end of the stream."""
        return task_events(self.http, task_id, self.headers)

    def finished(self, photo: bytes, emoji_id: str) -> dict[str, Any]:
        """Upload a photo and return its task when it has ended."""
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


def new_user(http: httpx.Client, prefix: str) -> RestUser:
    account = new_account(prefix)
    return RestUser(http, account.email, account.password, account.alias)


@pytest.fixture
def newcomer(http: httpx.Client) -> RestUser:
    """Return a user without an account."""
    return new_user(http, "a")


@pytest.fixture
def anonymous(http: httpx.Client) -> RestUser:
    """Return a user who never logs in."""
    return RestUser(http, "", "", "")


@pytest.fixture
def me(newcomer: RestUser) -> RestUser:
    """Return a user who is registered and logged in."""
    assert newcomer.register().status_code == 201
    assert newcomer.log_in().status_code == 200
    return newcomer


@pytest.fixture
def other_user(me: RestUser) -> RestUser:
    other = new_user(me.http, "b")
    other.register()
    other.log_in()
    return other


@pytest.fixture
def built_in(http: httpx.Client) -> dict[str, Any]:
    """Return a built-in template."""
    found: dict[str, Any] = http.get("/api/v1/emojis/pages/1", params={"owner_id": SYSTEM}).json()["emojis"][0]
    assert found["built_in"]
    return found


@pytest.fixture(scope="session")
def group_photo() -> bytes:
    """Return a photo of three people."""
    return PEOPLE_PHOTO.read_bytes()


@pytest.fixture(name="eventually")
def eventually_fixture() -> Any:
    return eventually


@pytest.fixture
def operator(mesh: LoggedMesh | RemoteMesh, me: RestUser) -> RestUser:
    """Return a user who moderates templates."""
    other = new_user(me.http, "o")
    other.register()
    if isinstance(mesh, RemoteMesh):
        command = [*shlex.split(os.environ["IGEMOJI_E2E_AUTH"]), "make-operator", other.email]
    else:
        command = [IGEMOJI, "admin", "make-operator", other.email, "--data", str(mesh.data)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    other.log_in()
    return other
