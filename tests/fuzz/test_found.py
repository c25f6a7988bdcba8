"""Inputs that a fuzzer found are handled, and its seeds are valid."""

from pathlib import Path

import pytest

from .targets import TARGETS

FOUND = sorted(path for path in (Path(__file__).parent / "found").glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name[:20]}")
def test_found_input_is_handled(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_handled(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in (*seeds, b"", b"\0", b"\xff" * 64):
        TARGETS[name].run(seed)
