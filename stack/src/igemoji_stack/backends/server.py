"""What the private servers have in common: a folder, a port, processes, a secret."""

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
from igemoji_stack.mesh.supervisor import Command, DiedAtStart, Supervised

START_SECONDS = 60.0
TOOL_SECONDS = 60.0
MAKE_SERVICES = "`make services` installs all parts on Debian"


class PartMissing(Exception):
    """A program is not on this machine; the sentence says which package brings it."""


class PartFailed(Exception):
    """A server did not start; the sentence says why."""


class Part(ABC):
    """A server with all its data in one folder, at the same address for as long as the object lives."""

    name: str

    def __init__(
        self,
        folder: Path,
        on_line: Callable[[str, str], None] = lambda _name, _line: None,
        on_event: Callable[[str, str], None] = lambda _name, _event: None,
    ) -> None:
        """
        Args:
            folder: Made where it is not there; what an earlier start left in it is taken up again.
            on_line: Told of every line that a process writes: (name, line).
            on_event: Told what happens to a process: (name, sentence).
        """
        self.folder = folder.resolve()
        self.port = free_ports(1)[0]
        self._on_line = on_line
        self._on_event = on_event
        self._processes: dict[str, Supervised] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Of what runs, by name."""
        return {name: process.pid for name, process in self._processes.items() if process.pid is not None}

    async def start(self) -> None:
        """Returns when it answers. Raises PartMissing or PartFailed, with nothing left running."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            await self._bring_up()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends it in good order."""
        for process in reversed(self._processes.values()):
            await process.stop()

    async def kill(self) -> None:
        """Ends it like a machine that loses its power. It stays away until it is started again."""
        for process in reversed(self._processes.values()):
            await process.kill()

    async def restart(self) -> None:
        """Ends it in good order and starts it again, with its data and at its address."""
        await self.stop()
        await self.start()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It runs within the block."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    @abstractmethod
    async def _bring_up(self) -> None:
        """Prepares what is not prepared yet, then runs one process after the other with `_run`."""

    async def _run(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]
    ) -> None:
        """Starts a process unless it runs; returns when `ready`, which may block and raise OSError, says so."""
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
            raise PartFailed(f"{name} ended while it started: {' '.join(error.lines[-3:])}") from None
        except TimeoutError:
            raise PartFailed(f"{name} did not answer within {START_SECONDS:g} s; see {self.folder}.") from None

    async def _tool(self, *arguments: str) -> str:
        """What a program that ends by itself writes. Raises PartFailed where it fails."""
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(TOOL_SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise PartFailed(f"{Path(arguments[0]).name} took longer than {TOOL_SECONDS:g} s.") from None
        if process.returncode != 0:
            raise PartFailed(f"{Path(arguments[0]).name} failed: {err.decode(errors='replace').strip()[-500:]}")
        return out.decode()

    def _secret(self, name: str) -> str:
        """The same at every start; nobody else on this machine can read it."""
        path = self.folder / f"{name}.secret"
        with contextlib.suppress(FileNotFoundError):
            return path.read_text()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = secrets.token_hex(16)
        write_private(path, secret)
        return secret


def program(name: str, package: str, *folders: str) -> str:
    """The path of a program that Debian's package brings. Raises PartMissing."""
    path = shutil.which(name, path=os.pathsep.join((*folders, os.environ.get("PATH", os.defpath), "/usr/sbin")))
    if path is None:
        raise PartMissing(f"{name} is not on this machine: install Debian's {package}; {MAKE_SERVICES}.")
    return path


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes only."""
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def answers(port: int, question: bytes, with_: bytes) -> bool:
    """Whether what listens on a port answers a question with some bytes. Raises OSError."""
    with socket.create_connection((HOST, port), timeout=2) as connection:
        connection.sendall(question)
        return with_ in connection.recv(256)
