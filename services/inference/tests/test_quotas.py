"""Quotas per user, and the cost of many watchers."""

import asyncio
import datetime

import pytest

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.adapters.db import quotas, rows
from igemoji_inference.adapters.db.deletion import SqlDeletionStore
from igemoji_inference.adapters.db.task_history import TaskHistoryLoader
from igemoji_inference.domain.errors import TooManyPhotosToday
from igemoji_inference.domain.model import Task, Upload
from igemoji_inference.domain.quotas import Quotas
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason, running

from .test_tasks import refusal, upload, watched

EVENING = datetime.datetime(2026, 3, 1, 22, 0, tzinfo=datetime.UTC)


class CountingDatabase(Database):
    """A database that counts reads."""

    reads = 0

    async def read(self, work):
        self.reads += 1
        return await super().read(work)


@pytest.fixture
async def database(tmp_path):
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = CountingDatabase(url)
    yield database
    await database.close()


async def test_daily_quota_counts_deleted_photos(mesh, settings, upstreams, landscape):
    settings = settings.model_copy(update={"max_daily_photos": 2, "max_daily_guest_photos": 1})
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        emoji_id = upstreams[0].add_emoji()
        for role, limit in (("user", 2), ("guest", 1)):
            me = bearer(mesh.token(new_id(), role=role))
            for _ in range(limit):
                task_id = await upload(stub, landscape, emoji_id, me)
                await watched(stub, task_id, me)
                await stub.DeleteTask(pb.DeleteTaskRequest(task_id=task_id), metadata=me)
            error = await refusal(upload(stub, landscape, emoji_id, me))
            assert error_reason(error) == "TOO_MANY_PHOTOS_TODAY"
            assert f"At most {limit} " in str(error.details())
            assert 0 < int(dict(error.trailing_metadata())["retry-after"]) <= 86400


async def test_daily_quota_begins_again_at_midnight(database):
    limits, user_id, tomorrow = Quotas(5, 2, 1, 10), new_id(), EVENING + datetime.timedelta(hours=2)

    async def check(now):
        usage = await database.read(lambda connection: quotas.read_usage(connection, user_id, now))
        limits.check(usage, guest=False)
        return usage

    for _ in range(2):
        usage = await check(EVENING)
        await database.write(lambda connection, usage=usage: quotas.count_photo(connection, user_id, usage))
    with pytest.raises(TooManyPhotosToday) as refused:
        await check(EVENING)
    assert refused.value.retry_after_seconds == 2 * 3600
    await check(tomorrow)
    await SqlDeletionStore(database).forget_photo_counts(tomorrow.date())
    await check(EVENING)


async def test_watch_quota_is_freed_when_a_watch_ends(mesh, settings, upstreams, landscape):
    settings = settings.model_copy(update={"max_watched": 1})
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        me, emoji_id = bearer(mesh.token(new_id())), upstreams[0].add_emoji()
        task_id = await upload(stub, landscape, emoji_id, me)
        watch = stub.WatchTask(pb.WatchTaskRequest(task_id=task_id), metadata=me)
        await watch.read()
        error = await refusal(watched(stub, task_id, me))
        assert error_reason(error) == "TOO_MANY_WATCHERS"
        assert dict(error.trailing_metadata())["retry-after"] == "5"
        async for _ in watch:
            pass
        assert (await watched(stub, task_id, me))[-1].task.state == pb.TASK_STATE_DONE


async def test_many_watchers_share_one_read(database):
    tasks = [Task(new_id(), new_id(), new_id(), EVENING) for _ in range(20)]
    for task in tasks:
        await database.write(
            lambda connection, task=task: rows.insert_task(connection, task, Upload("photos/x", "", 1.0, {}), 0)
        )
    loader = TaskHistoryLoader(database)
    found = await asyncio.gather(*(loader.load(task.id) for task in tasks * 25), loader.load(new_id()))
    assert database.reads == 1
    assert [history[0].id for history in found[:20] if history] == [task.id for task in tasks]
    assert [[step.sequence for step in history[1]] for history in found if history] == [[1]] * 500
    assert found[-1] is None


async def test_a_load_during_a_read_sees_later_commits(database):
    task = Task(new_id(), new_id(), new_id(), EVENING)
    loader = TaskHistoryLoader(database)
    early = asyncio.create_task(loader.load(task.id))
    while database.reads == 0:
        await asyncio.sleep(0)
    await database.write(lambda connection: rows.insert_task(connection, task, Upload("photos/x", "", 1.0, {}), 0))
    assert await loader.load(task.id) is not None
    await early
