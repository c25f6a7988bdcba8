"""Pages of a user's results, in the database alone."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from igemoji_inference.adapters.db import results
from igemoji_inference.adapters.db.tables import tasks
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.ids import new_id
from igemoji_mesh.pagination import InvalidPageToken

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
PHOTOS = 23


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    migrate(f"sqlite:///{folder}/x.db", "igemoji_inference")
    return folder


@pytest.fixture
async def connection(folder):
    database = Database(f"sqlite:///{folder}/x.db")
    with database.engine.connect() as connection:
        connection.execute(sa.text("PRAGMA foreign_keys=OFF"))
        yield connection
        connection.rollback()
    await database.close()


@pytest.fixture
def user_id(connection) -> str:
    """Return a user with results, three at each moment, and some failed tasks."""
    user_id = new_id()
    empty = {"findings": "{}", "failure_reason": "", "failure_message": "", "photo_key": "", "pictures": ""}
    empty |= {"content_type": "", "request_id": "", "traceparent": "", "lease": ""}
    for number in range(PHOTOS + 5):
        at = BEGIN + datetime.timedelta(seconds=number // 3)
        done = number < PHOTOS
        row = {"id": new_id(), "user_id": user_id, "emoji_id": new_id(), "created_at": at, "turn_at": at}
        row |= {"state": "DONE" if done else "FAILED", "percent": 100, "faces": number, "revision": 1, "sequence": 6}
        row |= {"result_key": f"results/{number}" if done else "", "attempts": 1, "megapixels": 1.0, "lease_until": at}
        connection.execute(tasks.insert().values(empty | row))
    return user_id


def test_pages_by_token_are_complete_and_newest_first(connection, user_id):
    found: list[Any] = []
    token = ""
    while True:
        page = results.page(connection, user_id, 1, 4, token)
        assert (page.total, page.total_is_exact) == (PHOTOS, True)
        found += page.results
        token = page.next_page_token
        if not token:
            break
    order = [(result.created_at, result.task_id) for result in found]
    assert order == sorted(order, reverse=True)
    assert {result.faces for result in found} == set(range(PHOTOS))
    assert len(found) == PHOTOS
    second = results.page(connection, user_id, 2, 4, "").results
    assert list(second) == found[4:8]


def test_a_large_total_is_a_lower_bound(connection, user_id, monkeypatch):
    monkeypatch.setattr(results, "MAX_COUNTED", PHOTOS - 1)
    page = results.page(connection, user_id, 1, 8, "")
    assert (page.total, page.total_is_exact) == (PHOTOS - 1, False)


def test_a_page_token_is_valid_for_its_user_only(connection, user_id):
    token = results.page(connection, user_id, 1, 4, "").next_page_token
    for other, given in ((new_id(), token), (user_id, token[:-3]), (user_id, "x")):
        with pytest.raises(InvalidPageToken):
            results.page(connection, other, 1, 4, given)


def test_a_page_is_read_from_an_index_without_sorting(connection, user_id):
    seen: list[tuple[str, object]] = []

    def remember(_connection, _cursor, statement, parameters, _context, _many):
        seen.append((statement, parameters))

    sa.event.listen(connection.engine, "before_cursor_execute", remember)
    first = results.page(connection, user_id, 1, 4, "")
    results.page(connection, user_id, 1, 4, first.next_page_token)
    sa.event.remove(connection.engine, "before_cursor_execute", remember)
    plans = [
        " / ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given))
        for statement, given in seen
    ]
    assert len(plans) == 5
    assert all("ix_tasks_user_id_created_at_id_result_key" in plan for plan in plans), plans
    assert not any("TEMP B-TREE" in plan for plan in plans), plans
    assert (
        sum("COVERING INDEX" in plan for plan, (statement, _) in zip(plans, seen, strict=True) if "count(" in statement)
        == 2
    )
