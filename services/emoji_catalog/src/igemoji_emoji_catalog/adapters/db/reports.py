"""Reports and the operators' queue, within a transaction."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import reported_emojis, reports
from igemoji_emoji_catalog.domain.model import Position, Report

NEWEST_SHOWN = 5


def add(connection: sa.Connection, emoji_id: str, user_id: str, report: Report) -> None:
    """Add a report, once per user and template, and queue the template for a decision."""
    same = (reports.c.emoji_id == emoji_id, reports.c.user_id == user_id)
    if connection.execute(sa.select(reports.c.reason).where(*same)).first() is not None:
        return
    connection.execute(reports.insert().values(emoji_id=emoji_id, user_id=user_id, **asdict(report)))
    case = reported_emojis.c.emoji_id == emoji_id
    columns = (reported_emojis.c.decided, reported_emojis.c.waiting_since)
    known = connection.execute(sa.select(*columns).where(case).with_for_update()).one_or_none()
    if known is None:
        row = {"emoji_id": emoji_id, "total": 1, "waiting_since": report.reported_at, "decided": False}
        connection.execute(reported_emojis.insert().values(row))
        return
    since = report.reported_at if known.decided else known.waiting_since
    values = {"total": reported_emojis.c.total + 1, "waiting_since": since, "decided": False}
    connection.execute(reported_emojis.update().where(case).values(values))


def close(connection: sa.Connection, emoji_id: str) -> None:
    """Close the reports of a template after a decision."""
    connection.execute(reported_emojis.update().where(reported_emojis.c.emoji_id == emoji_id).values(decided=True))


def remove(connection: sa.Connection, emoji_id: str) -> None:
    """Remove the reports of a deleted template."""
    for table in (reports, reported_emojis):
        connection.execute(table.delete().where(table.c.emoji_id == emoji_id))


def remove_some_of(connection: sa.Connection, user_id: str, limit: int) -> int:
    """Remove a batch of a deleted account's reports; return its size."""
    theirs = sa.select(reports.c.emoji_id).where(reports.c.user_id == user_id).limit(limit).with_for_update()
    found = connection.execute(theirs).scalars().all()
    for emoji_id in found:
        connection.execute(reports.delete().where(reports.c.emoji_id == emoji_id, reports.c.user_id == user_id))
        case = reported_emojis.c.emoji_id == emoji_id
        connection.execute(reported_emojis.update().where(case).values(total=reported_emojis.c.total - 1))
        connection.execute(reported_emojis.delete().where(case, reported_emojis.c.total <= 0))
    return len(found)


def queue(
    connection: sa.Connection, decided: bool, after: Position | None, limit: int
) -> list[tuple[str, int, datetime.datetime]]:
    """Return ids of templates, their number of reports and since when they wait, the longest waiting first."""
    columns = reported_emojis.c
    chosen = sa.select(columns.emoji_id, columns.total, columns.waiting_since).where(
        columns.decided.is_(sa.true() if decided else sa.false())
    )
    rows = chosen.order_by(columns.waiting_since, columns.emoji_id)
    if after is None:
        return [tuple(row) for row in connection.execute(rows.limit(limit))]
    same = rows.where(columns.waiting_since == after.value, columns.emoji_id > after.emoji_id).limit(limit)
    later = rows.where(columns.waiting_since > after.value).limit(limit)
    return [tuple(row) for query in (same, later) for row in connection.execute(query)][:limit]


def newest(connection: sa.Connection, emoji_ids: Sequence[str]) -> dict[str, list[Report]]:
    """Return the newest reports of some templates, in one query."""
    columns = reports.c
    place = sa.func.row_number().over(partition_by=columns.emoji_id, order_by=columns.reported_at.desc()).label("place")
    numbered = sa.select(reports, place).where(columns.emoji_id.in_(emoji_ids)).subquery()
    chosen = sa.select(numbered).where(numbered.c.place <= NEWEST_SHOWN).order_by(numbered.c.place)
    found: dict[str, list[Report]] = {emoji_id: [] for emoji_id in emoji_ids}
    for row in connection.execute(chosen):
        found[row.emoji_id].append(Report(row.reason, row.comment, row.reported_at))
    return found
