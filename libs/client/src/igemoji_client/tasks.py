"""Tasks: upload a photo, watch it, fetch and revise the result."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from igemoji_client.errors import DeadlineExceeded, TaskFailed
from igemoji_client.files import written
from igemoji_client.models import Box, Expression, Json, Picture, Share, Shared, Task, TaskState
from igemoji_client.transport import Call, CallGroup, creating, get, key_header
from igemoji_client.uploads import Progress, Upload
from igemoji_client.watching import watched

TASKS = "/api/v1/faces/tasks"
SHARED = "/api/v1/shared"
WATCH_SECONDS = 120.0


class AsyncTasks(CallGroup):
    """Tasks: the work on one photo each, visible to its owner alone."""

    async def create(
        self,
        photo: Picture,
        template_id: str,
        *,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Upload a photo and return the id of its task.

        Args:
            photo: The photo, or the path of its file.
            template_id: The template whose emojis cover the faces.
            on_progress: Called with the bytes sent so far and their total.
            idempotency_key: Key that makes a repeated call the same one; by default a new key.

        Raises InvalidRequest, and TooManyRequests if the caller has too many open tasks.
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
        """Return a task. Raises NotFound."""
        return await self._transport.model(Task, get(f"{TASKS}/{task_id}"))

    async def watch(self, task_id: str, *, timeout_seconds: float = WATCH_SECONDS) -> AsyncGenerator[Task, None]:
        """Iterate over the steps of a task up to the last one; a lost connection is resumed.

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
        """Return the task when it is done. Raises TaskFailed, and DeadlineExceeded after `timeout_seconds`."""
        last: Task | None = None
        async for task in self.watch(task_id, timeout_seconds=timeout_seconds):
            last = task
        if last is None:  # the server sends no step of a task that ended long ago
            last = await self.get(task_id)
        if last.state is TaskState.FAILED:
            raise TaskFailed(last)
        return last

    async def cancel(self, task_id: str) -> Task:
        """Cancel a task and return it; a task that has ended stays as it is."""
        return await self._transport.model(Task, Call("POST", f"{TASKS}/{task_id}/cancel", json={}, safe=True))

    async def delete(self, task_id: str) -> None:
        """Delete a task, its photo and its result."""
        await self._transport.json(Call("DELETE", f"{TASKS}/{task_id}"))

    async def result_image(self, task_id: str) -> bytes:
        """Return the finished photo."""
        return (await self._transport.send(get(f"{TASKS}/{task_id}/image"))).content

    async def save_result(self, task_id: str, path: Path) -> None:
        """Write the finished photo to a file, atomically."""
        with written(path) as file:
            await self._transport.download(get(f"{TASKS}/{task_id}/image"), file)

    async def revise_face(
        self, task_id: str, face: int, *, expression: Expression | None = None, covered: bool | None = None
    ) -> Task:
        """Change the expression of a face, uncover or cover it; `wait` for the new result."""
        given = {"expression": expression, "covered": covered}
        fields: Json = {key: value for key, value in given.items() if value is not None}
        # Idempotent, so it may be retried.
        call = Call("PATCH", f"{TASKS}/{task_id}/faces/{face}", json=fields, safe=True)
        return await self._transport.model(Task, call)

    async def add_face(self, task_id: str, box: Box, *, idempotency_key: str | None = None) -> Task:
        """Cover a face that was missed; `wait` for the new result."""
        call = creating(f"{TASKS}/{task_id}/faces", {"box": box.model_dump()}, idempotency_key)
        return await self._transport.model(Task, call)

    async def share(self, task_id: str, *, days: int = 7, idempotency_key: str | None = None) -> Share:
        """Create a share link to the finished photo, for anyone with the link."""
        call = creating(f"{TASKS}/{task_id}/share", {"days": days}, idempotency_key)
        return await self._transport.model(Share, call)

    async def unshare(self, task_id: str) -> None:
        """Revoke every share link of a task."""
        await self._transport.json(Call("DELETE", f"{TASKS}/{task_id}/share", safe=True))

    async def shared(self, token: str) -> Shared:
        """Return what a share link shows; it needs no login."""
        return await self._transport.model(Shared, get(f"{SHARED}/{token}"))

    async def shared_image(self, token: str) -> bytes:
        """Return the photo of a share link."""
        return (await self._transport.send(get(f"{SHARED}/{token}/image"))).content
