"""TCP proxy between two processes of a mesh, to delay, break or block their connections."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024


class Proxy:
    """Forwards to a TCP port of this machine, with faults on request."""

    def __init__(self, name: str, target_port: int) -> None:
        self.name = name
        self._target_port = target_port
        self._socket = socket.create_server((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._delay_seconds = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def stop(self) -> None:
        if self._server is not None:
            self._flowing.set()
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Abort every connection; new ones are accepted."""
        for writer in list(self._open):
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def slow(self, seconds: float) -> AsyncIterator[None]:
        """Delay data in both directions."""
        self._delay_seconds = seconds
        try:
            yield
        finally:
            self._delay_seconds = 0.0

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Forward nothing without closing connections, as a broken line; data sent in this time arrives later."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._flowing.wait()
            target_reader, target_writer = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(target_writer)
        await asyncio.gather(self._pass(reader, target_writer), self._pass(target_reader, writer))
        for end in (writer, target_writer):
            end.transport.abort()
            self._open.discard(end)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:  # one end is gone: a server that still waits for it would keep its locks
            writer.transport.abort()
