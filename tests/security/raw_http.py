"""Requests that no client library sends: raw bytes over a socket, and HTTP/2 frames made by hand."""

import contextlib
import re
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .live import Gateway

SECONDS = 60
"""Maximum wait for a response on a busy machine."""


@contextlib.contextmanager
def connected(gateway: Gateway, receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """Open a connection to a gateway, with TLS if it serves HTTPS."""
    with socket.socket() as plain:
        plain.settimeout(SECONDS)
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.connect((gateway.host, gateway.port))
        if gateway.options.tls is None:
            yield plain
            return
        context = ssl.create_default_context(cafile=str(gateway.options.tls.ca))
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            yield secure


def sent(connection: socket.socket, data: bytes) -> bool:
    """Send bytes; return False if the other side has closed the connection."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def until_closed(connection: socket.socket) -> bytes:
    """Return all bytes until the other side closes. Raises TimeoutError."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def is_closed_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        until_closed(connection)
    except TimeoutError:
        return False
    return True


def exchange(gateway: Gateway, data: bytes, patience: float = SECONDS) -> list[int]:
    """Send bytes and return the statuses of all responses until the gateway closes or is silent for `patience` s."""
    received = bytearray()
    with connected(gateway) as connection:
        connection.settimeout(patience)
        sent(connection, data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while piece := connection.recv(65536):
                received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def first_status(gateway: Gateway, data: bytes) -> int:
    """Send bytes and return the status of the first response, or 0 if the gateway closes without one."""
    received = bytearray()
    with connected(gateway) as connection:
        sent(connection, data)
        with contextlib.suppress(ConnectionError):
            while b"\r\n" not in received and (piece := connection.recv(4096)):
                received += piece
    return int(received.split()[1]) if received else 0


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
INITIAL_WINDOW_SIZE, WINDOW_BYTES, FRAME_BYTES = 4, 65_535, 16_384
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1

# Indexes of `:status` in the static table of HPACK (RFC 7541, appendix A).
_STATUS = {
    0x80 | index: status for index, status in zip(range(8, 15), (200, 204, 206, 304, 400, 404, 500), strict=True)
}

Headers = Iterable[tuple[str | bytes, str | bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def header_block(headers: Headers) -> bytes:
    """Return HPACK with every field as a literal, valid or not."""
    block = bytearray()
    for name, value in headers:
        block += b"\x00" + _string(name) + _string(value)
    return bytes(block)


def _string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    if len(data) < 127:
        return bytes((len(data),)) + data
    length, prefix = len(data) - 127, bytearray((127,))
    while length >= 128:
        prefix.append(length % 128 + 128)
        length //= 128
    return bytes(prefix) + bytes((length,)) + data


@dataclass
class Http2:
    """An HTTP/2 connection that sends any frame, and the responses on it."""

    connection: socket.socket
    refused: set[int] = field(default_factory=set)
    """Streams that were reset."""
    answered: dict[int, int] = field(default_factory=dict)
    """Status by stream; 1 if it is not in the static table."""
    settings: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    """Whether the gateway sent GOAWAY or closed the connection."""
    granted: dict[int, int] = field(default_factory=dict)
    """Window updates less the bytes sent, by stream; 0 is the whole connection."""
    _received: bytearray = field(default_factory=bytearray)

    def start(self) -> None:
        sent(self.connection, PREFACE + frame(SETTINGS, 0, 0))
        self.read_until(lambda: bool(self.settings))
        sent(self.connection, frame(SETTINGS, ACK, 0))

    def request(self, stream: int, headers: Headers, body: bytes | None = b"") -> bool:
        """Send a request; `body` None leaves the stream open."""
        flags = END_HEADERS | (0 if body is None or body else END_STREAM)
        data = frame(HEADERS, flags, stream, header_block(headers))
        if body:
            data += frame(DATA, END_STREAM, stream, body)
        return sent(self.connection, data)

    def pour(self, stream: int, most: int) -> None:
        """Send zeros as a body as far as the windows allow, at most `most` bytes."""
        while select.select([self.connection], [], [], 0)[0] and not self.closed:
            self._read()
        windows = ((stream, self.settings.get(INITIAL_WINDOW_SIZE, WINDOW_BYTES)), (0, WINDOW_BYTES))
        while (size := min(most, FRAME_BYTES, *(first + self.granted.get(of, 0) for of, first in windows))) > 0:
            if not sent(self.connection, frame(DATA, 0, stream, bytes(size))):
                return
            most -= size
            for of, _ in windows:
                self.granted[of] = self.granted.get(of, 0) - size

    def outcome(self, stream: int) -> int:
        """Return the status of a stream, or 0 if it was reset or the connection ended."""
        self.read_until(lambda: stream in self.answered or stream in self.refused)
        return self.answered.get(stream, 0)

    def read_until(self, holds: Callable[[], bool]) -> None:
        """Read until a condition holds or the gateway closes the connection."""
        until = time.monotonic() + SECONDS
        while not (holds() or self.closed):
            assert time.monotonic() < until, "no answer"
            self._read()

    def _read(self) -> None:
        try:
            data = self.connection.recv(65536)
        except ConnectionError:
            data = b""
        self.closed = not data
        self._received += data
        while self._take_frame():
            pass

    def _take_frame(self) -> bool:
        if len(self._received) < 9:
            return False
        length = int.from_bytes(self._received[:3], "big")
        if len(self._received) < 9 + length:
            return False
        kind, flags = self._received[3], self._received[4]
        stream = int.from_bytes(self._received[5:9], "big") & 0x7FFFFFFF
        payload = bytes(self._received[9 : 9 + length])
        del self._received[: 9 + length]
        self._note(kind, flags, stream, payload)
        return True

    def _note(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            self.settings |= dict(struct.iter_unpack(">HI", payload)) or {0: 0}
        elif kind == HEADERS and stream not in self.answered:
            while payload and payload[0] & 0xE0 == 0x20:  # dynamic table size update
                payload = payload[1:]
            self.answered[stream] = _STATUS.get(payload[0], 1) if payload else 1
        elif kind == RST_STREAM:
            self.refused.add(stream)
        elif kind == WINDOW_UPDATE:
            self.granted[stream] = self.granted.get(stream, 0) + int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.closed = True


@contextlib.contextmanager
def http2(gateway: Gateway) -> Iterator[Http2]:
    with connected(gateway) as connection:
        found = Http2(connection)
        found.start()
        yield found


def pseudo(method: str = "GET", path: str = "/healthz", authority: str = "x") -> list[tuple[str | bytes, str | bytes]]:
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
