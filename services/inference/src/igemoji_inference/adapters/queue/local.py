"""Embedded queue: the rows of the tasks are the queue, and sandbox processes of the service work on them."""

import asyncio
import contextlib
import datetime
from collections.abc import Sequence

from igemoji_inference.domain.model import CANCELLED
from igemoji_inference.usecases.orphans import Orphans
from igemoji_inference.usecases.ports import LeaseStore, PhotoWorker
from igemoji_inference.usecases.task_runner import RETRY_SECONDS, TASKS_ENDED, TaskRunner
from igemoji_mesh.observability.logging import log

POLL_SECONDS = RETRY_SECONDS
"""Interval at which an idle worker looks for tasks that were queued without `wake`, such as released ones."""


class LocalQueue:
    """Implementation of the port TaskQueue with one loop per worker."""

    def __init__(
        self, leases: LeaseStore, orphans: Orphans, runner: TaskRunner, workers: Sequence[PhotoWorker]
    ) -> None:
        self._leases = leases
        self._orphans = orphans
        self._runner = runner
        self._workers = list(workers)
        self._wakes = [asyncio.Event() for _ in self._workers]

    def wake(self) -> None:
        """See TaskQueue."""
        for wake in self._wakes:
            wake.set()

    def cancel(self, task_id: str) -> None:
        """See TaskQueue."""
        TASKS_ENDED.labels(CANCELLED).inc()
        for worker in self._workers:
            worker.cancel(task_id)

    async def start(self) -> None:
        """Release the leases of an earlier run, sweep its orphans and start the workers. Raises StartError."""
        resumed = await self._leases.release_all()
        if resumed:
            log.info("queue.resumed", tasks=resumed)
        await self._orphans.sweep(datetime.timedelta())
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def run(self) -> None:
        """See TaskQueue."""
        async with asyncio.TaskGroup() as loops:
            for worker, wake in zip(self._workers, self._wakes, strict=True):
                loops.create_task(self._work_with(worker, wake))

    async def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            await worker.end()

    async def _work_with(self, worker: PhotoWorker, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            lease = await self._runner.claim()
            if lease is not None:
                await self._runner.work(worker, lease)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()
