"""Progress feed within one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_inference.usecases.progress import POLL_SECONDS, StepEvent, Subscription


class MemoryFeed:
    """Implementation of the port ProgressFeed in memory."""

    poll_seconds = POLL_SECONDS

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = {}

    async def publish(self, task_id: str, event: StepEvent) -> None:
        """Deliver an event to all subscriptions."""
        for subscription in self._subscriptions.get(task_id, ()):
            subscription.put(event)

    @asynccontextmanager
    async def subscribe(self, task_id: str) -> AsyncIterator[Subscription]:
        """Subscribe to the events of a task."""
        subscription = Subscription()
        self._subscriptions.setdefault(task_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[task_id].discard(subscription)
            if not self._subscriptions[task_id]:
                del self._subscriptions[task_id]

    async def run(self) -> None:
        """Do nothing: events are delivered as they are published."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    @property
    def watched_tasks(self) -> list[str]:
        """Return the ids of the tasks that have a subscription."""
        return list(self._subscriptions)
