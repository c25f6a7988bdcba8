"""Counts of the attacks of a run, and the table that the run writes."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

INTRODUCTION = """# Attacks

Written by `make test-trust`, which attacks a live mesh on 127.0.0.1. An attack is *refused* if the response has the
right status, has the form of the contract, reveals nothing and had no effect. It is *survived* if every service and the
gateway answer afterwards, as the same processes.
"""


@dataclass
class Suite:
    """Attacks of one file of tests."""

    tried: int = 0
    refused: int = 0
    survived: int = 0
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        return self.tried == self.refused == self.survived


@dataclass
class Attacks:
    """Attacks of one test. Refused attacks count as survived only after a call of `survive`."""

    suite: Suite
    waiting: int = 0
    """Attacks after which the mesh has not been checked yet."""

    @contextlib.contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Count one attack, as refused unless the block raises; a failure names it."""
        self.suite.tried += 1
        self.waiting += 1
        try:
            yield
        except BaseException as error:
            error.add_note(f"The attack was: {what}")
            raise
        self.suite.refused += 1

    def count(self, tried: int, refused: int) -> None:
        """Count many attacks at once, such as those of a fuzzer."""
        self.suite.tried += tried
        self.suite.refused += refused
        self.waiting += tried

    def survive(self) -> None:
        """Count the attacks so far as survived."""
        self.suite.survived += self.waiting
        self.waiting = 0


@dataclass
class AttackReport:
    """Suites of a run, by name."""

    suites: dict[str, Suite] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def suite(self, file: Path) -> Suite:
        """Return the suite of a file: `token forgery` for `test_token_forgery.py`."""
        name = file.stem.removeprefix("test_").replace("_", " ")
        return self.suites.setdefault(name, Suite())

    def table(self) -> str:
        """Return the table in Markdown, without suites that did not run."""
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
