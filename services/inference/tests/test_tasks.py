"""Tasks from upload to result, as a user sees them."""

import asyncio
import io
import os
import signal
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.adapters.db.tables import metadata
from igemoji_inference.entrypoints.wiring import compose
from igemoji_mesh.db.migrations import differences, migrate
from igemoji_mesh.errors import StartError
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason, running, violated_fields
from igemoji_vision.faces import EXPRESSIONS


@pytest.fixture
def me(mesh):
    return bearer(mesh.token(new_id()))


@pytest.fixture
def emoji_id(upstreams):
    return upstreams[0].add_emoji()


async def upload(stub, photo: bytes, emoji_id: str, me) -> str:
    request = pb.CreateTaskRequest(image=HttpBody(data=photo), emoji_id=emoji_id)
    answer: pb.CreateTaskResponse = await stub.CreateTask(request, metadata=me)
    return answer.task_id


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


async def watched(stub, task_id: str, me, after: int = 0) -> list[pb.WatchTaskResponse]:
    return [
        step async for step in stub.WatchTask(pb.WatchTaskRequest(task_id=task_id, after_sequence=after), metadata=me)
    ]


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def image_of(stub, task_id: str, me) -> tuple[str, bytes]:
    chunks = [chunk async for chunk in stub.GetResultImage(pb.GetResultImageRequest(task_id=task_id), metadata=me)]
    return chunks[0].content_type, b"".join(chunk.data for chunk in chunks)


def worker_pids() -> list[int]:
    """Return the sandbox processes of this test run, newest first."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    workers = [pid for pid in children if b"sandbox.main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return sorted(map(int, workers), key=started_at, reverse=True)


def started_at(pid: int) -> int:
    """Return when a process started, in clock ticks since boot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


async def until(condition, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_photo_becomes_an_emoji_photo(stub, me, emoji_id, portrait, upstreams):
    task_id = await upload(stub, portrait, emoji_id, me)
    steps = await watched(stub, task_id, me)

    states = [pb.TaskState.Name(step.task.state).removeprefix("TASK_STATE_") for step in steps]
    assert states == ["QUEUED", "DECODING", "DETECTING", "CLASSIFYING", "COMPOSING", "DONE"]
    assert [step.sequence for step in steps] == [1, 2, 3, 4, 5, 6]
    percents = [step.task.percent for step in steps]
    assert percents == sorted(percents)
    assert percents[-1] == 100

    task: pb.Task = await stub.GetTask(pb.GetTaskRequest(task_id=task_id), metadata=me)
    assert (task.width, task.height) == (512, 512)
    (face,) = task.faces
    scores = [getattr(face.scores, expression) for expression in EXPRESSIONS]
    assert sum(scores) == pytest.approx(1, abs=1e-3)
    assert face.expression == "happy"
    assert face.covered
    kind, data = await image_of(stub, task_id, me)
    assert kind == "image/jpeg"
    x, y = int(face.box.x + face.box.width / 2), int(face.box.y + face.box.height / 2)
    middle = Image.open(io.BytesIO(data)).convert("RGB").crop((x - 1, y - 1, x + 1, y + 1)).resize((1, 1))
    assert list(middle.tobytes()) == pytest.approx([255, 90, 0], abs=12)

    await until(lambda: upstreams[0].uses)
    (use,) = upstreams[0].uses
    assert (use.task_id, use.emoji_id) == (task_id, emoji_id)


async def test_a_photo_without_a_face_is_done_with_no_faces(stub, me, emoji_id, landscape):
    task_id = await upload(stub, landscape, emoji_id, me)
    last = (await watched(stub, task_id, me))[-1].task
    assert last.state == pb.TASK_STATE_DONE
    assert not last.faces
    assert (await image_of(stub, task_id, me))[1]


async def test_a_truncated_photo_fails_and_the_next_one_is_done(stub, me, emoji_id, portrait):
    broken = await upload(stub, portrait[: len(portrait) // 2], emoji_id, me)
    whole = await upload(stub, portrait, emoji_id, me)
    task = (await watched(stub, broken, me))[-1].task
    assert (task.state, task.error.reason) == (pb.TASK_STATE_FAILED, "PHOTO_TRUNCATED")
    assert (await watched(stub, whole, me))[-1].task.state == pb.TASK_STATE_DONE
    error = await refusal(image_of(stub, broken, me))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "RESULT_NOT_READY")


@pytest.mark.parametrize(
    ("photo", "reason"),
    [(b"", "PHOTO_EMPTY"), (b"just text", "PHOTO_NOT_RECOGNIZED"), (bytes(16 * 2**20 + 1), "PHOTO_TOO_LARGE")],
)
async def test_files_that_are_no_photo_are_refused_at_once(stub, me, emoji_id, photo, reason):
    error = await refusal(upload(stub, photo, emoji_id, me))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert violated_fields(error) == ["image"]


async def test_an_unknown_template_is_not_found(stub, me, portrait):
    error = await refusal(upload(stub, portrait, new_id(), me))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "EMOJI_NOT_FOUND")


def form(boundary: str, **parts: bytes) -> bytes:
    lines = b""
    for name, value in parts.items():
        disposition = f'form-data; name="{name}"; filename="x.jpg"' if name == "image" else f'form-data; name="{name}"'
        lines += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"
    return lines + f"--{boundary}--\r\n".encode()


async def upload_form(stub, body: bytes, me, emoji_id: str = "") -> str:
    image = HttpBody(data=body, content_type="multipart/form-data; boundary=xyz")
    answer: pb.CreateTaskResponse = await stub.CreateTask(
        pb.CreateTaskRequest(image=image, emoji_id=emoji_id), metadata=me
    )
    return answer.task_id


async def test_a_browser_form_is_accepted(stub, me, emoji_id, portrait):
    body = form("xyz", emoji_id=emoji_id.encode(), other=b"thing", image=portrait)
    task = (await watched(stub, await upload_form(stub, body, me), me))[-1].task
    assert (task.state, task.emoji_id, len(task.faces)) == (pb.TASK_STATE_DONE, emoji_id, 1)
    in_query = await upload_form(stub, form("xyz", image=portrait), me, emoji_id)
    assert (await watched(stub, in_query, me))[-1].task.state == pb.TASK_STATE_DONE


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"--xyz\r\nnonsense", "FORM_UNREADABLE", "image"),
        (form("xyz", image=b"x" * 1000)[:-30], "FORM_UNREADABLE", "image"),
        (form("xyz", **{f"part{number}": b"" for number in range(40)}), "FORM_UNREADABLE", "image"),
        (form("xyz", emoji_id=b"no id", image=b"x"), "INVALID_REQUEST", "emoji_id"),
        (form("xyz", image=b"x"), "EMOJI_MISSING", "emoji_id"),
        (form("xyz", emoji_id=new_id().encode()), "PHOTO_EMPTY", "image"),
    ],
    ids=["nonsense", "cut short", "many parts", "bad id", "no template", "no photo"],
)
async def test_an_invalid_form_names_the_field(stub, me, body, reason, field):
    error = await refusal(upload_form(stub, body, me))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert violated_fields(error) == [field]


async def test_a_canceled_task_stops_and_leaves_nothing(stub, me, emoji_id, portrait, settings, upstreams, mesh):
    slow = encoded(Image.new("RGB", (5000, 4000)), "PNG")
    task_ids = [await upload(stub, slow, emoji_id, me) for _ in range(4)]
    for task_id in task_ids[1:]:
        task = await stub.CancelTask(pb.CancelTaskRequest(task_id=task_id), metadata=me)
        assert (task.state, task.error.reason) == (pb.TASK_STATE_FAILED, "CANCELLED")
    assert (await watched(stub, task_ids[0], me))[-1].task.state == pb.TASK_STATE_DONE
    assert (await watched(stub, task_ids[1], me))[-1].task.error.reason == "CANCELLED"
    done = await stub.CancelTask(pb.CancelTaskRequest(task_id=task_ids[0]), metadata=me)
    assert done.state == pb.TASK_STATE_DONE
    other = bearer(mesh.token(new_id()))
    error = await refusal(stub.CancelTask(pb.CancelTaskRequest(task_id=task_ids[0]), metadata=other))
    assert error.code() == grpc.StatusCode.NOT_FOUND

    after = await upload(stub, portrait, emoji_id, me)
    assert (await watched(stub, after, me))[-1].task.state == pb.TASK_STATE_DONE
    objects = settings.data_dir / "objects" / "inference"
    kept = sorted([task_ids[0], after])
    await until(lambda: sorted(path.name for path in (objects / "photos").iterdir()) == kept)
    await until(lambda: sorted(path.name[:36] for path in (objects / "results").iterdir()) == kept)
    await until(lambda: len(upstreams[0].uses) == 2)


async def test_small_photos_do_not_wait_behind_large_ones(stub, mesh, emoji_id, landscape):
    large = encoded(Image.new("RGB", (5000, 4000)), "PNG")
    first, second = bearer(mesh.token(new_id())), bearer(mesh.token(new_id()))
    large_ids = [await upload(stub, large, emoji_id, first) for _ in range(4)]
    small_id = await upload(stub, landscape, emoji_id, second)
    await watched(stub, small_id, second)
    states = [(await stub.GetTask(pb.GetTaskRequest(task_id=task_id), metadata=first)).state for task_id in large_ids]
    assert states.count(pb.TASK_STATE_DONE) < 3


async def test_tasks_of_other_users_are_not_found(stub, me, emoji_id, portrait, mesh):
    task_id = await upload(stub, portrait, emoji_id, me)
    other = bearer(mesh.token(new_id()))
    for call in (
        stub.GetTask(pb.GetTaskRequest(task_id=task_id), metadata=other),
        watched(stub, task_id, other),
        image_of(stub, task_id, other),
    ):
        error = await refusal(call)
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND")


async def test_a_returning_watcher_gets_the_missed_steps_only(stub, me, emoji_id, landscape):
    task_id = await upload(stub, landscape, emoji_id, me)
    whole = [step.sequence for step in await watched(stub, task_id, me)]
    assert [step.sequence for step in await watched(stub, task_id, me, after=3)] == whole[3:]
    assert await watched(stub, task_id, me, after=whole[-1]) == []
    resumed = stub.WatchTask(pb.WatchTaskRequest(task_id=task_id), metadata=(*me, ("last-event-id", "4")))
    assert [step.sequence async for step in resumed] == whole[4:]


async def test_results_are_listed_newest_first_in_pages(stub, mesh, server, emoji_id, landscape):
    user_id = new_id()
    mine = bearer(mesh.token(user_id))
    made = []
    for _ in range(3):
        made.append(await upload(stub, landscape, emoji_id, mine))
        await watched(stub, made[-1], mine)
    auth = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference", caller="auth"))
    first = await auth.ListResults(pb.ListResultsRequest(user_id=user_id, page_number=1, page_size=2))
    second = await auth.ListResults(pb.ListResultsRequest(user_id=user_id, page_number=2, page_size=2))
    assert [result.task_id for result in (*first.results, *second.results)] == made[::-1]
    assert first.total == second.total == 3
    following = pb.ListResultsRequest(user_id=user_id, page_number=1, page_size=2, page_token=first.next_page_token)
    assert await auth.ListResults(following) == second
    assert (second.total_is_exact, second.next_page_token) == (True, "")
    await stub.DeleteTask(pb.DeleteTaskRequest(task_id=made[2]), metadata=mine)
    assert [result.task_id for result in (await auth.ListResults(following)).results] == made[:1]
    following.user_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await auth.ListResults(following)
    assert error_reason(caught.value) == "INVALID_PAGE_TOKEN"


async def test_pictures_of_a_template_are_fetched_once(stub, me, emoji_id, landscape, upstreams):
    for _ in range(2):
        await watched(stub, await upload(stub, landscape, emoji_id, me), me)
    assert upstreams[0].image_calls == 7


async def test_the_original_of_a_failed_task_is_deleted_at_once(stub, me, emoji_id, portrait, settings):
    photos = settings.data_dir / "objects" / "inference" / "photos"
    await watched(stub, await upload(stub, portrait[: len(portrait) // 2], emoji_id, me), me)
    await until(lambda: not list(photos.iterdir()))


async def test_open_tasks_beyond_the_quota_are_refused_with_retry_after(mesh, settings, upstreams, landscape):
    settings = settings.model_copy(update={"max_open_tasks": 2, "workers": 1, "task_seconds": 30})
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        me, emoji_id = bearer(mesh.token(new_id())), upstreams[0].add_emoji()
        outcomes = await asyncio.gather(
            *(upload(stub, landscape, emoji_id, me) for _ in range(8)), return_exceptions=True
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert refused
    assert {error_reason(error) for error in refused} == {"TOO_MANY_OPEN_TASKS"}
    assert all(dict(error.trailing_metadata())["retry-after"] == "2" for error in refused)


async def test_a_killed_worker_loses_no_task(stub, me, emoji_id, portrait, upstreams, settings):
    task_ids = [await upload(stub, portrait, emoji_id, me) for _ in range(4)]
    os.kill(worker_pids()[0], signal.SIGKILL)
    for task_id in task_ids:
        assert (await watched(stub, task_id, me))[-1].task.state == pb.TASK_STATE_DONE
    await until(lambda: len(upstreams[0].uses) >= 4)
    assert sorted(use.task_id for use in upstreams[0].uses) == sorted(task_ids)


async def test_tasks_left_at_shutdown_are_done_after_the_next_start(mesh, settings, upstreams, portrait):
    me, emoji_id = bearer(mesh.token(new_id())), upstreams[0].add_emoji()
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        task_ids = [await upload(stub, portrait, emoji_id, me) for _ in range(3)]
    async with running(lambda settings: compose(settings, mesh.verifier), settings) as server:
        stub = inference_pb2_grpc.InferenceServiceStub(mesh.channel(server.port, "inference"))
        for task_id in task_ids:
            assert (await watched(stub, task_id, me))[-1].task.state == pb.TASK_STATE_DONE


async def test_uses_are_counted_after_an_outage_of_the_ranking(stub, me, emoji_id, landscape, upstreams):
    upstreams[0].down = True
    task_id = await upload(stub, landscape, emoji_id, me)
    await watched(stub, task_id, me)
    await asyncio.sleep(0.3)
    assert not upstreams[0].uses
    upstreams[0].down = False
    await until(lambda: upstreams[0].uses, 15)
    assert [use.task_id for use in upstreams[0].uses] == [task_id]


async def test_orphans_are_swept_at_start(mesh, settings):
    objects = settings.data_dir / "objects" / "inference"
    for name in (f"photos/{new_id()}", f"results/{new_id()}.jpg"):
        (objects / name).parent.mkdir(parents=True, exist_ok=True)
        (objects / name).write_bytes(b"left")
    async with running(lambda settings: compose(settings, mesh.verifier), settings):
        assert [path for path in objects.rglob("*") if path.is_file()] == []


async def test_a_truncated_model_is_reported_at_start(mesh, settings, models, tmp_path):
    damaged = tmp_path / "models"
    damaged.mkdir()
    for path in models.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes()[: 1000 if path.suffix == ".onnx" else None])
    with pytest.raises(StartError, match="make assets"):
        await compose(settings.model_copy(update={"models_dir": damaged}), mesh.verifier)


def test_migrations_and_tables_agree(tmp_path):
    url = f"sqlite:///{tmp_path}/tasks.db"
    assert differences(url, "igemoji_inference", metadata) == []
    migrate(url, "igemoji_inference")
    assert "tasks" in sa.inspect(sa.create_engine(url)).get_table_names()
