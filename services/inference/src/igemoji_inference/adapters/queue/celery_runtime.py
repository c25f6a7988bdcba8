"""What one pool process of `igemoji-inference worker` works with."""

import asyncio

from celery import Celery

from igemoji_inference.adapters.db import leases, tasks
from igemoji_inference.adapters.db.leases import Lease
from igemoji_inference.adapters.queue.celery import CeleryQueue
from igemoji_inference.domain.model import Done, Failure
from igemoji_inference.entrypoints.factories import inference_objects, progress_feed, worker_processes
from igemoji_inference.entrypoints.settings import SERVICE, WorkerSettings
from igemoji_inference.usecases.task_runner import AGAIN_SECONDS, LEASE_SECONDS, LOST, RECORD_USE, TaskRunner
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.tracing import close_tracing, configure_tracing
from igemoji_mesh.server import spare_collections


class Runtime:
    """An event loop, connections, and one worker process. Not thread-safe: one a pool process."""

    def __init__(self, settings: WorkerSettings, app: Celery) -> None:
        # Here and not in Celery's own process: what sends spans is a thread, which a fork does not take along.
        configure_tracing("inference-worker", settings.otel_exporter_otlp_endpoint)
        self._loop = asyncio.Runner()
        self._database = Database(settings.database(SERVICE))
        objects = inference_objects(settings)
        self._feed = progress_feed(settings)
        uses = OutboxWriter(tasks.outbox, [RECORD_USE])
        queue = CeleryQueue(self._database, app, settings.large_megapixels)
        self._runner = TaskRunner(self._database, objects, self._feed, uses, queue, settings.keep_original)
        (self._worker,) = worker_processes(settings, objects, 1)
        self._loop.run(self._worker.start())
        spare_collections()

    def work(self, task_id: str, *, holder_is_lost: bool) -> Done | Failure | None:
        """Has a task done; how it ended here, None where it did not."""
        return self._loop.run(self._work(task_id, holder_is_lost))

    def give_up(self, task_id: str) -> None:
        """Ends a task that no worker got to its end."""
        self._loop.run(self._give_up(task_id))

    def close(self) -> None:
        self._loop.run(self._close())
        self._loop.close()
        close_tracing()

    async def _work(self, task_id: str, holder_is_lost: bool) -> Done | Failure | None:
        lease = await self._claim(task_id, holder_is_lost)
        return await self._runner.work(self._worker, lease) if lease else None

    async def _give_up(self, task_id: str) -> None:
        lease = await self._claim(task_id, holder_is_lost=True)
        if lease is not None:
            log.error("a task is given up", task_id=task_id)
            await self._runner.fail(lease, LOST)

    async def _claim(self, task_id: str, holder_is_lost: bool) -> Lease | None:
        """None where there is nothing to do. Waits for as long as the database takes no change."""
        while True:
            try:
                return await self._database.write(
                    lambda connection: leases.claim_task(
                        connection, task_id, new_id(), LEASE_SECONDS, holder_is_lost=holder_is_lost
                    ),
                    alone=False,
                )
            except Exception as error:
                log.warning("a task can't be taken now", task_id=task_id, error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _close(self) -> None:
        await self._worker.end()
        await self._feed.close()
        await self._database.close()
