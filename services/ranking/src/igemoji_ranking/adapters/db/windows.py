"""Running totals per ranking window, so that a ranking reads no more rows than it returns.

A use is added to every window that contains its day. The counts of a day that has left a window are subtracted by the
first query of the new day.
"""

import datetime
from typing import Any

import sqlalchemy as sa

from igemoji_ranking.adapters.db.tables import daily_counts, totals, window_counts, window_starts
from igemoji_ranking.domain.model import Use, Window

ALL_TIME = datetime.date(1970, 1, 1)
"""First day of the window without a beginning."""


def first_day(window: Window, today: datetime.date) -> datetime.date:
    """Return the first day of a window."""
    return window.first_day(today) or ALL_TIME


def is_behind(connection: sa.Connection, window: Window, today: datetime.date) -> bool:
    """Check if days have left a window since it was advanced."""
    start = connection.execute(_start(window)).scalar_one_or_none()
    return start is None or start < first_day(window, today)


def advance(connection: sa.Connection, window: Window, today: datetime.date) -> None:
    """Subtract the days that have left a window; sum up a new window."""
    first = first_day(window, today)
    start = connection.execute(_start(window).with_for_update()).scalar_one_or_none()
    if start is None:
        connection.execute(window_starts.insert().values(window_name=window.name, first_day=first))
        _sum_up(connection, window, first)
    elif start < first:
        same = window_starts.c.window_name == window.name
        connection.execute(window_starts.update().where(same).values(first_day=first))
        _subtract(connection, window, start, first)


def top(window: Window) -> sa.Select[tuple[str, int]]:
    """Return the query of the templates used most; ties by first use, then by id."""
    columns = window_counts.c
    return (
        sa.select(columns.emoji_id, columns.minus_uses)
        .where(columns.window_name == window.name, columns.shown.is_(sa.true()))
        .order_by(columns.minus_uses, columns.first_used_at, columns.emoji_id)
    )


def add(connection: sa.Connection, use: Use) -> None:
    """Add a use, which is in `totals` already, to every window that contains its day."""
    columns = window_counts.c
    known = sa.select(totals.c.first_used_at, totals.c.shown).where(totals.c.emoji_id == use.emoji_id)
    total = connection.execute(known).one()
    for name in _windows_of(connection, use.day):
        same = (columns.window_name == name, columns.emoji_id == use.emoji_id)
        counted = connection.execute(window_counts.update().where(*same).values(minus_uses=columns.minus_uses - 1))
        if counted.rowcount == 0:
            row = {"window_name": name, "emoji_id": use.emoji_id, "minus_uses": -1, "shown": total.shown}
            connection.execute(window_counts.insert().values(row | {"first_used_at": total.first_used_at}))
    later = (columns.emoji_id == use.emoji_id, columns.first_used_at > total.first_used_at)
    connection.execute(window_counts.update().where(*later).values(first_used_at=total.first_used_at))


def remove(connection: sa.Connection, emoji_id: str, day: datetime.date) -> None:
    """Subtract a use from every window that contains its day."""
    columns = window_counts.c
    same = (columns.window_name.in_(_windows_of(connection, day)), columns.emoji_id == emoji_id)
    connection.execute(window_counts.update().where(*same).values(minus_uses=columns.minus_uses + 1))
    connection.execute(window_counts.delete().where(*same, columns.minus_uses >= 0))


def _start(window: Window) -> sa.Select[Any]:
    return sa.select(window_starts.c.first_day).where(window_starts.c.window_name == window.name)


def _windows_of(connection: sa.Connection, day: datetime.date) -> list[str]:
    """Return the names of the windows that start on or before a day."""
    chosen = sa.select(window_starts.c.window_name).where(window_starts.c.first_day <= day).with_for_update()
    return list(connection.execute(chosen).scalars())


def _sum_up(connection: sa.Connection, window: Window, first: datetime.date) -> None:
    columns = daily_counts.c
    sums = (
        sa.select(
            sa.literal(window.name),
            columns.emoji_id,
            -sa.func.sum(columns.uses),
            totals.c.first_used_at,
            totals.c.shown,
        )
        .join(totals, totals.c.emoji_id == columns.emoji_id)
        .where(columns.day >= first)
        .group_by(columns.emoji_id, totals.c.first_used_at, totals.c.shown)
    )
    names = ["window_name", "emoji_id", "minus_uses", "first_used_at", "shown"]
    connection.execute(window_counts.insert().from_select(names, sums))


def _subtract(connection: sa.Connection, window: Window, start: datetime.date, first: datetime.date) -> None:
    """Subtract the counts of the days from `start` to the day before `first`."""
    days = (daily_counts.c.day >= start, daily_counts.c.day < first)
    left = sa.select(sa.func.sum(daily_counts.c.uses)).where(daily_counts.c.emoji_id == window_counts.c.emoji_id, *days)
    concerned = window_counts.c.emoji_id.in_(sa.select(daily_counts.c.emoji_id).where(*days))
    same = window_counts.c.window_name == window.name
    changed = window_counts.update().where(same, concerned)
    connection.execute(changed.values(minus_uses=window_counts.c.minus_uses + left.scalar_subquery()))
    connection.execute(window_counts.delete().where(same, window_counts.c.minus_uses >= 0))
