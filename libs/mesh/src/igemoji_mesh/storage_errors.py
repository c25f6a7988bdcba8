"""Transient errors of databases and object stores."""

import errno
import sqlite3

from igemoji_mesh.db import mysql
from igemoji_mesh.errors import Unavailable

RETRY_AFTER_SECONDS = 10

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_SQLITE_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


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


def to_transient_error(error: BaseException | None) -> Unavailable | None:
    """Map an error of the database driver to a transient error; None if a retry can't cure it."""
    if isinstance(error, sqlite3.OperationalError):
        return _sqlite_error(error)
    if mysql.is_full(error):
        return StorageFull()
    if mysql.is_lost(error) or mysql.is_unreachable(error):
        return DatabaseAway()
    return DatabaseBusy() if mysql.is_conflict(error) or mysql.is_slow(error) else None


def _sqlite_error(error: sqlite3.OperationalError) -> Unavailable | None:
    code = error.sqlite_errorcode
    if code in _SQLITE_NO_SPACE:
        return StorageFull()
    # The low byte of an extended error code is the primary code.
    return DatabaseBusy() if code & 0xFF == sqlite3.SQLITE_BUSY else None
