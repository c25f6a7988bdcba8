"""Checksums: the object store must return the bytes that were put.

The writer stores the SHA-256 (FIPS 180-4) next to the reference: in a column of its row, or in the key. An empty
checksum belongs to an object from before checksums; it is not verified.
"""

import hashlib
from collections.abc import Iterator

from igemoji_mesh.errors import DataLoss
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability import metrics
from igemoji_mesh.observability.logging import log

DAMAGED = metrics.counter(metrics.OBJECTS_DAMAGED)


class ObjectDamaged(DataLoss):
    """The object's checksum is not the stored one."""

    def __init__(self) -> None:
        super().__init__("This file was damaged in storage. Create it again, or report it to the operator.")


def sha256(data: bytes) -> str:
    """Return the checksum of bytes: 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def get(objects: ObjectStore, key: str, checksum: str) -> bytes:
    """Return a verified object. Raises ObjectMissing, ObjectDamaged."""
    data = objects.get(key)
    _compare(key, sha256(data), checksum)
    return data


def stream(objects: ObjectStore, key: str, checksum: str) -> Iterator[bytes]:
    """Return a verified object in chunks. Raises ObjectMissing, ObjectDamaged before the first one.

    The object is read twice, to verify it and to send it: a slow reader costs one chunk of memory.
    """
    if checksum:
        _compare(key, checksum_of(objects, key), checksum)
    return objects.stream(key)


def checksum_of(objects: ObjectStore, key: str) -> str:
    """Return the checksum of an object as it is now. Raises ObjectMissing."""
    digest = hashlib.sha256()
    for chunk in objects.stream(key):
        digest.update(chunk)
    return digest.hexdigest()


def _compare(key: str, found: str, checksum: str) -> None:
    if checksum and found != checksum:
        DAMAGED.inc()
        log.error("objects.damaged", key=key, found=found, stored=checksum)
        raise ObjectDamaged
