"""Admission control: limits the calls that one replica answers at a time; queues short bursts, sheds sustained load.

The queue is controlled by CoDel (controlled delay): in a burst, calls wait up to `BURST_SECONDS`; once the queue has
not been empty for `INTERVAL_SECONDS` they wait `OVERLOADED_SECONDS` at most and are refused, so that those admitted
are answered in time. As in Ben Maurer, Fail at Scale, ACM Queue 13 (8), 2015,
https://queue.acm.org/detail.cfm?id=2839461.
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
INTERNAL_FACTOR = 4
"""Calls of other services have a limit of their own, this much higher: they belong to calls already admitted."""

MAX_QUEUED = 128
BURST_SECONDS = 3.0
OVERLOADED_SECONDS = 0.05
INTERVAL_SECONDS = 0.5


class Overloaded(Exhausted):
    """Load is shed.

    Not UNAVAILABLE: the gateway would retry, on other replicas too, and take this one for broken.
    """

    def __init__(self) -> None:
        super().__init__("The service is overloaded. Try again in a second.", retry_after_seconds=1)


class CoDelLimiter:
    """Semaphore with a queue of limited waiting time."""

    def __init__(
        self,
        limit: int,
        *,
        burst_seconds: float = BURST_SECONDS,
        overloaded_seconds: float = OVERLOADED_SECONDS,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._free = limit
        self._burst_seconds = burst_seconds
        self._overloaded_seconds = overloaded_seconds
        self._interval_seconds = interval_seconds
        self._queue: deque[asyncio.Future[None]] = deque()
        self._empty_at = time.monotonic()

    async def acquire(self) -> None:
        """Wait until the call may begin. Raises Overloaded."""
        if not self._queue:
            self._empty_at = time.monotonic()
            if self._free:
                self._free -= 1
                return
        if len(self._queue) >= MAX_QUEUED:
            raise Overloaded
        admitted = asyncio.get_running_loop().create_future()
        self._queue.append(admitted)
        try:
            async with asyncio.timeout(self._max_wait()):
                await admitted
        except BaseException as error:
            if admitted.done() and not admitted.cancelled():  # admitted in the moment of the timeout
                self.release()
            elif admitted in self._queue:
                self._queue.remove(admitted)
            if isinstance(error, TimeoutError):
                raise Overloaded from None
            raise

    def release(self) -> None:
        """Admit the next call."""
        while self._queue:
            admitted = self._queue.popleft()
            if not admitted.done():
                admitted.set_result(None)
                return
        self._free += 1
        self._empty_at = time.monotonic()

    def _max_wait(self) -> float:
        overloaded = time.monotonic() - self._empty_at > self._interval_seconds
        return self._overloaded_seconds if overloaded else self._burst_seconds


class AdmissionInterceptor(CallInterceptor):
    """Limits unary calls and streams separately: a stream mostly waits."""

    def __init__(self, max_calls: int, max_streams: int, streaming_methods: frozenset[str]) -> None:
        self._external = CoDelLimiter(max_calls)
        self._internal = CoDelLimiter(max_calls * INTERNAL_FACTOR)
        self._max_streams = max_streams
        self._streaming_methods = streaming_methods
        self._streams = 0

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Count the call while it is answered. Raises Overloaded."""
        if method in self._streaming_methods:
            if self._streams >= self._max_streams:
                raise Overloaded
            self._streams += 1
            try:
                yield
            finally:
                self._streams -= 1
            return
        limiter = self._internal if _is_internal(context) else self._external
        await limiter.acquire()
        try:
            yield
        finally:
            limiter.release()


def _is_internal(context: Context) -> bool:
    try:
        return peer_service(context) != GATEWAY
    except NotAllowed:
        return False
