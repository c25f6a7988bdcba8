"""Uploads whose client disconnects."""

import asyncio
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from igemoji_inference.adapters.db.messages import NoMessages
from igemoji_inference.adapters.db.tables import tasks
from igemoji_inference.adapters.db.tasks import SqlTaskStore
from igemoji_inference.adapters.progress.memory import MemoryFeed
from igemoji_inference.domain.quotas import Quotas
from igemoji_inference.usecases.tasks import Tasks
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.folder import FolderObjectStore


class Idle:
    """A catalog without pictures, and a queue without workers."""

    async def picture_keys(self, emoji_id: str) -> dict[str, str]:
        return {}

    def wake(self) -> None:
        pass

    def cancel(self, task_id: str) -> None:
        pass

    async def start(self) -> None:
        pass

    run = close = start


class SlowDatabase(Database):
    """A database with slow writes, which tells when one begins."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_writing = threading.Event()

    async def write(self, work, *, isolation="SERIALIZABLE"):
        def slowly(connection: sa.Connection):
            self.is_writing.set()
            time.sleep(0.2)
            return work(connection)

        return await super().write(slowly, isolation=isolation)


@pytest.fixture
async def database(tmp_path):
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = SlowDatabase(url)
    yield database
    await database.close()


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def use_cases(database, objects):
    store, idle, quotas = SqlTaskStore(database, NoMessages()), Idle(), Quotas(5, 10, 10, 10)
    return Tasks(store, objects, idle, MemoryFeed(), idle, max_photo_bytes=2**20, quotas=quotas, max_queued_tasks=100)


async def abandoned(database: SlowDatabase, call) -> None:
    """Begin a call, and cancel it during its write."""
    database.is_writing.clear()
    running = asyncio.create_task(call)
    while not database.is_writing.is_set():
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(0.4)


async def all_tasks(database: Database) -> list[Any]:
    return list(await database.read(lambda connection: connection.execute(sa.select(tasks)).all()))


async def test_an_abandoned_upload_leaves_a_task_with_its_photo(use_cases, database, objects, landscape):
    await abandoned(database, use_cases.create(landscape, new_id(), user_id=new_id()))
    (task,) = await all_tasks(database)
    assert objects.get(task.photo_key) == landscape


async def test_an_upload_interrupted_by_shutdown_keeps_its_photo(use_cases, database, objects, landscape):
    uploading = asyncio.create_task(use_cases.create(landscape, new_id(), user_id=new_id()))
    while not database.is_writing.is_set():
        await asyncio.sleep(0.01)
    # As asyncio.run does when the service has stopped.
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.gather(uploading, return_exceptions=True)
    await asyncio.sleep(0.4)
    (task,) = await all_tasks(database)
    assert objects.get(task.photo_key) == landscape


async def test_an_abandoned_cancellation_leaves_no_photo(use_cases, database, objects, landscape):
    owner = new_id()
    task_id = await use_cases.create(landscape, new_id(), user_id=owner)
    await abandoned(database, use_cases.cancel(task_id, user_id=owner))
    (task,) = await all_tasks(database)
    assert task.failure_reason == "CANCELLED"
    assert list(objects.keys("photos/")) == []
