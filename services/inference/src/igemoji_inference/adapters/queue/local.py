"""The embedded queue: tasks are rows, worker processes on this machine take them in turn.

A task is taken under a lease. Whoever holds the lease may change the task, nobody else; a service that dies leaves
leases that the next start ends, so that its tasks are begun again.
"""

import asyncio
import contextlib
import datetime
from collections.abc import Sequence

import sqlalchemy as sa

from igemoji_inference.adapters.db import leases
from igemoji_inference.adapters.db.leases import Lease
from igemoji_inference.adapters.queue.photo_worker import Worker
from igemoji_inference.domain.model import CANCELLED
from igemoji_inference.usecases.orphans import Orphans
from igemoji_inference.usecases.task_runner import AGAIN_SECONDS, LEASE_SECONDS, TASKS_ENDED, TaskRunner
from igemoji_mesh.db.database import Database
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability.logging import log

LOOK_SECONDS = AGAIN_SECONDS
"""How often an idle worker looks for tasks that it was not told of, such as those given back."""


class RowQueue:
    """The rows of tasks are the queue: there is nothing to add."""

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        pass


class LocalQueue(RowQueue):
    """Worker processes, each with a loop of its own in the service."""

    def __init__(self, database: Database, orphans: Orphans, runner: TaskRunner, workers: Sequence[Worker]) -> None:
        self._database = database
        self._orphans = orphans
        self._runner = runner
        self._workers = list(workers)
        self._wakes = [asyncio.Event() for _ in self._workers]

    def wake(self) -> None:
        """There is a new task."""
        for wake in self._wakes:
            wake.set()

    def cancel(self, task_id: str) -> None:
        """A task has been ended: its worker stops at its next stage."""
        TASKS_ENDED.labels(CANCELLED).inc()
        for worker in self._workers:
            worker.cancel(task_id)

    async def start(self) -> None:
        """Takes up what an earlier run left, and starts the workers. Raises StartError where they can't work."""
        resumed = await self._database.write(leases.release_all)
        if resumed:
            log.info("resuming tasks of an earlier run", tasks=resumed)
        await self._orphans.sweep(datetime.timedelta())
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def run(self) -> None:
        """Works for as long as the service runs."""
        async with asyncio.TaskGroup() as loops:
            for worker, wake in zip(self._workers, self._wakes, strict=True):
                loops.create_task(self._work_with(worker, wake))

    async def close(self) -> None:
        for worker in self._workers:
            await worker.end()

    async def _work_with(self, worker: Worker, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            lease = await self._claim()
            if lease is not None:
                await self._runner.work(worker, lease)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await wake.wait()

    async def _claim(self) -> Lease | None:
        """The next task; also None while the database takes no change, which must not end what others work on."""
        try:
            return await self._database.write(lambda connection: leases.claim(connection, new_id(), LEASE_SECONDS))
        except Exception as error:
            log.warning("no task can be taken now", error=repr(error))
            return None
