"""Callers of the API and their resources, created through the API on first use."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import grpc
import httpx
from PIL import Image
from support.rest import task_events
from support.users import astronaut, new_account

from igemoji_stack.mesh.options import SERVICES
from igemoji_stack.mesh.state import read_state

PASSWORD = "a long enough one"


@dataclass
class Actor:
    """A caller; `anonymous` has no token."""

    kind: str
    token: str = ""
    id: str = ""
    email: str = ""
    refresh_token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class Actors:
    """The callers of a mesh: anonymous, a guest, an owner of resources, another user and an operator."""

    data: Path
    """Data folder of the mesh."""
    http: httpx.Client
    channel: grpc.Channel
    by_kind: dict[str, Actor] = field(default_factory=dict)
    to_lose: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def of(cls, url: str, data: Path) -> Iterator[Self]:
        """Connect to a mesh."""
        with (
            httpx.Client(base_url=url, timeout=60) as http,
            grpc.insecure_channel(http.base_url.netloc.decode()) as channel,
        ):
            yield cls(data, http, channel)

    def actor(self, kind: str) -> Actor:
        """Return the caller of a kind, always the same."""
        if kind not in self.by_kind:
            self.by_kind[kind] = self.new_actor(kind)
        return self.by_kind[kind]

    def new_actor(self, kind: str) -> Actor:
        """Create a caller of a kind."""
        if kind == "anonymous":
            return Actor(kind)
        if kind == "guest":
            return _logged_in(kind, self.made("/api/v1/users/guest", {"refresh_token_in_body": True}))
        account = self.new_account()
        self.made("/api/v1/users", account)
        if kind == "operator":
            self.command("make-operator", account["email"])
        login = {"email": account["email"], "password": PASSWORD, "refresh_token_in_body": True}
        return _logged_in(kind, self.made("/api/v1/users/auth", login))

    def new_account(self) -> dict[str, str]:
        """Return the body of a registration."""
        return replace(new_account("a"), password=PASSWORD).registration

    def command(self, *arguments: str) -> str:
        """Run the operator's command of auth on the data folder."""
        settings = {**os.environ, "DATA_DIR": str(self.data)}
        command = [sys.executable, "-m", SERVICES["auth"], *arguments]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def made(self, path: str, body: Any, by: Actor | None = None, **options: Any) -> Any:
        """Return the body of a successful POST."""
        answer = self.http.post(path, json=body, headers=by.headers if by else {}, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    @property
    def owner(self) -> Actor:
        return self.actor("owner")

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
        """Return a photo with one face."""
        return astronaut(kind="PNG")

    @cached_property
    def faceless_photo(self) -> bytes:
        """Return a small photo without a face, which is processed quickly."""
        file = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").save(file, "JPEG")
        return file.getvalue()

    def new_emoji(self, visibility: str = "public", by: Actor | None = None) -> str:
        """Create a template, by default of the owner, and return its id."""
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
        """Return a template that operators hide."""
        return self.new_emoji()

    def upload(self, photo: bytes, by: Actor) -> str:
        """Upload a photo and return the id of its task."""
        answer = self.http.post(
            "/api/v1/faces/tasks", params={"emoji_id": self.built_in_id}, content=photo, headers=by.headers
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def new_task(self, photo: bytes | None = None, by: Actor | None = None) -> str:
        """Create a task, wait until it is done and return its id."""
        task_id = self.upload(photo or self.faceless_photo, by or self.owner)
        assert self.finished(task_id, by or self.owner)["state"] == "TASK_STATE_DONE"
        return task_id

    def finished(self, task_id: str, by: Actor) -> dict[str, Any]:
        """Wait until a task has ended and return it."""
        last: dict[str, Any] = task_events(self.http, task_id, by.headers)[-1]["task"]
        return last

    @cached_property
    def task(self) -> str:
        """Return the owner's task with one face."""
        return self.new_task(self.photo)

    def settled_task(self) -> str:
        """Return `task` when it is not being processed."""
        self.finished(self.task, self.owner)
        return self.task

    @cached_property
    def another_task(self) -> str:
        return self.new_task()

    def task_to_lose(self) -> str:
        """Return a task that tests delete, recreated when it is gone."""
        return self._kept("/api/v1/faces/tasks", self.new_task)

    def emoji_to_lose(self) -> str:
        """Return a template that tests delete, recreated when it is gone."""
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
        """Return the id of the deletion of an account."""
        guest = self.new_actor("guest")
        return str(self.http.delete("/api/v1/users/me", headers=guest.headers).json()["id"])

    @contextlib.contextmanager
    def direct(self, service: str, caller: str) -> Iterator[grpc.Channel]:
        """Open a channel to a service past the gateway, with the certificate of another service."""
        folder = self.data / "certificates"
        state = read_state(self.data)
        assert state is not None
        pem = {name: (folder / name).read_bytes() for name in ("ca.crt", f"{caller}.key", f"{caller}.crt")}
        credentials = grpc.ssl_channel_credentials(pem["ca.crt"], pem[f"{caller}.key"], pem[f"{caller}.crt"])
        options = [("grpc.ssl_target_name_override", f"{service}.igemoji.internal")]
        address = f"127.0.0.1:{state['services'][service]['rpc']}"
        with grpc.secure_channel(address, credentials, options) as channel:
            yield channel


def _logged_in(kind: str, session: dict[str, Any]) -> Actor:
    user = session["user"]
    return Actor(kind, session["access_token"], user["id"], user["email"], session["refresh_token"])
