"""Rows in bulk: into a database without its indices, which are made when all is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from igemoji_mesh.db.migrations import migrate


@contextmanager
def migrated(path: Path, package: str) -> Iterator[sqlite3.Cursor]:
    """A database as the service makes it; with what the block writes, and then with the service's indices."""
    migrate(f"sqlite:///{path}", package)
    connection = sqlite3.connect(path, isolation_level=None)
    cursor = connection.cursor()
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    indices = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indices:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("BEGIN")
    yield cursor
    for _, sql in indices:
        cursor.execute(sql)
    cursor.execute("COMMIT")
    connection.close()
