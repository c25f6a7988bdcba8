"""Make targets, commands, files, headings and workloads that the documents name exist."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT
from .manifests import WORKLOADS, Manifest, name_of, of_kind

DOCUMENTS = sorted(
    ROOT / line
    for line in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
)
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
OPERATIONS = ROOT / "docs" / "operations.md"
WORKLOAD = re.compile(r"(?<!-k )(?<![\w/])(deploy|statefulset)/([a-z-]+)(?![\w/.-])")
"""A workload in a kubectl command."""
FORMER = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "renames.md").read_text(), re.MULTILINE))
"""Former paths, which are gone."""
TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}


def code(document: Path) -> Iterator[str]:
    """Yield the code of a document: spans, and lines of blocks."""
    inside = False
    for line in document.read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside:
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


@EACH
def test_named_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in code(document):
        if found := re.match(r"(?:sudo )?make ((?:[a-z-]+ ?)+)", text):
            assert set(found[1].split()) <= targets, text


@EACH
def test_named_files_exist(document: Path) -> None:
    for text in code(document):
        if document.name == "renames.md" and text in FORMER:
            continue
        for word in re.findall(r"[\w./*-]+", WORKLOAD.sub("", text)):
            path = word.rstrip(".:/")
            if path.partition("/")[0] in TOP and "/" in path and "*" not in path:
                places = (ROOT / path, document.parent / path)
                assert any(place.exists() for place in places) or _is_made(path), f"{word} in {text}"


@EACH
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists() or _is_made(str(there.relative_to(ROOT))), target
        assert not anchor or anchor in set(_anchors(there)), target


def test_documented_commands_and_options_exist() -> None:
    text = OPERATIONS.read_text()
    commands = set(re.findall(r"-- (igemoji-[a-z-]+) ([a-z-]+)", " ".join(code(OPERATIONS))))
    assert len(commands) >= 3
    for program, command in commands:
        _help(program, command)
    for command, option in (
        ("igemoji-inference worker", "--only-small"),
        ("igemoji up", "--traces"),
        ("igemoji-gateway serve", "--traces"),
    ):
        assert option in text
        assert option in _help(*command.split())


@pytest.mark.parametrize("manifests", ["everything"], indirect=True)
def test_kubectl_commands_name_existing_workloads(manifests: list[Manifest]) -> None:
    kinds = {"deploy": "Deployment", "statefulset": "StatefulSet"}
    there = {(found["kind"], name_of(found)) for found in of_kind(manifests, *WORKLOADS)}
    commands = [text for text in code(OPERATIONS) if text.startswith("kubectl")]
    named = {(kinds[kind], name) for text in commands for kind, name in WORKLOAD.findall(text)}
    assert named
    assert named <= there


def _is_made(path: str) -> bool:
    """Return whether a file is generated: git ignores it."""
    # A rule for a folder matches a missing folder only if its name ends with a slash.
    asked = subprocess.run(["git", "check-ignore", path, f"{path}/"], cwd=ROOT, check=False, capture_output=True)
    return asked.returncode == 0


def _anchors(document: Path) -> Iterator[str]:
    for line in document.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip().lower()
            yield re.sub(r"[^\w -]", "", heading).replace(" ", "-")


def _help(program: str, *arguments: str) -> str:
    """Return the help of a program of this environment."""
    command = [str(Path(sys.executable).parent / program), *arguments, "--help"]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environment).stdout
