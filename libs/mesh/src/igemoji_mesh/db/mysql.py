"""What MySQL and MariaDB need that SQLite does not: how a session is set up, and what their errors mean."""

from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import SERVER_STATUS
from sqlalchemy import event

from igemoji_mesh.errors import StartError

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
"""A query that takes longer is given up by the server."""
ANSWER_SECONDS = 30
"""Longer than any statement may take: a server that says nothing for so long is gone."""
IDLE_SECONDS = 20
"""A machine that is gone without a word must not keep its locks for as long as a connection may be idle."""
LOCK_WAIT_SECONDS = 3
RECYCLE_SECONDS = 1800
"""Less than servers and firewalls keep an idle connection."""

SQL_MODE = ",".join(
    (
        "ONLY_FULL_GROUP_BY",
        "STRICT_TRANS_TABLES",
        "NO_ZERO_IN_DATE",
        "NO_ZERO_DATE",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_ENGINE_SUBSTITUTION",
    )
)
"""What MySQL 8 does by default; MariaDB's default is laxer in one point."""

# https://mariadb.com/docs/server/reference/error-codes and MySQL's own list have the same numbers.
_CONFLICTS = frozenset(
    (
        1020,  # ER_CHECKREAD: the row has changed since it was read
        1205,  # ER_LOCK_WAIT_TIMEOUT
        1213,  # ER_LOCK_DEADLOCK
    )
)
_LOST = frozenset(
    (
        0,  # PyMySQL's InterfaceError: the connection is closed
        1053,  # ER_SERVER_SHUTDOWN
        1927,  # ER_CONNECTION_KILLED
        2006,  # CR_SERVER_GONE_ERROR
        2013,  # CR_SERVER_LOST
        2014,  # CR_COMMANDS_OUT_OF_SYNC: the session was left in the midst of an answer
        4031,  # ER_CLIENT_INTERACTION_TIMEOUT
    )
)
_AWAY = frozenset(
    (
        1040,  # ER_CON_COUNT_ERROR
        1047,  # WSREP: the node is not part of the cluster yet
        1203,  # ER_TOO_MANY_USER_CONNECTIONS
        1290,  # ER_OPTION_PREVENTS_STATEMENT: read only, while another server takes over
        1317,  # ER_QUERY_INTERRUPTED
        1836,  # ER_READ_ONLY_MODE
        2002,  # CR_CONNECTION_ERROR
        2003,  # CR_CONN_HOST_ERROR
        2005,  # CR_UNKNOWN_HOST
    )
)
_SLOW = frozenset(
    (
        1969,  # MariaDB's ER_STATEMENT_TIMEOUT
        3024,  # MySQL's ER_QUERY_TIMEOUT
    )
)
_FULL = frozenset(
    (
        1021,  # ER_DISK_FULL
        1114,  # ER_RECORD_FILE_FULL
    )
)


def create_engine(url: sa.URL, pool_size: int, *, bounded: bool) -> sa.Engine:
    """`bounded`: a statement that takes too long is given up; not so for migrations. Raises StartError."""
    if url.get_driver_name() != "pymysql":
        raise StartError(f"DATABASE_URL must begin with mysql+pymysql://, not {url.drivername}://.")
    if not url.database:
        raise StartError("DATABASE_URL names no database: mysql+pymysql://user:password@host/database.")
    waits = {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS} if bounded else {}
    engine = sa.create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        pool_size=pool_size,
        max_overflow=0,
        pool_recycle=RECYCLE_SECONDS,
        pool_reset_on_return=None,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": CONNECT_SECONDS, **waits},
        # Errors end up in logs, and values are addresses and password hashes.
        hide_parameters=True,
    )

    # Round trips are what a short transaction consists of. Connections are not tried out before they are used, work is
    # done again on a new one where one was lost; and one whose transaction has ended is not rolled back.
    @event.listens_for(engine, "reset")
    def reset(connection: Any, _record: object, _state: object) -> None:
        if connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            connection.rollback()

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # Whatever the server's own defaults are.
        session: dict[str, object] = {
            "time_zone": "'+00:00'",
            "sql_mode": f"'{SQL_MODE}'",
            "innodb_lock_wait_timeout": LOCK_WAIT_SECONDS,
        }
        if bounded and "MariaDB" in connection.get_server_info():
            session["max_statement_time"] = STATEMENT_SECONDS
            session["idle_transaction_timeout"] = IDLE_SECONDS
        elif bounded:
            session["max_execution_time"] = STATEMENT_SECONDS * 1000
        with connection.cursor() as cursor:
            cursor.execute("SET " + ", ".join(f"SESSION {name} = {value}" for name, value in session.items()))

    return engine


def begin(connection: sa.Connection) -> None:
    """A transaction that writes runs as if it were alone, like on SQLite, unless it asks for less: what it has read
    stays so until it ends.
    """
    isolation = connection.get_execution_options().get("igemoji_write")
    if isolation:
        level = "READ COMMITTED" if isolation == "READ COMMITTED" else "SERIALIZABLE"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")


def prepare(connection: sa.Connection) -> None:
    """New tables compare text byte by byte, trailing spaces included, as SQLite does: a 😀 is no 😃, an A no a."""
    collation = "utf8mb4_nopad_bin" if connection.dialect.is_mariadb else "utf8mb4_0900_bin"  # type: ignore[attr-defined]
    connection.exec_driver_sql(f"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {collation}")


def is_conflict(error: BaseException | None) -> bool:
    """Whether another transaction was in the way: nothing of this one holds, and it may be run again.

    A deadlock takes savepoints away with all the rest, so that what is raised last may be that there is none.
    """
    while error is not None:
        if isinstance(error, pymysql.err.Error) and _code(error) in _CONFLICTS:
            return True
        error = error.__cause__ or error.__context__
    return False


def is_lost(error: BaseException | None) -> bool:
    """Whether the connection ended under way."""
    return isinstance(error, pymysql.err.Error) and _code(error) in _LOST


def is_away(error: BaseException | None) -> bool:
    """Whether the server can't be reached, or does not take part now."""
    return isinstance(error, pymysql.err.Error) and _code(error) in _AWAY


def is_slow(error: BaseException | None) -> bool:
    return isinstance(error, pymysql.err.Error) and _code(error) in _SLOW


def is_full(error: BaseException | None) -> bool:
    return isinstance(error, pymysql.err.Error) and _code(error) in _FULL


def _code(error: pymysql.err.Error) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0
