"""Servicer of the inference service: parse, call a use case, map."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_inference.domain.model import Share, Task, TaskResult
from igemoji_inference.entrypoints import multipart
from igemoji_inference.usecases.deletion import Deletion
from igemoji_inference.usecases.sharing import Sharing
from igemoji_inference.usecases.tasks import Tasks
from igemoji_mesh.call_context import caller
from igemoji_mesh.idempotency.answer import Answer, answer_once
from igemoji_mesh.interceptors.access import user
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import is_rest_call, send_headers, send_redirect
from igemoji_mesh.interceptors.validation import validate
from igemoji_mesh.timestamps import to_timestamp
from igemoji_vision.faces import Box, Face

TASKS = "/api/v1/faces/tasks"
SHARED = "/api/v1/shared"
SHARE_DAYS = 7
GUEST = "guest"
"""Role of guest accounts."""


class InferenceServicer(inference_pb2_grpc.InferenceServiceServicer):
    """Servicer of `igemoji.inference.v1.InferenceService`."""

    def __init__(self, tasks: Tasks, sharing: Sharing, deletion: Deletion) -> None:
        self._tasks = tasks
        self._sharing = sharing
        self._deletion = deletion

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        photo, emoji_id = await _photo_and_emoji(request)
        create = partial(self._tasks.create, photo, emoji_id, user_id=user().id, guest=caller().role == GUEST)
        return await answer_once(context, create, _created)

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.Task:
        return _task(await self._tasks.get(request.task_id, user_id=user().id))

    async def CancelTask(self, request: pb.CancelTaskRequest, context: Context) -> pb.Task:
        return _task(await self._tasks.cancel(request.task_id, user_id=user().id))

    async def ReviseFace(self, request: pb.ReviseFaceRequest, context: Context) -> pb.Task:
        expression = request.expression if request.HasField("expression") else None
        covered = request.covered if request.HasField("covered") else None
        change = (request.face, expression, covered)
        return _task(await self._tasks.revise_face(request.task_id, *change, user_id=user().id))

    async def AddFace(self, request: pb.AddFaceRequest, context: Context) -> pb.Task:
        box = Box(request.box.x, request.box.y, request.box.width, request.box.height)
        add = partial(self._tasks.add_face, request.task_id, box, user_id=user().id)
        return await answer_once(context, add, lambda task: Answer(_task(task)))

    async def WatchTask(self, request: pb.WatchTaskRequest, context: Context) -> AsyncIterator[pb.WatchTaskResponse]:
        after = request.after_sequence or _last_event_id(context)
        async with aclosing(self._tasks.watch(request.task_id, after, user_id=user().id)) as steps:
            async for step, heartbeat in steps:
                yield pb.WatchTaskResponse(sequence=step.sequence, heartbeat=heartbeat, task=_task(step.task))

    async def GetResultImage(self, request: pb.GetResultImageRequest, context: Context) -> AsyncIterator[HttpBody]:
        task, chunks = await self._tasks.result(request.task_id, user_id=user().id, as_link=is_rest_call(context))
        async for piece in _image(task, chunks, context):
            yield piece

    async def DeleteTask(self, request: pb.DeleteTaskRequest, context: Context) -> Empty:
        await self._deletion.delete(request.task_id, user_id=user().id)
        return Empty()

    async def ShareResult(self, request: pb.ShareResultRequest, context: Context) -> pb.ShareResultResponse:
        share = partial(self._sharing.share, request.task_id, request.days or SHARE_DAYS, user_id=user().id)
        return await answer_once(context, share, _shared)

    async def UnshareResult(self, request: pb.UnshareResultRequest, context: Context) -> Empty:
        await self._sharing.unshare(request.task_id, user_id=user().id)
        return Empty()

    async def GetShared(self, request: pb.GetSharedRequest, context: Context) -> pb.SharedResult:
        task, expires_at = await self._sharing.shared(request.token)
        return pb.SharedResult(
            image_url=f"{SHARED}/{request.token}/image",
            width=task.findings.width,
            height=task.findings.height,
            emoji_id=task.emoji_id,
            expires_at=to_timestamp(expires_at),
        )

    async def GetSharedImage(self, request: pb.GetSharedImageRequest, context: Context) -> AsyncIterator[HttpBody]:
        task, chunks = await self._sharing.shared_image(request.token, as_link=is_rest_call(context))
        async for piece in _image(task, chunks, context):
            yield piece

    async def DeleteUserData(self, request: pb.DeleteUserDataRequest, context: Context) -> Empty:
        await self._deletion.delete_all(request.user_id)
        return Empty()

    async def ListResults(self, request: pb.ListResultsRequest, context: Context) -> pb.ListResultsResponse:
        page = await self._tasks.results_of(request.user_id, request.page_number, request.page_size, request.page_token)
        return pb.ListResultsResponse(
            results=map(_result, page.results),
            total=page.total,
            total_is_exact=page.total_is_exact,
            next_page_token=page.next_page_token,
        )


async def _photo_and_emoji(request: pb.CreateTaskRequest) -> tuple[bytes, str]:
    """Return the photo and the template's id. The body is the photo or a form, whose emoji_id overrides the query's."""
    if not multipart.is_form(request.image.content_type):
        return request.image.data, request.emoji_id
    form = await asyncio.to_thread(multipart.parse, request.image.content_type, request.image.data)
    emoji_id = form.emoji_id or request.emoji_id
    validate(pb.CreateTaskRequest(emoji_id=emoji_id))
    return form.image, emoji_id


async def _image(task: Task, chunks: Iterator[bytes] | str, context: Context) -> AsyncIterator[HttpBody]:
    """Yield a result in chunks, or redirect to a link."""
    if isinstance(chunks, str):
        await send_redirect(context, chunks, "private, no-store")
        yield HttpBody()
        return
    name = f"igemoji-{task.id[-12:]}.{task.result_key.rpartition('.')[2]}"
    await send_headers(context, cache_control="private, no-cache", content_disposition=f'inline; filename="{name}"')
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield HttpBody(content_type=task.content_type, data=chunk)


def _created(task_id: str) -> Answer[pb.CreateTaskResponse]:
    return Answer(pb.CreateTaskResponse(task_id=task_id), {"location": f"{TASKS}/{task_id}"})


def _shared(share: Share) -> Answer[pb.ShareResultResponse]:
    url = f"{SHARED}/{share.token}"
    message = pb.ShareResultResponse(token=share.token, url=url, expires_at=to_timestamp(share.expires_at))
    return Answer(message, {"location": url, "cache-control": "no-store"})


def _last_event_id(context: Context) -> int:
    """Return the sequence that a browser sends when it reconnects to an event stream."""
    given = str(dict(context.invocation_metadata() or ()).get("last-event-id", ""))
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0


def _task(task: Task) -> pb.Task:
    return pb.Task(
        task_id=task.id,
        state=pb.TaskState.Value(f"TASK_STATE_{task.state}"),
        percent=task.percent,
        faces=[
            _face(number, face, covered=number not in task.findings.uncovered)
            for number, face in enumerate(task.findings.faces)
        ],
        image_url=_image_url(task.id) if task.result_key else "",
        error=pb.TaskError(reason=task.failure.reason, message=task.failure.message) if task.failure else None,
        emoji_id=task.emoji_id,
        created_at=to_timestamp(task.created_at),
        revisable_until=to_timestamp(task.original_until) if task.original_until else None,
        width=task.findings.width,
        height=task.findings.height,
        more_faces=task.findings.more_faces,
    )


def _face(number: int, face: Face, *, covered: bool) -> pb.Face:
    return pb.Face(
        face=number,
        box=pb.Box(x=face.box.x, y=face.box.y, width=face.box.width, height=face.box.height),
        roll=face.roll,
        expression=face.expression,
        uncertain=face.uncertain,
        scores=pb.Scores(**face.scores),
        covered=covered,
    )


def _result(result: TaskResult) -> pb.TaskResult:
    return pb.TaskResult(
        task_id=result.task_id,
        emoji_id=result.emoji_id,
        image_url=_image_url(result.task_id),
        faces=result.faces,
        created_at=to_timestamp(result.created_at),
    )


def _image_url(task_id: str) -> str:
    return f"{TASKS}/{task_id}/image"
