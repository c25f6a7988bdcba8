"""How much one user may ask for, and what many who watch cost."""

import asyncio
import datetime

import pytest

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.adapters.db import quotas
from igemoji_inference.adapters.db import tasks as store
from igemoji_inference.adapters.db.quotas import Quotas
from igemoji_inference.adapters.db.task_history import Courses
from igemoji_inference.domain.model import Task, TooManyPhotosToday, Upload
from igemoji_inference.entrypoints.main import compose
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason, running

from .test_tasks import refusal, upload, watched

EVENING = datetime.datetime(2026, 3, 1, 22, 0, tzinfo=datetime.UTC)


class CountingDatabase(Database):
    """Knows how often it was read."""

    readings = 0

    async def read(self, work):
        self.readings += 1
        return await super().read(work)


@pytest.fixture
async def database(tmp_path):
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = CountingDatabase(url)
    yield database
    await database.close()


async def test_a_user_may_bring_so_many_photos_a_day_and_deleting_them_gives_none_back(
    mesh, settings, peers, landscape
):
    settings = settings.model_copy(update={"max_daily_photos": 2, "max_daily_guest_photos": 1})
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        emoji_id = peers[0].add_emoji()
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


async def test_another_day_brings_other_photos_and_forgets_the_days_before(database):
    limits, user_id, tomorrow = Quotas(5, 2, 1, 10), new_id(), EVENING + datetime.timedelta(hours=2)

    def check(now):
        return database.read(lambda connection: quotas.check(connection, limits, user_id, now, guest=False))

    for _ in range(2):
        used = await check(EVENING)
        await database.write(lambda connection, used=used: quotas.count_photo(connection, user_id, used))
    with pytest.raises(TooManyPhotosToday) as refused:
        await check(EVENING)
    assert refused.value.retry_after_seconds == 2 * 3600
    await check(tomorrow)
    await database.write(lambda connection: quotas.forget_days(connection, tomorrow.date()))
    await check(EVENING)


async def test_a_user_may_watch_so_many_tasks_and_another_one_when_one_has_ended(mesh, settings, peers, landscape):
    settings = settings.model_copy(update={"max_watched": 1})
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        me, emoji_id = bearer(mesh.token(new_id())), peers[0].add_emoji()
        task_id = await upload(stub, landscape, emoji_id, me)
        watch = stub.WatchTask(pb.WatchTaskRequest(task_id=task_id), metadata=me)
        await watch.read()
        error = await refusal(watched(stub, task_id, me))
        assert error_reason(error) == "TOO_MANY_WATCHERS"
        assert dict(error.trailing_metadata())["retry-after"] == "5"
        async for _ in watch:
            pass
        assert (await watched(stub, task_id, me))[-1].task.state == pb.TASK_STATE_DONE


async def test_however_many_watch_they_read_together(database):
    tasks = [Task(new_id(), new_id(), new_id(), EVENING) for _ in range(20)]
    for task in tasks:
        await database.write(
            lambda connection, task=task: store.add_task(connection, task, Upload("photos/x", "", 1.0, {}), 0)
        )
    courses = Courses(database)
    found = await asyncio.gather(*(courses.read(task.id) for task in tasks * 25), courses.read(new_id()))
    assert database.readings == 1
    assert [course[0].id for course in found[:20] if course] == [task.id for task in tasks]
    assert [[step.sequence for step in course[1]] for course in found if course] == [[1]] * 500
    assert found[-1] is None


async def test_who_asks_while_others_read_is_told_of_what_came_meanwhile(database):
    task = Task(new_id(), new_id(), new_id(), EVENING)
    courses = Courses(database)
    early = asyncio.create_task(courses.read(task.id))
    while database.readings == 0:
        await asyncio.sleep(0)
    await database.write(lambda connection: store.add_task(connection, task, Upload("photos/x", "", 1.0, {}), 0))
    assert await courses.read(task.id) is not None
    await early
