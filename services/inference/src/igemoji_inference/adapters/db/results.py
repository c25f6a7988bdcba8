"""A user's results, page by page: by number, or by keyset pagination with a token."""

from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.tables import tasks
from igemoji_inference.domain.model import ResultsPage, TaskResult
from igemoji_mesh import pagination

MAX_COUNTED = 10_000
"""Totals are exact up to here."""


def page(connection: sa.Connection, user_id: str, number: int, size: int, token: str) -> ResultsPage:
    """Return a page of results, newest first. A token overrides the number. Raises InvalidPageToken."""
    query_id = f"results {user_id}"
    mine = sa.and_(tasks.c.user_id == user_id, tasks.c.result_key != "")
    found = _rows(connection, mine, (number - 1) * size, size + 1, _after(token, query_id))
    counted = sa.select(tasks.c.id).where(mine).limit(MAX_COUNTED + 1).subquery()
    total = connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
    results = [TaskResult(row.id, row.emoji_id, row.faces, row.created_at) for row in found[:size]]
    more = len(found) > size
    next_token = pagination.encode(results[-1].created_at, results[-1].task_id, query_id) if more else ""
    return ResultsPage(results, min(total, MAX_COUNTED), total <= MAX_COUNTED, next_token)


def _after(token: str, query_id: str) -> tuple[Any, str] | None:
    return pagination.decode(token, query_id, by_time=True) if token else None


def _rows(
    connection: sa.Connection, mine: sa.ColumnElement[bool], skip: int, limit: int, after: tuple[Any, str] | None
) -> list[Any]:
    rows = sa.select(tasks.c.id, tasks.c.emoji_id, tasks.c.faces, tasks.c.created_at).where(mine)
    rows = rows.order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
    if after is None:
        return list(connection.execute(rows.offset(skip).limit(limit)))
    # Two ranges of the index: with one condition and an OR, some databases read all rows before it, too.
    at, last_id = after
    found = list(connection.execute(rows.where(tasks.c.created_at == at, tasks.c.id < last_id).limit(limit)))
    if len(found) < limit:
        found += connection.execute(rows.where(tasks.c.created_at < at).limit(limit - len(found)))
    return found
