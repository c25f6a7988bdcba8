"""Progress and results of a run, for people and for scripts."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from igemoji_stack.photo.errors import CannotWork, Failure
from igemoji_stack.photo.run import Outcome


@dataclass
class Tally:
    """Counts of a run."""

    done: int = 0
    earlier: int = 0
    failed: int = 0
    faces: int = 0
    faceless: int = 0
    """Photos without a face, including those of earlier runs."""

    def add(self, outcome: Outcome) -> None:
        """Count a photo."""
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
        """Return the counts as a sentence."""
        parts = [f"{_count(self.done, 'photo')} done, {_count(self.faces, 'face')} covered"]
        if self.earlier:
            parts.append(f"{self.earlier} done by an earlier run")
        if self.faceless:
            parts.append(f"{self.faceless} without a face")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return "; ".join(parts) + "."


class Screen(Progress):
    """Progress bar on a terminal, and messages; all on standard error."""

    def __init__(self, photos: int) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False, soft_wrap=True),
            refresh_per_second=4,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._bar = self.add_task("photos", total=photos)

    def add(self, outcome: Outcome) -> None:
        """Advance the bar; name a photo that failed, or that still shows faces."""
        self.advance(self._bar)
        if isinstance(outcome.found, Failure):
            self.say(f"{outcome.job.photo}: {outcome.found.reason}: {outcome.found.message}")
        elif outcome.found.get("more_faces"):
            faces = len(outcome.found["faces"])
            self.say(f"{outcome.job.photo}: more than {faces} faces; the smallest are NOT covered.")

    def say(self, sentence: str) -> None:
        """Print a message above the bar."""
        # A file name may hold undecodable bytes, and text that looks like markup.
        self.console.print(Text(sentence.encode(errors="backslashreplace").decode()))


@contextmanager
def json_lines(target: str | None) -> Iterator[IO[str] | None]:
    """Open the file for JSON lines; `-` is standard output. Raises CannotWork."""
    if target is None:
        yield None
        return
    try:
        # A name that is not UTF-8 has lone surrogates, which are written as JSON escapes.
        to_file = target != "-"
        file = open(target if to_file else 1, "w", encoding="utf-8", errors="backslashreplace", closefd=to_file)  # noqa: SIM115
    except OSError as error:
        raise CannotWork(f"{target} can't be written: {error.strerror}.") from None
    with file:
        yield file


def json_line(outcome: Outcome) -> str:
    """Return `{"photo", "width", "height", "faces"}`, or `{"photo", "error": {"reason", "message"}}`."""
    found = {"error": vars(outcome.found)} if isinstance(outcome.found, Failure) else outcome.found
    return json.dumps({"photo": str(outcome.job.photo), **found}, ensure_ascii=False) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
