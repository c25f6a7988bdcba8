"""Tasks of users: accept photos, show their progress, revise faces, return results."""

import asyncio
import datetime
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial

from igemoji_inference.domain import errors, model
from igemoji_inference.domain.quotas import Quotas, Usage, WatchLimiter
from igemoji_inference.usecases.ports import Catalog, ProgressFeed, TaskQueue, TaskStore
from igemoji_inference.usecases.progress import StepEvent
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore
from igemoji_vision.errors import PhotoError
from igemoji_vision.faces import Box
from igemoji_vision.headers import inspect

LINK_LIFETIME = datetime.timedelta(minutes=1)
"""Time for a browser to follow a redirect to the object store."""


@dataclass(frozen=True)
class Tasks:
    """Use cases of the owners of tasks."""

    _store: TaskStore
    _objects: ObjectStore
    _catalog: Catalog
    _feed: ProgressFeed
    _queue: TaskQueue
    _: KW_ONLY
    max_photo_bytes: int
    quotas: Quotas
    max_queued_tasks: int
    heartbeat_seconds: float = model.HEARTBEAT_SECONDS

    @cached_property
    def _watches(self) -> WatchLimiter:
        return WatchLimiter(self.quotas.watched)

    async def create(
        self, photo: bytes, emoji_id: str, replay: Replay[str] = NO_REPLAY, *, user_id: str, guest: bool = False
    ) -> str:
        """Store a photo, queue a task for it and return the task's id.

        Raises PhotoTooLarge, PhotoRefused, EmojiMissing, EmojiNotFound, AccountGone, TooManyOpenTasks,
        TooManyPhotosToday or QueueFull; nothing is stored then.
        """
        if len(photo) > self.max_photo_bytes:
            raise errors.PhotoTooLarge(self.max_photo_bytes)
        if not emoji_id:
            raise errors.EmojiMissing
        try:
            info = await asyncio.to_thread(inspect, photo)
        except PhotoError as error:
            raise errors.PhotoRefused(error) from None
        admit = partial(self._admit, guest=guest)
        admit(await self._store.usage(user_id))
        pictures = await self._catalog.picture_keys(emoji_id)
        task = model.Task(new_id(), user_id, emoji_id, model.utc_now())
        checksum = await asyncio.to_thread(checksums.sha256, photo)
        upload = model.Upload(f"photos/{task.id}", checksum, info.width * info.height / 1e6, pictures)
        # A client that disconnects must not leave a task without its photo.
        await asyncio.shield(self._add(photo, task, upload, admit, replay))
        return task.id

    async def get(self, task_id: str, *, user_id: str) -> model.Task:
        """Return a task. Raises TaskNotFound."""
        return model.owned(await self._store.get(task_id), user_id)

    async def cancel(self, task_id: str, *, user_id: str) -> model.Task:
        """Stop a task, unless it has ended, and return it. Raises TaskNotFound."""
        await self.get(task_id, user_id=user_id)
        await asyncio.shield(self._cancel(task_id))
        return await self.get(task_id, user_id=user_id)

    async def watch(
        self, task_id: str, after_sequence: int, *, user_id: str
    ) -> AsyncGenerator[tuple[model.Step, bool], None]:
        """Yield every step after a sequence until the task has ended, as (step, whether it is a heartbeat).

        Raises TaskNotFound or TooManyWatchers before the first one.
        """
        with self._watches.watch(user_id):
            async with self._feed.subscribe(task_id) as subscription:
                task, steps = await self._history(task_id, after_sequence, user_id)
                last, sent_at = model.Step(after_sequence, task), time.monotonic()
                while True:
                    for step in steps:
                        last, sent_at = step, time.monotonic()
                        yield step, False
                    if task.state.ended:
                        return
                    until_heartbeat = sent_at + self.heartbeat_seconds - time.monotonic()
                    event = await subscription.next(min(until_heartbeat, self._feed.poll_seconds))
                    if event and event.progress and event.sequence <= last.sequence + 1:
                        shown = model.at_step(
                            task, event.progress.state, event.progress.percent, event.progress.findings
                        )
                        steps = [model.Step(event.sequence, shown)] if event.sequence > last.sequence else []
                        continue
                    task, steps = await self._history(task_id, last.sequence, user_id)
                    if not steps and time.monotonic() - sent_at >= self.heartbeat_seconds:
                        sent_at = time.monotonic()
                        yield last, True

    async def revise_face(
        self, task_id: str, number: int, expression: str | None, covered: bool | None, *, user_id: str
    ) -> model.Task:
        """Change the expression of a face, or cover or uncover it; return the task, which is queued again.

        Raises TaskNotFound, NotFinished, OriginalGone, FaceNotFound or NothingToRevise.
        """
        return await self._revise(
            task_id, user_id, lambda findings: model.with_revised_face(findings, number, expression, covered), NO_REPLAY
        )

    async def add_face(
        self, task_id: str, box: Box, replay: Replay[model.Task] = NO_REPLAY, *, user_id: str
    ) -> model.Task:
        """Cover a face that was not detected; return the task, which is queued again.

        Raises TaskNotFound, NotFinished, OriginalGone, BoxOutside or TooManyFaces.
        """
        return await self._revise(task_id, user_id, lambda findings: model.with_added_face(findings, box), replay)

    async def result(
        self, task_id: str, *, user_id: str, as_link: bool = False
    ) -> tuple[model.Task, Iterator[bytes] | str]:
        """Return the result in chunks or, with `as_link`, a URL if the object store can sign one.

        Raises TaskNotFound, ResultNotReady or ObjectDamaged.
        """
        while True:
            task = await self.get(task_id, user_id=user_id)
            if not task.result_key:
                raise errors.ResultNotReady(task.state)
            try:
                return task, await open_result(self._objects, task, as_link=as_link)
            except ObjectMissing:
                # A revision may have replaced it since the row was read; then the row has another key.
                if (await self.get(task_id, user_id=user_id)).result_key == task.result_key:
                    raise

    async def results_of(self, user_id: str, page_number: int, page_size: int, page_token: str) -> model.ResultsPage:
        """Return a page of a user's results, newest first. Raises InvalidPageToken."""
        return await self._store.results(user_id, page_number, page_size, page_token)

    async def _add(
        self, photo: bytes, task: model.Task, upload: model.Upload, admit: Callable[[Usage], None], replay: Replay[str]
    ) -> None:
        await asyncio.to_thread(self._objects.put, upload.key, photo, "application/octet-stream")
        try:
            await self._store.add(task, upload, admit, replay)
        except Exception:  # not CancelledError: on shutdown the write may still commit
            await asyncio.to_thread(self._objects.delete, upload.key)
            raise
        self._queue.wake()

    async def _cancel(self, task_id: str) -> None:
        photo_key = await self._store.cancel(task_id, model.Failure(model.CANCELLED, "You stopped this photo."))
        if photo_key is not None:
            self._queue.cancel(task_id)
            await self._feed.publish(task_id, StepEvent())
            await asyncio.to_thread(self._objects.delete, photo_key)

    async def _history(self, task_id: str, after: int, user_id: str) -> tuple[model.Task, list[model.Step]]:
        """Return a task and its steps after a sequence. Raises TaskNotFound."""
        task, steps = await self._store.history(task_id) or (None, [])
        return model.owned(task, user_id), [step for step in steps if step.sequence > after]

    async def _revise(
        self, task_id: str, user_id: str, change: Callable[[model.Findings], model.Findings], replay: Replay[model.Task]
    ) -> model.Task:
        def revised(task: model.Task) -> model.Findings:
            if not task.result_key:
                raise errors.NotFinished
            if task.original_until is None or task.original_until <= model.utc_now():
                raise errors.OriginalGone
            return change(task.findings)

        task = await self._store.revise(task_id, user_id, revised, replay)
        self._queue.wake()
        await self._feed.publish(task_id, StepEvent())
        return task

    def _admit(self, usage: Usage, *, guest: bool) -> None:
        if usage.account_is_deleted:
            raise errors.AccountGone
        self.quotas.check(usage, guest=guest)
        if usage.queued_tasks >= self.max_queued_tasks:
            raise errors.QueueFull


async def open_result(objects: ObjectStore, task: model.Task, *, as_link: bool) -> Iterator[bytes] | str:
    """Return the result of a task in chunks or, with `as_link`, a URL if the object store can sign one.

    Raises ObjectMissing or ObjectDamaged.
    """
    if as_link and (link := objects.link(task.result_key, LINK_LIFETIME)):
        return link
    return await asyncio.to_thread(checksums.stream, objects, task.result_key, task.result_checksum)
