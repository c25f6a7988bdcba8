"""Sandbox for pictures of templates: a few processes that normalize them and make thumbnails."""

import asyncio

from igemoji_vision.errors import PictureUnfit
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import PICTURE, Limits
from igemoji_vision.sandbox.process import SandboxLost, SandboxOverdue, SandboxProcess
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import Frame

TRIES = 2
"""A picture that ends its process this often is refused."""


class PictureSandbox:
    """Processes that stay up between pictures. Each is started when it is first needed, and again when it is lost."""

    def __init__(self, processes: int, limits: Limits = PICTURE) -> None:
        self._all = [SandboxProcess(Program(limits)) for _ in range(processes)]
        self._idle = asyncio.LifoQueue[SandboxProcess]()
        for process in self._all:
            self._idle.put_nowait(process)
        self._running: set[asyncio.Task[bytes]] = set()

    async def normalize(self, picture: bytes, keep_background: bool) -> bytes:
        """Bring a picture into its stored form, see `pictures.normalize`. Raises PictureUnfit, SandboxBroken."""
        return await self._request({"kind": "normalize", "keep_background": keep_background}, picture)

    async def thumbnail(self, png: bytes, width: int) -> bytes:
        """Make a thumbnail, see `pictures.thumbnail`. Raises PictureUnfit, SandboxBroken."""
        return await self._request({"kind": "thumbnail", "width": width}, png)

    async def close(self) -> None:
        """End the processes, whatever they do."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for process in self._all:
            await process.end()

    async def _request(self, frame: Frame, picture: bytes) -> bytes:
        process = await self._idle.get()
        task = asyncio.create_task(self._work(process, frame, picture))
        self._running.add(task)
        task.add_done_callback(self._ended)
        # It runs on when its caller is canceled: a process that is killed takes longer to start than a picture takes.
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[bytes]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it is logged as lost otherwise, where the caller is gone

    async def _work(self, process: SandboxProcess, frame: Frame, picture: bytes) -> bytes:
        try:
            answer = await self._answer(process, frame, picture)
        finally:
            self._idle.put_nowait(process)
        if answer["kind"] == "done":
            (result,) = answer["blobs"]
            return bytes(result)
        if answer["reason"] == protocol.PICTURE_UNFIT:
            raise PictureUnfit(answer["message"])
        raise _too_costly() if answer["reason"] == protocol.LIMIT else _unreadable()

    async def _answer(self, process: SandboxProcess, frame: Frame, picture: bytes) -> Frame:
        for _ in range(TRIES):
            try:
                return await process.request(frame, [picture])
            except SandboxOverdue:
                raise _too_costly() from None
            except SandboxLost:
                continue
        raise _unreadable()


def _too_costly() -> PictureUnfit:
    return PictureUnfit("takes too much time or memory to decode: save it as an ordinary picture")


def _unreadable() -> PictureUnfit:
    return PictureUnfit("is damaged or cut off")
