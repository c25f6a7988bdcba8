"""Owners revise faces, until retention deletes the original."""

import datetime
import io
from pathlib import Path

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji_inference.adapters.db.deletion import SqlDeletionStore
from igemoji_inference.usecases.retention import Retention
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_mesh.testing.mesh import bearer, error_reason, violated_fields

EYE_LEVEL = (225, 118)
"""The middle of the face in the portrait."""

COLORS = {"angry": (255, 0, 0), "surprise": (255, 150, 0), "happy": (255, 90, 0)}


class Owner:
    """A user with one finished task."""

    def __init__(self, stub, token: str) -> None:
        self.stub = stub
        self.me = bearer(token)
        self.task_id = ""

    async def upload(self, photo: bytes, emoji_id: str) -> pb.Task:
        request = pb.CreateTaskRequest(image=HttpBody(data=photo), emoji_id=emoji_id)
        self.task_id = (await self.stub.CreateTask(request, metadata=self.me)).task_id
        return await self.ended()

    async def ended(self, after: int = 0) -> pb.Task:
        request = pb.WatchTaskRequest(task_id=self.task_id, after_sequence=after)
        steps = [step.task async for step in self.stub.WatchTask(request, metadata=self.me)]
        last: pb.Task = steps[-1]
        return last

    async def revise(self, face: int, **changes: object) -> pb.Task:
        request = pb.ReviseFaceRequest(task_id=self.task_id, face=face, **changes)  # type: ignore[arg-type]
        queued: pb.Task = await self.stub.ReviseFace(request, metadata=self.me)
        assert queued.state == pb.TASK_STATE_QUEUED
        return await self.ended()

    async def add(self, x: float, y: float, width: float, height: float) -> pb.Task:
        box = pb.Box(x=x, y=y, width=width, height=height)
        await self.stub.AddFace(pb.AddFaceRequest(task_id=self.task_id, box=box), metadata=self.me)
        return await self.ended()

    async def image(self) -> Image.Image:
        request = pb.GetResultImageRequest(task_id=self.task_id)
        data = b"".join([chunk.data async for chunk in self.stub.GetResultImage(request, metadata=self.me)])
        return Image.open(io.BytesIO(data)).convert("RGB")

    async def color(self, x: float, y: float) -> list[int]:
        image = await self.image()
        return list(image.crop((int(x) - 1, int(y) - 1, int(x) + 1, int(y) + 1)).resize((1, 1)).tobytes())


@pytest.fixture
async def owner(stub, mesh, upstreams, portrait) -> Owner:
    owner = Owner(stub, mesh.token(new_id()))
    await owner.upload(portrait, upstreams[0].add_emoji())
    return owner


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def files(settings, kind: str) -> list[Path]:
    return list((settings.data_dir / "objects" / "inference" / kind).iterdir())


async def test_another_expression_shows_another_emoji(owner, settings, upstreams):
    task = await owner.revise(0, expression="angry")
    assert (task.state, task.faces[0].expression, task.faces[0].uncertain) == (pb.TASK_STATE_DONE, "angry", False)
    assert await owner.color(*EYE_LEVEL) == pytest.approx(COLORS["angry"], abs=12)
    assert task.faces[0].scores.happy > 0.5  # the scores of the classifier stay
    await owner.revise(0, expression="surprise")
    assert await owner.color(*EYE_LEVEL) == pytest.approx(COLORS["surprise"], abs=12)
    assert len(files(settings, "results")) == 1
    assert len(upstreams[0].uses) == 1


async def test_a_face_can_be_uncovered_and_covered_again(owner, portrait):
    with Image.open(io.BytesIO(portrait)) as original:
        skin = list(original.crop((224, 117, 226, 119)).resize((1, 1)).tobytes())
    task = await owner.revise(0, covered=False)
    assert not task.faces[0].covered
    assert await owner.color(*EYE_LEVEL) == pytest.approx(skin, abs=12)
    task = await owner.revise(0, covered=True)
    assert task.faces[0].covered
    assert await owner.color(*EYE_LEVEL) == pytest.approx(COLORS["happy"], abs=12)


async def test_an_added_face_is_classified_and_covered(owner):
    before = await owner.color(400, 400)
    task = await owner.add(350, 350, 100, 100)
    assert (len(task.faces), task.faces[1].covered) == (2, True)
    assert task.faces[1].expression
    assert sum(getattr(task.faces[1].scores, field) for field in ("angry", "disgust", "fear")) < 1
    assert await owner.color(400, 400) != before
    assert await owner.color(*EYE_LEVEL) == pytest.approx(COLORS["happy"], abs=12)


async def test_concurrent_revisions_both_count(owner):
    for request in (
        pb.ReviseFaceRequest(task_id=owner.task_id, face=0, expression="angry"),
        pb.ReviseFaceRequest(task_id=owner.task_id, face=0, covered=True),
    ):
        await owner.stub.ReviseFace(request, metadata=owner.me)
    box = pb.Box(x=350, y=350, width=100, height=100)
    await owner.stub.AddFace(pb.AddFaceRequest(task_id=owner.task_id, box=box), metadata=owner.me)
    task = await owner.ended()
    assert (task.faces[0].expression, len(task.faces)) == ("angry", 2)
    assert await owner.color(*EYE_LEVEL) == pytest.approx(COLORS["angry"], abs=12)


async def test_the_result_is_available_during_a_revision(owner):
    request = pb.ReviseFaceRequest(task_id=owner.task_id, face=0, expression="angry")
    queued = await owner.stub.ReviseFace(request, metadata=owner.me)
    assert queued.image_url
    assert (await owner.image()).size == (512, 512)


async def test_invalid_revisions_say_why(owner, mesh):
    cases = [
        (owner.revise(0), grpc.StatusCode.INVALID_ARGUMENT, "NOTHING_TO_REVISE", ["expression"]),
        (owner.revise(7, covered=False), grpc.StatusCode.NOT_FOUND, "FACE_NOT_FOUND", ["face"]),
        (owner.revise(0, expression="bored"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["expression"]),
        (owner.add(505, 10, 50, 50), grpc.StatusCode.INVALID_ARGUMENT, "BOX_OUTSIDE", ["box"]),
        (owner.add(10, 10, 0, 50), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["box.width"]),
    ]
    for call, code, reason, fields in cases:
        error = await refusal(call)
        assert (error.code(), error_reason(error), violated_fields(error)) == (code, reason, fields)
    stranger = Owner(owner.stub, mesh.token(new_id()))
    stranger.task_id = owner.task_id
    assert (await refusal(stranger.revise(0, covered=False))).code() == grpc.StatusCode.NOT_FOUND


async def test_without_an_original_revisions_are_refused_and_the_result_stays(owner, settings):
    task = await owner.ended()
    kept_for = task.revisable_until.ToDatetime(datetime.UTC) - utc_now()
    assert datetime.timedelta(hours=23) < kept_for <= datetime.timedelta(hours=24)
    assert len(files(settings, "photos")) == 1

    await sweep(settings, utc_now() + datetime.timedelta(hours=23))
    assert len(files(settings, "photos")) == 1
    await sweep(settings, utc_now() + datetime.timedelta(hours=24))
    assert files(settings, "photos") == []
    error = await refusal(owner.revise(0, covered=False))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "ORIGINAL_GONE")
    assert not (await owner.ended()).HasField("revisable_until")
    assert (await owner.image()).size == (512, 512)


async def test_results_are_deleted_after_a_month(owner, settings):
    await sweep(settings, utc_now() + datetime.timedelta(days=29))
    assert len(files(settings, "results")) == 1
    await sweep(settings, utc_now() + datetime.timedelta(days=30))
    assert files(settings, "results") == files(settings, "photos") == []
    assert (await refusal(owner.ended())).code() == grpc.StatusCode.NOT_FOUND


async def sweep(settings, at: datetime.datetime) -> None:
    """Run the retention of the service as of an instant."""
    database = Database(settings.database("inference"))
    objects = FolderObjectStore(settings.data_dir / "objects" / "inference")
    store, keep_results = SqlDeletionStore(database), datetime.timedelta(days=settings.result_days)
    await Retention(store, objects, keep_results, lambda: at).sweep()
    await database.close()
