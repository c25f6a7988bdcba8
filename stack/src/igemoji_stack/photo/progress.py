"""What a person, or a script, is told while photos are worked on."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.run import Outcome
from igemoji_stack.photo.worker import Failure


@dataclass
class Tally:
    """How a run went, in figures."""

    done: int = 0
    earlier: int = 0
    failed: int = 0
    faces: int = 0
    faceless: int = 0
    """Photos in which no face was found, those done earlier as well."""

    def add(self, outcome: Outcome) -> None:
        if isinstance(outcome.found, Failure):
            self.failed += 1
            return
        faces = len(outcome.found["faces"])
        self.faceless += not faces
        if outcome.earlier:
            self.earlier += 1
        else:
            self.done += 1
            self.faces += faces

    def summary(self) -> str:
        parts = [f"{_count(self.done, 'photo')} done, {_count(self.faces, 'face')} covered"]
        if self.earlier:
            parts.append(f"{self.earlier} done by an earlier run")
        if self.faceless:
            parts.append(f"{self.faceless} without a face")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return "; ".join(parts) + "."


class Screen:
    """A progress bar on a terminal, and sentences; all of it on standard error."""

    def __init__(self, photos: int) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            refresh_per_second=4,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._bar = self._progress.add_task("photos", total=photos)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, outcome: Outcome) -> None:
        """Counts a photo; one that failed is named, and one that shows faces all the same."""
        self._progress.advance(self._bar)
        if isinstance(outcome.found, Failure):
            self.say(f"{outcome.job.photo}: {outcome.found.reason}: {outcome.found.message}")
        elif outcome.found.get("more_faces"):
            faces = len(outcome.found["faces"])
            self.say(f"{outcome.job.photo}: more than {faces} faces; the smallest are NOT covered.")

    def say(self, sentence: str) -> None:
        # A file's name may hold bytes that are no text, and what looks like markup.
        self._console.print(Text(sentence.encode(errors="backslashreplace").decode()))


@contextmanager
def json_lines(target: str | None) -> Iterator[IO[str] | None]:
    """The file that gets a line for each photo; `-` is standard output. Raises CannotWork."""
    if target is None:
        yield None
        return
    try:
        # A name that is not UTF-8 has lone surrogates in it: these are written as JSON escapes them.
        to_file = target != "-"
        file = open(target if to_file else 1, "w", encoding="utf-8", errors="backslashreplace", closefd=to_file)  # noqa: SIM115
    except OSError as error:
        raise CannotWork(f"{target} can't be written: {error.strerror}.") from None
    with file:
        yield file


def json_line(outcome: Outcome) -> str:
    """`{"photo", "width", "height", "faces"}`, or `{"photo", "error": {"reason", "message"}}`."""
    photo = str(outcome.job.photo)
    record: dict[str, Any] = {"photo": photo}
    if isinstance(outcome.found, Failure):
        record["error"] = {"reason": outcome.found.reason, "message": outcome.found.message}
    else:
        record.update(outcome.found)
    return json.dumps(record, ensure_ascii=False) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
