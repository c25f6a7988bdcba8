"""Twenty users who upload at once, and what they expect of any answer whatever happens to the mesh."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image
from skimage import data

from igemoji_mesh.auth.tokens import Claims, SigningKey, issue
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.ids import new_id

USERS = 20
MIN_TASKS, MAX_TASKS = 1, 3
"""Of one user: a crowd's work is bounded, however short or long a fault is."""

SLOW_UPLOAD_SECONDS = 2
PASSING = {429, 503, 504}
"""What may be answered instead of 2xx while something is down: try again."""
CANCELLED = '{"code":1,"message":"CANCELLED","details":[]}'
"""Of a call that reached a service in the instant in which gRPC shut its server; nobody has begun it."""


@dataclass
class User:
    """Somebody with a photo of a size that nobody else has."""

    id: str
    token: str
    number: int
    photo: bytes = field(repr=False)
    size: tuple[int, int]
    accepted: list[str] = field(default_factory=list)
    """Tasks that were answered with 202."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def uploads_slowly(self) -> bool:
        """As over a bad line: such an upload is under way whenever the fault comes."""
        return self.number % 5 == 0 and not self.accepted

    async def body(self) -> AsyncIterator[bytes]:
        parts = 10 if self.uploads_slowly else 1
        step = len(self.photo) // parts + 1
        for start in range(0, len(self.photo), step):
            yield self.photo[start : start + step]
            await asyncio.sleep(SLOW_UPLOAD_SECONDS / parts if self.uploads_slowly else 0)


def make_users(key: SigningKey, scale: int = 1) -> list[User]:
    """Users with tokens that the mesh's own key has signed: twenty passwords to hash would be most of the time.

    Their photos have 160 pixels and more a side, times `scale`.
    """
    return [_make_user(number, scale, key) for number in range(USERS)]


class LoadUsers:
    """The users at work. `complaints` are answers that no client should get."""

    def __init__(self, url: str, users: Sequence[User], emoji_ids: Sequence[str]) -> None:
        self.users = users
        self.emoji_ids = emoji_ids
        self.complaints: list[str] = []
        self.lost_connections: list[str] = []
        self.refusals = 0
        """Answers to try again after."""
        self._http = httpx.AsyncClient(base_url=url, timeout=70, limits=httpx.Limits(max_connections=None))
        self._over = asyncio.Event()

    @property
    def accepted(self) -> int:
        return sum(len(user.accepted) for user in self.users)

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everybody uploads, from before the block to a moment after it."""
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
        """What a client shows beside an upload; its answers must be clean as well."""
        await self._ask("GET", f"/api/v1/faces/tasks/{user.accepted[-1]}", user)
        await self._ask("GET", ("/api/v1/users/mypage/result", "/api/v1/faces/ranking")[user.number % 2], user)
        await self._ask("GET", "/api/v1/emojis/pages/1", user)

    async def _ask(self, method: str, path: str, user: User, **options: Any) -> dict[str, Any] | None:
        """The answer; None, after a pause, where it was one to try again after."""
        try:
            answer = await self._http.request(method, path, headers=user.headers, **options)
        except httpx.TransportError as error:
            # Envoy refuses an upload once it knows that nobody takes it; a second later it hangs up on who still sends.
            if not (method == "POST" and user.uploads_slowly):
                self.lost_connections.append(f"{method} {path}: {error!r}")
            await asyncio.sleep(0.3)
            return None
        if complaint := complaint_about(answer):
            self.complaints.append(complaint)
        if answer.is_success:
            body: dict[str, Any] = answer.json()
            return body
        self.refusals += 1
        await asyncio.sleep(float(answer.headers.get("retry-after", 0.3)))
        return None


def complaint_about(answer: httpx.Response) -> str:
    """What is wrong with an answer that a client gets in the middle of a fault; empty where nothing is."""
    said = f"{answer.request.method} {answer.request.url.path} → {answer.status_code} {answer.text[:300]}"
    if answer.status_code == 499 and answer.text == CANCELLED:
        return ""
    if answer.status_code not in PASSING and not answer.is_success:
        return f"neither done nor to be tried again: {said}"
    if not answer.headers["content-type"].startswith("application/json"):
        return f"not JSON: {said}"
    if answer.is_success:
        return ""
    error = answer.json()
    infos = [detail for detail in error["details"] if detail["@type"].endswith("google.rpc.ErrorInfo")]
    info: dict[str, Any] = infos[0] if infos else {}
    if info.get("domain") != "igemoji" or not info.get("reason") or not error["message"]:
        return f"an error that does not say what it is: {said}"
    if answer.status_code == 429 and "retry-after" not in answer.headers:
        return f"no word on when to try again: {said}"
    return ""


def _make_user(number: int, scale: int, key: SigningKey) -> User:
    user_id = new_id()
    size = (scale * (160 + 2 * number), scale * (160 + 3 * number))
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).resize(size).save(file, "JPEG", quality=90)
    token = issue(Claims(user_id, f"user{number}", "user"), key, lifetime_seconds=600, now=utc_now())
    return User(user_id, token, number, file.getvalue(), size)
