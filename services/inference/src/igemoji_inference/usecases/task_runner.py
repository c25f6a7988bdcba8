"""Work on a task under a lease: common to the embedded queue and to Celery."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass

from igemoji_inference import metrics
from igemoji_inference.domain.model import Failure, utc_now
from igemoji_inference.domain.work import FIRST_PROGRESS, Done, Lease, Progress
from igemoji_inference.usecases.ports import LeaseStore, PhotoWorker, ProgressFeed, WorkerLost, WorkerOverdue
from igemoji_inference.usecases.progress import StepEvent
from igemoji_inference.usecases.stage_timer import StageTimer
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability import tracing
from igemoji_mesh.observability.logging import bind_request_id, log
from igemoji_mesh.observability.metrics import counter, histogram
from igemoji_mesh.storage_errors import StorageFull

RETRY_SECONDS = 2.0
"""Delay before a task is retried that failed through no fault of its photo."""

MAX_ATTEMPTS = 3
"""A photo that ends its worker this many times fails."""

LOST = Failure("WORKER_LOST", "This photo could not be processed.")
OVERDUE = Failure("LIMIT", "This photo takes longer than the time limit. Try a smaller one.")

TASKS_ENDED = counter(metrics.TASKS_ENDED)
WAIT_SECONDS = histogram(metrics.WAIT_SECONDS)
TASK_SECONDS = histogram(metrics.TASK_SECONDS)
FACES = histogram(metrics.FACES)
WORKERS_LOST = counter(metrics.WORKERS_LOST)


@dataclass(frozen=True)
class TaskRunner:
    """Claim tasks, run them in workers and record their outcome."""

    _leases: LeaseStore
    _objects: ObjectStore
    _feed: ProgressFeed
    _keep_original: datetime.timedelta

    async def claim(self, task_id: str | None = None, *, take_over: bool = False) -> Lease | None:
        """Claim a task, or the next one in the queue; retry while the database is unavailable.

        Returns None if there is nothing to do. `take_over`: the holder of the lease is known to be lost.
        """
        while True:
            try:
                return await self._leases.claim(task_id, take_over=take_over)
            except Exception as error:
                log.warning("lease.claim_failed", task_id=task_id, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def work(self, worker: PhotoWorker, lease: Lease) -> Done | Failure | None:
        """Run a task once. Returns None if the lease was lost or the task is queued again."""
        if lease.job.revised is None and lease.attempts == 1:
            WAIT_SECONDS.observe((utc_now() - lease.created_at).total_seconds())
        attributes = {"igemoji.request_id": lease.request_id, "igemoji.task_id": lease.job.task_id}
        with tracing.queued_work("task", lease.traceparent, lease.queued_at, attributes):
            bind_request_id(lease.request_id, tracing.trace_id())
            try:
                return await self._work(worker, lease)
            finally:
                bind_request_id("", "")

    async def fail(self, lease: Lease, failure: Failure) -> bool:
        """End a task without a result; False if the lease is lost."""
        if not await self._leases.record_failure(lease, failure):
            return False
        await self._feed.publish(lease.job.task_id, StepEvent())
        TASKS_ENDED.labels(failure.reason).inc()
        if lease.job.revised is None:
            await asyncio.to_thread(self._objects.delete, lease.job.photo_key)
        return True

    async def _work(self, worker: PhotoWorker, lease: Lease) -> Done | Failure | None:
        async with self._released_on_error(lease):
            outcome = await self._outcome(worker, lease)
            if isinstance(outcome, Done):
                return outcome if await self._finish(lease, outcome) else None
            return outcome if outcome is not None and await self.fail(lease, outcome) else None
        return None

    async def _outcome(self, worker: PhotoWorker, lease: Lease) -> Done | Failure | None:
        """Return the outcome of the job; None if the task is queued again."""
        task_id = lease.job.task_id
        timer = StageTimer()

        async def record(progress: Progress) -> None:
            timer.begin(progress.state)
            if progress.state is FIRST_PROGRESS.state:
                return
            sequence = await self._leases.record_progress(lease, progress)
            if sequence is None:  # canceled, or claimed by another worker
                worker.cancel(task_id)
            else:
                await self._feed.publish(task_id, StepEvent(sequence, progress))

        if lease.sequence is not None:
            await self._feed.publish(task_id, StepEvent(lease.sequence, FIRST_PROGRESS))
        try:
            return await worker.run(lease.job, record)
        except WorkerOverdue:
            log.warning("task.overdue", task_id=task_id)
            return OVERDUE
        except WorkerLost:
            WORKERS_LOST.inc()
            log.warning("task.worker_lost", task_id=task_id, attempt=lease.attempts)
            if lease.attempts >= MAX_ATTEMPTS:
                return LOST
        finally:
            timer.end()
        await self._release(lease, attempts=lease.attempts)
        return None

    async def _finish(self, lease: Lease, done: Done) -> bool:
        try:
            before = await self._leases.record_done(lease, done, utc_now() + self._keep_original)
        except Exception as error:
            log.warning("task.commit_unknown", task_id=lease.job.task_id, error=repr(error))
            return await self._was_finished(lease, done)
        if before is None:  # canceled, or revised again, during its last stage
            await asyncio.to_thread(self._objects.delete, done.result_key)
            return False
        await self._feed.publish(before.id, StepEvent())
        if before.result_key:
            await asyncio.to_thread(self._objects.delete, before.result_key)
            return True
        TASKS_ENDED.labels("done").inc()
        TASK_SECONDS.observe((utc_now() - before.created_at).total_seconds())
        FACES.observe(len(done.findings.faces))
        return True

    async def _was_finished(self, lease: Lease, done: Done) -> bool:
        """Return whether a commit succeeded whose answer was lost. If not, the task is queued again."""
        # A commit still under way is ordered before this write, or finds the lease gone: afterwards the row is final.
        await self._release(lease, RETRY_SECONDS)
        while True:
            with contextlib.suppress(Exception):
                committed = await self._leases.has_result(done.result_key)
                break
            await asyncio.sleep(RETRY_SECONDS)
        if committed:
            await self._feed.publish(lease.job.task_id, StepEvent())
        else:
            await asyncio.to_thread(self._objects.delete, done.result_key)
        return committed

    @contextlib.asynccontextmanager
    async def _released_on_error(self, lease: Lease) -> AsyncIterator[None]:
        """Queue the task again if work on it is stopped or fails through no fault of its photo."""
        try:
            yield
        except StartError as error:
            log.error("worker.start_failed", error=str(error))
            await self._release(lease, RETRY_SECONDS)
        except StorageFull:
            log.warning("task.storage_full", task_id=lease.job.task_id)
            await self._release(lease, RETRY_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # the next start releases it otherwise
                await asyncio.shield(self._leases.release(lease, 0, lease.attempts - 1))
            raise
        except Exception:
            log.exception("task.attempt_failed", task_id=lease.job.task_id)
            await self._release(lease, RETRY_SECONDS)

    async def _release(self, lease: Lease, delay_seconds: float = 0, *, attempts: int | None = None) -> None:
        """Queue a task again; retry until the database accepts it. By default this attempt does not count."""
        while True:
            try:
                await self._leases.release(lease, delay_seconds, lease.attempts - 1 if attempts is None else attempts)
                return
            except Exception as error:
                log.warning("lease.release_failed", task_id=lease.job.task_id, error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
