"""Events of the progress feed, and a watcher's subscription to them.

The feed only saves polling: the steps of a task are rows, each is committed before it is published, and a watcher that
misses a sequence, or receives nothing for a while, reads the rows.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from igemoji_inference.domain.work import Progress

POLL_SECONDS = 10.0
"""A watcher that receives nothing for this long reads the rows, in case an event was lost."""
MAX_BUFFERED = 64
"""Events that one subscription holds; older ones are dropped and read from the rows."""


@dataclass(frozen=True)
class StepEvent:
    """A step of a task. Without `progress`, the watcher must read the step from the rows."""

    sequence: int = 0
    progress: Progress | None = None


class Subscription:
    """Bounded buffer of the events that one watcher has not consumed yet."""

    def __init__(self) -> None:
        self._events: deque[StepEvent] = deque(maxlen=MAX_BUFFERED)
        self._filled = asyncio.Event()

    def put(self, event: StepEvent) -> None:
        """Append an event; drop the oldest one if the buffer is full."""
        self._events.append(event)
        self._filled.set()

    async def next(self, timeout_seconds: float) -> StepEvent | None:
        """Return the oldest event, or None after the timeout."""
        try:
            async with asyncio.timeout(max(0.0, timeout_seconds)):
                await self._filled.wait()
        except TimeoutError:
            return None
        event = self._events.popleft()
        if not self._events:
            self._filled.clear()
        return event
