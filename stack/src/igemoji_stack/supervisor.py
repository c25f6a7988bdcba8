"""Supervisor of child processes: restarts them when they die, ends them with their parent, reads their output."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 30.0
"""After so long a run, the back-off begins at its first value again."""

LINE_BYTES = 2**20
STOP_SECONDS = 25.0

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH")


@dataclass(frozen=True)
class Command:
    """Command line of a process, and the check that it is ready."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    nice: int = 0
    """CPU priority, 0 (normal) to 19 (lowest)."""


class DiedAtStart(Exception):
    """A process ended before it was ready; `lines` are the last lines of its output."""

    def __init__(self, name: str, code: int, lines: Sequence[str]) -> None:
        super().__init__(f"{name} ended with code {code} before it was ready")
        self.name = name
        self.code = code
        self.lines = lines


class Supervised:
    """One process, restarted with back-off whenever it ends by itself."""

    def __init__(
        self, command: Command, on_line: Callable[[str, str], None], on_event: Callable[[str, str], None]
    ) -> None:
        """Prepare the process; it is not started yet.

        Args:
            command: Process to run.
            on_line: Called with every line of output: (name, line).
            on_event: Called with every event of the process: (name, sentence).
        """
        self.command = command
        self.restarts = 0
        self._on_line = on_line
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._last_lines: list[str] = []

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, timeout_seconds: float) -> None:
        """Start the process and wait until it is ready. Raises DiedAtStart or TimeoutError."""
        await self._spawn()
        async with asyncio.timeout(timeout_seconds):
            await self._until_ready()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if that does not end the process in time."""
        await self._keep_no_longer()
        if self._process is not None:
            await self._end(self._process)
        if self._reader is not None:
            await self._reader

    async def kill(self) -> None:
        """Send SIGKILL to the process and its children; only `start` brings it back."""
        await self._keep_no_longer()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def _keep_no_longer(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _spawn(self) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            *_prefix(self.command.nice),
            *self.command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**environment, "PYTHONUNBUFFERED": "1", **self.command.environment},
            limit=LINE_BYTES,
            # Ctrl-C signals the whole process group of the terminal; only the supervisor must receive it, and stop the
            # others. Not a session of its own: Linux schedules sessions against each other (sched(7), autogroup), and
            # `nice` would count within one session only.
            process_group=0,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _until_ready(self) -> None:
        process = self._process
        while process is not None:
            if process.returncode is not None:
                if self._reader:
                    await self._reader
                raise DiedAtStart(self.command.name, process.returncode, self._last_lines)
            if await self.command.ready():
                return
            await asyncio.sleep(0.05)

    async def _keep(self) -> None:
        tries = 0
        while self._process is not None:
            started = time.monotonic()
            code = await self._process.wait()
            tries = 0 if time.monotonic() - started > STEADY_SECONDS else tries
            delay = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS) - 1)]
            self._on_event(self.command.name, f"ended with {_describe(code)}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            tries += 1
            self.restarts += 1
            await self._spawn()
            with contextlib.suppress(DiedAtStart):
                await self._until_ready()
                self._on_event(self.command.name, "is ready again")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit: the rest follows as separate lines
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip("\n")
            self._last_lines = [*self._last_lines[-19:], text]
            self._on_line(self.command.name, text)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        # Not terminate(): it may reap a process that has just died before asyncio's watcher does.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            self._on_event(self.command.name, f"did not stop within {STOP_SECONDS:g} s; killing it")
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()


def _prefix(nice: int) -> list[str]:
    """Return the programs that set up the process and then exec its program, under the same process id.

    Not `preexec_fn`: the supervisor has threads, and gRPC's fork handlers sometimes killed a child before its exec.
    With setpriv (util-linux), a supervisor that is killed leaves no process behind.
    """
    prefix = []
    if nice and (program := shutil.which("nice")):
        prefix += [program, "-n", str(nice)]
    if program := shutil.which("setpriv"):
        prefix += [program, "--pdeathsig", "TERM", "--"]
    return prefix


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
