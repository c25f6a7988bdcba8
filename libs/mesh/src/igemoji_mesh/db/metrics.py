"""Metrics of the database. Labels have the first word of a statement, never a value."""

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from igemoji_mesh.observability import metrics

STATEMENT_SECONDS = metrics.histogram(metrics.DATABASE_STATEMENT_SECONDS)
WAIT_SECONDS = metrics.histogram(metrics.DATABASE_WAIT_SECONDS)
CONNECTIONS = metrics.gauge(metrics.DATABASE_CONNECTIONS)

WORDS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def observe(engine: sa.Engine) -> None:
    """Measure every statement of an engine."""
    event.listen(engine, "before_cursor_execute", _before)
    event.listen(engine, "after_cursor_execute", _after)


def _before(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is not None:
        context.igemoji_started_at = time.perf_counter()


def _after(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if context is not None:
        word = statement[:12].split(maxsplit=1)[0].upper()
        taken = time.perf_counter() - context.igemoji_started_at
        STATEMENT_SECONDS.labels(word if word in WORDS else "other").observe(taken)
