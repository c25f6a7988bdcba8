"""Transient errors of databases and object stores."""

import errno

from igemoji_mesh.errors import Unavailable

RETRY_AFTER_SECONDS = 10

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class StorageFull(Unavailable):
    """The disk is full. Nothing was stored."""

    def __init__(self) -> None:
        super().__init__("Storage is full. Try again later.", retry_after_seconds=RETRY_AFTER_SECONDS)


class DatabaseBusy(Unavailable):
    """A lock was not released within the time that a call waits."""

    def __init__(self) -> None:
        super().__init__("The database is busy. Try again in a moment.", retry_after_seconds=1)


class DatabaseAway(Unavailable):
    """The database does not answer. A transaction may or may not have been committed."""

    def __init__(self) -> None:
        super().__init__("The database does not answer. Try again in a moment.", retry_after_seconds=2)


class ObjectStoreAway(Unavailable):
    """The object store does not answer."""

    def __init__(self) -> None:
        super().__init__("The object store does not answer. Try again in a moment.", retry_after_seconds=2)


def is_no_space(error: OSError) -> bool:
    """Return whether the disk or the quota is full."""
    return error.errno in _NO_SPACE
