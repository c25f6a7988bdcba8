"""Twenty users who upload at the same time, and the responses that they accept during a fault.

They use raw HTTP: the client library retries, and would hide invalid responses.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from support.users import astronaut

from igemoji_mesh.auth.tokens import Claims, SigningKey, issue
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.ids import new_id

USERS = 20
MIN_TASKS, MAX_TASKS = 1, 3
"""Of one user, so that the work is bounded however long a fault lasts."""

SLOW_UPLOAD_SECONDS = 2
TRANSIENT = {429, 503, 504}
"""Statuses allowed while something is down: the client retries."""
CANCELLED = '{"code":1,"message":"CANCELLED","details":[]}'
"""Response to a call that arrived while gRPC shut its server down; it had no effect."""


@dataclass
class User:
    """A user whose photo has a size of its own, so that mixed-up results are noticed."""

    id: str
    token: str
    number: int
    photo: bytes = field(repr=False)
    size: tuple[int, int]
    accepted: list[str] = field(default_factory=list)
    """Tasks accepted with 202."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def uploads_slowly(self) -> bool:
        """Return whether the next upload is slow, so that some uploads are in progress when the fault happens."""
        return self.number % 5 == 0 and not self.accepted

    async def body(self) -> AsyncIterator[bytes]:
        parts = 10 if self.uploads_slowly else 1
        step = len(self.photo) // parts + 1
        for start in range(0, len(self.photo), step):
            yield self.photo[start : start + step]
            await asyncio.sleep(SLOW_UPLOAD_SECONDS / parts if self.uploads_slowly else 0)


def make_users(key: SigningKey, scale: int = 1) -> list[User]:
    """Return users with tokens signed by the mesh's key: hashing twenty passwords would take most of the time.

    Their photos have 160 pixels or more per side, times `scale`.
    """
    return [_make_user(number, scale, key) for number in range(USERS)]


class LoadUsers:
    """Load of a number of users. `invalid_responses` are those that no client should get."""

    def __init__(self, url: str, users: Sequence[User], emoji_ids: Sequence[str]) -> None:
        self.users = users
        self.emoji_ids = emoji_ids
        self.invalid_responses: list[str] = []
        self.lost_connections: list[str] = []
        self.refusals = 0
        """Number of transient errors."""
        self._http = httpx.AsyncClient(base_url=url, timeout=70, limits=httpx.Limits(max_connections=None))
        self._over = asyncio.Event()

    @property
    def accepted(self) -> int:
        return sum(len(user.accepted) for user in self.users)

    @contextlib.asynccontextmanager
    async def uploading(self) -> AsyncIterator[None]:
        """Upload as all users from before the block to a moment after it."""
        async with self._http, asyncio.TaskGroup() as group:
            for user in self.users:
                group.create_task(self._upload(user))
            await self.until_accepted(len(self.users) // 2)
            yield
            self._over.set()

    async def until_accepted(self, count: int) -> None:
        async with asyncio.timeout(30):
            while self.accepted < count:
                await asyncio.sleep(0.02)

    async def _upload(self, user: User) -> None:
        async with asyncio.timeout(60):
            while len(user.accepted) < (MIN_TASKS if self._over.is_set() else MAX_TASKS):
                emoji_id = self.emoji_ids[(user.number + len(user.accepted)) % len(self.emoji_ids)]
                answer = await self._ask(
                    "POST", "/api/v1/faces/tasks", user, params={"emoji_id": emoji_id}, content=user.body()
                )
                if answer is not None:
                    user.accepted.append(answer["task_id"])
                    await self._look_around(user)

    async def _look_around(self, user: User) -> None:
        """Read what a client shows beside an upload."""
        await self._ask("GET", f"/api/v1/faces/tasks/{user.accepted[-1]}", user)
        await self._ask("GET", ("/api/v1/users/mypage/result", "/api/v1/faces/ranking")[user.number % 2], user)
        await self._ask("GET", "/api/v1/emojis/pages/1", user)

    async def _ask(self, method: str, path: str, user: User, **options: Any) -> dict[str, Any] | None:
        """Make a call and return the response; None, after a pause, for an error that may be retried."""
        try:
            answer = await self._http.request(method, path, headers=user.headers, **options)
        except httpx.TransportError as error:
            # Envoy refuses an upload when its upstream is gone and closes the connection a second later.
            if not (method == "POST" and user.uploads_slowly):
                self.lost_connections.append(f"{method} {path}: {error!r}")
            await asyncio.sleep(0.3)
            return None
        if defect := defect_of(answer):
            self.invalid_responses.append(defect)
        if answer.is_success:
            body: dict[str, Any] = answer.json()
            return body
        self.refusals += 1
        await asyncio.sleep(float(answer.headers.get("retry-after", 0.3)))
        return None


def defect_of(answer: httpx.Response) -> str:
    """Return what is wrong with a response during a fault, or an empty string."""
    text = f"{answer.request.method} {answer.request.url.path} → {answer.status_code} {answer.text[:300]}"
    if answer.status_code == 499 and answer.text == CANCELLED:
        return ""
    if answer.status_code not in TRANSIENT and not answer.is_success:
        return f"neither success nor transient error: {text}"
    if not answer.headers["content-type"].startswith("application/json"):
        return f"not JSON: {text}"
    if answer.is_success:
        return ""
    error = answer.json()
    infos = [detail for detail in error["details"] if detail["@type"].endswith("google.rpc.ErrorInfo")]
    info: dict[str, Any] = infos[0] if infos else {}
    if info.get("domain") != "igemoji" or not info.get("reason") or not error["message"]:
        return f"error without domain, reason or message: {text}"
    if answer.status_code == 429 and "retry-after" not in answer.headers:
        return f"no Retry-After: {text}"
    return ""


def _make_user(number: int, scale: int, key: SigningKey) -> User:
    user_id = new_id()
    size = (scale * (160 + 2 * number), scale * (160 + 3 * number))
    token = issue(Claims(user_id, f"user{number}", "user"), key, lifetime_seconds=600, now=utc_now())
    return User(user_id, token, number, astronaut(size), size)
