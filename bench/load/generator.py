"""An open loop: requests leave when they are due, whatever becomes of those before them.

People who come do not wait for each other, so neither may what stands for them: a closed loop of so many users slows
down with what it measures, and hides what an overload is. Requests are encoded beforehand, `httptools` reads answers
and `uvloop` waits for them, so that the generator leaves most of the machine to what it measures. What it could not
send it counts.
"""

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop

UPLOAD, WATCH = "upload", "watch"
LATE_SECONDS = 1.0
"""A request that could not leave for so long is not sent any more, and counted."""
PATIENCE_SECONDS = 20.0
"""How long answers are waited for at the end; the mesh itself gives up after fifteen."""
WATCH_SECONDS = 150.0
"""How long watchers may stay at the end, until their tasks are done."""


@dataclass(frozen=True)
class Plan:
    """What is to be sent."""

    port: int
    """On 127.0.0.1."""
    rate: float
    """Requests a second, at random moments (a Poisson process)."""
    seconds: float
    shares: Mapping[str, float]
    """By kind: its share of the rate."""
    requests: Mapping[str, Sequence[bytes]]
    """By kind: what is sent, in turn."""
    tokens: Sequence[str] = ()
    """Of uploads, in the same turn: whoever uploads can watch."""
    watched: float = 0.0
    """Share of the accepted uploads that somebody watches."""
    connections: int = 256
    seed: int = 1


@dataclass
class Calls:
    """How requests of one kind fared; the lists belong together, times in seconds."""

    at: list[float] = field(default_factory=list)
    """When they were due, since the start."""
    late: list[float] = field(default_factory=list)
    """How long after that they left."""
    took: list[float] = field(default_factory=list)
    """From when they left to the end of the answer."""
    status: list[int] = field(default_factory=list)
    """0: the connection ended without an answer; -1: none came in time."""
    retry_after: list[bool] = field(default_factory=list)


@dataclass
class Outcome:
    calls: dict[str, Calls]
    accepted: list[tuple[str, str]]
    """Of uploads: (task, token)."""
    unsent: Counter[str]
    """By kind: for want of a free connection."""
    watchers: Counter[str] = field(default_factory=Counter)
    """By how they ended: all steps in their order, or what was wrong."""
    cpu_seconds: float = 0.0
    """That the generator took itself."""

    def add(self, later: "Outcome") -> None:
        """What came of another plan, as if it had been one."""
        for kind, calls in later.calls.items():
            mine = self.calls.setdefault(kind, Calls())
            for name in vars(calls):
                getattr(mine, name).extend(getattr(calls, name))
        self.accepted += later.accepted
        self.unsent += later.unsent
        self.watchers += later.watchers
        self.cpu_seconds += later.cpu_seconds


def generate(plan: Plan) -> Outcome:
    """Runs a plan to its end, in a process of its own."""
    return uvloop.run(_Run(plan).run())


@dataclass(slots=True)
class _Request:
    kind: str
    due: float
    number: int


class _Connection(asyncio.Protocol):
    """One request at a time; `run` is told of each answer."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._transport: Any = None
        self._request: _Request | None = None
        self._sent = 0.0
        self._head = b""
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: _Request, data: bytes) -> None:
        self._request, self._sent, self._head = request, time.perf_counter(), b""
        self._body.clear()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if not self._head:
            self._head = data[:2048]
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if self._request is not None and self._request.kind == UPLOAD:
            self._body.append(body)

    def on_message_complete(self) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        keep = self._parser.should_keep_alive()
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        self._run.answered(request, self._sent, status, b"retry-after:" in self._head, b"".join(self._body))
        if keep:
            self._run.is_free(self)
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._run.is_lost(self)
        if self._request is not None:
            self._run.answered(self._request, self._sent, 0, False, b"")
            self._request = None

    def give_up(self) -> None:
        """The answer did not come."""
        request, self._request = self._request, None
        if request is not None:
            self._run.answered(request, self._sent, -1, False, b"")
        if self._transport is not None:
            self._transport.abort()


class _Run:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._outcome = Outcome({kind: Calls() for kind in (*plan.shares, WATCH)}, [], Counter())
        self._free: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._opening = 0
        self._waiting: deque[_Request] = deque()
        self._open = 0
        self._turns: Counter[str] = Counter()
        self._watchers: list[asyncio.Task[None]] = []
        self._random = random.Random(plan.seed)
        self._started = 0.0

    async def run(self) -> Outcome:
        cpu = time.process_time()
        await asyncio.gather(*(self._connect() for _ in range(min(32, self._plan.connections))))
        self._started = time.perf_counter()
        for wait, kind in self._arrivals():
            while (left := self._started + wait - time.perf_counter()) > 0:  # noqa: ASYNC110 - not an event: a time
                await asyncio.sleep(left)
            self._send(_Request(kind, self._started + wait, self._next(kind)))
        await self._finish()
        self._outcome.cpu_seconds = time.process_time() - cpu
        return self._outcome

    def answered(self, request: _Request, sent: float, status: int, retry_after: bool, body: bytes) -> None:
        self._open -= 1
        self._note(request.kind, request.due, sent, status, retry_after)
        if request.kind == UPLOAD and status == 202:
            task, token = json.loads(body)["task_id"], self._plan.tokens[request.number]
            self._outcome.accepted.append((task, token))
            if self._random.random() < self._plan.watched:
                self._watchers.append(asyncio.create_task(self._watch(task, token)))

    def is_free(self, connection: _Connection) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            if time.perf_counter() - request.due < LATE_SECONDS:
                self._send_by(connection, request)
                return
            self._outcome.unsent[request.kind] += 1
        self._free.append(connection)

    def is_lost(self, connection: _Connection) -> None:
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def _arrivals(self) -> list[tuple[float, str]]:
        """When, and what."""
        plan, at, found = self._plan, 0.0, []
        kinds, weights = list(plan.shares), list(plan.shares.values())
        while (at := at + self._random.expovariate(plan.rate)) < plan.seconds:
            found.append((at, self._random.choices(kinds, weights)[0]))
        return found

    def _next(self, kind: str) -> int:
        self._turns[kind] += 1
        return self._turns[kind] % len(self._plan.requests[kind])

    def _send(self, request: _Request) -> None:
        if self._free:
            self._send_by(self._free.pop(), request)
            return
        self._waiting.append(request)
        if len(self._all) + self._opening < self._plan.connections:
            self._opening += 1
            self._watchers.append(asyncio.create_task(self._one_more()))

    async def _one_more(self) -> None:
        try:
            await self._connect()
        except OSError:
            self._outcome.watchers["connection refused"] += 1
        finally:
            self._opening -= 1

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._plan.port)
        self._all.add(connection)
        self.is_free(connection)

    def _send_by(self, connection: _Connection, request: _Request) -> None:
        self._open += 1
        connection.send(request, self._plan.requests[request.kind][request.number])

    async def _finish(self) -> None:
        until = time.perf_counter() + PATIENCE_SECONDS
        while (self._open or self._waiting) and time.perf_counter() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self._outcome.unsent.update(request.kind for request in self._waiting)
        self._waiting.clear()
        for connection in list(self._all):
            connection.give_up()
        if self._watchers:
            _, late = await asyncio.wait(self._watchers, timeout=WATCH_SECONDS)
            for task in late:
                task.cancel()
            self._outcome.watchers["was still waiting"] += len(late)

    async def _watch(self, task: str, token: str) -> None:
        due = time.perf_counter()
        ended, status, retry_after = await watch(self._plan.port, task, token)
        self._note(WATCH, due, due, status, retry_after)
        self._outcome.watchers[ended] += 1

    def _note(self, kind: str, due: float, sent: float, status: int, retry_after: bool) -> None:
        calls = self._outcome.calls[kind]
        calls.at.append(due - self._started)
        calls.late.append(sent - due)
        calls.took.append(time.perf_counter() - sent)
        calls.status.append(status)
        calls.retry_after.append(retry_after)


ALL = "got every step"


async def watch(port: int, task: str, token: str, on_first: Callable[[], None] = lambda: None) -> tuple[str, int, bool]:
    """Follows a task to its end: (what came of it, status, whether there was a Retry-After)."""
    request = (
        f"GET /api/v1/faces/tasks/{task}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return "connection refused", 0, False
    try:
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            return f"refused with {status}", status, b"retry-after:" in head
        return await _steps(reader, on_first), status, False
    except (OSError, asyncio.IncompleteReadError):
        return "connection lost", 0, False
    finally:
        writer.close()


async def _steps(reader: asyncio.StreamReader, on_first: Callable[[], None]) -> str:
    """Whether every step came, in its order, up to the last."""
    expected, state = 1, ""
    while line := await reader.readline():
        if not line.startswith(b"data: "):
            continue
        step = json.loads(line[6:])
        if step["heartbeat"]:
            continue
        if step["sequence"] != expected:
            return f"step {step['sequence']} came where {expected} was due"
        if expected == 1:
            on_first()
        expected, state = expected + 1, step["task"]["state"]
    if state == "TASK_STATE_DONE":
        return ALL
    return f"ended at {state}" if state else "saw nothing"
