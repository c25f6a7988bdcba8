"""Covers the faces in photos: what is done by whom, what was done before, and where results go."""

import asyncio
import hashlib
import importlib.metadata
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from igemoji_stack.photo.errors import DISK_FULL, CannotWork
from igemoji_stack.photo.files import Job
from igemoji_stack.photo.journal import Journals, Stamp
from igemoji_stack.photo.templates import Template
from igemoji_stack.photo.worker import Failure, Worker, WorkerOptions


class PhotoWorker(Protocol):
    """Does one photo at a time."""

    async def work(self, photo: Path, output: Path) -> dict[str, Any] | Failure:
        """Has a photo done, its result written to `output`; returns what was found in it.

        Raises CannotWork where no photo can be done.
        """

    async def end(self) -> object:
        """Ends it, whatever it does."""


@dataclass(frozen=True)
class Options:
    make_worker: Callable[[], PhotoWorker]
    workers: int
    """So many photos are worked on at a time."""
    recipe: str
    """What decides how a result looks, besides the photo: with another one photos are done again."""
    force: bool = False
    """Also photos whose result is there, and over files that igemoji did not write."""


@dataclass(frozen=True)
class Outcome:
    """What became of one photo."""

    job: Job
    found: dict[str, Any] | Failure
    """What was found in it: `{width, height, faces}`; or why there is no result."""
    earlier: bool = False
    """It was done by an earlier run."""


Tell = Callable[[Outcome], None]


async def cover(jobs: Sequence[Job], options: Options, journals: Journals, tell: Tell) -> None:
    """Works on photos, several at a time, and tells of each in the order of `jobs`.

    When it is cancelled, it ends its workers at once and leaves no half result. Raises CannotWork.
    """
    run = _Run(options, journals, InOrder(tell))
    waiting = enumerate(jobs)
    lanes = [asyncio.create_task(run.lane(waiting)) for _ in range(min(options.workers, len(jobs)))]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        run.in_order.close()


def on_this_machine(models: Path, template: Template, workers: int, *, force: bool) -> Options:
    """Processes of our own do the work. Raises CannotWork where the models were not built."""
    worker_options = WorkerOptions(models, template.pictures)
    return Options(lambda: Worker(worker_options), workers, recipe(models, template), force)


def recipe(models: Path, template: Template) -> str:
    """What decides how a result looks, besides the photo: our version, the models and the template.

    Raises CannotWork where the models were not built.
    """
    manifest = models / "manifest.json"
    try:
        built = hashlib.sha256(manifest.read_bytes()).hexdigest()
    except OSError:
        raise CannotWork(f"{manifest} is missing: build models and templates: make assets") from None
    return f"{importlib.metadata.version('igemoji')}/{built[:12]}/{template.digest[:12]}"


class InOrder:
    """Passes outcomes on in the order of their numbers, whatever order they come in.

    No photo takes longer than its limit, so those that wait for an earlier one are few.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._next = 0
        self._early: dict[int, Outcome] = {}

    def add(self, number: int, outcome: Outcome) -> None:
        self._early[number] = outcome
        while self._next in self._early:
            self._tell(self._early.pop(self._next))
            self._next += 1

    def close(self) -> None:
        """Passes on what is left: a run that ends early has gaps."""
        for number in sorted(self._early):
            self._tell(self._early.pop(number))


class _Run:
    def __init__(self, options: Options, journals: Journals, in_order: InOrder) -> None:
        self.in_order = in_order
        self._options = options
        self._journals = journals
        self._recipe = options.recipe
        self._temporary_names = (f".igemoji-{os.getpid()}-{number}.part" for number in itertools.count())

    async def lane(self, waiting: Iterator[tuple[int, Job]]) -> None:
        """One worker process and the photos that it takes, one at a time, from those that all lanes share."""
        worker = self._options.make_worker()
        try:
            for number, job in waiting:
                self.in_order.add(number, await self._outcome(worker, job))
                await asyncio.sleep(0)  # many photos done earlier must not keep Ctrl-C waiting
        finally:
            await worker.end()

    async def _outcome(self, worker: PhotoWorker, job: Job) -> Outcome:
        try:
            stamp = Stamp.of(job.photo)
        except OSError as error:
            return Outcome(job, Failure("FILE_UNREADABLE", f"The file can't be read: {error.strerror}."))
        try:
            known = None if self._options.force else self._known(job, stamp)
            if known is not None:
                return known
            job.output.parent.mkdir(parents=True, exist_ok=True)
            temporary = job.output.with_name(next(self._temporary_names))
            try:
                found = await worker.work(job.photo, temporary)
            except asyncio.CancelledError:
                await worker.end()  # or it might write what is removed below
                temporary.unlink(missing_ok=True)
                raise
            try:
                if not isinstance(found, Failure):
                    self._keep(job, stamp, found, temporary)
                return Outcome(job, found)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise CannotWork(f"The results can't be written: {error.strerror}.") from None
            return Outcome(job, Failure("RESULT_UNWRITABLE", f"The result can't be written: {error.strerror}."))

    def _known(self, job: Job, stamp: Stamp) -> Outcome | None:
        """The outcome of an earlier run, or of what stands where the result would; None where there is work to do."""
        if not os.path.lexists(job.output):
            return None
        journal = self._journals.of(job.output.parent)
        entry = journal.get(job.output.name)
        if entry is None:
            message = f"{job.output} is there and was not made by igemoji; --force replaces it."
            return Outcome(job, Failure("RESULT_EXISTS", message))
        if not entry.is_of(_seen_from(job.output.parent, job.photo), stamp):
            message = f"{job.output} is the result of another photo; --force replaces it."
            return Outcome(job, Failure("RESULT_EXISTS", message))
        if (entry.stamp, entry.recipe) != (stamp, self._recipe):
            return None
        return Outcome(job, journal.findings(entry), earlier=True)

    def _keep(self, job: Job, stamp: Stamp, found: dict[str, Any], temporary: Path) -> None:
        """Gives a result its name; see photo_journal for the order."""
        folder = job.output.parent
        job.output.unlink(missing_ok=True)
        self._journals.of(folder).add(job.output.name, _seen_from(folder, job.photo), stamp, self._recipe, found)
        os.replace(temporary, job.output)


def _seen_from(folder: Path, photo: Path) -> str:
    return os.path.relpath(photo, folder)
