"""Whether what the object store gives back is what was put there, by its SHA-256 (FIPS 180-4).

Who puts an object keeps the checksum with what names the object: in its row, or in its key. An empty checksum is that
of an object from before checksums were kept; such a one is given out as it is.
"""

import hashlib
from collections.abc import Iterator

from igemoji_mesh.errors import DataLoss
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import counter

DAMAGED = counter("igemoji_objects_damaged_total")


class ObjectDamaged(DataLoss):
    """What lies under the key is not what was put there."""

    def __init__(self) -> None:
        super().__init__("This file was damaged in our store, so it is not given out. Make it anew, or tell us of it.")


def sha256(data: bytes) -> str:
    """As checksums are kept: 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def get(objects: ObjectStore, key: str, checksum: str) -> bytes:
    """Raises ObjectMissing, ObjectDamaged."""
    data = objects.get(key)
    _compare(key, sha256(data), checksum)
    return data


def stream(objects: ObjectStore, key: str, checksum: str) -> Iterator[bytes]:
    """An object in chunks. It is read twice: whole once, to be compared, and then to be given out.

    So a damaged one is refused before its first chunk, and a slow reader holds no more than a chunk of memory. Raises
    ObjectMissing, ObjectDamaged.
    """
    if checksum:
        _compare(key, measured(objects, key), checksum)
    return objects.stream(key)


def measured(objects: ObjectStore, key: str) -> str:
    """The checksum of what lies there now. Raises ObjectMissing."""
    digest = hashlib.sha256()
    for chunk in objects.stream(key):
        digest.update(chunk)
    return digest.hexdigest()


def _compare(key: str, found: str, checksum: str) -> None:
    if checksum and found != checksum:
        DAMAGED.inc()
        log.error("an object is damaged", key=key, found=found, stored=checksum)
        raise ObjectDamaged
