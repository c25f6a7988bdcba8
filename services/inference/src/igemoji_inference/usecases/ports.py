"""Ports of the use cases: database, broker, catalog, progress feed and worker processes."""

import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from igemoji_inference.domain.model import Failure, Findings, ResultsPage, Share, Task, TaskHistory, Upload
from igemoji_inference.domain.quotas import Usage
from igemoji_inference.domain.work import Done, Job, Lease, Progress
from igemoji_inference.usecases.progress import StepEvent, Subscription
from igemoji_mesh.idempotency.replay import Replay


class Catalog(Protocol):
    """The templates of the catalog."""

    async def picture_keys(self, emoji_id: str) -> Mapping[str, str]:
        """Copy the seven pictures of a template to the object store, with the rights of the caller.

        Returns their keys by expression. Raises EmojiNotFound.
        """


class TaskStore(Protocol):
    """Tasks and their steps. Each method is one transaction."""

    async def usage(self, user_id: str) -> Usage:
        """Return the usage of a user, to be checked before an upload is processed."""

    async def add(self, task: Task, upload: Upload, admit: Callable[[Usage], None], replay: Replay[str]) -> None:
        """Queue a new task and save its id for replays, if `admit` does not raise."""

    async def get(self, task_id: str) -> Task | None:
        """Return a task."""

    async def history(self, task_id: str) -> TaskHistory | None:
        """Return a task and its steps."""

    async def cancel(self, task_id: str, failure: Failure) -> str | None:
        """End an unfinished task and return the key of its original; None if it has a result or has ended."""

    async def revise(
        self, task_id: str, user_id: str, change: Callable[[Task], Findings], replay: Replay[Task]
    ) -> Task:
        """Queue a finished task again with the findings that `change` returns. Raises TaskNotFound.

        A worker that holds an earlier revision loses its lease.
        """

    async def results(self, user_id: str, page_number: int, page_size: int, page_token: str) -> ResultsPage:
        """Return a page of a user's results, newest first. A token overrides the number. Raises InvalidPageToken."""


class ShareStore(Protocol):
    """Share links. Each method is one transaction."""

    async def add(self, task_id: str, user_id: str, share: Share, replay: Replay[Share]) -> None:
        """Add a link to a result. Raises TaskNotFound or ResultNotReady."""

    async def revoke(self, task_id: str, user_id: str) -> None:
        """Delete all links to a result. Raises TaskNotFound."""

    async def find(self, token: str) -> tuple[Task, datetime.datetime]:
        """Return the task of a valid link, and when the link expires. Raises LinkNotFound."""


class LeaseStore(Protocol):
    """Leases on tasks: everything that workers write. Each method is one transaction."""

    async def claim(self, task_id: str | None, *, take_over: bool) -> Lease | None:
        """Claim a task, or the next one in the queue if `task_id` is None.

        Returns None if the task has ended or is held by another worker. `take_over`: the holder is known to be lost.
        """

    async def record_progress(self, lease: Lease, progress: Progress) -> int | None:
        """Add a step and return its sequence; None if the lease is lost."""

    async def record_done(self, lease: Lease, done: Done, original_until: datetime.datetime) -> Task | None:
        """End a task with its result and count the use of its template.

        Returns the task as it was before; None if the lease is lost.
        """

    async def record_failure(self, lease: Lease, failure: Failure) -> bool:
        """End a task without a result; False if the lease is lost."""

    async def release(self, lease: Lease, delay_seconds: float, attempts: int) -> None:
        """Queue a task again after a delay. `attempts`: number of attempts that count."""

    async def release_all(self) -> int:
        """Release the leases of an earlier run, whose workers are gone; return their number."""

    async def has_result(self, key: str) -> bool:
        """Return whether this object is the result of its task."""


class DeletionStore(Protocol):
    """Rows that are deleted: by their owner, by retention, or because of an orphan. Each method is one transaction."""

    async def get(self, task_id: str) -> Task | None:
        """Return a task."""

    async def tasks_of(self, user_id: str, limit: int) -> Sequence[Task]:
        """Return some tasks of a user."""

    async def delete_tasks(self, task_ids: Sequence[str]) -> None:
        """Delete tasks with their steps and links."""

    async def close_account(self, user_id: str) -> None:
        """Refuse further uploads of a user whose account is deleted. Idempotent."""

    async def expired_originals(self, now: datetime.datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Return ids and photo keys of tasks whose original has expired."""

    async def forget_original(self, task_id: str) -> None:
        """Record that the original of a task is deleted."""

    async def expired_tasks(self, before: datetime.datetime, limit: int) -> Sequence[tuple[str, str, str]]:
        """Return ids, photo keys and result keys of ended tasks that were created before an instant."""

    async def forget_photo_counts(self, before: datetime.date) -> None:
        """Delete the counts of photos of earlier days."""

    async def refers_to(self, key: str) -> bool:
        """Return whether a task needs this photo or result."""


class TaskQueue(Protocol):
    """Brings queued tasks to workers."""

    def wake(self) -> None:
        """Notify idle workers of a new task."""

    def cancel(self, task_id: str) -> None:
        """Stop the worker of a task that was ended."""

    async def start(self) -> None:
        """Resume the tasks of an earlier run. Raises StartError if no worker can start."""

    async def run(self) -> None:
        """Bring tasks to workers until canceled."""

    async def close(self) -> None:
        """End the workers and close connections."""


class ProgressFeed(Protocol):
    """Publishes the steps of tasks to watchers in any process."""

    @property
    def poll_seconds(self) -> float:
        """Return how long a watcher may wait for an event before it reads the rows."""

    async def publish(self, task_id: str, event: StepEvent) -> None:
        """Publish a step after its commit. Never fails and never takes long: watchers also poll."""

    def subscribe(self, task_id: str) -> AbstractAsyncContextManager[Subscription]:
        """Subscribe to the events of a task from now on; some earlier ones may be delivered, too."""

    async def run(self) -> None:
        """Deliver events until canceled."""

    async def close(self) -> None:
        """Close connections."""


class WorkerLost(Exception):
    """The worker process ended before the job did."""


class WorkerOverdue(Exception):
    """The job exceeded its time limit; the worker process was killed."""


class PhotoWorker(Protocol):
    """A sandboxed worker process, started on demand."""

    async def start(self) -> None:
        """Return when the process is ready. Raises StartError."""

    async def run(self, job: Job, on_progress: Callable[[Progress], Awaitable[None]]) -> Done | Failure:
        """Run a job; await `on_progress` at each step. Raises WorkerLost, WorkerOverdue or StorageFull."""

    def cancel(self, task_id: str) -> None:
        """Stop a job at its next step, if this process runs it."""

    async def end(self) -> int | None:
        """Kill the process and return its exit code."""
