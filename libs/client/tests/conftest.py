"""A scripted HTTP server that records the requests it receives."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from igemoji_client import AsyncClient, Options

TEMPLATE = {
    "id": "t1",
    "name": "Cats",
    "owner": {"id": "m1", "alias": "minji"},
    "images": {"happy": "/happy"},
    "etag": "e",
}
USER = {"id": "u1", "email": "a@example.org", "alias": "anna", "role": "user"}
QUICK = Options(deadline_seconds=5, backoff_seconds=0.001)

Answer = httpx.Response | Exception


def session(number: int = 1, expires_in: int = 600) -> dict[str, Any]:
    tokens = {"access_token": f"access{number}", "refresh_token": f"refresh{number}"}
    return tokens | {"expires_in": expires_in, "user": USER, "refresh_expires_in": 1000}


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def refusal(status: int, reason: str = "", *details: object, **headers: str) -> httpx.Response:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "igemoji"}
    body = {"code": 3, "message": "No.", "details": [info, *details]}
    return httpx.Response(status, json=body, headers=headers)


def task(state: str, percent: int = 0) -> dict[str, Any]:
    return {"task_id": "p1", "state": f"TASK_STATE_{state}", "percent": percent}


def event(sequence: int, state: str, *, heartbeat: bool = False) -> bytes:
    body = {"sequence": sequence, "heartbeat": heartbeat, "task": task(state)}
    return f"id: {sequence}\ndata: {json.dumps(body)}\n\n".encode()


def stream(*pieces: bytes | Exception) -> httpx.Response:
    """Return an event stream; an exception in it loses the connection there."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())


@dataclass
class FakeServer:
    answers: dict[str, list[Answer | Callable[[httpx.Request], Answer]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Responses by method and path; the last one repeats."""
    asked: list[httpx.Request] = field(default_factory=list)

    def on(self, call: str, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        """Script the responses of a call: `on("GET /api/v1/users/me", ok(USER))`."""
        self.answers[call] = list(answers)

    def count(self, call: str) -> int:
        return len(self.calls(call))

    def calls(self, call: str) -> list[httpx.Request]:
        return [request for request in self.asked if f"{request.method} {request.url.path}" == call]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        answers = self.answers.get(f"{request.method} {request.url.path}")
        assert answers, f"nobody said what {request.method} {request.url.path} answers"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer = answer if isinstance(answer, httpx.Response | Exception) else answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[AsyncClient]:
    async with AsyncClient("http://server", options=QUICK, http_transport=httpx.MockTransport(server)) as client:
        yield client


@pytest.fixture
async def anna(server: FakeServer, client: AsyncClient) -> AsyncClient:
    """Return a client that is logged in."""
    server.on("POST /api/v1/users/auth", ok(session()))
    await client.accounts.log_in("a@example.org", "password")
    return client
