"""A user's finished photos, page by page: by number, or by a token that says where the page before ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from igemoji_inference.adapters.db.tasks import tasks
from igemoji_inference.domain.model import TaskResult
from igemoji_mesh import pagination

COUNTED = 10_000
"""Totals are exact up to here."""


@dataclass(frozen=True)
class ResultsPage:
    results: Sequence[TaskResult]
    total: int
    total_is_exact: bool
    next_page_token: str
    """Empty: this is the last one."""


def page(connection: sa.Connection, user_id: str, number: int, size: int, token: str) -> ResultsPage:
    """The newest first. `number` is not looked at where there is a token. Raises InvalidPageToken."""
    question = f"results {user_id}"
    mine = sa.and_(tasks.c.user_id == user_id, tasks.c.result_key != "")
    found = _rows(connection, mine, (number - 1) * size, size + 1, _after(token, question))
    counted = sa.select(tasks.c.id).where(mine).limit(COUNTED + 1).subquery()
    total = connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
    results = [TaskResult(row.id, row.emoji_id, row.faces, row.created_at) for row in found[:size]]
    more = len(found) > size
    following = pagination.encoded(results[-1].created_at, results[-1].task_id, question) if more else ""
    return ResultsPage(results, min(total, COUNTED), total <= COUNTED, following)


def _after(token: str, question: str) -> tuple[Any, str] | None:
    return pagination.decoded(token, question, by_time=True) if token else None


def _rows(
    connection: sa.Connection, mine: sa.ColumnElement[bool], skip: int, limit: int, after: tuple[Any, str] | None
) -> list[Any]:
    rows = sa.select(tasks.c.id, tasks.c.emoji_id, tasks.c.faces, tasks.c.created_at).where(mine)
    rows = rows.order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
    if after is None:
        return list(connection.execute(rows.offset(skip).limit(limit)))
    # Two ranges of the index. As one condition, with an OR, some databases would read everything before it, too.
    at, last_id = after
    found = list(connection.execute(rows.where(tasks.c.created_at == at, tasks.c.id < last_id).limit(limit)))
    if len(found) < limit:
        found += connection.execute(rows.where(tasks.c.created_at < at).limit(limit - len(found)))
    return found
