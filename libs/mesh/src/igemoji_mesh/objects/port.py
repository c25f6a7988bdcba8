"""The object store port."""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from igemoji_mesh.errors import NotFound

CHUNK_BYTES = 256 * 1024

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


@dataclass(frozen=True)
class S3Credentials:
    """Access key and secret key of an S3 server."""

    access: str = ""
    secret: str = ""


class ObjectMissing(NotFound):
    """There is no object under the key."""


class ObjectStore(Protocol):
    """Bytes under keys such as `results/0198c….jpg`. Methods block: call them in a thread.

    With S3 each may raise ObjectStoreAway, after retries.
    """

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store all of it or nothing, in place of the object that has the key. Raises StorageFull."""

    def get(self, key: str) -> bytes:
        """Return an object. Raises ObjectMissing."""

    def stream(self, key: str) -> Iterator[bytes]:
        """Return an object in chunks of at most CHUNK_BYTES. Raises ObjectMissing before the first one."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object under the key."""

    def delete(self, key: str) -> None:
        """Delete an object. Idempotent."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that ends in `/`, in no particular order."""

    def check(self) -> None:
        """Raise if objects can't be stored now; for readiness."""

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:
        """Return a URL under which a browser can fetch an object for a time; None if there can be none."""

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        """Have the store itself delete objects below a prefix, such as `photos/`, after some days, if it can.

        A safety net: services delete by themselves what has expired.
        """

    def close(self) -> None:
        """Close connections."""


def checked_key(key: str) -> str:
    """Return the key. Raises ValueError if a store could understand it in another way."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not an object key: {key!r}")
    return key
