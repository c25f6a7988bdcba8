"""Work on a task under a lease, whoever brought it: the part that all queues have in common."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Protocol

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from igemoji.ranking.v1 import ranking_pb2
from igemoji_inference.adapters.db import leases, tasks
from igemoji_inference.adapters.db.leases import BEGUN, Finished, Lease
from igemoji_inference.adapters.queue.photo_worker import Worker, WorkerLost, WorkerOverdue
from igemoji_inference.adapters.queue.stage_timer import Stages
from igemoji_inference.domain.model import Done, Failure, Progress, Task
from igemoji_inference.usecases.progress import News, ProgressFeed
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability import tracing
from igemoji_mesh.observability.logging import log, log_as
from igemoji_mesh.observability.metrics import counter, histogram
from igemoji_mesh.storage_errors import StorageFull

LEASE_SECONDS = 60.0
AGAIN_SECONDS = 2.0
"""After which a task is begun again that could not be finished for a reason of ours."""

MAX_ATTEMPTS = 3
"""A photo that ends its worker this often is not tried again."""

RECORD_USE = "ranking.RecordUse"
LOST = Failure("WORKER_LOST", "This photo could not be worked on.")

TASKS_ENDED = counter("igemoji_inference_tasks_total")
WAIT_SECONDS = histogram("igemoji_inference_wait_seconds")
TASK_SECONDS = histogram("igemoji_inference_task_seconds")
FACES = histogram("igemoji_inference_faces")
WORKERS_LOST = counter("igemoji_inference_workers_lost_total")


class Requeue(Protocol):
    """How a task that nobody works on any more comes to a worker again."""

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        """In the transaction that gives it back."""


class TaskRunner:
    """Has workers do tasks, and writes down how they go and end."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        feed: ProgressFeed,
        outbox: OutboxWriter,
        requeue: Requeue,
        keep_original: datetime.timedelta,
    ) -> None:
        self._database = database
        self._objects = objects
        self._feed = feed
        self._outbox = outbox
        self._requeue = requeue
        self._keep_original = keep_original

    async def work(self, worker: Worker, lease: Lease) -> Done | Failure | None:
        """Has a task done once. None: somebody else ended it, or it is to be begun again and back in the queue."""
        if lease.job.revised is None and lease.attempts == 1:
            WAIT_SECONDS.observe((utc_now() - lease.created_at).total_seconds())
        about = {"igemoji.request_id": lease.request_id, "igemoji.task_id": lease.job.task_id}
        with tracing.later_work("task", lease.traceparent, lease.queued_at, about):
            log_as(lease.request_id, tracing.trace_id())
            try:
                return await self._work(worker, lease)
            finally:
                log_as("", "")

    async def _work(self, worker: Worker, lease: Lease) -> Done | Failure | None:
        async with self._giving_back(lease):
            outcome = await self._outcome(worker, lease)
            if outcome is None:
                return None
            if isinstance(outcome, Done):
                return outcome if await self._finish(lease, outcome) else None
            return outcome if await self.fail(lease, outcome) else None
        return None

    async def fail(self, lease: Lease, failure: Failure) -> bool:
        """Ends a task without a result; False where the lease is not held any more."""

        def record(connection: sa.Connection) -> bool:
            return leases.record_failure(connection, lease, failure)

        if not await self._database.write(record, alone=False):
            return False
        await self._feed.tell(lease.job.task_id, News())
        TASKS_ENDED.labels(failure.reason).inc()
        if lease.job.revised is None:
            await asyncio.to_thread(self._objects.delete, lease.job.photo_key)
        return True

    async def _outcome(self, worker: Worker, lease: Lease) -> Done | Failure | None:
        """How the job ended; None where it is to be begun again."""
        task_id = lease.job.task_id
        stages = Stages()

        async def record(progress: Progress) -> None:
            stages.begin(progress.state)
            if progress.state is BEGUN.state:
                return
            sequence = await self._database.write(
                lambda connection: leases.record_progress(connection, lease, progress), alone=False
            )
            if sequence is None:  # it was cancelled, or somebody else has it now
                worker.cancel(task_id)
            else:
                await self._feed.tell(task_id, News(sequence, progress))

        if lease.sequence is not None:
            await self._feed.tell(task_id, News(lease.sequence, BEGUN))
        try:
            return await worker.run(lease.job, record)
        except WorkerOverdue:
            log.warning("a photo took too long", task_id=task_id)
            return Failure("LIMIT", "This photo takes longer than a photo may take. Try a smaller one.")
        except WorkerLost:
            WORKERS_LOST.inc()
            log.warning("a worker was lost", task_id=task_id, attempt=lease.attempts)
            if lease.attempts >= MAX_ATTEMPTS:
                return LOST
        finally:
            stages.end()
        await self._give_back(lease, blamed=True)
        return None

    async def _finish(self, lease: Lease, done: Done) -> bool:
        def finish(connection: sa.Connection) -> Finished | None:
            finished = leases.record_done(connection, lease, done, utc_now() + self._keep_original)
            if finished is not None and not finished.replaced_key:
                self._outbox.add(connection, RECORD_USE, _use_of(finished.task))
            return finished

        try:
            finished = await self._database.write(finish, alone=False)
        except Exception as error:
            log.warning("it is not known whether a task was finished", task_id=lease.job.task_id, error=repr(error))
            return await self._was_finished(lease, done)
        if finished is None:  # it was cancelled, or revised once more, while its last stage ran
            await asyncio.to_thread(self._objects.delete, done.result_key)
            return False
        task = finished.task
        await self._feed.tell(task.id, News())
        if finished.replaced_key:
            await asyncio.to_thread(self._objects.delete, finished.replaced_key)
            return True
        TASKS_ENDED.labels("done").inc()
        TASK_SECONDS.observe((utc_now() - task.created_at).total_seconds())
        FACES.observe(len(done.findings.faces))
        return True

    async def _was_finished(self, lease: Lease, done: Done) -> bool:
        """After an answer of the database was lost: whether the task is finished. If not, it is begun again."""
        # What may still be committed comes before this, or finds the lease gone: only then the row's word is final.
        await self._give_back(lease, AGAIN_SECONDS)
        while True:
            with contextlib.suppress(Exception):
                known = await self._database.read(lambda connection: tasks.result_is_known(connection, done.result_key))
                break
            await asyncio.sleep(AGAIN_SECONDS)
        if known:
            await self._feed.tell(lease.job.task_id, News())
        else:
            await asyncio.to_thread(self._objects.delete, done.result_key)
        return known

    @contextlib.asynccontextmanager
    async def _giving_back(self, lease: Lease) -> AsyncIterator[None]:
        """A fault of ours or a stop must not leave a task to nobody."""
        try:
            yield
        except StartError as error:
            log.error("a worker can't start", error=str(error))
            await self._give_back(lease, AGAIN_SECONDS)
        except StorageFull:
            log.warning("there is no space for a result", task_id=lease.job.task_id)
            await self._give_back(lease, AGAIN_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # the next start takes back what can't be given back now
                await asyncio.shield(self._release(lease))
            raise
        except Exception:
            log.exception("work on a task failed", task_id=lease.job.task_id)
            await self._give_back(lease, AGAIN_SECONDS)

    async def _give_back(self, lease: Lease, delay_seconds: float = 0, *, blamed: bool = False) -> None:
        """Tries until the database takes the change. `blamed`: this try counts, it may have been the photo's fault."""
        while True:
            try:
                return await self._release(lease, delay_seconds, blamed=blamed)
            except Exception as error:
                log.warning("a task can't be given back now", task_id=lease.job.task_id, error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _release(self, lease: Lease, delay_seconds: float = 0, *, blamed: bool = False) -> None:
        attempts = lease.attempts if blamed else lease.attempts - 1

        def release(connection: sa.Connection) -> None:
            if leases.release(connection, lease, delay_seconds, attempts):
                self._requeue.add(connection, lease.job.task_id, lease.megapixels, delay_seconds)

        await self._database.write(release, alone=False)


def _use_of(task: Task) -> ranking_pb2.RecordUseRequest:
    used_at = Timestamp()
    used_at.FromDatetime(utc_now())
    return ranking_pb2.RecordUseRequest(task_id=task.id, emoji_id=task.emoji_id, user_id=task.user_id, used_at=used_at)
