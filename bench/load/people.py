"""Who comes, and what they ask for: accounts, guests, and requests as bytes."""

import asyncio
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image
from skimage import data

from bench.load.generator import UPLOAD, Plan
from igemoji_mesh.ids import new_id

LIST, RANKING, PICTURE, TEMPLATE, LOGIN = "list", "ranking", "picture", "template", "login"
READS = (LIST, RANKING, PICTURE, TEMPLATE)

SHARES = {LIST: 0.35, RANKING: 0.20, PICTURE: 0.30, TEMPLATE: 0.125, LOGIN: 0.01, UPLOAD: 0.015}
"""Of a hundred requests one is a log-in, one or two are uploads; every second task is watched."""
WATCHED = 0.5

ACCOUNTS = 12
GUESTS = 240
"""Each may have five open tasks: what is refused under load is refused for the load, not for one person's limit."""
AT_ONCE = 8


@dataclass(frozen=True)
class Crowd:
    """People with their tokens, and what they send."""

    requests: dict[str, list[bytes]]
    tokens: list[str]
    """Of guests; uploads are theirs, in turn."""
    emoji_id: str

    def plan(self, port: int, rate: float, seconds: float, seed: int, **changes: Any) -> Plan:
        values: dict[str, Any] = {"shares": SHARES, "watched": WATCHED} | changes
        return Plan(port, rate, seconds, requests=self.requests, tokens=self.tokens, seed=seed, **values)


async def gather(http: httpx.AsyncClient) -> Crowd:
    """Makes accounts and guests through the gateway."""
    accounts, tokens = [_account() for _ in range(ACCOUNTS)], []
    free = asyncio.Semaphore(AT_ONCE)

    async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with free:
            answer = await http.post(path, json=body)
            answer.raise_for_status()
            return answer.json()  # type: ignore[no-any-return]

    await asyncio.gather(*(post("/api/v1/users", account) for account in accounts))
    guests = await asyncio.gather(*(post("/api/v1/users/guest", {}) for _ in range(GUESTS)))
    tokens = [guest["access_token"] for guest in guests]
    emojis = (await http.get("/api/v1/emojis/pages/1")).raise_for_status().json()["emojis"]
    return Crowd(_requests(accounts, tokens, emojis), tokens, emojis[0]["id"])


def _account() -> dict[str, str]:
    name = new_id()[-12:]
    return {"email": f"{name}@example.org", "password": f"password of {name}", "alias": name}


def _requests(
    accounts: Sequence[dict[str, str]], tokens: Sequence[str], emojis: Sequence[dict[str, Any]]
) -> dict[str, list[bytes]]:
    lists = ["", "?sort=popular", "?sort=favorites", "?q=cat"]
    pictures = itertools.chain.from_iterable(emoji["images"].values() for emoji in emojis)
    return {
        LIST: [get(f"/api/v1/emojis/pages/1{query}") for query in lists],
        RANKING: [get(f"/api/v1/faces/ranking?window={window}") for window in ("day", "week", "month", "all")],
        PICTURE: [get(path) for path in pictures],
        TEMPLATE: [get(f"/api/v1/emojis/{emoji['id']}") for emoji in emojis],
        LOGIN: [
            post("/api/v1/users/auth", _json(account), {"Content-Type": "application/json"}) for account in accounts
        ],
        UPLOAD: [
            post(f"/api/v1/faces/tasks?emoji_id={emojis[0]['id']}", PHOTO, {"Authorization": f"Bearer {token}"})
            for token in tokens
        ],
    }


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _json(account: dict[str, str]) -> bytes:
    return json.dumps({name: account[name] for name in ("email", "password")}).encode()


def photo() -> bytes:
    """512 × 512 with one face, which scikit-image ships (NASA, public domain)."""
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=85)  # type: ignore[no-untyped-call]
    return file.getvalue()


PHOTO = photo()
