"""Use counts against a model; query plans."""

import asyncio
import datetime
import itertools
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import differences, migrate
from igemoji_ranking.adapters.db import windows
from igemoji_ranking.adapters.db.tables import metadata
from igemoji_ranking.adapters.db.use_counts import SqlUseCounts
from igemoji_ranking.domain.model import Use, Window

NOON = datetime.datetime(2026, 3, 31, 12, tzinfo=datetime.UTC)

emoji_ids = st.sampled_from(["cat", "dog"])
user_ids = st.sampled_from(["anna", "ben"])
uses = st.builds(
    Use,
    task_id=st.one_of(st.uuids().map(str), st.sampled_from(["task 1", "task 2"])),
    emoji_id=emoji_ids,
    user_id=user_ids,
    used_at=st.sampled_from([NOON - datetime.timedelta(hours=hours) for hours in (0, 11, 13, 40)]),
)
histories = st.lists(st.one_of(*[uses] * 8, emoji_ids, user_ids), min_size=5, max_size=25)
"""Uses, forgotten templates (by name) and deleted users (by name)."""


def modelled(history: list[Use | str]) -> tuple[Counter[str], Counter[str]]:
    """Return the uses of all time and of the last day, by template."""
    tasks: set[str] = set()
    counted: set[tuple[str, str, datetime.date]] = set()
    deleted: set[str] = set()
    for event in history:
        if isinstance(event, str):
            deleted.add(event)
            counted = {use for use in counted if event not in use}
        elif not deleted & {event.emoji_id, event.user_id} and event.task_id not in tasks:
            tasks.add(event.task_id)
            counted.add((event.emoji_id, event.user_id, event.used_at.date()))
    since = NOON.date()
    return Counter(use[0] for use in counted), Counter(use[0] for use in counted if use[2] >= since)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an empty database, migrated once for all examples."""
    folder = tmp_path_factory.mktemp("template")
    migrate(f"sqlite:///{folder}/x.db", "igemoji_ranking")
    return (folder / "x.db").read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counts")


numbers = itertools.count()


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_counts_match_the_model_for_any_history(template: bytes, folder: Path, history: list[Use | str]):
    path = folder / f"{next(numbers)}.db"
    path.write_bytes(template)
    all_time, last_day = asyncio.run(counted(Database(f"sqlite:///{path}"), history))
    assert (all_time, last_day) == modelled(history)


async def counted(database: Database, history: list[Use | str]) -> tuple[Counter[str], Counter[str]]:
    counts = SqlUseCounts(database)
    for event in history:
        if isinstance(event, Use):
            await counts.record(event, event.day)
        else:
            await (counts.remove_user(event) if event in ("anna", "ben") else counts.forget(event))
    all_time = await counts.top(Window.ALL, NOON.date(), 100, 0)
    last_day = await counts.top(Window.DAY, NOON.date(), 100, 0)
    await database.close()
    for use_counts in (all_time, last_day):
        assert [count.uses for count in use_counts] == sorted((s.uses for s in use_counts), reverse=True)
    return (
        Counter({count.emoji_id: count.uses for count in all_time}),
        Counter({count.emoji_id: count.uses for count in last_day}),
    )


def test_migrations_create_the_tables_of_the_code(tmp_path: Path):
    assert differences(f"sqlite:///{tmp_path}/x.db", "igemoji_ranking", metadata) == []


def explained(query: str, connection: sa.Connection) -> list[str]:
    return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]


@pytest.mark.parametrize("window", list(Window))
async def test_ranking_query_uses_the_covering_index(tmp_path: Path, window: Window):
    url = f"sqlite:///{tmp_path}/x.db"
    migrate(url, "igemoji_ranking")
    database = Database(url)
    text = windows.top(window).limit(10).compile(database.engine, compile_kwargs={"literal_binds": True})
    steps = await database.read(partial(explained, str(text)))
    assert steps == ["SEARCH window_counts USING COVERING INDEX ix_window_counts_order (window_name=? AND shown=?)"], (
        steps
    )
    await database.close()


async def test_stale_window_drops_expired_days(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/x.db"
    migrate(url, "igemoji_ranking")
    database = Database(url)
    counts = SqlUseCounts(database)
    today = NOON.date()
    for number in range(40):
        at = NOON - datetime.timedelta(days=39 - number)
        await counts.record(Use(f"task {number}", "cat", "anna", at), at.date())
    for day in (0, 1, 6, 7, 29, 30, 100):
        later = today + datetime.timedelta(days=day)
        for window, days in ((Window.DAY, 1), (Window.WEEK, 7), (Window.MONTH, 30)):
            expected = max(0, days - day)
            assert [s.uses for s in await counts.top(window, later, 5, 0)] == ([expected] if expected else [])
        assert [s.uses for s in await counts.top(Window.ALL, later, 5, 0)] == [40]
    await database.close()
