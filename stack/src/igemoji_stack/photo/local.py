"""Worker on this machine: reads a photo and has a sandbox process cover its faces."""

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from stat import S_ISREG
from typing import Any

from igemoji_stack.photo.errors import CannotWork, Failure
from igemoji_stack.photo.results import Result
from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import PHOTO, Limits
from igemoji_vision.sandbox.process import SandboxBroken, SandboxLost, SandboxOverdue, SandboxProcess
from igemoji_vision.sandbox.program import Program

FACE_FIELDS = ("box", "roll", "landmarks", "expression", "uncertain", "scores")
"""Fields of a face in findings, see `protocol.face_to_json`."""


class LocalWorker:
    """One sandbox process. It is started when it is first needed, and again after it was lost."""

    def __init__(self, models: Path, pictures: Mapping[str, bytes], limits: Limits = PHOTO) -> None:
        """`pictures`: PNG files of the template, by expression."""
        # Ctrl-C reaches the whole group of a terminal: only the command may hear it, and it ends its workers.
        self._sandbox = SandboxProcess(Program(limits, models), own_group=True, quiet=True)
        self._pictures = pictures

    async def work(self, photo: Path) -> Result | Failure:
        """Process a photo. Raises CannotWork where no photo can be processed: the models are damaged."""
        limits = self._sandbox.limits
        try:
            async with asyncio.timeout(limits.wall_seconds):
                data = await _read(photo, limits.memory_bytes)
            request = protocol.cover("", data, self._pictures, progress=False)
            answer = await self._sandbox.request(*request)
        except (TimeoutError, SandboxOverdue):
            message = f"This photo takes longer than {limits.wall_seconds:g} s. Try a smaller one."
            return Failure(protocol.LIMIT, message)
        except OSError as error:
            return Failure("FILE_UNREADABLE", f"The file can't be read: {error.strerror}.")
        except MemoryError:
            return Failure(protocol.LIMIT, protocol.LIMIT_MESSAGE)
        except SandboxLost as error:
            return Failure("WORKER_LOST", f"The process that worked on this photo ended ({error}).")
        except SandboxBroken as error:
            raise CannotWork(str(error)) from None
        if answer["kind"] == "done":
            (image,) = answer["blobs"]
            return Result(findings(answer), image)
        if answer["reason"] == protocol.INTERNAL:
            return Failure(protocol.INTERNAL, f"An error of igemoji ({answer['message']}).")
        return Failure(answer["reason"], answer["message"])

    async def end(self) -> None:
        """Kill the process, even in the middle of a photo."""
        await self._sandbox.end()


def findings(done: protocol.Frame) -> dict[str, Any]:
    """Return the size of a photo, and its faces in pixels of the upright photo."""
    faces = [{field: face[field] for field in FACE_FIELDS} for face in done["faces"]]
    found = {"width": done["width"], "height": done["height"], "faces": faces}
    return {**found, "more_faces": True} if done["more_faces"] else found


async def _read(path: Path, max_bytes: int) -> bytes:
    """Read a file in a thread that may be left behind: a pipe or a lost network drive may never answer.

    Raises OSError, and MemoryError for a file of more than `max_bytes`.
    """
    future: Future[bytes] = Future()
    future.set_running_or_notify_cancel()

    def read() -> None:
        try:
            future.set_result(_content(path, max_bytes))
        except (OSError, MemoryError) as error:
            future.set_exception(error)

    threading.Thread(target=read, daemon=True).start()
    return await asyncio.wrap_future(future)


def _content(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if S_ISREG(status.st_mode):
            if status.st_size > max_bytes:
                raise MemoryError
            return file.read()
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise MemoryError
    return data
