"""Users of the load: accounts and guests, and their requests as bytes."""

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.users import NO_RETRIES, Account, astronaut, create_accounts

from bench.load.generator import UPLOAD, Plan
from igemoji_client import AsyncClient, Template

LIST, RANKING, PICTURE, TEMPLATE, LOGIN = "list", "ranking", "picture", "template", "login"
READS = (LIST, RANKING, PICTURE, TEMPLATE)

SHARES = {LIST: 0.35, RANKING: 0.20, PICTURE: 0.30, TEMPLATE: 0.125, LOGIN: 0.01, UPLOAD: 0.015}
"""Share of each kind of request."""
WATCHED = 0.5
"""Share of the tasks that are watched."""

ACCOUNTS = 12
GUESTS = 240
"""A user may have five open tasks: with so few each, requests are refused for the load, not for a user's quota."""


@dataclass(frozen=True)
class UserPool:
    """Users' tokens and requests."""

    requests: dict[str, list[bytes]]
    tokens: list[str]
    """Access tokens of guests, who upload in this order."""
    template_id: str

    def plan(self, port: int, rate: float, seconds: float, seed: int, **changes: Any) -> Plan:
        values: dict[str, Any] = {"shares": SHARES, "watched": WATCHED} | changes
        return Plan(port, rate, seconds, requests=self.requests, tokens=self.tokens, seed=seed, **values)


async def create_users(url: str) -> UserPool:
    """Create accounts and guests through the gateway."""
    accounts = await create_accounts(url, ACCOUNTS)
    async with AsyncClient(url, options=NO_RETRIES) as client:
        # One client for all of them: to make a client takes longer than to make a guest.
        tokens = [(await client.accounts.start_guest()).access_token for _ in range(GUESTS)]
        templates = (await client.templates.page()).emojis
    return UserPool(_requests(accounts, tokens, templates), tokens, templates[0].id)


def _requests(
    accounts: Sequence[Account], tokens: Sequence[str], templates: Sequence[Template]
) -> dict[str, list[bytes]]:
    lists = ["", "?sort=popular", "?sort=favorites", "?q=cat"]
    pictures = itertools.chain.from_iterable(template.images.values() for template in templates)
    return {
        LIST: [get(f"/api/v1/emojis/pages/1{query}") for query in lists],
        RANKING: [get(f"/api/v1/faces/ranking?window={window}") for window in ("day", "week", "month", "all")],
        PICTURE: [get(path) for path in pictures],
        TEMPLATE: [get(f"/api/v1/emojis/{template.id}") for template in templates],
        LOGIN: [
            post("/api/v1/users/auth", json.dumps(account.login).encode(), {"Content-Type": "application/json"})
            for account in accounts
        ],
        UPLOAD: [
            post(f"/api/v1/faces/tasks?emoji_id={templates[0].id}", PHOTO, {"Authorization": f"Bearer {token}"})
            for token in tokens
        ],
    }


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


PHOTO = astronaut(quality=85)
