"""Messages to a broker about tasks, written in the transaction that queues the task."""

from typing import Protocol

import sqlalchemy as sa


class TaskMessages(Protocol):
    """Writes messages that bring tasks to workers."""

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        """Write a message for a queued task, to be sent after the commit."""


class NoMessages:
    """Messages of the embedded queue: none, because the rows of the tasks are the queue."""

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        """Write nothing."""
