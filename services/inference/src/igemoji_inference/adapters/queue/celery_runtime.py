"""Runtime of one pool process of `igemoji-inference worker`."""

import asyncio

from igemoji_inference.domain.model import Failure
from igemoji_inference.domain.work import Done
from igemoji_inference.usecases.ports import PhotoWorker, ProgressFeed
from igemoji_inference.usecases.task_runner import LOST, TaskRunner
from igemoji_mesh.db.database import Database
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.tracing import close_tracing
from igemoji_mesh.server import freeze_gc


class Runtime:
    """An event loop with connections and one sandbox process. Not thread-safe: one per pool process."""

    def __init__(self, database: Database, feed: ProgressFeed, runner: TaskRunner, worker: PhotoWorker) -> None:
        self._loop = asyncio.Runner()
        self._database = database
        self._feed = feed
        self._runner = runner
        self._worker = worker
        self._loop.run(worker.start())
        freeze_gc()

    def work(self, task_id: str, *, take_over: bool) -> Done | Failure | None:
        """Run a task and return its outcome; None if it did not end here."""
        lease = self._loop.run(self._runner.claim(task_id, take_over=take_over))
        return self._loop.run(self._runner.work(self._worker, lease)) if lease else None

    def give_up(self, task_id: str) -> None:
        """Fail a task that no worker could finish."""
        lease = self._loop.run(self._runner.claim(task_id, take_over=True))
        if lease is not None:
            log.error("task.given_up", task_id=task_id)
            self._loop.run(self._runner.fail(lease, LOST))

    def close(self) -> None:
        """End the sandbox process and close all connections."""
        for close in (self._worker.end, self._feed.close, self._database.close):
            self._loop.run(close())
        self._loop.close()
        close_tracing()
