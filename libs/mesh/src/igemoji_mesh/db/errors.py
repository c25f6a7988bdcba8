"""Transient errors of the database drivers."""

import sqlite3

from igemoji_mesh.db import mysql
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.storage_errors import DatabaseAway, DatabaseBusy, StorageFull

_SQLITE_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def to_transient_error(error: BaseException | None) -> Unavailable | None:
    """Map an error of the database driver to a transient error; None if a retry can't cure it."""
    if isinstance(error, sqlite3.OperationalError):
        if error.sqlite_errorcode in _SQLITE_NO_SPACE:
            return StorageFull()
        # The low byte of an extended error code is the primary code.
        return DatabaseBusy() if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY else None
    if mysql.has_code(error, mysql.FULL):
        return StorageFull()
    if mysql.has_code(error, mysql.LOST | mysql.UNREACHABLE):
        return DatabaseAway()
    return DatabaseBusy() if mysql.is_conflict(error) or mysql.has_code(error, mysql.SLOW) else None
