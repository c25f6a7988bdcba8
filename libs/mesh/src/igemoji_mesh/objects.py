"""The object store port, and the folder that serves one machine."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from igemoji_mesh.errors import NotFound, StartError

CHUNK_BYTES = 256 * 1024

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class ObjectMissing(NotFound):
    """There is no object under the key."""


class ObjectStore(Protocol):
    """Bytes under keys such as `results/0198c….jpg`. Methods block: call them in a thread."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Stores all of it or nothing; what stood under the key is replaced."""

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
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - a folder keeps no content types
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
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
