"""Contract of task queues: every task is finished exactly once, whatever process is killed."""

from __future__ import annotations

import asyncio
import io
from collections import Counter

import pytest
import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.adapters.db.tables import ENDED, task_steps
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.db.database import Database
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, running

WAIT_SECONDS = 60


class Owner:
    """A user who uploads photos."""

    def __init__(self, stub: inference_pb2_grpc.InferenceServiceAsyncStub, token: str, emoji_id: str) -> None:
        self._stub = stub
        self._me = bearer(token)
        self._emoji_id = emoji_id

    async def upload(self, photo: bytes) -> str:
        request = pb.CreateTaskRequest(image=HttpBody(data=photo), emoji_id=self._emoji_id)
        answer: pb.CreateTaskResponse = await self._stub.CreateTask(request, metadata=self._me)
        return answer.task_id

    async def steps(self, task_id: str, after: int = 0):
        request = pb.WatchTaskRequest(task_id=task_id, after_sequence=after)
        async for step in self._stub.WatchTask(request, metadata=self._me):
            if not step.heartbeat:
                yield step

    async def ended(self, task_id: str) -> pb.Task:
        async with asyncio.timeout(WAIT_SECONDS):
            tasks: list[pb.Task] = [step.task async for step in self.steps(task_id)]
            return tasks[-1]

    async def until(self, task_id: str, state: pb.TaskState) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            async for step in self.steps(task_id):
                if step.task.state >= state:
                    return

    async def cancel(self, task_id: str) -> pb.Task:
        task: pb.Task = await self._stub.CancelTask(pb.CancelTaskRequest(task_id=task_id), metadata=self._me)
        return task

    async def revise(self, task_id: str, expression: str) -> None:
        request = pb.ReviseFaceRequest(task_id=task_id, face=0, expression=expression)
        await self._stub.ReviseFace(request, metadata=self._me)


@pytest.fixture
def owner(stub, mesh, upstreams) -> Owner:
    return Owner(stub, mesh.token(new_id()), upstreams[0].add_emoji())


@pytest.fixture(scope="session")
def slow() -> bytes:
    """Return a photo of twenty megapixels, so that there is time to kill its worker."""
    file = io.BytesIO()
    Image.new("RGB", (5000, 4000)).save(file, "PNG")
    return file.getvalue()


async def uses(upstreams, *task_ids: str) -> list[int]:
    """Wait until each task was counted; return how often each was. Earlier tests may add others."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (counted := Counter(use.task_id for use in upstreams[0].uses)).keys() >= set(task_ids):
            await asyncio.sleep(0.05)
    return [counted[task_id] for task_id in task_ids]


async def ends(settings, task_ids: list[str]) -> Counter[str]:
    """Return how often each task ended."""
    database = Database(settings.database("inference"))
    ended = sa.select(task_steps.c.task_id).where(task_steps.c.state.in_(ENDED), task_steps.c.task_id.in_(task_ids))
    found = await database.read(lambda connection: connection.execute(ended).scalars().all())
    await database.close()
    return Counter(found)


async def test_a_task_passes_every_step_in_order_and_is_counted_once(owner, portrait, upstreams, queue_settings):
    task_id = await owner.upload(portrait)
    steps = [step async for step in owner.steps(task_id)]
    states = [pb.TaskState.Name(step.task.state).removeprefix("TASK_STATE_") for step in steps]
    assert states == ["QUEUED", "DECODING", "DETECTING", "CLASSIFYING", "COMPOSING", "DONE"]
    assert [step.sequence for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [len(step.task.faces) for step in steps] == [0, 0, 0, 1, 1, 1]
    assert await uses(upstreams, task_id) == [1]


async def test_a_truncated_photo_fails_with_its_reason(owner, portrait):
    task = await owner.ended(await owner.upload(portrait[: len(portrait) // 2]))
    assert (task.state, task.error.reason) == (pb.TASK_STATE_FAILED, "PHOTO_TRUNCATED")


async def test_a_killed_sandbox_process_costs_one_more_attempt(
    owner, slow, portrait, backend, upstreams, queue_settings
):
    harmed, other = await owner.upload(slow), await owner.upload(portrait)
    await owner.until(harmed, pb.TASK_STATE_DETECTING)
    assert backend.kill_children()
    assert [(await owner.ended(task_id)).state for task_id in (harmed, other)] == [pb.TASK_STATE_DONE] * 2
    assert await uses(upstreams, harmed, other) == [1, 1]
    assert await ends(queue_settings, [harmed, other]) == {harmed: 1, other: 1}


async def test_a_photo_that_kills_its_worker_three_times_fails_and_the_next_one_is_done(owner, slow, portrait, backend):
    poison = await owner.upload(slow)
    begun = 0
    async with asyncio.timeout(WAIT_SECONDS):
        async for step in owner.steps(poison):
            begun += step.task.state == pb.TASK_STATE_DECODING
            if step.task.state == pb.TASK_STATE_DETECTING:
                assert backend.kill_children()
    assert (step.task.state, step.task.error.reason) == (pb.TASK_STATE_FAILED, "WORKER_LOST")
    assert begun == 3
    assert (await owner.ended(await owner.upload(portrait))).state == pb.TASK_STATE_DONE


async def test_queued_and_running_tasks_can_be_canceled(owner, slow, portrait, upstreams, queue_settings):
    running_one, waiting_one = await owner.upload(slow), await owner.upload(slow)
    await owner.until(running_one, pb.TASK_STATE_DECODING)
    for task_id in (running_one, waiting_one):
        assert (await owner.cancel(task_id)).error.reason == "CANCELLED"
    after = await owner.upload(portrait)
    assert (await owner.ended(after)).state == pb.TASK_STATE_DONE
    assert await uses(upstreams, after) == [1]
    assert not {running_one, waiting_one} & {use.task_id for use in upstreams[0].uses}
    assert await ends(queue_settings, [running_one, waiting_one]) == {running_one: 1, waiting_one: 1}


async def test_a_revision_is_processed(owner, portrait, upstreams):
    task_id = await owner.upload(portrait)
    await owner.ended(task_id)
    await owner.revise(task_id, "angry")
    task = await owner.ended(task_id)
    assert (task.state, task.faces[0].expression) == (pb.TASK_STATE_DONE, "angry")
    assert await uses(upstreams, task_id) == [1]


async def test_tasks_of_a_stopped_service_are_finished(mesh, upstreams, queue_settings, portrait):
    token, emoji_id = mesh.token(new_id()), upstreams[0].add_emoji()
    async with running(lambda settings: compose(settings, mesh.verifier), queue_settings) as server:
        owner = Owner(inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference")), token, emoji_id)
        task_ids = [await owner.upload(portrait) for _ in range(3)]
    async with running(lambda settings: compose(settings, mesh.verifier), queue_settings) as server:
        owner = Owner(inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference")), token, emoji_id)
        assert [(await owner.ended(task_id)).state for task_id in task_ids] == [pb.TASK_STATE_DONE] * 3
        assert await uses(upstreams, *task_ids) == [1, 1, 1]
    assert await ends(queue_settings, task_ids) == dict.fromkeys(task_ids, 1)
