"""Object store in a folder of this machine."""

import contextlib
import datetime
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from igemoji_mesh.objects.metrics import timed
from igemoji_mesh.objects.port import CHUNK_BYTES, ObjectMissing, checked_key
from igemoji_mesh.storage_errors import StorageFull, is_no_space

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class FolderObjectStore:
    """Objects as files in a folder, for any number of processes on this machine.

    Unfinished files are in a folder of their own, locked by their writers. One without a lock was left by a process
    that has died; the next process that opens the store removes it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / ".unfinished"
        self._unfinished.mkdir(parents=True, exist_ok=True)
        self._remove_abandoned()

    @timed
    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - a folder keeps no content types
        """Write to a locked temporary file and rename it."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._new_file() as (file, name):
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.replace(name, path)
        except OSError as error:
            if is_no_space(error):
                raise StorageFull from error
            raise

    @timed
    def get(self, key: str) -> bytes:
        """Return an object. Raises ObjectMissing."""
        try:
            return self._path(key).read_bytes()
        except _NO_FILE:
            raise ObjectMissing(f"There is no object {key}.") from None

    @timed
    def stream(self, key: str) -> Iterator[bytes]:
        """Return an object in chunks. Raises ObjectMissing before the first one."""
        try:
            file = self._path(key).open("rb")
        except _NO_FILE:
            raise ObjectMissing(f"There is no object {key}.") from None
        return _chunks(file)

    @timed
    def exists(self, key: str) -> bool:
        """Return whether there is an object under the key."""
        return self._path(key).is_file()

    @timed
    def delete(self, key: str) -> None:
        """Delete an object. Idempotent."""
        with contextlib.suppress(*_NO_FILE):
            self._path(key).unlink()

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix."""
        folder = self._path(prefix.rstrip("/"))
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield str(path.relative_to(self._root))

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:  # noqa: ARG002 - see the port
        """Return None: only this machine can read the folder."""
        return None

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        """Do nothing: a folder can't delete by itself."""

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def check(self) -> None:
        """Raise if no file can be written."""
        with tempfile.TemporaryFile(dir=self._root):
            pass

    @contextlib.contextmanager
    def _new_file(self) -> Iterator[tuple[BinaryIO, str]]:
        """Yield a locked temporary file and its name; it is removed after the block unless it was renamed."""
        while True:
            descriptor, name = tempfile.mkstemp(dir=self._unfinished)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # otherwise another process removed it before it was locked
                break
            os.close(descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, name
        finally:
            Path(name).unlink(missing_ok=True)

    def _remove_abandoned(self) -> None:
        for path in self._unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
