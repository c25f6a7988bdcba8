"""The embedded queue: tasks are rows, worker processes on this machine take them in turn.

A task is taken under a lease. Whoever holds the lease may change the task, nobody else; a service that dies leaves
leases that the next start ends, so that its tasks are begun again.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import Counter, Histogram

from igemoji.ranking.v1 import ranking_pb2
from igemoji_inference import leases, store
from igemoji_inference.domain import CANCELLED, Done, Failure, Progress, Task
from igemoji_inference.leases import Finished, Lease
from igemoji_inference.progress import ProgressHub
from igemoji_inference.queue.worker import Worker, WorkerLost, WorkerOptions, WorkerOverdue
from igemoji_mesh.database import Database, utc_now
from igemoji_mesh.errors import StartError
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects import ObjectStore
from igemoji_mesh.outbox import Outbox
from igemoji_mesh.storage import StorageFull
from igemoji_mesh.telemetry import log

LEASE_SECONDS = 60.0
LOOK_SECONDS = 2.0
"""How often an idle worker looks for tasks that it was not told of, such as those given back."""

MAX_ATTEMPTS = 3
"""A photo that ends its worker this often is not tried again."""

RECORD_USE = "ranking.RecordUse"

STORAGE_FULL = StorageFull().reason

TASKS_ENDED = Counter("igemoji_inference_tasks_total", "Tasks that ended, by how.", ["outcome"])
TASK_SECONDS = Histogram(
    "igemoji_inference_task_seconds",
    "From upload to the end of a task.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 300),
)
FACES = Histogram("igemoji_inference_faces", "Faces in a photo.", buckets=(0, 1, 2, 5, 10, 20, 50, 100, 200))


class LocalQueue:
    """As many worker processes as told, each with a loop of its own in the service."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        hub: ProgressHub,
        outbox: Outbox,
        options: WorkerOptions,
        workers: int,
        keep_original: datetime.timedelta,
    ) -> None:
        self._database = database
        self._objects = objects
        self._hub = hub
        self._outbox = outbox
        self._keep_original = keep_original
        self._workers = [Worker(options) for _ in range(workers)]
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
        await self._sweep()
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def run(self) -> None:
        """Works for as long as the service runs."""
        async with asyncio.TaskGroup() as loops:
            for worker, wake in zip(self._workers, self._wakes, strict=True):
                loops.create_task(self._work_with(worker, wake))

    async def close(self) -> None:
        for worker in self._workers:
            await worker.end()

    @property
    def worker_pids(self) -> list[int]:
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def _work_with(self, worker: Worker, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            lease = await self._claim()
            if lease is not None:
                await self._work(worker, lease)
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

    async def _work(self, worker: Worker, lease: Lease) -> None:
        async with self._giving_back(lease):
            outcome = await self._outcome(worker, lease)
            if outcome is None:
                return
            if isinstance(outcome, Done):
                await self._finish(lease, outcome)
            else:
                await self._fail(lease, outcome)

    async def _outcome(self, worker: Worker, lease: Lease) -> Done | Failure | None:
        """How the job ended; None where it is to be begun again."""

        async def record(progress: Progress) -> None:
            await self._database.write(lambda connection: leases.record_progress(connection, lease, progress))
            self._hub.tell(lease.job.task_id)

        try:
            outcome = await worker.run(lease.job, record)
            if isinstance(outcome, Failure) and outcome.reason == STORAGE_FULL:
                raise StorageFull
            return outcome
        except WorkerOverdue:
            log.warning("a photo took too long", task_id=lease.job.task_id)
            return Failure("LIMIT", "This photo takes longer than a photo may take. Try a smaller one.")
        except WorkerLost:
            log.warning("a worker was lost", task_id=lease.job.task_id, attempt=lease.attempts)
            if lease.attempts >= MAX_ATTEMPTS:
                return Failure("WORKER_LOST", "This photo could not be worked on.")
        await self._give_back(lease, blamed=True)
        return None

    async def _finish(self, lease: Lease, done: Done) -> None:
        def finish(connection: sa.Connection) -> Finished | None:
            finished = leases.record_done(connection, lease, done, utc_now() + self._keep_original)
            if finished is not None and not finished.replaced_key:
                self._outbox.add(connection, RECORD_USE, _use_of(finished.task))
            return finished

        try:
            finished = await self._database.write(finish)
        except Exception:
            if not await self._database.read(lambda connection: store.result_is_known(connection, done.result_key)):
                await asyncio.to_thread(self._objects.delete, done.result_key)
            raise
        if finished is None:  # it was cancelled, or revised once more, while its last stage ran
            await asyncio.to_thread(self._objects.delete, done.result_key)
            return
        task = finished.task
        self._hub.tell(task.id)
        if finished.replaced_key:
            await asyncio.to_thread(self._objects.delete, finished.replaced_key)
            return
        self._outbox.wake()
        TASKS_ENDED.labels("done").inc()
        TASK_SECONDS.observe((utc_now() - task.created_at).total_seconds())
        FACES.observe(len(done.findings.faces))

    async def _fail(self, lease: Lease, failure: Failure) -> None:
        if await self._database.write(lambda connection: leases.record_failure(connection, lease, failure)):
            self._hub.tell(lease.job.task_id)
            TASKS_ENDED.labels(failure.reason).inc()
            if lease.job.revised is None:
                await asyncio.to_thread(self._objects.delete, lease.job.photo_key)

    @contextlib.asynccontextmanager
    async def _giving_back(self, lease: Lease) -> AsyncIterator[None]:
        """A fault of ours or a stop must not leave a task to nobody."""
        try:
            yield
        except StartError as error:
            log.error("a worker can't start", error=str(error))
            await self._give_back(lease, delay_seconds=LOOK_SECONDS)
        except StorageFull:
            log.warning("there is no space for a result", task_id=lease.job.task_id)
            await self._give_back(lease, delay_seconds=LOOK_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # the next start takes back what can't be given back now
                await asyncio.shield(self._release(lease))
            raise
        except Exception:
            log.exception("work on a task failed", task_id=lease.job.task_id)
            await self._give_back(lease, delay_seconds=LOOK_SECONDS)

    async def _give_back(self, lease: Lease, delay_seconds: float = 0, *, blamed: bool = False) -> None:
        """Tries until the database takes the change. `blamed`: this try counts, it may have been the photo's fault."""
        while True:
            try:
                return await self._release(lease, delay_seconds, blamed=blamed)
            except Exception as error:
                log.warning("a task can't be given back now", task_id=lease.job.task_id, error=repr(error))
                await asyncio.sleep(LOOK_SECONDS)

    async def _release(self, lease: Lease, delay_seconds: float = 0, *, blamed: bool = False) -> None:
        attempts = lease.attempts if blamed else lease.attempts - 1
        await self._database.write(lambda connection: leases.release(connection, lease, delay_seconds, attempts))

    async def _sweep(self) -> None:
        """Removes what a crash between an object and its row left: photos nobody works on, results nobody knows."""
        for prefix, needed in (("photos/", _photo_needed), ("results/", store.result_is_known)):
            for key in await asyncio.to_thread(lambda prefix=prefix: list(self._objects.keys(prefix))):  # type: ignore[misc]
                if not await self._database.read(lambda connection, key=key, needed=needed: needed(connection, key)):  # type: ignore[misc]
                    await asyncio.to_thread(self._objects.delete, key)


def _photo_needed(connection: sa.Connection, key: str) -> bool:
    return store.photo_is_needed(connection, key.removeprefix("photos/"))


def _use_of(task: Task) -> ranking_pb2.RecordUseRequest:
    used_at = Timestamp()
    used_at.FromDatetime(utc_now())
    return ranking_pb2.RecordUseRequest(task_id=task.id, emoji_id=task.emoji_id, user_id=task.user_id, used_at=used_at)
