"""What no client library would send: bytes over a socket, and HTTP/2 frames made by hand."""

import contextlib
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .live import Gateway

SECONDS = 60
"""How long an answer may take on a busy machine."""


@contextlib.contextmanager
def connected(gateway: Gateway, receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """A connection to a gateway; by TLS where that is what it speaks."""
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
    """False where the other side has gone."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the other side closes. Raises TimeoutError where it does not."""
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
    """Sends bytes, and returns the statuses of all answers until the gateway closes, or says nothing for so long."""
    received = bytearray()
    with connected(gateway) as connection:
        connection.settimeout(patience)
        sent(connection, data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while piece := connection.recv(65536):
                received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x9
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1

# The indexes that the static table of HPACK has for `:status` (RFC 7541, appendix A).
_STATUS = {
    0x80 | index: status for index, status in zip(range(8, 15), (200, 204, 206, 304, 400, 404, 500), strict=True)
}

Headers = Iterable[tuple[str | bytes, str | bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def header_block(headers: Headers) -> bytes:
    """HPACK, every field a literal that is not indexed, as it is: whatever is in it."""
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
    """An HTTP/2 connection on which anything can be sent, and what came back on it."""

    connection: socket.socket
    refused: set[int] = field(default_factory=set)
    """Streams that were reset."""
    answered: dict[int, int] = field(default_factory=dict)
    """The status by stream; 1 where it is none of the commonest."""
    settings: dict[int, int] = field(default_factory=dict)
    went: bool = False
    """Whether the gateway said goodbye, or hung up."""
    _received: bytearray = field(default_factory=bytearray)

    def start(self) -> None:
        sent(self.connection, PREFACE + frame(SETTINGS, 0, 0))
        self.read_until(lambda: bool(self.settings))
        sent(self.connection, frame(SETTINGS, ACK, 0))

    def request(self, stream: int, headers: Headers, body: bytes | None = b"") -> bool:
        """`body` None: it is to follow."""
        flags = END_HEADERS | (0 if body is None or body else END_STREAM)
        data = frame(HEADERS, flags, stream, header_block(headers))
        if body:
            data += frame(DATA, END_STREAM, stream, body)
        return sent(self.connection, data)

    def outcome(self, stream: int) -> int:
        """The status of a stream, or 0 where it was reset or the connection ended."""
        self.read_until(lambda: stream in self.answered or stream in self.refused)
        return self.answered.get(stream, 0)

    def read_until(self, holds: Callable[[], bool]) -> None:
        """Or until the gateway has gone."""
        until = time.monotonic() + SECONDS
        while not (holds() or self.went):
            assert time.monotonic() < until, "no answer"
            try:
                data = self.connection.recv(65536)
            except ConnectionError:
                data = b""
            self.went = not data
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
            while payload and payload[0] & 0xE0 == 0x20:  # the size of the table changes
                payload = payload[1:]
            self.answered[stream] = _STATUS.get(payload[0], 1) if payload else 1
        elif kind == RST_STREAM:
            self.refused.add(stream)
        elif kind == GOAWAY:
            self.went = True


@contextlib.contextmanager
def http2(gateway: Gateway) -> Iterator[Http2]:
    with connected(gateway) as connection:
        found = Http2(connection)
        found.start()
        yield found


def pseudo(method: str = "GET", path: str = "/healthz", authority: str = "x") -> list[tuple[str | bytes, str | bytes]]:
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
