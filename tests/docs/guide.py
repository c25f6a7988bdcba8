"""Perform the steps of a guide in a copy of the tree.

A step is a fenced code block whose info string names a file, or `run`:

    ```python file=PATH                  create the file
    ```python file=PATH after="TEXT"     insert after the line that contains TEXT
    ```python file=PATH before="TEXT"    insert before it
    ```python file=PATH replace="TEXT"   replace it
    ```python file=PATH append           append to the file
    ```sh run                            run the commands in the root of the repository

TEXT must be in exactly one line, so that a reader finds it too.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("protos", "libs", "services", "stack", "deploy", "docs", "tests", "pyproject.toml", "conftest.py")
BLOCK = re.compile(r"^```\w+ (file=[^\n]+|run)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(
    r"""file=(?P<path>\S+)
    (?:\ (?P<place>after|before|replace)=(?P<quote>["'])(?P<anchor>.+)(?P=quote) | \ (?P<append>append))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Step:
    """One block of a guide."""

    path: str
    """Empty for commands."""
    place: str
    """`create`, `after`, `before`, `replace`, `append` or `run`."""
    anchor: str
    content: str


def steps(document: str) -> Iterator[Step]:
    """Yield the steps of a guide in their order."""
    for info, content in (match.groups() for match in BLOCK.finditer(document)):
        if info == "run":
            yield Step("", "run", "", content)
            continue
        options = OPTIONS.fullmatch(info.strip())
        assert options, f"unknown options: {info}"
        place = options["place"] or options["append"] or "create"
        yield Step(options["path"], place, options["anchor"] or "", content)


class Copy:
    """A copy of the tree in which a guide is performed."""

    def __init__(self, folder: Path) -> None:
        """Copy what git knows or would add."""
        self.folder = folder
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *COPIED]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(Path(sys.prefix))

    def perform(self, guide: str) -> list[Path]:
        """Perform all steps of a guide in docs/; return the Python files that it touched."""
        touched = {}
        for step in steps((ROOT / "docs" / guide).read_text()):
            if step.place == "run":
                self.run(["bash", "-euo", "pipefail", "-c", step.content])
            else:
                self.edit(step)
                touched[self.folder / step.path] = True
        return [path for path in touched if path.suffix == ".py"]

    def edit(self, step: Step) -> None:
        """Create or change one file."""
        path = self.folder / step.path
        if step.place == "create":
            assert not path.exists(), f"{step.path} exists already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.content)
            return
        text = path.read_text()
        if step.place == "append":
            path.write_text(text + step.content)
            return
        lines = text.splitlines(keepends=True)
        found = [number for number, line in enumerate(lines) if step.anchor in line]
        assert len(found) == 1, f"{step.path}: {step.anchor!r} is in {len(found)} lines"
        start = found[0] + (step.place == "after")
        lines[start : start + (step.place == "replace")] = [step.content]
        path.write_text("".join(lines))

    def run(self, command: list[str]) -> str:
        """Run a command in the copy, with the copy's packages; return its output."""
        sources = [*self.folder.glob("libs/*/src"), *self.folder.glob("services/*/src"), self.folder / "stack/src"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": ":".join(map(str, sources))}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout
