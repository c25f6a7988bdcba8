"""Who waits for news of which task, within one process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class ProgressHub:
    """Wakes watchers when a task has a new step. The steps themselves are read from the database."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at every step from now on."""
        news = asyncio.Event()
        self._watchers.setdefault(task_id, set()).add(news)
        try:
            yield news
        finally:
            self._watchers[task_id].discard(news)
            if not self._watchers[task_id]:
                del self._watchers[task_id]

    def tell(self, task_id: str) -> None:
        for news in self._watchers.get(task_id, ()):
            news.set()
