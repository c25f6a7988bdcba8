"""Base class of the private backend servers: a folder, a TCP port, processes, secrets."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.supervisor import Command, DiedAtStart, Supervised

START_SECONDS = 60.0
TOOL_SECONDS = 60.0
HOW_TO_INSTALL = "`make install-backends` installs all backends on Debian"


class BackendError(Exception):
    """A backend cannot be used; the message is one sentence that says why."""


class BackendMissing(BackendError):
    """A program is not installed; the message names the package that has it."""


class BackendFailed(BackendError):
    """A server or a tool failed."""


class BackendServer(ABC):
    """A server with all its data in one folder, at the same address for the lifetime of the object."""

    name: str

    def __init__(
        self,
        folder: Path,
        on_line: Callable[[str, str], None] = lambda _name, _line: None,
        on_event: Callable[[str, str], None] = lambda _name, _event: None,
    ) -> None:
        """Prepare the server; nothing is started yet.

        Args:
            folder: Created if missing; data of an earlier start is used again.
            on_line: Called with every line that a process writes: (name, line).
            on_event: Called with every event of a process: (name, sentence).
        """
        self.folder = folder.resolve()
        self.port = free_ports(1)[0]
        self._on_line = on_line
        self._on_event = on_event
        self._processes: dict[str, Supervised] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the running processes, by name."""
        return {name: process.pid for name, process in self._processes.items() if process.pid is not None}

    async def start(self) -> None:
        """Start the server and wait until it answers; on an error nothing stays running.

        Raises:
            BackendError: if a program is missing or does not start.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            await self._bring_up()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut the server down cleanly."""
        for process in reversed(self._processes.values()):
            await process.stop()

    async def kill(self) -> None:
        """Kill every process, as a power failure would; `start` brings the server back."""
        for process in reversed(self._processes.values()):
            await process.kill()

    async def restart(self) -> None:
        """Shut the server down cleanly and start it again, with its data and at its address."""
        await self.stop()
        await self.start()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the server within the block."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    @abstractmethod
    async def _bring_up(self) -> None:
        """Prepare files on the first start, then start each process with `_run`."""

    async def _run(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]
    ) -> None:
        """Start a process unless it runs; return when `ready`, which may block and raise OSError, is true."""
        known = self._processes.get(name)
        if known is not None and known.pid is not None:
            return

        async def is_ready() -> bool:
            try:
                return await asyncio.to_thread(ready)
            except OSError:
                return False

        process = Supervised(Command(name, arguments, environment, is_ready), self._on_line, self._on_event)
        self._processes[name] = process
        try:
            await process.start(START_SECONDS)
        except DiedAtStart as error:
            raise BackendFailed(f"{name} ended while it started: {' '.join(error.lines[-3:])}") from None
        except TimeoutError:
            raise BackendFailed(f"{name} did not answer within {START_SECONDS:g} s; see {self.folder}.") from None

    async def _tool(self, *arguments: str) -> str:
        """Run a program to its end and return its output. Raises BackendFailed if it fails."""
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(TOOL_SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise BackendFailed(f"{Path(arguments[0]).name} took longer than {TOOL_SECONDS:g} s.") from None
        if process.returncode != 0:
            raise BackendFailed(f"{Path(arguments[0]).name} failed: {err.decode(errors='replace').strip()[-500:]}")
        return out.decode()

    def _secret(self, name: str) -> str:
        """Return a password that stays the same across starts, from a file that only its owner can read."""
        path = self.folder / f"{name}.secret"
        with contextlib.suppress(FileNotFoundError):
            return path.read_text()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = secrets.token_hex(16)
        write_private(path, secret)
        return secret


def program(name: str, package: str, *folders: str) -> str:
    """Return the path of a program from a Debian package. Raises BackendMissing."""
    path = shutil.which(name, path=os.pathsep.join((*folders, os.environ.get("PATH", os.defpath), "/usr/sbin")))
    if path is None:
        raise BackendMissing(f"{name} is not on this machine: install Debian's {package}; {HOW_TO_INSTALL}.")
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def answers(port: int, request: bytes, expected: bytes) -> bool:
    """Return whether the server on a TCP port answers a request with the expected bytes. Raises OSError."""
    with socket.create_connection((HOST, port), timeout=2) as connection:
        connection.sendall(request)
        return expected in connection.recv(256)
