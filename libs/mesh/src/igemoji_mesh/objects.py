"""The object store port, and the folder that serves one machine."""

import contextlib
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from igemoji_mesh.errors import NotFound, StartError
from igemoji_mesh.storage import StorageFull, no_space

CHUNK_BYTES = 256 * 1024

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class ObjectMissing(NotFound):
    """There is no object under the key."""


class ObjectStore(Protocol):
    """Bytes under keys such as `results/0198c….jpg`. Methods block: call them in a thread."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Stores all of it or nothing; what stood under the key is replaced. Raises StorageFull."""

    def get(self, key: str) -> bytes:
        """Raises ObjectMissing."""

    def stream(self, key: str) -> Iterator[bytes]:
        """The same in chunks of at most CHUNK_BYTES. Raises ObjectMissing before the first one."""

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Also succeeds where there is nothing."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix that ends in `/`, in no particular order."""

    def check(self) -> None:
        """Raises where objects can't be stored now; for readiness."""


class FolderObjectStore:
    """A folder on this machine, for any number of processes.

    What is being written lies in a folder apart, locked by its writer: what is there without a lock was left by a
    process that is gone, and is removed by the next one that opens the store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / ".unfinished"
        self._unfinished.mkdir(parents=True, exist_ok=True)
        self._remove_abandoned()

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - a folder keeps no content types
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._new_file() as (file, name):
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.replace(name, path)
        except OSError as error:
            if no_space(error):
                raise StorageFull from error
            raise

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(f"There is no object {key}.") from None

    def stream(self, key: str) -> Iterator[bytes]:
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError:
            raise ObjectMissing(f"There is no object {key}.") from None
        return _chunks(file)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix.rstrip("/"))
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield str(path.relative_to(self._root))

    def check(self) -> None:
        with tempfile.TemporaryFile(dir=self._root):
            pass

    @contextlib.contextmanager
    def _new_file(self) -> Iterator[tuple[BinaryIO, str]]:
        """A locked file and its name, which is gone after the block unless it was moved elsewhere."""
        while True:
            descriptor, name = tempfile.mkstemp(dir=self._unfinished)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else another process saw it before it was locked, and removed it
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
        if not _KEY.fullmatch(key):
            raise ValueError(f"not an object key: {key!r}")
        return self._root / key


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def object_store(url: str) -> ObjectStore:
    """The store that a URL names: `file:///var/lib/igemoji/objects`. Raises StartError."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc:
        raise StartError(f"OBJECT_STORE_URL is {url!r}; it must look like file:///a/folder.")
    try:
        return FolderObjectStore(Path(unquote(parts.path)))
    except OSError as error:
        raise StartError(f"The object store's folder {parts.path} can't be used: {error.strerror}.") from None
