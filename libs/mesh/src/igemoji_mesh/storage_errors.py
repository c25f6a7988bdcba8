"""What a service says when what it stores in fails it for a while."""

import errno
import sqlite3

from igemoji_mesh.db import mysql
from igemoji_mesh.errors import Unavailable

RETRY_AFTER_SECONDS = 10

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_SQLITE_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


class StorageFull(Unavailable):
    """The disk has no room left. Nothing of what was to be stored is kept."""

    def __init__(self) -> None:
        text = "There is no space left to store this. Try again when space has been made."
        super().__init__(text, retry_after_seconds=RETRY_AFTER_SECONDS)


class DatabaseBusy(Unavailable):
    """Others have held the database for longer than a call waits."""

    def __init__(self) -> None:
        super().__init__("The database is busy. Try again in a moment.", retry_after_seconds=1)


class DatabaseAway(Unavailable):
    """The database does not answer. A change that was just being committed may hold, or not."""

    def __init__(self) -> None:
        super().__init__("The database does not answer. Try again in a moment.", retry_after_seconds=2)


class ObjectStoreAway(Unavailable):
    """The object store does not answer."""

    def __init__(self) -> None:
        super().__init__("The object store does not answer. Try again in a moment.", retry_after_seconds=2)


def no_space(error: OSError) -> bool:
    return error.errno in _NO_SPACE


def passing_trouble(error: BaseException | None) -> Unavailable | None:
    """What an error of the database's driver means to a caller; None where it is a fault and no passing trouble."""
    if isinstance(error, sqlite3.OperationalError):
        return _trouble_of_sqlite(error)
    if mysql.is_full(error):
        return StorageFull()
    if mysql.is_lost(error) or mysql.is_away(error):
        return DatabaseAway()
    return DatabaseBusy() if mysql.is_conflict(error) or mysql.is_slow(error) else None


def _trouble_of_sqlite(error: sqlite3.OperationalError) -> Unavailable | None:
    code = error.sqlite_errorcode
    if code in _SQLITE_NO_SPACE:
        return StorageFull()
    # The low byte is the kind of an extended code.
    return DatabaseBusy() if code & 0xFF == sqlite3.SQLITE_BUSY else None
