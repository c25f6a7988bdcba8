"""StoredData of a mesh's data when all work is done, read from its backends and through its gateway."""

import asyncio
import io
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import httpx
from PIL import Image

from .load_users import User

SETTLE_SECONDS = 45


class StoredData(Protocol):
    """Rows and objects of a mesh, read past its services."""

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]: ...

    def objects(self, prefix: str) -> list[str]:
        """Return the keys below a prefix in the store of inference, incomplete objects included."""

    def half_written(self) -> list[str]:
        """Return incomplete objects."""

    def open_tasks(self) -> list[tuple[Any, ...]]:
        return self.rows("inference", "SELECT id, state, percent FROM tasks WHERE state NOT IN ('DONE', 'FAILED')")


class FolderData(StoredData):
    """Data folder of a mesh with embedded backends."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._data}/{service}.db?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query).fetchall()

    def objects(self, prefix: str) -> list[str]:
        root = self._data / "objects" / "inference"
        return sorted(str(path.relative_to(root)) for path in (root / prefix).rglob("*") if path.is_file())

    def half_written(self) -> list[str]:
        stores = self._data / "objects"
        return [str(path) for path in stores.rglob(".*") if path.is_file()] + [
            str(path) for path in stores.glob("*/.*/*")
        ]


async def settled(stored: StoredData) -> None:
    """Wait until no task is open and the outbox is empty."""
    deadline = time.monotonic() + SETTLE_SECONDS
    left: dict[str, Callable[[], object]] = {
        "open tasks": stored.open_tasks,
        "deliveries in the outbox": lambda: stored.rows("inference", "SELECT topic, attempts, due_at FROM outbox"),
    }
    for what, look in left.items():
        while found := look():
            assert time.monotonic() < deadline, f"{what} remain: {found}"
            await asyncio.sleep(0.1)


def check_tasks(stored: StoredData, users: Sequence[User], *, answers_were_lost: bool) -> None:
    """Check that every accepted task is done, once. Without lost responses there is no other task."""
    query = "SELECT id, user_id, state, percent, failure_reason FROM tasks"
    tasks = {task_id: task for task_id, *task in stored.rows("inference", query)}
    assert {tuple(task[1:]) for task in tasks.values()} == {("DONE", 100, "")}
    for user in users:
        theirs = {task_id for task_id, (owner, *_) in tasks.items() if owner == user.id}
        assert theirs >= set(user.accepted)
        # A killed service may have accepted a photo without a response.
        assert answers_were_lost or len(theirs) == len(user.accepted)
    ends = stored.rows("inference", "SELECT task_id FROM task_steps WHERE state IN ('DONE', 'FAILED')")
    assert sorted(task_id for (task_id,) in ends) == sorted(tasks), "a task has none or several ends"


def check_objects(stored: StoredData) -> None:
    """Check that objects and rows match: each task's result, and the originals that are kept for a day."""
    rows = stored.rows("inference", "SELECT result_key, photo_key, original_until FROM tasks WHERE state = 'DONE'")
    assert stored.objects("results") == sorted(result for result, _, _ in rows)
    assert stored.objects("photos") == sorted(photo for _, photo, until in rows if until)
    assert stored.half_written() == []


def check_ranking(stored: StoredData) -> None:
    """Check that each task is counted once, and each user once per template and day."""
    done = stored.rows("inference", "SELECT id, emoji_id, user_id FROM tasks WHERE state = 'DONE'")
    counted = stored.rows("ranking", "SELECT task_id FROM counted_tasks")
    assert sorted(task_id for (task_id,) in counted) == sorted(task_id for task_id, _, _ in done)
    uses = stored.rows("ranking", "SELECT emoji_id, user_id, day FROM uses")
    assert {(emoji_id, user_id) for emoji_id, user_id, _ in uses} == {use[1:] for use in done}
    totals = dict(stored.rows("ranking", "SELECT emoji_id, uses FROM totals"))
    assert totals == Counter(emoji_id for emoji_id, _, _ in uses)
    assert totals == dict(stored.rows("ranking", "SELECT emoji_id, SUM(uses) FROM daily_counts GROUP BY emoji_id"))


async def check_results(url: str, users: Sequence[User]) -> None:
    """Check that users get their own photos back and can't read those of others."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        for number, user in enumerate(users):
            stranger = users[(number + 1) % len(users)]
            for task_id in user.accepted:
                path = f"/api/v1/faces/tasks/{task_id}"
                task = (await http.get(path, headers=user.headers)).json()
                assert (task["state"], task["width"], task["height"]) == ("TASK_STATE_DONE", *user.size)
                image = await http.get(task["image_url"], headers=user.headers)
                assert image.status_code == 200, image.text
                with Image.open(io.BytesIO(image.content)) as result:
                    result.load()
                    assert result.size == user.size
            for private in (path, task["image_url"]):
                assert (await http.get(private, headers=stranger.headers)).status_code == 404
