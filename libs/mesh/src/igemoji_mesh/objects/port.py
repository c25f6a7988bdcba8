"""The object store port, and the folder that serves one machine."""

import contextlib
import datetime
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from igemoji_mesh.errors import NotFound, StartError
from igemoji_mesh.objects.metrics import timed
from igemoji_mesh.storage_errors import StorageFull, no_space

CHUNK_BYTES = 256 * 1024

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


@dataclass(frozen=True)
class Keys:
    """Credentials of a store on the network."""

    access: str = ""
    secret: str = ""


class ObjectMissing(NotFound):
    """There is no object under the key."""


class ObjectStore(Protocol):
    """Bytes under keys such as `results/0198c….jpg`. Methods block: call them in a thread.

    On the network each may raise ObjectStoreAway, after some tries.
    """

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

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:
        """Where a browser may fetch an object by itself for some time; None where only its service can."""

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        """What lies below a prefix, such as `photos/`, for so many days is to go by itself, where a store can do that.

        It is a second line: a service removes by itself what is not to be kept.
        """

    def close(self) -> None: ...


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

    @timed
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

    @timed
    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except _NO_FILE:
            raise ObjectMissing(f"There is no object {key}.") from None

    @timed
    def stream(self, key: str) -> Iterator[bytes]:
        try:
            file = self._path(key).open("rb")
        except _NO_FILE:
            raise ObjectMissing(f"There is no object {key}.") from None
        return _chunks(file)

    @timed
    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    @timed
    def delete(self, key: str) -> None:
        with contextlib.suppress(*_NO_FILE):
            self._path(key).unlink()

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix.rstrip("/"))
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield str(path.relative_to(self._root))

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:  # noqa: ARG002 - nobody else can read the folder
        return None

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        """A folder does nothing by itself."""

    def close(self) -> None:
        """A folder holds nothing open."""

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
        return self._root / checked_key(key)


def checked_key(key: str) -> str:
    """Raises ValueError where a key could mean something else to a store."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not an object key: {key!r}")
    return key


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def object_store(url: str, keys: Keys | None = None) -> ObjectStore:
    """The store that a URL names: `file:///var/lib/igemoji/objects` or `s3://bucket?endpoint=…`. Raises StartError.

    `keys` are for S3.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from igemoji_mesh.objects import s3  # not loaded where it is not used

        return s3.S3ObjectStore(s3.Place.parse(url), keys or Keys())
    if parts.scheme != "file" or parts.netloc:
        raise StartError(f"OBJECT_STORE_URL is {url!r}; it must look like file:///a/folder or s3://bucket?endpoint=….")
    try:
        return FolderObjectStore(Path(unquote(parts.path)))
    except OSError as error:
        raise StartError(f"The object store's folder {parts.path} can't be used: {error.strerror}.") from None
