"""Deletion of tasks by their owner, and of everything that a deleted account has here."""

import asyncio
from collections.abc import Sequence

from igemoji_inference.domain.model import Task, owned
from igemoji_inference.usecases.ports import DeletionStore, TaskQueue
from igemoji_mesh.objects.port import ObjectStore

BATCH = 100


class Deletion:
    """Delete tasks with their objects."""

    def __init__(self, store: DeletionStore, objects: ObjectStore, queue: TaskQueue) -> None:
        self._store = store
        self._objects = objects
        self._queue = queue

    async def delete(self, task_id: str, *, user_id: str) -> None:
        """Delete a task, its original, its result and its links. Raises TaskNotFound."""
        await self._delete([owned(await self._store.get(task_id), user_id)])

    async def delete_all(self, user_id: str) -> None:
        """Delete all tasks of a user and refuse further ones. Idempotent."""
        await self._store.close_account(user_id)
        while tasks := await self._store.tasks_of(user_id, BATCH):
            await self._delete(tasks)

    async def _delete(self, tasks: Sequence[Task]) -> None:
        # Rows first: a worker that still holds a task loses its lease, and deletes the result that it stored.
        await self._store.delete_tasks([task.id for task in tasks])
        for task in tasks:
            self._queue.cancel(task.id)
            for key in (f"photos/{task.id}", task.result_key):
                if key:
                    await asyncio.to_thread(self._objects.delete, key)
