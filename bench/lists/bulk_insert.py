"""Bulk insert into a database without its indexes, which are created at the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from igemoji_mesh.db.migrations import migrate


@contextmanager
def migrated(path: Path, package: str) -> Iterator[sqlite3.Cursor]:
    """Create the database of a service, yield a cursor to fill it, then create its indexes."""
    migrate(f"sqlite:///{path}", package)
    connection = sqlite3.connect(path, isolation_level=None)
    cursor = connection.cursor()
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    indexes = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("BEGIN")
    yield cursor
    for _, sql in indexes:
        cursor.execute(sql)
    cursor.execute("COMMIT")
    connection.close()
