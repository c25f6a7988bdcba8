"""Find the file of a symbol and of a test in a tree, wherever they have been moved."""

import re
from functools import lru_cache
from pathlib import Path

from . import python_source
from .edits import StaleMutant

_SKIPPED = {"node_modules", "__pycache__", "build", "dist"}


def source_file(root: Path, place: str) -> Path:
    """Return the file of a module, or the file whose path ends with `place`. Raises StaleMutant.

    Args:
        root: The repository, or a copy of it.
        place: `igemoji_mesh.tokens`, or `gateway.lua`, `supply/sbom.py`, `Makefile`.
    """
    found = _ending_with(root, place) or [
        path
        for end in (f"{place.replace('.', '/')}.py", f"{place.replace('.', '/')}/__init__.py")
        for path in _ending_with(root, f"src/{end}")
    ]
    if len(found) != 1:
        raise StaleMutant(f"{place} is {len(found)} files, not one")
    return found[0]


def id_of_test(root: Path, name: str) -> str:
    """Return the id by which pytest runs a test. Raises StaleMutant.

    Args:
        root: The repository, or a copy of it.
        name: `test_name` or `test_name[parameters]`, with `test_file.py::` before it if several files have such a test.
    """
    file, _, test = name.rpartition("::")
    function = re.compile(rf"^(?:async )?def {re.escape(test.partition('[')[0])}\(", re.MULTILINE)
    found = [path for path in _ending_with(root, file or ".py") if function.search(_read(path))]
    if len(found) != 1:
        raise StaleMutant(f"{name} is a test of {len(found)} files, not of one")
    return f"{found[0].relative_to(root).as_posix()}::{test}"


def defining_files(root: Path, qualname: str) -> list[str]:
    """Return the files of packages that define a symbol: where one that is missing elsewhere has gone."""
    return [
        path.relative_to(root).as_posix()
        for path in _files(root)
        if path.suffix == ".py" and "src" in path.parts and python_source.defines(_read(path), qualname)
    ]


def _ending_with(root: Path, end: str) -> list[Path]:
    if end == ".py":
        return [path for path in _files(root) if path.name.startswith("test_") and path.suffix == ".py"]
    return [path for path in _files(root) if f"/{path.relative_to(root).as_posix()}".endswith(f"/{end}")]


@lru_cache
def _files(root: Path) -> tuple[Path, ...]:
    """Return the files of a tree without dependencies and hidden folders."""
    found: list[Path] = []
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and not entry.name.startswith(".") and entry.name not in _SKIPPED:
            found.extend(_files(entry))
        elif entry.is_file():
            found.append(entry)
    return tuple(found)


@lru_cache
def _read(path: Path) -> str:
    return path.read_text()
