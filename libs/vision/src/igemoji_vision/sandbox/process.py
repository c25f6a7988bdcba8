"""Parent's side of a sandbox: start a process, send it one request at a time, replace it when it is lost."""

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import IO, Any, cast

from igemoji_vision.sandbox import protocol
from igemoji_vision.sandbox.limits import Limits
from igemoji_vision.sandbox.program import Program
from igemoji_vision.sandbox.protocol import Frame

START_SECONDS = 180
"""Loading the models takes about a second, tensorflow (VISION_ENGINE=fer-…) ten, on a busy machine many times that."""

RESULT_BYTES = 16 << 20
"""Bytes that are read ahead from the process."""

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
"""Variables that Python and the loader use. A sandbox gets no other: it needs no secret."""


class SandboxBroken(Exception):
    """The process can't start: models or packages are missing or damaged."""


class SandboxLost(Exception):
    """The process ended during a request."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"signal {-code}" if code is not None and code < 0 else f"code {code}")


class SandboxOverdue(Exception):
    """The request took more time than its limit; the process was ended."""


class SandboxProcess:
    """One process for one request at a time. It is started with the first request, and again after it was lost."""

    def __init__(self, program: Program, *, own_group: bool = False, quiet: bool = False) -> None:
        """Set up without starting.

        Args:
            program: What the process does.
            own_group: Keep signals to the parent's process group, such as Ctrl-C, away from the process.
            quiet: Keep what decoders print off the parent's standard error.
        """
        self._program = program
        self._own_group = own_group
        self._quiet = quiet
        self._process: asyncio.subprocess.Process | None = None

    @property
    def limits(self) -> Limits:
        """Limits of the process."""
        return self._program.limits

    @property
    def pid(self) -> int | None:
        """Process id; None while there is no process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Return when the process is ready. Raises SandboxBroken where it can never be."""
        if self._process is not None and self._process.returncode is None:
            return
        await self.end()
        with tempfile.TemporaryFile() if self._quiet else contextlib.nullcontext() as errors:
            self._process = await self._spawn(errors)
            try:
                async with asyncio.timeout(START_SECONDS):
                    first = await self._read(self._process)
            except BaseException as error:  # a process that is not ready must not take the next request
                await self.end()
                if isinstance(error, TimeoutError):
                    raise SandboxBroken(f"A worker process was not ready after {START_SECONDS} s.") from None
                raise
            if first is None or first["kind"] != "ready":
                await self.end()
                said = first["message"] if first else f"A worker process ended while it started{_last_line(errors)}"
                raise SandboxBroken(said)

    async def request(
        self,
        frame: Frame,
        blobs: Sequence[bytes],
        on_progress: Callable[[Frame], Awaitable[None]] | None = None,
    ) -> Frame:
        """Send a request and return the frame that ends it, `done` or `failed`; `on_progress` is awaited at each step.

        Raises SandboxBroken, SandboxLost, SandboxOverdue.
        """
        await self.start()
        process = cast(asyncio.subprocess.Process, self._process)
        until = time.monotonic() + self.limits.wall_seconds
        try:
            # One that ends at once may have said why before it read anything.
            with contextlib.suppress(ConnectionError):
                stdin = cast(asyncio.StreamWriter, process.stdin)
                stdin.write(protocol.encode(frame, blobs))
                await _until(until, stdin.drain())
            while (answer := await _until(until, self._read(process))) is not None:
                if answer["kind"] != "progress":
                    return cast(Frame, answer)
                if on_progress is not None:
                    await on_progress(answer)
        except BaseException:  # a request that nobody waits for must not answer the next one
            await self.end()
            raise
        code = await self.end()
        if code == -signal.SIGXCPU:
            raise SandboxOverdue
        raise SandboxLost(code)

    def cancel(self, request_id: str) -> None:
        """Ask the process to stop this request at its next step; it ignores the id of another one."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(protocol.encode({"kind": "cancel", "id": request_id}))

    async def end(self) -> int | None:
        """Kill the process, whatever it does. Return its exit code; that of a signal is its negative number."""
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

    async def _spawn(self, errors: IO[bytes] | None) -> asyncio.subprocess.Process:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *self._program.arguments(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=RESULT_BYTES,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                process_group=0 if self._own_group else None,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A process that is being made must be known, or nobody would end it.
            self._process = await starting
            await self.end()
            raise
        except OSError as error:
            raise SandboxBroken(f"A worker process can't be started: {error.strerror}.") from None

    async def _read(self, process: asyncio.subprocess.Process) -> Frame | None:
        return await protocol.read_async(cast(asyncio.StreamReader, process.stdout))


async def _until(until: float, waiting: Awaitable[Any]) -> Any:
    """Await something until a time of the monotonic clock. Raises SandboxOverdue."""
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            return await waiting
    except TimeoutError:
        raise SandboxOverdue from None


def _last_line(errors: IO[bytes] | None) -> str:
    """Return the last line that a process printed before it ended."""
    if errors is None:
        return "."
    errors.seek(0)
    line = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    return f": {line or 'it said nothing'}"
