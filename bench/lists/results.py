"""Database of results of many users and of a ranking of many templates, and the pages to read."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bulk_insert import migrated

from igemoji_inference.adapters.db import results
from igemoji_inference.domain.model import ResultsPage
from igemoji_mesh.db.database import Database
from igemoji_ranking.adapters.db.use_counts import SqlUseCounts
from igemoji_ranking.domain.model import Window

PAGE_SIZE = 8
DEEP_PAGE = 1000
USER = "00000000-0000-7000-8000-{:012x}"
OTHER_USERS = 50_000
"""Users with a hundred results each, besides the collector."""
COLLECTOR = USER.format(0)
"""User with ten thousand results and more."""
COLLECTOR_INTERVAL = 250
"""One result in 250 belongs to the collector."""

TASKS = """
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)
    INSERT INTO tasks (id, user_id, emoji_id, created_at, turn_at, state, percent, findings, faces, failure_reason,
        failure_message, photo_key, pictures, result_key, content_type, original_until, revision, sequence, attempts,
        megapixels, request_id, traceparent, lease, lease_until)
    SELECT printf('%08x-0000-7000-8000-000000000000', n),
        printf('00000000-0000-7000-8000-%012x', iif(n % :every = 0, 0, 1 + n % :others)),
        printf('00000000-0000-7000-8000-%012x', n % 1000),
        datetime('2026-01-01', n || ' seconds') || '.000000', datetime('2026-01-01') || '.000000',
        'DONE', 100, '{}', 3, '', '', '', '', 'results/' || n || '.jpg', 'image/jpeg', NULL, 1, 6, 1, 2.0, '', '', '',
        datetime('2026-01-01') || '.000000'
    FROM numbers
"""

COUNTS = """
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)
    INSERT INTO window_counts (window_name, emoji_id, minus_uses, first_used_at, shown)
    SELECT :window, printf('%08x-0000-7000-8000-000000000000', n), -(n * 7919) % 10007,
        datetime('2026-01-01', n || ' seconds') || '.000000', 1
    FROM numbers
"""


def prepare_results(path: Path, count: int) -> None:
    with migrated(path, "igemoji_inference") as cursor:
        cursor.execute(TASKS, {"count": count, "every": COLLECTOR_INTERVAL, "others": OTHER_USERS})


def prepare_ranking(path: Path, count: int) -> None:
    with migrated(path, "igemoji_ranking") as cursor:
        cursor.execute(COUNTS, {"count": count, "window": Window.ALL.name})


async def pages(database: Database, count: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the reads of pages of results, by name."""

    async def read(user_id: str, number: int, token: str) -> ResultsPage:
        return await database.read(lambda connection: results.page(connection, user_id, number, PAGE_SIZE, token))

    deep = min(DEEP_PAGE, count // COLLECTOR_INTERVAL // PAGE_SIZE - 1)
    size = PAGE_SIZE * (deep - 1)
    before = await database.read(lambda connection: results.page(connection, COLLECTOR, 1, size, ""))
    return {
        "my page: results, page 1": partial(read, USER.format(1), 1, ""),
        "my page: results of a collector, page 1": partial(read, COLLECTOR, 1, ""),
        f"my page: results of a collector, page {deep:,} by token": partial(read, COLLECTOR, 1, before.next_page_token),
    }


def ranking(database: Database) -> dict[str, Callable[[], Awaitable[object]]]:
    store = SqlUseCounts(database)
    today = datetime.date(2026, 3, 1)
    return {f"ranking, {limit}": partial(store.top, Window.ALL, today, limit, 0) for limit in (10, 100)}
