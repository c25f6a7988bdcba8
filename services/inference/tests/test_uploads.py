"""What becomes of an upload whose client goes away in the middle of it."""

import asyncio
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from igemoji_inference.adapters.db import tasks
from igemoji_inference.adapters.db.quotas import Quotas
from igemoji_inference.usecases.progress import MemoryFeed
from igemoji_inference.usecases.tasks import Inference
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.port import FolderObjectStore


class Nobody:
    """Plays the catalogue and the workers."""

    async def picture_keys(self, emoji_id: str) -> dict[str, str]:
        return {}

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        pass

    def wake(self) -> None:
        pass

    def cancel(self, task_id: str) -> None:
        pass

    async def start(self) -> None:
        pass

    run = close = start


class SlowDatabase(Database):
    """Takes its time for a change, and says when it has begun one."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_writing = threading.Event()

    async def write(self, work, *, alone=True):
        def slowly(connection: sa.Connection):
            self.is_writing.set()
            time.sleep(0.2)
            return work(connection)

        return await super().write(slowly, alone=alone)


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
def inference(database, objects):
    nobody, limits = Nobody(), Quotas(5, 10, 10, 10)
    return Inference(
        database, objects, nobody, MemoryFeed(), nobody, max_photo_bytes=2**20, limits=limits, max_queued_tasks=100
    )


async def given_up(database: SlowDatabase, call) -> None:
    """Begins a call, and gives it up while its change is being written."""
    database.is_writing.clear()
    running = asyncio.create_task(call)
    while not database.is_writing.is_set():
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(0.4)


async def all_tasks(database: Database) -> list[Any]:
    return list(await database.read(lambda connection: connection.execute(sa.select(tasks.tasks)).all()))


async def test_an_upload_that_is_given_up_leaves_a_task_with_its_photo(inference, database, objects, landscape):
    await given_up(database, inference.create(landscape, new_id(), by=new_id()))
    (task,) = await all_tasks(database)
    assert objects.get(task.photo_key) == landscape


async def test_an_upload_that_a_stop_interrupts_keeps_its_photo(inference, database, objects, landscape):
    uploading = asyncio.create_task(inference.create(landscape, new_id(), by=new_id()))
    while not database.is_writing.is_set():
        await asyncio.sleep(0.01)
    # As asyncio.run does when the service has stopped.
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.gather(uploading, return_exceptions=True)
    await asyncio.sleep(0.4)
    (task,) = await all_tasks(database)
    assert objects.get(task.photo_key) == landscape


async def test_a_cancellation_that_is_given_up_leaves_no_photo(inference, database, objects, landscape):
    owner = new_id()
    task_id = await inference.create(landscape, new_id(), by=owner)
    await given_up(database, inference.cancel(task_id, by=owner))
    (task,) = await all_tasks(database)
    assert task.failure_reason == "CANCELLED"
    assert list(objects.keys("photos/")) == []
