"""Open-loop load generator: requests are sent when they are due, whether earlier ones were answered or not.

Real users do not wait for each other. A closed loop (a fixed number of users, each waiting for an answer) slows down
together with the system and hides an overload. Requests are encoded beforehand, `httptools` parses the answers and
`uvloop` runs the event loop, so that the generator uses little of the machine that it shares with the mesh. Requests
that it could not send are counted.
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
"""A request that is overdue by more than this is not sent, and counted as unsent."""
DRAIN_SECONDS = 20.0
"""Time to wait for answers at the end; the deadline in the mesh is fifteen seconds."""
WATCH_SECONDS = 150.0
"""Time to wait at the end for watchers, until their tasks are done."""


@dataclass(frozen=True)
class Plan:
    """Requests to send, and at which rate."""

    port: int
    """Port of the gateway on 127.0.0.1."""
    rate: float
    """Requests a second, at random moments (a Poisson process)."""
    seconds: float
    shares: Mapping[str, float]
    """Share of the rate, by kind."""
    requests: Mapping[str, Sequence[bytes]]
    """Requests by kind, sent round-robin."""
    tokens: Sequence[str] = ()
    """Access tokens of the uploads, in the same order: only the owner of a task may watch it."""
    watched: float = 0.0
    """Share of the accepted uploads that are watched."""
    connections: int = 256
    seed: int = 1


@dataclass
class Calls:
    """Measured calls of one kind: parallel lists, times in seconds."""

    at: list[float] = field(default_factory=list)
    """Due time, since the start."""
    late: list[float] = field(default_factory=list)
    """Delay from the due time to sending."""
    took: list[float] = field(default_factory=list)
    """Time from sending to the end of the answer."""
    status: list[int] = field(default_factory=list)
    """HTTP status; 0: connection lost before an answer; -1: no answer in time."""
    retry_after: list[bool] = field(default_factory=list)


@dataclass
class Outcome:
    calls: dict[str, Calls]
    accepted: list[tuple[str, str]]
    """(task id, access token) of each accepted upload."""
    unsent: Counter[str]
    """Requests without a free connection, by kind."""
    watchers: Counter[str] = field(default_factory=Counter)
    """Number of watchers by outcome: all steps in order, or the error."""
    cpu_seconds: float = 0.0
    """Processor time of the generator itself."""

    def add(self, later: "Outcome") -> None:
        """Add the outcome of another plan."""
        for kind, calls in later.calls.items():
            mine = self.calls.setdefault(kind, Calls())
            for name in vars(calls):
                getattr(mine, name).extend(getattr(calls, name))
        self.accepted += later.accepted
        self.unsent += later.unsent
        self.watchers += later.watchers
        self.cpu_seconds += later.cpu_seconds


def generate(plan: Plan) -> Outcome:
    """Run a plan to its end. To be called in a process of its own."""
    return uvloop.run(_Run(plan).run())


@dataclass(slots=True)
class _Request:
    kind: str
    due: float
    number: int


class _Connection(asyncio.Protocol):
    """Connection with one request at a time; reports each answer to its run."""

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
        """Count the open request as unanswered and close."""
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
        self._sent: Counter[str] = Counter()
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
        """Return (seconds since the start, kind) of each request."""
        plan, at, found = self._plan, 0.0, []
        kinds, weights = list(plan.shares), list(plan.shares.values())
        while (at := at + self._random.expovariate(plan.rate)) < plan.seconds:
            found.append((at, self._random.choices(kinds, weights)[0]))
        return found

    def _next(self, kind: str) -> int:
        self._sent[kind] += 1
        return self._sent[kind] % len(self._plan.requests[kind])

    def _send(self, request: _Request) -> None:
        if self._free:
            self._send_by(self._free.pop(), request)
            return
        self._waiting.append(request)
        if len(self._all) + self._opening < self._plan.connections:
            self._opening += 1
            self._watchers.append(asyncio.create_task(self._open_connection()))

    async def _open_connection(self) -> None:
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
        until = time.perf_counter() + DRAIN_SECONDS
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
            self._outcome.watchers["still waiting"] += len(late)

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


EVERY_STEP = "got every step"


async def watch(port: int, task: str, token: str, on_first: Callable[[], None] = lambda: None) -> tuple[str, int, bool]:
    """Watch a task to its end; return (outcome, status, whether there was a Retry-After)."""
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
    """Read events to the end; return EVERY_STEP if all steps came in order, else what was wrong."""
    expected, state = 1, ""
    while line := await reader.readline():
        if not line.startswith(b"data: "):
            continue
        step = json.loads(line[6:])
        if step["heartbeat"]:
            continue
        if step["sequence"] != expected:
            return f"got step {step['sequence']} instead of {expected}"
        if expected == 1:
            on_first()
        expected, state = expected + 1, step["task"]["state"]
    if state == "TASK_STATE_DONE":
        return EVERY_STEP
    return f"ended at {state}" if state else "got no step"
