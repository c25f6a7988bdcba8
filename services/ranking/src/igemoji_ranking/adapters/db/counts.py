"""Where uses are counted: the queries behind the port of `service`."""

import datetime
from collections.abc import Mapping

import sqlalchemy as sa

from igemoji_mesh.db.database import Database
from igemoji_ranking.adapters.db import windows
from igemoji_ranking.adapters.db.tables import (
    counted_tasks,
    daily_counts,
    forgotten,
    gone_users,
    told_shown,
    totals,
    untold_totals,
    uses,
    window_counts,
)
from igemoji_ranking.domain.model import Standing, Use, Window


class CountStore:
    """Counts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, use: Use, today: datetime.date) -> None:
        await self._database.write(lambda connection: _record(connection, use, today))

    async def forget(self, emoji_id: str) -> None:
        await self._database.write(lambda connection: _forget(connection, emoji_id))

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        await self._database.write(lambda connection: _set_shown(connection, emoji_id, shown, revision))

    async def remove_user(self, user_id: str) -> None:
        await self._database.write(lambda connection: _remove_user(connection, user_id))

    async def untold(self, limit: int) -> dict[str, int]:
        query = sa.select(untold_totals).order_by(untold_totals.c.emoji_id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.emoji_id: row.uses for row in rows}

    async def told(self, uses_by_id: Mapping[str, int]) -> None:
        def work(connection: sa.Connection) -> None:
            for emoji_id, count in uses_by_id.items():
                same = (untold_totals.c.emoji_id == emoji_id, untold_totals.c.uses == count)
                connection.execute(untold_totals.delete().where(*same))

        await self._database.write(work)

    async def top(self, window: Window, today: datetime.date, limit: int, offset: int) -> list[Standing]:
        if await self._database.read(lambda connection: windows.is_behind(connection, window, today)):
            await self._database.write(lambda connection: windows.advance(connection, window, today))
        page = windows.top(window).limit(limit).offset(offset)
        rows = await self._database.read(lambda connection: connection.execute(page).all())
        return [windows.standing(row) for row in rows]


def _record(connection: sa.Connection, use: Use, today: datetime.date) -> None:
    # The locks make a template or user that is being forgotten wait for this use, or this use see that they are gone.
    if _is_there(connection, forgotten.c.emoji_id, use.emoji_id):
        return
    if _is_there(connection, gone_users.c.user_id, use.user_id):
        return
    if not _is_new(connection, counted_tasks, {"task_id": use.task_id}):
        return
    if not _is_new(connection, uses, {"emoji_id": use.emoji_id, "user_id": use.user_id, "day": use.day}):
        return
    for window in Window:
        windows.advance(connection, window, today)
    _add_one(connection, daily_counts, {"day": use.day, "emoji_id": use.emoji_id}, {})
    told = connection.execute(_told_shown(use.emoji_id)).one_or_none()
    at_first = {"first_used_at": use.used_at, "shown": told is None or told.shown}
    _add_one(connection, totals, {"emoji_id": use.emoji_id}, at_first)
    _note_total(connection, use.emoji_id)
    connection.execute(
        totals.update()
        .where(totals.c.emoji_id == use.emoji_id, totals.c.first_used_at > use.used_at)
        .values(first_used_at=use.used_at)
    )
    windows.add(connection, use)


def _forget(connection: sa.Connection, emoji_id: str) -> None:
    if _is_new(connection, forgotten, {"emoji_id": emoji_id}):
        for table in (uses, daily_counts, totals, told_shown, untold_totals, window_counts):
            connection.execute(table.delete().where(table.c.emoji_id == emoji_id))


def _told_shown(emoji_id: str) -> sa.Select[tuple[bool, int]]:
    chosen = sa.select(told_shown.c.shown, told_shown.c.revision).where(told_shown.c.emoji_id == emoji_id)
    return chosen.with_for_update()


def _set_shown(connection: sa.Connection, emoji_id: str, shown: bool, revision: int) -> None:
    if _is_there(connection, forgotten.c.emoji_id, emoji_id):
        return
    known = connection.execute(_told_shown(emoji_id)).one_or_none()
    if known is None:
        connection.execute(told_shown.insert().values(emoji_id=emoji_id, shown=shown, revision=revision))
    elif known.revision >= revision:
        return
    else:
        same = told_shown.c.emoji_id == emoji_id
        connection.execute(told_shown.update().where(same).values(shown=shown, revision=revision))
    for table in (totals, window_counts):
        connection.execute(table.update().where(table.c.emoji_id == emoji_id).values(shown=shown))


def _remove_user(connection: sa.Connection, user_id: str) -> None:
    if not _is_new(connection, gone_users, {"user_id": user_id}):
        return
    theirs = sa.select(uses.c.emoji_id, uses.c.day).where(uses.c.user_id == user_id).with_for_update()
    for row in connection.execute(theirs).all():
        _take_one(connection, daily_counts, {"day": row.day, "emoji_id": row.emoji_id})
        windows.take(connection, row.emoji_id, row.day)
        _take_one(connection, totals, {"emoji_id": row.emoji_id})
        _note_total(connection, row.emoji_id)
    connection.execute(uses.delete().where(uses.c.user_id == user_id))


def _note_total(connection: sa.Connection, emoji_id: str) -> None:
    """The catalogue is to be told of a total that has changed."""
    total = connection.execute(sa.select(totals.c.uses).where(totals.c.emoji_id == emoji_id)).scalar() or 0
    if not _is_new(connection, untold_totals, {"emoji_id": emoji_id, "uses": total}):
        same = untold_totals.c.emoji_id == emoji_id
        connection.execute(untold_totals.update().where(same).values(uses=total))


def _is_there(connection: sa.Connection, column: sa.Column[str], value: str) -> bool:
    """Whether a row has the value, or none will until this transaction ends."""
    return connection.execute(sa.select(column).where(column == value).with_for_update()).first() is not None


def _is_new(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> bool:
    """Inserts a row; False where it is there already."""
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(row))
    except sa.exc.IntegrityError:
        return False
    return True


def _add_one(connection: sa.Connection, table: sa.Table, key: dict[str, object], at_first: dict[str, object]) -> None:
    """Counts a use in the row of a key, which is made where it is missing."""
    if not _is_new(connection, table, {**key, **at_first, "uses": 1}):
        same = [table.c[name] == value for name, value in key.items()]
        connection.execute(table.update().where(*same).values(uses=table.c.uses + 1))


def _take_one(connection: sa.Connection, table: sa.Table, key: dict[str, object]) -> None:
    """Takes a use out of the row of a key, and the row away with its last one."""
    same = [table.c[name] == value for name, value in key.items()]
    connection.execute(table.update().where(*same).values(uses=table.c.uses - 1))
    connection.execute(table.delete().where(*same, table.c.uses <= 0))
