"""News of tasks: from whoever works on them to whoever watches, in whatever process that is.

News only saves looking: the steps of a task are rows, each is stored before it is told, and a watcher that misses a
sequence, or hears nothing for a while, looks there.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from igemoji_inference.domain.model import Progress

BEAT_SECONDS = 10.0
"""A watcher that hears nothing for so long looks at the rows, in case that news was lost."""
MAX_WAITING = 64
"""Of one watcher; it looks at the rows for what came before."""


@dataclass(frozen=True)
class News:
    """A step of a task. Without `progress` there is more to it than a worker's stage: look at the rows."""

    sequence: int = 0
    progress: Progress | None = None


class Inbox:
    """News that one watcher has not taken yet."""

    def __init__(self) -> None:
        self._waiting: deque[News] = deque(maxlen=MAX_WAITING)
        self._filled = asyncio.Event()

    def put(self, news: News) -> None:
        self._waiting.append(news)
        self._filled.set()

    async def take(self, within_seconds: float) -> News | None:
        """The oldest; None where there was none for so long."""
        try:
            async with asyncio.timeout(max(0.0, within_seconds)):
                await self._filled.wait()
        except TimeoutError:
            return None
        news = self._waiting.popleft()
        if not self._waiting:
            self._filled.clear()
        return news


class ProgressFeed(Protocol):
    """Carries news between processes."""

    @property
    def beat_seconds(self) -> float:
        """How long a watcher may wait for news now before it looks for itself."""

    async def tell(self, task_id: str, news: News) -> None:
        """Once a step is stored. Never fails and never takes long: who is not reached will look."""

    def watch(self, task_id: str) -> AbstractAsyncContextManager[Inbox]:
        """All that is told from now on; something told before may be among it."""

    async def run(self) -> None:
        """Carries news for as long as the service runs."""

    async def close(self) -> None: ...


class MemoryFeed:
    """Within one process."""

    beat_seconds = BEAT_SECONDS

    def __init__(self) -> None:
        self._inboxes: dict[str, set[Inbox]] = {}

    async def tell(self, task_id: str, news: News) -> None:
        self.hand_out(task_id, news)

    def hand_out(self, task_id: str, news: News) -> None:
        for inbox in self._inboxes.get(task_id, ()):
            inbox.put(news)

    @asynccontextmanager
    async def watch(self, task_id: str) -> AsyncIterator[Inbox]:
        inbox = Inbox()
        self._inboxes.setdefault(task_id, set()).add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes[task_id].discard(inbox)
            if not self._inboxes[task_id]:
                del self._inboxes[task_id]

    async def run(self) -> None:
        pass

    async def close(self) -> None:
        pass

    @property
    def watched(self) -> list[str]:
        """Tasks that somebody watches."""
        return list(self._inboxes)
