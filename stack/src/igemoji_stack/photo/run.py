"""Cover the faces in photos: parallel workers, results of earlier runs, journal and output files."""

import asyncio
import hashlib
import importlib.metadata
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from igemoji_stack.photo.errors import DISK_FULL, CannotWork, Failure
from igemoji_stack.photo.files import Job
from igemoji_stack.photo.journal import Journals, Stamp
from igemoji_stack.photo.local import LocalWorker
from igemoji_stack.photo.results import Result, ResultFile
from igemoji_stack.photo.templates import Template


class PhotoWorker(Protocol):
    """Port that processes one photo at a time: on this machine, or on a server."""

    async def work(self, photo: Path) -> Result | Failure:
        """Process a photo.

        Raises:
            CannotWork: if no photo can be processed.
        """

    async def end(self) -> object:
        """End the worker, even in the middle of a photo."""


@dataclass(frozen=True)
class Options:
    """Options of a run."""

    make_worker: Callable[[], PhotoWorker]
    workers: int
    """Number of photos processed in parallel."""
    recipe: str
    """Identifies everything besides the photo that changes a result; if it changes, photos are processed again."""
    force: bool = False
    """Process photos again that have a result, and replace files that igemoji did not write."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of one photo."""

    job: Job
    found: dict[str, Any] | Failure
    """Findings `{width, height, faces}`, or the reason why there is no result."""
    earlier: bool = False
    """An earlier run processed the photo."""


Report = Callable[[Outcome], None]


async def cover(jobs: Sequence[Job], options: Options, journals: Journals, report: Report) -> None:
    """Process photos in parallel, and report each in the order of `jobs`.

    When canceled, it ends its workers at once and leaves no partial result. Raises CannotWork.
    """
    in_order = InOrder(report)
    run = _Run(options, journals, in_order)
    waiting = enumerate(jobs)
    lanes = [asyncio.create_task(run.lane(waiting)) for _ in range(min(options.workers, len(jobs)))]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        in_order.close()


def on_this_machine(models: Path, template: Template, workers: int, *, force: bool) -> Options:
    """Return options to process photos on this machine. Raises CannotWork if the models are not built."""
    return Options(lambda: LocalWorker(models, template.pictures), workers, recipe(models, template), force)


def recipe(models: Path, template: Template) -> str:
    """Identify everything besides the photo that changes a result: version, models and template.

    Raises CannotWork if the models are not built.
    """
    manifest = models / "manifest.json"
    try:
        built = hashlib.sha256(manifest.read_bytes()).hexdigest()
    except OSError:
        raise CannotWork(f"{manifest} is missing: build models and templates: make assets") from None
    return f"{importlib.metadata.version('igemoji')}/{built[:12]}/{template.digest[:12]}"


class InOrder:
    """Reorders outcomes by number.

    Few are buffered, because no photo takes longer than its limit.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next = 0
        self._early: dict[int, Outcome] = {}

    def add(self, number: int, outcome: Outcome) -> None:
        """Report the outcome as soon as all earlier ones are reported."""
        self._early[number] = outcome
        while self._next in self._early:
            self._report(self._early.pop(self._next))
            self._next += 1

    def close(self) -> None:
        """Report the rest: a run that ends early has gaps."""
        for number in sorted(self._early):
            self._report(self._early.pop(number))


@dataclass
class _Run:
    options: Options
    journals: Journals
    in_order: InOrder
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Numbers for the names of temporary files."""

    async def lane(self, waiting: Iterator[tuple[int, Job]]) -> None:
        """Process photos with one worker, one at a time, from the queue that all lanes share."""
        worker = self.options.make_worker()
        try:
            for number, job in waiting:
                self.in_order.add(number, await self._outcome(worker, job))
                await asyncio.sleep(0)  # so that Ctrl-C is handled between many finished photos
        finally:
            await worker.end()

    async def _outcome(self, worker: PhotoWorker, job: Job) -> Outcome:
        try:
            stamp = Stamp.of(job.photo)
        except OSError as error:
            return Outcome(job, Failure("FILE_UNREADABLE", f"The file can't be read: {error.strerror}."))
        try:
            known = None if self.options.force else self._known(job, stamp)
            if known is not None:
                return known
            job.output.parent.mkdir(parents=True, exist_ok=True)
            done = await worker.work(job.photo)
            if isinstance(done, Failure):
                return Outcome(job, done)
            await self._keep(job, stamp, done)
            return Outcome(job, done.findings)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise CannotWork(f"The results can't be written: {error.strerror}.") from None
            return Outcome(job, Failure("RESULT_UNWRITABLE", f"The result can't be written: {error.strerror}."))

    def _known(self, job: Job, stamp: Stamp) -> Outcome | None:
        """Return the outcome of an earlier run, a failure if another file is in the way, or None: process the photo."""
        if not os.path.lexists(job.output):
            return None
        journal = self.journals.of(job.output.parent)
        entry = journal.get(job.output.name)
        if entry is None or not entry.is_of(job.relative_photo, stamp):
            what = "is the result of another photo" if entry else "exists and was not made by igemoji"
            return Outcome(job, Failure("RESULT_EXISTS", f"{job.output} {what}; --force replaces it."))
        if (entry.stamp, entry.recipe) != (stamp, self.options.recipe):
            return None
        return Outcome(job, journal.findings(entry), earlier=True)

    async def _keep(self, job: Job, stamp: Stamp, done: Result) -> None:
        """Add the result to the journal and give it its name; `journal` explains the order."""
        folder = job.output.parent
        with ResultFile(folder / f".igemoji-{os.getpid()}-{next(self.numbers)}.part") as file:
            await file.write(done.image)
            job.output.unlink(missing_ok=True)
            journal = self.journals.of(folder)
            journal.add(job.output.name, job.relative_photo, stamp, self.options.recipe, done.findings)
            file.name(job.output)
