"""How much a service takes on at once: bursts wait a moment, and what could only wait is refused.

A page asks for many pictures at once, and is answered a moment later. Where more comes than is done for longer than a
moment, a queue only makes everybody wait: who cannot be begun soon is told at once to come again, and whoever is let in
is answered in time. This is controlled delay (CoDel) as servers have it: Ben Maurer, Fail at Scale, ACM Queue 13 (8),
2015, https://queue.acm.org/detail.cfm?id=2839461.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_mesh.errors import Exhausted
from igemoji_mesh.interceptors.access import NotAllowed, peer_service
from igemoji_mesh.interceptors.base import CallInterceptor, Context

GATEWAY = "gateway"
INSIDE_FACTOR = 4
"""Calls of other services have so many times the room, of their own: they are part of what was let in already."""

MOST_WAITING = 128
BURST_SECONDS = 3.0
"""How long a call may wait as long as everybody gets a turn."""
STANDING_SECONDS = 0.05
"""How long where nobody was without a wait for `INTERVAL_SECONDS`."""
INTERVAL_SECONDS = 0.5


class Overloaded(Exhausted):
    """More comes in than is done.

    Not UNAVAILABLE: the gateway would ask again, another replica too, and take this one for broken.
    """

    def __init__(self) -> None:
        super().__init__("Too many people ask at this moment. Try again in a second.", retry_after_seconds=1)


class Places:
    """So many calls at a time, and a queue in front of them that does not stand."""

    def __init__(
        self,
        places: int,
        *,
        burst_seconds: float = BURST_SECONDS,
        standing_seconds: float = STANDING_SECONDS,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._free = places
        self._burst_seconds = burst_seconds
        self._standing_seconds = standing_seconds
        self._interval_seconds = interval_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._nobody_waited_at = time.monotonic()

    async def take(self) -> None:
        """Raises Overloaded."""
        if not self._waiting:
            self._nobody_waited_at = time.monotonic()
            if self._free:
                self._free -= 1
                return
        if len(self._waiting) >= MOST_WAITING:
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience()):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came at the same moment
                self.give_back()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise Overloaded from None
            raise

    def give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
        self._nobody_waited_at = time.monotonic()

    def _patience(self) -> float:
        stands = time.monotonic() - self._nobody_waited_at > self._interval_seconds
        return self._standing_seconds if stands else self._burst_seconds


class AdmissionInterceptor(CallInterceptor):
    """Counts what is being answered: unary calls and streams apart, since a stream mostly waits."""

    def __init__(self, max_calls: int, max_streams: int, streaming_methods: frozenset[str]) -> None:
        self._calls = Places(max_calls)
        self._inside = Places(max_calls * INSIDE_FACTOR)
        self._max_streams = max_streams
        self._streaming_methods = streaming_methods
        self._streams = 0

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        if method in self._streaming_methods:
            if self._streams >= self._max_streams:
                raise Overloaded
            self._streams += 1
            try:
                yield
            finally:
                self._streams -= 1
            return
        places = self._inside if _comes_from_inside(context) else self._calls
        await places.take()
        try:
            yield
        finally:
            places.give_back()


def _comes_from_inside(context: Context) -> bool:
    try:
        return peer_service(context) != GATEWAY
    except NotAllowed:
        return False
