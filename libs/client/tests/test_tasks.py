"""Uploads with progress, and watching tasks over unreliable connections."""

import asyncio

import httpx
import pytest

from igemoji_client import DeadlineExceeded, NotFound, ServerTrouble, TaskFailed, TaskState, watching

from .conftest import event, ok, refusal, stream, task

CREATE = "POST /api/v1/faces/tasks"
EVENTS = "GET /api/v1/faces/tasks/p1/events"
TASK = "GET /api/v1/faces/tasks/p1"
LOST = httpx.ReadError("lost")


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(watching, "RECONNECT_SECONDS", 0.001)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.001)


async def states(client) -> list[str]:
    return [task.state.name async for task in client.tasks.watch("p1")]


@pytest.mark.parametrize("from_file", [False, True])
async def test_upload_reports_progress_and_is_retried_with_the_same_key(server, anna, tmp_path, from_file):
    photo = bytes(range(256)) * 600
    (tmp_path / "photo.jpg").write_bytes(photo)
    reported: list[tuple[int, int]] = []
    server.on(CREATE, LOST, ok({"task_id": "p1"}, 202))
    source = tmp_path / "photo.jpg" if from_file else photo
    assert await anna.tasks.create(source, "t1", on_progress=lambda *far: reported.append(far)) == "p1"
    assert reported == [(65536, 153600), (131072, 153600), (153600, 153600)] * 2
    first, second = server.calls(CREATE)
    assert first.content == second.content == photo
    assert second.headers["content-length"] == str(len(photo))
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert dict(second.url.params) == {"emoji_id": "t1"}


async def test_watch_yields_every_step_once(server, anna):
    server.on(EVENTS, stream(event(1, "QUEUED"), event(1, "QUEUED", heartbeat=True), event(2, "DONE")))
    assert await states(anna) == ["QUEUED", "DONE"]


async def test_lost_stream_is_resumed_after_the_last_event(server, anna):
    server.on(
        EVENTS,
        stream(event(1, "QUEUED"), event(2, "DECODING")[:-1], LOST),
        stream(event(1, "QUEUED"), event(2, "DECODING"), LOST),
        stream(),
        stream(event(3, "DONE")),
    )
    assert await states(anna) == ["QUEUED", "DECODING", "DONE"]
    assert [request.headers.get("last-event-id") for request in server.calls(EVENTS)] == [None, "1", "2", "2"]


async def test_revised_task_is_watched_to_the_end_of_its_last_run(server, anna):
    server.on(EVENTS, stream(event(1, "DONE"), event(2, "QUEUED"), event(3, "DONE")))
    assert await states(anna) == ["DONE", "QUEUED", "DONE"]


async def test_task_is_polled_when_streams_fail(server, anna):
    server.on(EVENTS, refusal(503))
    server.on(TASK, ok(task("QUEUED")), ok(task("QUEUED")), ok(task("DETECTING", 30)), ok(task("DONE", 100)))
    assert await states(anna) == ["QUEUED", "DETECTING", "DONE"]
    assert server.count(EVENTS) == watching.MAX_EMPTY_STREAMS
    server.on(EVENTS, httpx.Response(200, text="a proxy that knows no streams", headers={"content-type": "text/html"}))
    server.on(TASK, ok(task("DONE", 100)))
    assert await states(anna) == ["DONE"]


@pytest.mark.parametrize(
    ("answer", "kind"), [(refusal(404, "TASK_NOT_FOUND"), NotFound), (refusal(500), ServerTrouble)]
)
async def test_refused_stream_raises(server, anna, answer, kind):
    server.on(EVENTS, answer)
    with pytest.raises(kind):
        await states(anna)


async def test_wait_returns_the_task_or_raises_task_failed(server, anna):
    server.on(EVENTS, stream(event(1, "QUEUED"), event(2, "DONE")))
    assert (await anna.tasks.wait("p1")).state is TaskState.DONE
    failed = event(1, "FAILED").replace(b'"percent": 0', b'"error": {"reason": "PHOTO_DAMAGED", "message": "Broken."}')
    server.on(EVENTS, stream(failed))
    with pytest.raises(TaskFailed) as caught:
        await anna.tasks.wait("p1")
    assert (caught.value.reason, str(caught.value)) == ("PHOTO_DAMAGED", "PHOTO_DAMAGED: Broken.")


async def test_watch_has_a_deadline(server, anna):
    class Silent(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield event(1, "QUEUED")
            await asyncio.Event().wait()

    server.on(EVENTS, httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Silent()))
    with pytest.raises(DeadlineExceeded):
        await anna.tasks.wait("p1", timeout_seconds=0.2)


async def test_unknown_state_does_not_end_a_watch(server, anna):
    server.on(EVENTS, stream(event(1, "ADMIRING"), event(2, "DONE")))
    assert await states(anna) == ["UNSPECIFIED", "DONE"]


async def test_redirect_to_the_object_store_carries_no_token(server, anna):
    image = "GET /api/v1/faces/tasks/p1/image"
    server.on(image, httpx.Response(302, headers={"location": "https://store.example/photos/p1?signature=x"}))
    server.on("GET /photos/p1", httpx.Response(200, content=b"photo"))
    assert await anna.tasks.result_image("p1") == b"photo"
    assert "authorization" in server.calls(image)[0].headers
    assert "authorization" not in server.calls("GET /photos/p1")[0].headers


async def test_result_file_is_written_atomically(server, anna, tmp_path):
    async def cut_short():
        yield b"half"
        raise LOST

    path, image = tmp_path / "result.jpg", "GET /api/v1/faces/tasks/p1/image"
    server.on(image, lambda _: httpx.Response(200, content=cut_short()), httpx.Response(200, content=b"whole"))
    await anna.tasks.save_result("p1", path)
    assert path.read_bytes() == b"whole"
    server.on(image, refusal(404))
    with pytest.raises(NotFound):
        await anna.tasks.save_result("p1", path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.jpg"]
    assert path.read_bytes() == b"whole"
