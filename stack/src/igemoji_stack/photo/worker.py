"""The command's side of one worker process."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igemoji_stack.photo.errors import CannotWork

START_SECONDS = 60
PHOTO_SECONDS = 20.0
MEMORY_BYTES = 1536 * 2**20
"""What one photo may take, as in the service."""

ANSWER_BYTES = 2**20
"""More than an answer about 200 faces takes."""


@dataclass(frozen=True)
class WorkerOptions:
    models: Path
    pictures: Mapping[str, bytes]
    """Of the template, by expression."""
    photo_seconds: float = PHOTO_SECONDS
    memory_bytes: int = MEMORY_BYTES


@dataclass(frozen=True)
class Failure:
    """Why there is no result of a photo: `reason` for programs, `message` for people."""

    reason: str
    message: str


class Worker:
    """One process. It is started when it is first needed, and again after it was lost."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None

    async def work(self, photo: Path, output: Path) -> dict[str, Any] | Failure:
        """Has a photo done, its result written to `output`; returns what was found in it.

        Raises CannotWork where no photo can be done: the models are damaged, or the disk is full.
        """
        process = self._process or await self._start()
        try:
            answer = await self._ask(process, {"photo": str(photo), "output": str(output)})
        except TimeoutError:
            await self.end()
            seconds = self._options.photo_seconds
            return Failure("LIMIT", f"This photo takes longer than {seconds:g} s. Try a smaller one.")
        if answer is None:
            code = await self.end()
            return Failure("WORKER_LOST", f"The process that worked on this photo ended ({_describe(code)}).")
        if answer["kind"] == "full":
            raise CannotWork(f"The results can't be written: {answer['message']}.")
        if answer["kind"] == "failed":
            return Failure(answer["reason"], answer["message"])
        findings: dict[str, Any] = answer["findings"]
        return findings

    async def end(self) -> int | None:
        """Ends the process, whatever it does; returns its exit code."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        if process.returncode is None:
            # Not process.kill(): it would reap one that has just ended, and asyncio's watcher would miss its exit code.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        code = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        return code

    async def _start(self) -> asyncio.subprocess.Process:
        options = self._options
        # Decoders print what they think of a photo; only what a process says that can't start is of interest.
        with tempfile.TemporaryFile() as errors:
            try:
                starting = asyncio.ensure_future(
                    asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "igemoji_stack.photo.child"),
                        *(str(options.models), str(options.memory_bytes)),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=errors,
                        limit=ANSWER_BYTES,
                        env=_environment(),
                    )
                )
                process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                # A process that is being made must be known, or nobody would end it.
                self._process = await starting
                raise
            except OSError as error:
                raise CannotWork(f"A worker process can't be started: {error.strerror}.") from None
            self._process = process
            pictures = {name: base64.b64encode(picture).decode() for name, picture in options.pictures.items()}
            try:
                async with asyncio.timeout(START_SECONDS):
                    first = await self._exchange(process, pictures)
            except TimeoutError:
                raise CannotWork(f"A worker process was not ready after {START_SECONDS} s.") from None
            if first is None:
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise CannotWork(f"A worker process ended while it started: {last or 'it said nothing'}")
        if first["kind"] == "broken":
            raise CannotWork(first["message"])
        return process

    async def _ask(self, process: asyncio.subprocess.Process, job: dict[str, Any]) -> dict[str, Any] | None:
        async with asyncio.timeout(self._options.photo_seconds):
            return await self._exchange(process, job)

    async def _exchange(self, process: asyncio.subprocess.Process, told: dict[str, Any]) -> dict[str, Any] | None:
        """Tells the process something and returns its answer; None where it has ended."""
        assert process.stdin is not None  # noqa: S101 - both were opened as pipes
        assert process.stdout is not None  # noqa: S101
        # One that ends at once may have said why before it read anything.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(told).encode() + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer


def _environment() -> dict[str, str]:
    """A worker gets the variables that Python and the loader use, and no other."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _describe(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"code {code}"
