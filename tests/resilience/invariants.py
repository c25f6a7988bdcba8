"""What must be true of a mesh's data when the work is done, read from its files and asked through its gateway."""

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


class Invariants(Protocol):
    """Every row and every object of a mesh, read beside it."""

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]: ...

    def objects(self, prefix: str) -> list[str]:
        """Below a prefix of the inference service's store, half-written ones included."""

    def half_written(self) -> list[str]:
        """What lies in an object store and is no object."""

    def open_tasks(self) -> list[tuple[Any, ...]]:
        return self.rows("inference", "SELECT id, state, percent FROM tasks WHERE state NOT IN ('DONE', 'FAILED')")


class FolderInvariants(Invariants):
    """Of a mesh on embedded parts: its data folder."""

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


async def settled(books: Invariants) -> None:
    """Returns when nothing is left to do; says what is where that takes too long."""
    until = time.monotonic() + SETTLE_SECONDS
    left: dict[str, Callable[[], object]] = {
        "open tasks": books.open_tasks,
        "calls in the outbox": lambda: books.rows("inference", "SELECT topic, attempts, due_at FROM outbox"),
    }
    for what, look in left.items():
        while found := look():
            assert time.monotonic() < until, f"{what} that stay: {found}"
            await asyncio.sleep(0.1)


def check_tasks(books: Invariants, users: Sequence[User], *, answers_were_lost: bool) -> None:
    """Every accepted task is done, once. Without lost answers there is no other task."""
    query = "SELECT id, user_id, state, percent, failure_reason FROM tasks"
    tasks = {task_id: task for task_id, *task in books.rows("inference", query)}
    assert {tuple(task[1:]) for task in tasks.values()} == {("DONE", 100, "")}
    for user in users:
        theirs = {task_id for task_id, (owner, *_) in tasks.items() if owner == user.id}
        assert theirs >= set(user.accepted)
        # A service that is killed may have taken in a photo and not have said so any more.
        assert answers_were_lost or len(theirs) == len(user.accepted)
    ends = books.rows("inference", "SELECT task_id FROM task_steps WHERE state IN ('DONE', 'FAILED')")
    assert sorted(task_id for (task_id,) in ends) == sorted(tasks), "a task has none or several ends"


def check_objects(books: Invariants) -> None:
    """No object without a row, no row without an object: each task's result, and the originals that stay for a day."""
    rows = books.rows("inference", "SELECT result_key, photo_key, original_until FROM tasks WHERE state = 'DONE'")
    assert books.objects("results") == sorted(result for result, _, _ in rows)
    assert books.objects("photos") == sorted(photo for _, photo, until in rows if until)
    assert books.half_written() == []


def check_ranking(books: Invariants) -> None:
    """Each task is counted once, and each user once a template and day."""
    done = books.rows("inference", "SELECT id, emoji_id, user_id FROM tasks WHERE state = 'DONE'")
    counted = books.rows("ranking", "SELECT task_id FROM counted_tasks")
    assert sorted(task_id for (task_id,) in counted) == sorted(task_id for task_id, _, _ in done)
    uses = books.rows("ranking", "SELECT emoji_id, user_id, day FROM uses")
    assert {(emoji_id, user_id) for emoji_id, user_id, _ in uses} == {use[1:] for use in done}
    totals = dict(books.rows("ranking", "SELECT emoji_id, uses FROM totals"))
    assert totals == Counter(emoji_id for emoji_id, _, _ in uses)
    assert totals == dict(books.rows("ranking", "SELECT emoji_id, SUM(uses) FROM daily_counts GROUP BY emoji_id"))


async def check_results(url: str, users: Sequence[User]) -> None:
    """Everybody gets their own photos back, and nobody another's."""
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
