"""What was made of which photo, kept in every folder that results are written to, so that a run can go on.

A journal is a file of JSON lines; of several lines for one result the last one is true. A line is written before its
result gets its name, and an older result is removed before that: at no moment does a journal promise what is not there.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

JOURNAL = ".igemoji.jsonl"


@dataclass(frozen=True)
class Stamp:
    """Tells one content of a photo's file from another."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, photo: Path) -> Self:
        status = photo.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a result without reading what was found in its photo."""

    photo: str
    """Where the photo lay, seen from the journal's folder."""
    stamp: Stamp
    recipe: str
    """The version, the models and the template that it was made with."""
    offset: int
    """Where its line begins in the file."""

    def is_of(self, photo: str, stamp: Stamp) -> bool:
        """Whether it was made of this photo, which may have changed since, or have moved."""
        return self.photo == photo or self.stamp == stamp


class Journal:
    """The journal of one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where there is a journal that can't be read."""
        self._path = folder / JOURNAL
        self._entries: dict[str, Entry] = {}
        self._torn = False
        try:
            with self._path.open("rb") as lines:
                offset = 0
                for line in lines:
                    self._take(line, offset)
                    offset += len(line)
                    self._torn = not line.endswith(b"\n")
        except FileNotFoundError:
            pass

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def get(self, name: str) -> Entry | None:
        """What is known of the result of this name."""
        return self._entries.get(name)

    def findings(self, entry: Entry) -> dict[str, Any]:
        """What was found in the photo, as `add` was told."""
        with self._path.open("rb") as lines:
            lines.seek(entry.offset)
            findings: dict[str, Any] = json.loads(lines.readline())["findings"]
            return findings

    def add(self, name: str, photo: str, stamp: Stamp, recipe: str, findings: dict[str, Any]) -> None:
        """Keeps what a result was made of and what was found. Raises OSError."""
        record = {
            "result": name,
            "photo": photo,
            "size": stamp.size,
            "mtime_ns": stamp.mtime_ns,
            "recipe": recipe,
            "findings": findings,
        }
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        # What a crash or a full disk left of a line must not spoil this one.
        line_end = b"\n" if self._torn else b""
        self._torn = True
        with self._path.open("ab") as lines:
            lines.write(line_end + line)
            lines.flush()
            offset = lines.tell() - len(line)
        self._torn = False
        self._entries[name] = Entry(photo, stamp, recipe, offset)

    def _take(self, line: bytes, offset: int) -> None:
        try:
            record = json.loads(line)
            stamp = Stamp(int(record["size"]), int(record["mtime_ns"]))
            if line.endswith(b"\n") and isinstance(record["findings"], dict):
                self._entries[str(record["result"])] = Entry(str(record["photo"]), stamp, str(record["recipe"]), offset)
        except (ValueError, KeyError, TypeError):
            return


class Journals:
    """The journals of all folders that a run meets, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, Journal] = {}

    def of(self, folder: Path) -> Journal:
        """Raises OSError where there is a journal that can't be read."""
        absolute = Path(os.path.abspath(folder))
        if absolute not in self._known:
            self._known[absolute] = Journal(absolute)
        return self._known[absolute]
