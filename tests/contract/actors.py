"""People, and what is theirs: made through the API as anybody would, and made anew where a call used it up."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import grpc
import httpx
from PIL import Image
from skimage import data

from igemoji_mesh.ids import new_id
from igemoji_stack.mesh.options import SERVICES
from igemoji_stack.mesh.state import read_state

PASSWORD = "a long enough one"


@dataclass
class Person:
    """Who calls; nobody has no token."""

    kind: str
    token: str = ""
    id: str = ""
    email: str = ""
    refresh_token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class World:
    """The mesh with five people: nobody, a guest, an owner of things, another user and an operator."""

    data: Path
    """Where the mesh keeps everything."""
    http: httpx.Client
    channel: grpc.Channel
    people: dict[str, Person] = field(default_factory=dict)
    to_lose: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def of(cls, url: str, data: Path) -> Iterator[Self]:
        with (
            httpx.Client(base_url=url, timeout=60) as http,
            grpc.insecure_channel(http.base_url.netloc.decode()) as channel,
        ):
            yield cls(data, http, channel)

    def person(self, kind: str) -> Person:
        """Of a kind, always the same."""
        if kind not in self.people:
            self.people[kind] = self.new_person(kind)
        return self.people[kind]

    def new_person(self, kind: str) -> Person:
        if kind == "nobody":
            return Person(kind)
        if kind == "guest":
            return _logged_in(kind, self.made("/api/v1/users/guest", {"refresh_token_in_body": True}))
        account = self.new_account()
        self.made("/api/v1/users", account)
        if kind == "operator":
            self.command("make-operator", account["email"])
        login = {"email": account["email"], "password": PASSWORD, "refresh_token_in_body": True}
        return _logged_in(kind, self.made("/api/v1/users/auth", login))

    def new_account(self) -> dict[str, str]:
        name = new_id().replace("-", "")[-12:]
        return {"email": f"{name}@example.org", "password": PASSWORD, "alias": f"a{name}"}

    def command(self, *arguments: str) -> str:
        """What an operator of the machine does beside the service."""
        settings = {**os.environ, "DATA_DIR": str(self.data)}
        command = [sys.executable, "-m", SERVICES["auth"], *arguments]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def made(self, path: str, body: Any, by: Person | None = None, **options: Any) -> Any:
        """What a POST answers, which must succeed."""
        answer = self.http.post(path, json=body, headers=by.headers if by else {}, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    @property
    def owner(self) -> Person:
        return self.person("owner")

    @cached_property
    def built_in_id(self) -> str:
        page, token = None, ""
        while page is None or token:
            page = self.http.get("/api/v1/emojis/pages/1", params={"page_token": token}).json()
            for emoji in page["emojis"]:
                if emoji["built_in"]:
                    return str(emoji["id"])
            token = page["next_page_token"]
        raise AssertionError("there is no built-in template")

    @cached_property
    def photo(self) -> bytes:
        """A face, upright, near (225, 118) of 512 x 512."""
        file = io.BytesIO()
        Image.fromarray(data.astronaut()).save(file, "PNG")
        return file.getvalue()

    @cached_property
    def faceless_photo(self) -> bytes:
        """Small, and soon done."""
        file = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").save(file, "JPEG")
        return file.getvalue()

    def new_emoji(self, visibility: str = "public", by: Person | None = None) -> str:
        """The id of a template; the owner's own unless told."""
        draft = {"name": "Contract", "base_id": self.built_in_id, "visibility": visibility}
        return str(self.made("/api/v1/emojis", draft, by or self.owner)["id"])

    @cached_property
    def emoji(self) -> str:
        return self.new_emoji()

    @cached_property
    def private_emoji(self) -> str:
        return self.new_emoji("private")

    @cached_property
    def hidden_emoji(self) -> str:
        """Or one that is going to be."""
        return self.new_emoji()

    def upload(self, photo: bytes, by: Person) -> str:
        answer = self.http.post(
            "/api/v1/faces/tasks", params={"emoji_id": self.built_in_id}, content=photo, headers=by.headers
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def new_task(self, photo: bytes | None = None, by: Person | None = None) -> str:
        """The id of a finished task."""
        task_id = self.upload(photo or self.faceless_photo, by or self.owner)
        assert self.finished(task_id, by or self.owner)["state"] == "TASK_STATE_DONE"
        return task_id

    def finished(self, task_id: str, by: Person) -> dict[str, Any]:
        """A task when it has ended."""
        with self.http.stream("GET", f"/api/v1/faces/tasks/{task_id}/events", headers=by.headers) as stream:
            lines = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
        last: dict[str, Any] = json.loads(lines[-1])["task"]
        return last

    @cached_property
    def task(self) -> str:
        """With one face."""
        return self.new_task(self.photo)

    def settled_task(self) -> str:
        """The task with one face, when nothing is being done with it."""
        self.finished(self.task, self.owner)
        return self.task

    @cached_property
    def another_task(self) -> str:
        return self.new_task()

    def task_to_lose(self) -> str:
        """The same until somebody deletes it."""
        return self._kept("/api/v1/faces/tasks", self.new_task)

    def emoji_to_lose(self) -> str:
        """The same until somebody deletes it."""
        return self._kept("/api/v1/emojis", self.new_emoji)

    def _kept(self, path: str, make: Callable[[], str]) -> str:
        known = self.to_lose.get(path)
        if known is None or self.http.get(f"{path}/{known}", headers=self.owner.headers).status_code == 404:
            self.to_lose[path] = make()
        return self.to_lose[path]

    @cached_property
    def share_token(self) -> str:
        return str(self.made(f"/api/v1/faces/tasks/{self.task}/share", {}, self.owner)["token"])

    @cached_property
    def deletion(self) -> str:
        guest = self.new_person("guest")
        return str(self.http.delete("/api/v1/users/me", headers=guest.headers).json()["id"])

    @contextlib.contextmanager
    def direct(self, service: str, caller: str) -> Iterator[grpc.Channel]:
        """A channel to a service past the gateway, opened by another service with its certificate."""
        folder = self.data / "certificates"
        state = read_state(self.data)
        assert state is not None
        pem = {name: (folder / name).read_bytes() for name in ("ca.crt", f"{caller}.key", f"{caller}.crt")}
        credentials = grpc.ssl_channel_credentials(pem["ca.crt"], pem[f"{caller}.key"], pem[f"{caller}.crt"])
        options = [("grpc.ssl_target_name_override", f"{service}.igemoji.internal")]
        address = f"127.0.0.1:{state['services'][service]['rpc']}"
        with grpc.secure_channel(address, credentials, options) as channel:
            yield channel


def _logged_in(kind: str, session: dict[str, Any]) -> Person:
    user = session["user"]
    return Person(kind, session["access_token"], user["id"], user["email"], session["refresh_token"])


def eventually(check: Any, seconds: float = 30) -> Any:
    """The first true answer of `check`; fails after some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")
