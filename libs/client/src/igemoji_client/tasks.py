"""Photos in, emoji photos out."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from igemoji_client.errors import DeadlineExceeded, TaskFailed
from igemoji_client.files import written
from igemoji_client.models import Box, Expression, Json, Picture, Share, Shared, Task, TaskState
from igemoji_client.transport import Call, Transport, creating, get, key_header
from igemoji_client.uploads import Progress, Upload
from igemoji_client.watching import watched

TASKS = "/api/v1/faces/tasks"
SHARED = "/api/v1/shared"
WATCH_SECONDS = 120.0


class AsyncTasks:
    """A task is a photo that is worked on; it is its owner's alone."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        photo: Picture,
        template_id: str,
        *,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Sends a photo and returns the id of its task.

        Args:
            on_progress: Is told how many bytes were sent, and how many there are.

        Raises InvalidRequest, and TooManyRequests where one has too many open tasks.
        """
        call = Call(
            "POST",
            TASKS,
            {"emoji_id": template_id},
            upload=Upload(photo, on_progress),
            headers=key_header(idempotency_key),
            safe=True,
        )
        return str((await self._transport.json(call))["task_id"])

    async def get(self, task_id: str) -> Task:
        return Task.model_validate(await self._transport.json(get(f"{TASKS}/{task_id}")))

    async def watch(self, task_id: str, *, timeout_seconds: float = WATCH_SECONDS) -> AsyncGenerator[Task, None]:
        """Every step of a task up to the last one; a lost connection is taken up again where it broke off.

        Raises DeadlineExceeded after `timeout_seconds`.
        """
        ends = time.monotonic() + timeout_seconds
        steps = watched(self._transport, f"{TASKS}/{task_id}", lambda: self.get(task_id))
        try:
            while True:
                try:
                    async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                        task = await anext(steps, None)
                except TimeoutError:
                    raise DeadlineExceeded(f"The task had not ended after {timeout_seconds:g} s.") from None
                if task is None:
                    return
                yield task
        finally:
            await steps.aclose()

    async def wait(self, task_id: str, *, timeout_seconds: float = WATCH_SECONDS) -> Task:
        """The task when it is done. Raises TaskFailed, and DeadlineExceeded after `timeout_seconds`."""
        last: Task | None = None
        async for task in self.watch(task_id, timeout_seconds=timeout_seconds):
            last = task
        if last is None:  # the server had nothing new to tell of one that ended long ago
            last = await self.get(task_id)
        if last.state is TaskState.FAILED:
            raise TaskFailed(last)
        return last

    async def cancel(self, task_id: str) -> Task:
        call = Call("POST", f"{TASKS}/{task_id}/cancel", json={}, safe=True)
        return Task.model_validate(await self._transport.json(call))

    async def delete(self, task_id: str) -> None:
        """Removes the task, its photo and its result."""
        await self._transport.json(Call("DELETE", f"{TASKS}/{task_id}"))

    async def result_image(self, task_id: str) -> bytes:
        """The finished photo."""
        return (await self._transport.send(get(f"{TASKS}/{task_id}/image"))).content

    async def save_result(self, task_id: str, path: Path) -> None:
        """Writes the finished photo to a file, which is there whole or not at all."""
        with written(path) as file:
            await self._transport.download(get(f"{TASKS}/{task_id}/image"), file)

    async def revise_face(
        self, task_id: str, face: int, *, expression: Expression | None = None, covered: bool | None = None
    ) -> Task:
        """Gives a face another expression, uncovers it or covers it again; `wait` for what comes of it."""
        given = {"expression": expression, "covered": covered}
        told: Json = {key: value for key, value in given.items() if value is not None}
        # It comes out the same however often it is told.
        call = Call("PATCH", f"{TASKS}/{task_id}/faces/{face}", json=told, safe=True)
        return Task.model_validate(await self._transport.json(call))

    async def add_face(self, task_id: str, box: Box, *, idempotency_key: str | None = None) -> Task:
        """Covers a face that the AI missed; `wait` for what comes of it."""
        call = creating(f"{TASKS}/{task_id}/faces", {"box": box.model_dump()}, idempotency_key)
        return Task.model_validate(await self._transport.json(call))

    async def share(self, task_id: str, *, days: int = 7, idempotency_key: str | None = None) -> Share:
        """A link to the finished photo, for whoever has it."""
        call = creating(f"{TASKS}/{task_id}/share", {"days": days}, idempotency_key)
        return Share.model_validate(await self._transport.json(call))

    async def unshare(self, task_id: str) -> None:
        """Revokes every link to it."""
        await self._transport.json(Call("DELETE", f"{TASKS}/{task_id}/share", safe=True))

    async def shared(self, token: str) -> Shared:
        """What a link leads to; it needs no login."""
        return Shared.model_validate(await self._transport.json(get(f"{SHARED}/{token}")))

    async def shared_image(self, token: str) -> bytes:
        return (await self._transport.send(get(f"{SHARED}/{token}/image"))).content
