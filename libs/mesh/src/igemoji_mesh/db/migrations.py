"""Alembic migrations of a service's package, run at start under a lock."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from igemoji_mesh.db import mysql
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.errors import StartError

LOCK_SECONDS = 300

_CAPACITY = {
    f"{size}{kind}": 2**bits - 1
    for kind in ("TEXT", "BLOB")
    for size, bits in (("TINY", 8), ("", 16), ("MEDIUM", 24), ("LONG", 32))
}
"""Bytes by MySQL type."""


def migrate(url: str, package: str) -> None:
    """Upgrade a database to the newest revision of `<package>.migrations`. Raises StartError."""
    engine = create_engine(url, bounded=False)
    try:
        if engine.dialect.name == "sqlite":
            with _file_lock(url), engine.execution_options(igemoji_write=True).begin() as connection:
                command.upgrade(_config(package, connection), "head")
        else:
            with engine.connect() as connection, _server_lock(connection):
                mysql.prepare(connection)
                command.upgrade(_config(package, connection), "head")
                connection.commit()
    except sa.exc.DatabaseError as error:
        raise StartError(f"The database {engine.url.render_as_string()} can't be used: {error.orig}.") from None
    finally:
        engine.dispose()


def run(metadata: sa.MetaData) -> None:
    """Run the migrations; called by the `env.py` of every service."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
    context.run_migrations()


def differences(url: str, package: str, metadata: sa.MetaData) -> list[object]:
    """Return the differences between the tables in code and the migrated database; for a test."""
    migrate(url, package)
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": _is_other_type}), metadata
        )
    engine.dispose()
    return list(found)


def _is_other_type(_context: Any, _inspected: Any, _column: Any, found: Any, wanted: Any) -> bool | None:
    """Compare texts and blobs by capacity, because MySQL chooses the type by length; None: use Alembic's comparison."""
    name = type(found).__name__
    if name not in _CAPACITY or not isinstance(wanted, sa.Text if name.endswith("TEXT") else sa.LargeBinary):
        return None
    length: int | None = wanted.length
    return length is not None and max(_CAPACITY[name], getattr(found, "length", None) or 0) < length


def _config(package: str, connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(package) / "migrations"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _server_lock(connection: sa.Connection) -> Iterator[None]:
    """Hold a lock of the session, which survives commits, against replicas on any machine."""
    name = connection.execute(sa.text("SELECT CONCAT('migrate-', LEFT(SHA2(DATABASE(), 256), 32))")).scalar_one()
    locked = connection.execute(sa.text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": LOCK_SECONDS})
    if locked.scalar_one() != 1:
        raise StartError(f"Another replica has been migrating the database for more than {LOCK_SECONDS} s.")
    try:
        yield
    finally:
        with suppress(sa.exc.DBAPIError):  # the lock also ends with the session
            connection.rollback()
            connection.execute(sa.text("SELECT RELEASE_LOCK(:name)"), {"name": name})


@contextmanager
def _file_lock(url: str) -> Iterator[None]:
    """Hold a file lock against processes on this machine."""
    path = sa.make_url(url).database
    if not path or path == ":memory:":
        yield
        return
    try:
        with Path(f"{path}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StartError(f"The data folder {Path(path).parent} can't be written: {error.strerror}.") from None
