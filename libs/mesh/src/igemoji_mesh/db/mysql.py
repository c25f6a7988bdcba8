"""MySQL and MariaDB: settings of sessions, and the meaning of error codes."""

from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CR, ER, SERVER_STATUS
from sqlalchemy import event

from igemoji_mesh.errors import StartError

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
"""The server aborts a query that takes longer."""
ANSWER_SECONDS = 30
"""Longer than any statement may take: a server that is silent for this time is gone."""
IDLE_SECONDS = 20
"""The server ends idle transactions, so that a crashed machine does not keep its locks."""
LOCK_WAIT_SECONDS = 3
RECYCLE_SECONDS = 1800
"""Shorter than the idle timeout of servers and firewalls."""

SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
"""Default of MySQL 8; MariaDB's default lacks ONLY_FULL_GROUP_BY and the date checks."""

# https://mariadb.com/docs/server/reference/error-codes and MySQL's own list have the same numbers; PyMySQL lacks some.
CONNECTION_CLOSED, CONNECTION_KILLED, READ_ONLY_MODE, CLIENT_TIMEOUT = 0, 1927, 1836, 4031
"""The first is that of PyMySQL's InterfaceError."""
CONFLICTS = frozenset({ER.CHECKREAD, ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK})
"""CHECKREAD: the row has changed since it was read."""
LOST = frozenset({CONNECTION_CLOSED, CONNECTION_KILLED, CLIENT_TIMEOUT, ER.SERVER_SHUTDOWN}) | {
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_COMMANDS_OUT_OF_SYNC,  # a result was not read to its end
}
UNREACHABLE = frozenset({CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST, READ_ONLY_MODE}) | {
    ER.CON_COUNT_ERROR,
    ER.TOO_MANY_USER_CONNECTIONS,
    ER.QUERY_INTERRUPTED,
    ER.UNKNOWN_COM_ERROR,  # WSREP: the node has not joined the cluster yet
    ER.OPTION_PREVENTS_STATEMENT,  # read-only during a failover
}
SLOW = frozenset({ER.STATEMENT_TIMEOUT, ER.QUERY_TIMEOUT})
"""MariaDB's and MySQL's."""
FULL = frozenset({ER.DISK_FULL, ER.RECORD_FILE_FULL})


def create_engine(url: sa.URL, pool_size: int, *, bounded: bool) -> sa.Engine:
    """Open a database; `bounded`: statements have a time limit, unlike migrations. Raises StartError."""
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
        # Errors are logged, and parameters are e-mail addresses and password hashes.
        hide_parameters=True,
    )

    # Short transactions consist of round trips, so two are saved: connections are not tested before use (a unit of
    # work is retried on a new one instead), and only an open transaction is rolled back.
    @event.listens_for(engine, "reset")
    def reset(connection: Any, _record: object, _state: object) -> None:
        if connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            connection.rollback()

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # Independent of the server's defaults.
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
    """Begin a transaction that writes as SERIALIZABLE, like on SQLite, unless it asks for READ COMMITTED."""
    isolation = connection.get_execution_options().get("igemoji_write")
    if isolation:
        level = "READ COMMITTED" if isolation == "READ COMMITTED" else "SERIALIZABLE"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")


def prepare(connection: sa.Connection) -> None:
    """Have new tables compare text byte by byte, including case and trailing spaces, as SQLite does."""
    collation = "utf8mb4_nopad_bin" if connection.dialect.is_mariadb else "utf8mb4_0900_bin"  # type: ignore[attr-defined]
    connection.exec_driver_sql(f"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {collation}")


def is_conflict(error: BaseException | None) -> bool:
    """Return whether a lock conflict rolled the transaction back, so that it can be retried.

    The last error after a deadlock may be that a savepoint is missing, so the chain of causes is searched.
    """
    while error is not None:
        if has_code(error, CONFLICTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def has_code(error: BaseException | None, codes: frozenset[int]) -> bool:
    """Return whether an error of the driver has one of the codes."""
    return isinstance(error, pymysql.err.Error) and (error.args[0] if error.args else 0) in codes
