"""Journal of the results in a folder, so that a later run continues and skips finished photos.

A journal is a file of JSON lines; the last line of a result counts. The line is written before the result gets its
name, and an older result is removed before that: the journal never lists a result that does not match.
"""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

JOURNAL = ".igemoji.jsonl"


@dataclass(frozen=True)
class Stamp:
    """Size and modification time: identifies the content of a photo file."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, photo: Path) -> Self:
        """Return the stamp of a file. Raises OSError."""
        status = photo.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Entry:
    """Facts of a result, without its findings, which stay on disk."""

    photo: str
    """Path of the photo, relative to the journal's folder."""
    stamp: Stamp
    recipe: str
    """Version, models and template of the result."""
    offset: int
    """Offset of its line in the file."""

    def is_of(self, photo: str, stamp: Stamp) -> bool:
        """Return whether this photo is the source, even if it was changed or moved since."""
        return self.photo == photo or self.stamp == stamp


class Journal:
    """Journal of one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        """Read the journal. Raises OSError if it exists and cannot be read."""
        self._path = folder / JOURNAL
        self._entries: dict[str, Entry] = {}
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as lines:
            offset = 0
            for line in lines:
                self._read(line, offset)
                offset += len(line)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def get(self, name: str) -> Entry | None:
        """Return the entry of a result, if there is one."""
        return self._entries.get(name)

    def findings(self, entry: Entry) -> dict[str, Any]:
        """Read the findings of an entry."""
        with self._path.open("rb") as lines:
            lines.seek(entry.offset)
            findings: dict[str, Any] = json.loads(lines.readline())["findings"]
            return findings

    def add(self, name: str, photo: str, stamp: Stamp, recipe: str, findings: dict[str, Any]) -> None:
        """Append an entry with its findings. Raises OSError."""
        record = {"result": name, "photo": photo, **vars(stamp), "recipe": recipe, "findings": findings}
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._path.open("a+b") as lines:
            if lines.tell():
                lines.seek(-1, os.SEEK_END)
                # A line that a crash or a full disk cut short must not spoil this one.
                line = line if lines.read() == b"\n" else b"\n" + line
            lines.write(line)
            lines.flush()
            offset = lines.tell() - len(line.lstrip())
        self._entries[name] = Entry(photo, stamp, recipe, offset)

    def _read(self, line: bytes, offset: int) -> None:
        try:
            record = json.loads(line)
            stamp = Stamp(int(record["size"]), int(record["mtime_ns"]))
            if line.endswith(b"\n") and isinstance(record["findings"], dict):
                self._entries[str(record["result"])] = Entry(str(record["photo"]), stamp, str(record["recipe"]), offset)
        except (ValueError, KeyError, TypeError):
            return


class Journals:
    """Journals of all folders of a run, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, Journal] = {}

    def of(self, folder: Path) -> Journal:
        """Return the journal of a folder. Raises OSError if it exists and cannot be read."""
        absolute = Path(os.path.abspath(folder))
        if absolute not in self._known:
            self._known[absolute] = Journal(absolute)
        return self._known[absolute]
