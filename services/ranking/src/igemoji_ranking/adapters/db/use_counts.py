"""Queries of use counts."""

import datetime
from collections.abc import Mapping

import sqlalchemy as sa

from igemoji_mesh.db.database import Database
from igemoji_ranking.adapters.db import windows
from igemoji_ranking.adapters.db.tables import (
    counted_tasks,
    daily_counts,
    deleted_users,
    forgotten,
    pending_totals,
    totals,
    uses,
    visibility,
    window_counts,
)
from igemoji_ranking.domain.model import Use, UseCount, Window


class SqlUseCounts:
    """Counts uses by template and day, and keeps totals that are not published yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, use: Use, today: datetime.date) -> None:
        """Count a use: once per task, and once per user, template and day."""
        await self._database.write(lambda connection: _record(connection, use, today))

    async def forget(self, emoji_id: str) -> None:
        """Remove a template; later uses of it are ignored."""
        await self._database.write(lambda connection: _forget(connection, emoji_id))

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        """Show or hide a template, unless a newer revision is known."""
        await self._database.write(lambda connection: _set_shown(connection, emoji_id, shown, revision))

    async def remove_user(self, user_id: str) -> None:
        """Remove the uses of a user; later ones are ignored."""
        await self._database.write(lambda connection: _remove_user(connection, user_id))

    async def pending_totals(self, limit: int) -> dict[str, int]:
        """Return totals by template that are not published yet."""
        query = sa.select(pending_totals).order_by(pending_totals.c.emoji_id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.emoji_id: row.uses for row in rows}

    async def mark_published(self, published: Mapping[str, int]) -> None:
        """Remove pending totals; one that has changed in the meantime stays."""

        def work(connection: sa.Connection) -> None:
            for emoji_id, count in published.items():
                same = (pending_totals.c.emoji_id == emoji_id, pending_totals.c.uses == count)
                connection.execute(pending_totals.delete().where(*same))

        await self._database.write(work)

    async def top(self, window: Window, today: datetime.date, limit: int, offset: int) -> list[UseCount]:
        """Return the templates used most in a window that ends today; ties by first use, then by id."""
        if await self._database.read(lambda connection: windows.is_behind(connection, window, today)):
            await self._database.write(lambda connection: windows.advance(connection, window, today))
        page = windows.top(window).limit(limit).offset(offset)
        rows = await self._database.read(lambda connection: connection.execute(page).all())
        return [UseCount(row.emoji_id, -row.minus_uses) for row in rows]


def _record(connection: sa.Connection, use: Use, today: datetime.date) -> None:
    # The locks order this use and a concurrent removal of its template or user: either waits for the other.
    if _exists(connection, forgotten.c.emoji_id, use.emoji_id):
        return
    if _exists(connection, deleted_users.c.user_id, use.user_id):
        return
    if not _insert(connection, counted_tasks, {"task_id": use.task_id}):
        return
    if not _insert(connection, uses, {"emoji_id": use.emoji_id, "user_id": use.user_id, "day": use.day}):
        return
    for window in Window:
        windows.advance(connection, window, today)
    _increment(connection, daily_counts, {"day": use.day, "emoji_id": use.emoji_id}, {})
    known = connection.execute(_visibility(use.emoji_id)).one_or_none()
    defaults = {"first_used_at": use.used_at, "shown": known is None or known.shown}
    _increment(connection, totals, {"emoji_id": use.emoji_id}, defaults)
    _add_pending_total(connection, use.emoji_id)
    connection.execute(
        totals.update()
        .where(totals.c.emoji_id == use.emoji_id, totals.c.first_used_at > use.used_at)
        .values(first_used_at=use.used_at)
    )
    windows.add(connection, use)


def _forget(connection: sa.Connection, emoji_id: str) -> None:
    if _insert(connection, forgotten, {"emoji_id": emoji_id}):
        for table in (uses, daily_counts, totals, visibility, pending_totals, window_counts):
            connection.execute(table.delete().where(table.c.emoji_id == emoji_id))


def _visibility(emoji_id: str) -> sa.Select[tuple[bool, int]]:
    query = sa.select(visibility.c.shown, visibility.c.revision).where(visibility.c.emoji_id == emoji_id)
    return query.with_for_update()


def _set_shown(connection: sa.Connection, emoji_id: str, shown: bool, revision: int) -> None:
    if _exists(connection, forgotten.c.emoji_id, emoji_id):
        return
    known = connection.execute(_visibility(emoji_id)).one_or_none()
    if known is None:
        connection.execute(visibility.insert().values(emoji_id=emoji_id, shown=shown, revision=revision))
    elif known.revision >= revision:
        return
    else:
        same = visibility.c.emoji_id == emoji_id
        connection.execute(visibility.update().where(same).values(shown=shown, revision=revision))
    for table in (totals, window_counts):
        connection.execute(table.update().where(table.c.emoji_id == emoji_id).values(shown=shown))


def _remove_user(connection: sa.Connection, user_id: str) -> None:
    if not _insert(connection, deleted_users, {"user_id": user_id}):
        return
    theirs = sa.select(uses.c.emoji_id, uses.c.day).where(uses.c.user_id == user_id).with_for_update()
    for row in connection.execute(theirs).all():
        _decrement(connection, daily_counts, {"day": row.day, "emoji_id": row.emoji_id})
        windows.remove(connection, row.emoji_id, row.day)
        _decrement(connection, totals, {"emoji_id": row.emoji_id})
        _add_pending_total(connection, row.emoji_id)
    connection.execute(uses.delete().where(uses.c.user_id == user_id))


def _add_pending_total(connection: sa.Connection, emoji_id: str) -> None:
    """Mark the total of a template as not published."""
    total = connection.execute(sa.select(totals.c.uses).where(totals.c.emoji_id == emoji_id)).scalar() or 0
    if not _insert(connection, pending_totals, {"emoji_id": emoji_id, "uses": total}):
        same = pending_totals.c.emoji_id == emoji_id
        connection.execute(pending_totals.update().where(same).values(uses=total))


def _exists(connection: sa.Connection, column: sa.Column[str], value: str) -> bool:
    """Check for a row, and lock it or its absence until the transaction ends."""
    return connection.execute(sa.select(column).where(column == value).with_for_update()).first() is not None


def _insert(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> bool:
    """Insert a row; return False if it exists."""
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(row))
    except sa.exc.IntegrityError:
        return False
    return True


def _increment(connection: sa.Connection, table: sa.Table, key: dict[str, object], defaults: dict[str, object]) -> None:
    """Add a use to the row of a key; insert the row if it is missing."""
    if not _insert(connection, table, {**key, **defaults, "uses": 1}):
        same = [table.c[name] == value for name, value in key.items()]
        connection.execute(table.update().where(*same).values(uses=table.c.uses + 1))


def _decrement(connection: sa.Connection, table: sa.Table, key: dict[str, object]) -> None:
    """Subtract a use from the row of a key; delete the row at zero."""
    same = [table.c[name] == value for name, value in key.items()]
    connection.execute(table.update().where(*same).values(uses=table.c.uses - 1))
    connection.execute(table.delete().where(*same, table.c.uses <= 0))
