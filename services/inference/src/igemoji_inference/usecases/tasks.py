"""Use cases of the inference service."""

import asyncio
import datetime
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

import sqlalchemy as sa

from igemoji_inference.adapters.db import leases, quotas, results, tasks
from igemoji_inference.adapters.db.results import ResultsPage
from igemoji_inference.adapters.db.task_history import Courses
from igemoji_inference.domain.model import (
    CANCELLED,
    HEARTBEAT_SECONDS,
    AccountGone,
    EmojiMissing,
    Failure,
    Findings,
    NotFinished,
    OriginalGone,
    PhotoRefused,
    PhotoTooLarge,
    QueueFull,
    ResultNotReady,
    Step,
    Task,
    TaskNotFound,
    Upload,
    with_added_face,
    with_revised_face,
)
from igemoji_inference.usecases.progress import News, ProgressFeed
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.idempotency.keys import keep_answer
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore
from igemoji_vision.errors import PhotoError
from igemoji_vision.faces import Box
from igemoji_vision.headers import inspect

LINK_LASTS = datetime.timedelta(minutes=1)
"""How long a browser may take to follow a redirect to the object store."""


class Catalog(Protocol):
    """Where templates come from."""

    async def picture_keys(self, emoji_id: str) -> Mapping[str, str]:
        """Makes sure that the seven pictures of a template are in the object store, under the rights of the caller.

        Returns their keys by expression. Raises EmojiNotFound.
        """


class Queue(Protocol):
    """Brings tasks to those who work on them."""

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        """In the transaction that stores a task, or queues it once more; call `wake` after its commit."""

    def wake(self) -> None:
        """There is a new task."""

    def cancel(self, task_id: str) -> None:
        """A task has been ended: whoever works on it may stop."""

    async def start(self) -> None:
        """Takes up what an earlier run left. Raises StartError where nobody could work."""

    async def run(self) -> None:
        """Brings tasks for as long as the service runs."""

    async def close(self) -> None: ...


class Inference:
    """Tasks of users: taking photos in, showing how they go, handing results out."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        catalog: Catalog,
        feed: ProgressFeed,
        queue: Queue,
        *,
        max_photo_bytes: int,
        limits: quotas.Quotas,
        max_queued_tasks: int,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._database = database
        self._objects = objects
        self._catalog = catalog
        self._feed = feed
        self._queue = queue
        self._max_photo_bytes = max_photo_bytes
        self._quotas = limits
        self._watchers = quotas.Watchers(limits.watched)
        self._courses = Courses(database)
        self._max_queued_tasks = max_queued_tasks
        self._heartbeat_seconds = heartbeat_seconds

    async def create(self, photo: bytes, emoji_id: str, *, by: str, guest: bool = False) -> str:
        """Takes a photo in and returns the task's id.

        Raises PhotoTooLarge, PhotoRefused, EmojiMissing, EmojiNotFound, AccountGone, TooManyOpenTasks,
        TooManyPhotosToday or QueueFull; nothing is kept then.
        """
        if len(photo) > self._max_photo_bytes:
            raise PhotoTooLarge(self._max_photo_bytes)
        if not emoji_id:
            raise EmojiMissing
        try:
            info = await asyncio.to_thread(inspect, photo)
        except PhotoError as error:
            raise PhotoRefused(error) from None
        await self._database.read(lambda connection: self._admit(connection, by, guest))
        pictures = await self._catalog.picture_keys(emoji_id)
        task_id = new_id()
        checksum = await asyncio.to_thread(checksums.sha256, photo)
        upload = Upload(f"photos/{task_id}", checksum, info.width * info.height / 1e6, pictures)
        # A client that goes away meanwhile must not leave half of it: a task without its photo.
        await asyncio.shield(self._take_in(photo, Task(task_id, by, emoji_id, utc_now()), upload, guest))
        return task_id

    async def get(self, task_id: str, *, by: str) -> Task:
        """Raises TaskNotFound."""
        return owned(await self._database.read(lambda connection: tasks.get_task(connection, task_id)), by)

    async def cancel(self, task_id: str, *, by: str) -> Task:
        """Stops a task and returns it as it is then; one that has ended stays as it is. Raises TaskNotFound."""
        await self.get(task_id, by=by)
        await asyncio.shield(self._cancel(task_id))
        return await self.get(task_id, by=by)

    async def watch(self, task_id: str, after_sequence: int, *, by: str) -> AsyncGenerator[tuple[Step, bool], None]:
        """Every step from a sequence on, until the task has ended; (step, whether it is a heartbeat).

        Raises TaskNotFound or TooManyWatchers before the first one.
        """
        with self._watchers.one_more(by):
            async with self._feed.watch(task_id) as inbox:
                task, steps = await self._course(task_id, after_sequence, by)
                last, spoken_at = Step(after_sequence, task), time.monotonic()
                while True:
                    for step in steps:
                        last, spoken_at = step, time.monotonic()
                        yield step, False
                    if task.state.ended:
                        return
                    patience = spoken_at + self._heartbeat_seconds - time.monotonic()
                    news = await inbox.take(min(patience, self._feed.beat_seconds))
                    if news and news.progress and news.sequence <= last.sequence + 1:
                        steps = [_told(task, news)] if news.sequence > last.sequence else []
                        continue
                    task, steps = await self._course(task_id, last.sequence, by)
                    if not steps and time.monotonic() - spoken_at >= self._heartbeat_seconds:
                        spoken_at = time.monotonic()
                        yield last, True

    async def revise_face(
        self, task_id: str, number: int, expression: str | None, covered: bool | None, *, by: str
    ) -> Task:
        """Gives a face another expression, uncovers it or covers it again; returns the task, queued once more.

        Raises TaskNotFound, NotFinished, OriginalGone, FaceNotFound or NothingToRevise.
        """
        return await self._revise(
            task_id, by, lambda findings: with_revised_face(findings, number, expression, covered)
        )

    async def add_face(self, task_id: str, box: Box, *, by: str) -> Task:
        """Covers a face that was missed; returns the task, queued once more.

        Raises TaskNotFound, NotFinished, OriginalGone, BoxOutside or TooManyFaces.
        """
        return await self._revise(task_id, by, lambda findings: with_added_face(findings, box))

    async def result(self, task_id: str, *, by: str, as_link: bool = False) -> tuple[Task, Iterator[bytes] | str]:
        """The finished photo in chunks; or `as_link`, where the object store can give one to a browser.

        Raises TaskNotFound, ResultNotReady or ObjectDamaged.
        """
        while True:
            task = await self.get(task_id, by=by)
            if not task.result_key:
                raise ResultNotReady(task.state)
            if as_link and (link := self._objects.link(task.result_key, LINK_LASTS)):
                return task, link
            try:
                return task, await self._checked(task)
            except ObjectMissing:
                # A revision may have replaced it since the row was read; then the row names another one.
                if (await self.get(task_id, by=by)).result_key == task.result_key:
                    raise

    async def _checked(self, task: Task) -> Iterator[bytes]:
        return await asyncio.to_thread(checksums.stream, self._objects, task.result_key, task.result_checksum)

    async def results_of(self, user_id: str, number: int, size: int, token: str) -> ResultsPage:
        """A page of a user's finished photos, newest first. Raises InvalidPageToken."""
        return await self._database.read(lambda connection: results.page(connection, user_id, number, size, token))

    async def _take_in(self, photo: bytes, task: Task, upload: Upload, guest: bool) -> None:
        await asyncio.to_thread(self._objects.put, upload.key, photo, "application/octet-stream")
        try:
            # Not alone: to count what is open would lock every open task, and uploads would wait for each other.
            await self._database.write(lambda connection: self._add(connection, task, upload, guest), alone=False)
        except Exception:  # not where the service ends: what is being written may yet be committed
            await asyncio.to_thread(self._objects.delete, upload.key)
            raise
        self._queue.wake()

    async def _cancel(self, task_id: str) -> None:
        failure = Failure(CANCELLED, "You stopped this photo.")
        photo_key = await self._database.write(lambda connection: leases.cancel(connection, task_id, failure))
        if photo_key is not None:
            self._queue.cancel(task_id)
            await self._feed.tell(task_id, News())
            await asyncio.to_thread(self._objects.delete, photo_key)

    async def _course(self, task_id: str, after: int, by: str) -> tuple[Task, list[Step]]:
        """A task and its later steps, as they were at one moment. Raises TaskNotFound."""
        task, steps = await self._courses.read(task_id) or (None, [])
        return owned(task, by), [step for step in steps if step.sequence > after]

    async def _revise(self, task_id: str, by: str, change: Callable[[Findings], Findings]) -> Task:
        def revise(connection: sa.Connection) -> Task:
            task = owned(tasks.get_task(connection, task_id), by)
            if not task.result_key:
                raise NotFinished
            if task.original_until is None or task.original_until <= utc_now():
                raise OriginalGone
            leases.revise(connection, task, change(task.findings))
            self._queue.add(connection, task_id, task.findings.width * task.findings.height / 1e6)
            revised = owned(tasks.get_task(connection, task_id), by)
            keep_answer(connection, revised)
            return revised

        task = await self._database.write(revise)
        self._queue.wake()
        await self._feed.tell(task_id, News())
        return task

    def _admit(self, connection: sa.Connection, user_id: str, guest: bool) -> quotas.Used:
        if tasks.is_gone(connection, user_id):
            raise AccountGone
        used = quotas.check(connection, self._quotas, user_id, utc_now(), guest=guest)
        if tasks.count_open(connection) >= self._max_queued_tasks:
            raise QueueFull
        return used

    def _add(self, connection: sa.Connection, task: Task, upload: Upload, guest: bool) -> None:
        # Asked again behind the gate: many uploads at once must not slip past the limit together.
        tasks.pass_gate(connection, task.user_id)
        used = self._admit(connection, task.user_id, guest)
        quotas.count_photo(connection, task.user_id, used)
        self._queue.add(connection, task.id, upload.megapixels)
        keep_answer(connection, task.id)
        # Last: how long it waited for a worker is told from then on.
        tasks.add_task(connection, replace(task, created_at=utc_now()), upload, used.open_tasks)


def _told(task: Task, news: News) -> Step:
    """The step that news tell of, shown as the task was then; only those of workers are told in full."""
    assert news.progress is not None  # noqa: S101 - others are read from their rows
    progress = news.progress
    shown = replace(task, state=progress.state, percent=progress.percent, findings=progress.findings)
    return Step(news.sequence, replace(shown, result_key="", content_type="", original_until=None))


def owned(task: Task | None, by: str) -> Task:
    """A task, if it is this user's. Raises TaskNotFound."""
    if task is None or task.user_id != by:
        raise TaskNotFound
    return task
