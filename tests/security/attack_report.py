"""What the suites of a run tried, and the table of it that the run itself writes."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

INTRODUCTION = """# Abuse

Made by `make test-trust`, which attacks a live mesh on 127.0.0.1 and writes this table at its end. A case is *refused*
when it was answered as an attack is to be answered: with the right status, in the form of the contract, with nothing
done or told that should not be. It is *survived* when afterwards every service and the gateway answered as before, as
the same processes.
"""


@dataclass
class Suite:
    """The cases of one file of tests."""

    tried: int = 0
    refused: int = 0
    survived: int = 0
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        return self.tried == self.refused == self.survived


@dataclass
class Tally:
    """The cases of one test. What it counts as refused and is not followed by `survive` was not survived."""

    suite: Suite
    waiting: int = 0
    """Cases after which nobody has looked whether all is well yet."""

    @contextlib.contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """One case: refused unless the block raises. `what` is said where it fails."""
        self.suite.tried += 1
        self.waiting += 1
        try:
            yield
        except BaseException as error:
            error.add_note(f"The case was: {what}")
            raise
        self.suite.refused += 1

    def count(self, tried: int, refused: int) -> None:
        """Many cases at once, as a fuzzer tries them."""
        self.suite.tried += tried
        self.suite.refused += refused
        self.waiting += tried

    def survive(self) -> None:
        """All is well after what was tried so far."""
        self.suite.survived += self.waiting
        self.waiting = 0


@dataclass
class Book:
    """The suites of a run by name."""

    suites: dict[str, Suite] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def suite(self, file: Path) -> Suite:
        """By the name of a file: that of `test_token_forgery.py` is `token forgery`."""
        name = file.stem.removeprefix("test_").replace("_", " ")
        return self.suites.setdefault(name, Suite())

    def table(self) -> str:
        """Markdown. Suites without cases are left out: they did not run."""
        rows = {name: suite for name, suite in sorted(self.suites.items()) if suite.tried}
        total = Suite(
            tried=sum(suite.tried for suite in rows.values()),
            refused=sum(suite.refused for suite in rows.values()),
            survived=sum(suite.survived for suite in rows.values()),
            seconds=sum(suite.seconds for suite in rows.values()),
        )
        lines = ["| suite | tried | refused | survived | seconds |", "|---|---:|---:|---:|---:|"]
        lines += [_row(name, suite) for name, suite in rows.items()]
        return "\n".join([*lines, _row("all", total)]) + "\n"

    def write(self, path: Path) -> None:
        path.write_text(f"{INTRODUCTION}\n{self.table()}", encoding="utf-8")


def _row(name: str, suite: Suite) -> str:
    return f"| {name} | {suite.tried} | {suite.refused} | {suite.survived} | {suite.seconds:.0f} |"
