"""Limits of the gateway per client: headers, bodies, streams, connections, time and memory."""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from contract.actors import Actors

from .attack_report import Attacks
from .live import Gateway, Gateways
from .raw_http import (
    CONTINUATION,
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    connected,
    exchange,
    first_status,
    frame,
    header_block,
    http2,
    is_closed_within,
    pseudo,
    sent,
)

GET = "GET /api/v1/faces/ranking HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
SLOW = 30
"""Connections of a slow client."""
SMALL_HEAP_MIB = 64
PATIENCE = 60
"""Seconds within which a busy machine must disconnect slow clients; the gateway's timeout is one second."""


def test_size_and_number_of_headers_are_limited(front: Gateway, attacks: Attacks) -> None:
    assert exchange(front, f"{GET}X: {'x' * 30_000}\r\n\r\n".encode()) == [200]
    assert exchange(front, (GET + "".join(f"X-{number}: y\r\n" for number in range(90)) + "\r\n").encode()) == [200]
    many = {
        "one of 40 KiB": f"X: {'x' * 40_000}\r\n",
        "one of 4 MiB": f"X: {'x' * (4 << 20)}\r\n",
        "a name of 40 KiB": f"{'x' * 40_000}: x\r\n",
        "forty of 1 KiB": "".join(f"X-{number}: {'y' * 1024}\r\n" for number in range(40)),
        "101": "".join(f"X-{number}: y\r\n" for number in range(101)),
        "one hundred thousand": "X: y\r\n" * 100_000,
        "a cookie of 40 KiB": f"Cookie: igemoji_refresh={'x' * 40_000}\r\n",
    }
    # All at once, because the gateway waits a second before it closes a refused connection.
    with ThreadPoolExecutor(len(many)) as pool:
        answers = pool.map(lambda headers: exchange(front, f"{GET}{headers}\r\n".encode()), many.values())
    for what, statuses in zip(many, answers, strict=True):
        with attacks.attempt(what):
            assert set(statuses) <= {431}
    with attacks.attempt("a path of 40 KiB"):
        assert set(exchange(front, f"GET /{'x' * 40_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode())) <= {431, 400, 414}


@pytest.mark.parametrize(
    ("path", "kib"),
    [
        ("/api/v1/users/auth", 256),
        ("/api/v1/users", 256),
        ("/api/v1/emojis/preview", 1536),
        ("/api/v1/emojis", 10240),
        ("/api/v1/faces/tasks", 17408),
        ("/", 256),
        ("/api/v1/nowhere", 256),
    ],
)
def test_size_of_bodies_is_limited(path: str, kib: int, front: Gateway, attacks: Attacks) -> None:
    for what, length in (("just beyond", kib * 1024 + 1), ("a terabyte", 1 << 40)):
        with attacks.attempt(f"{what}, announced"):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            with connected(front) as connection:
                sent(connection, head.encode())
                assert int(connection.recv(4096).split()[1]) in (413, 404)
    with attacks.attempt("without a length"), connected(front) as connection:
        sent(connection, f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        for _ in range(kib // 64 + 8):
            if not sent(connection, chunk):
                break
        with contextlib.suppress(ConnectionError):
            assert connection.recv(4096).split()[1] in (b"413", b"404", b"400", b"401")


@pytest.fixture(scope="module")
def impatient(gateways: Gateways) -> Iterator[Gateway]:
    """Start a gateway with its timeouts shortened to a second or two; a timeout that is not set stays unset."""

    def shorter(text: str) -> str:
        for setting, seconds, short in (
            ("request_headers_timeout", "10s", "1s"),
            ("request_timeout", "300s", "2s"),
            ("stream_idle_timeout", "300s", "1s"),
            ("idle_timeout", "620s", "3s"),
            ("transport_socket_connect_timeout", "10s", "1s"),
        ):
            text = re.sub(rf"\b{setting}: {seconds}\b", f"{setting}: {short}", text)
        return text

    with gateways.running(https=True, change=shorter, rate_factor=1000) as gateway:
        yield gateway


def slow_clients(gateway: Gateway, stack: contextlib.ExitStack, first: bytes) -> list[socket.socket]:
    """Open connections that have each sent `first`."""
    found = [stack.enter_context(connected(gateway)) for _ in range(SLOW)]
    for connection in found:
        sent(connection, first)
    return found


def trickle(connections: list[socket.socket], piece: bytes, is_over: Callable[[], bool]) -> None:
    """Send a piece on each connection repeatedly, so that none is idle."""
    until = time.monotonic() + PATIENCE
    while not is_over():
        assert time.monotonic() < until, "the clients are still connected"
        for connection in connections:
            sent(connection, piece)
        time.sleep(0.2)


def all_are_gone(gateway: Gateway, at_first: int) -> bool:
    return gateway.stat("http.edge.downstream_cx_active") <= at_first


def another_client_is_served(gateway: Gateway) -> None:
    assert httpx.get(f"{gateway.url}/api/v1/faces/ranking", verify=False, timeout=30).status_code == 200


HEADERS_SLOW, BODY_SLOW, BODY_STOPS, IDLE = "rq_header_timeout", "rq_timeout", "rq_idle_timeout", "cx_idle_timeout"
"""Envoy's counters by timeout: each timeout would also disconnect clients that another one missed."""


def disconnected(gateway: Gateway, limit: str) -> int:
    return gateway.stat(f"http.edge.downstream_{limit}")


@pytest.mark.parametrize(
    ("first", "piece", "limit"),
    [
        pytest.param(b"G", b"E", HEADERS_SLOW, id="a byte of the first line"),
        pytest.param(GET.encode(), b"X-Slow: x\r\n", HEADERS_SLOW, id="a header"),
        pytest.param(GET.encode() + b"X-Slow: ", b"x", HEADERS_SLOW, id="a byte of a header"),
        pytest.param(
            b"POST /api/v1/users/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
            b" ",
            BODY_SLOW,
            id="a byte of the body",
        ),
        pytest.param(
            b"POST /api/v1/faces/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: image/jpeg\r\nAuthorization: Bearer {token}\r\n\r\n",
            b"1\r\nx\r\n",
            BODY_SLOW,
            id="a chunk of a photo",
        ),
        pytest.param(
            b"POST /api/v1/users/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
            b"",
            BODY_STOPS,
            id="the beginning of a body",
        ),
        pytest.param(b"", b"", IDLE, id="nothing"),
    ],
)
def test_slow_senders_are_disconnected(
    first: bytes, piece: bytes, limit: str, impatient: Gateway, actors: Actors, attacks: Attacks
) -> None:
    at_first = impatient.stat("http.edge.downstream_cx_active")
    before = disconnected(impatient, limit)
    with contextlib.ExitStack() as stack:
        slow = slow_clients(impatient, stack, first.replace(b"{token}", actors.owner.token.encode()))
        another_client_is_served(impatient)
        trickle(slow, piece, lambda: all_are_gone(impatient, at_first))
        for number, connection in enumerate(slow):
            with attacks.attempt(f"connection {number}"):
                assert is_closed_within(connection, PATIENCE)
    assert disconnected(impatient, limit) >= before + SLOW


def test_slow_readers_are_disconnected(impatient: Gateway, attacks: Attacks) -> None:
    """Request a page of 1.7 MB and do not read it."""
    page = httpx.get(f"{impatient.url}/api/docs", verify=False, timeout=30).text
    found = re.search(r'src="(/api/docs/[^"]+bundle\.js)"', page)
    assert found is not None
    at_first = impatient.stat("http.edge.downstream_cx_active")
    before = disconnected(impatient, IDLE)
    with contextlib.ExitStack() as stack:
        for _ in range(SLOW):
            connection = stack.enter_context(connected(impatient, receive_bytes=4096))
            sent(connection, f"GET {found[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        another_client_is_served(impatient)
        trickle([], b"", lambda: all_are_gone(impatient, at_first))
        for _ in range(SLOW):
            with attacks.attempt("a page that is not read"):
                assert all_are_gone(impatient, at_first)
    assert disconnected(impatient, IDLE) >= before + SLOW


def test_unfinished_handshakes_are_disconnected(impatient: Gateway, attacks: Attacks) -> None:
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(SLOW):
            connection = stack.enter_context(socket.create_connection((impatient.host, impatient.port)))
            silent.append(connection)
        another_client_is_served(impatient)
        for connection in silent:
            with attacks.attempt("TLS that never begins"):
                assert is_closed_within(connection, PATIENCE)
    # Envoy closes a connection first and counts it afterwards, in another thread.
    counted = "listener.127.*downstream_cx_transport_socket_connect_timeout"
    trickle([], b"", lambda: impatient.stat(counted) >= SLOW)


def test_concurrent_streams_are_limited(front: Gateway, attacks: Attacks) -> None:
    with http2(front) as client:
        assert client.settings[3] == 100  # SETTINGS_MAX_CONCURRENT_STREAMS
        headers = [*pseudo("POST", "/api/v1/faces/tasks"), ("content-type", "image/jpeg")]
        for number in range(150):
            with attacks.attempt(f"stream {number}"):
                client.request(2 * number + 1, headers, None)
                assert front.stat("http.edge.downstream_rq_active") <= 110
        client.read_until(lambda: len(client.refused) >= 50)
        assert client.closed or len(client.refused) >= 50


def test_rapid_reset_is_disconnected(front: Gateway, attacks: Attacks) -> None:
    """Reset streams right after their requests (CVE-2023-44487)."""
    with attacks.attempt("requests taken back"), http2(front) as client:
        block = header_block(pseudo(path="/api/v1/faces/ranking"))
        for number in range(20_000):
            stream = 2 * number + 1
            data = frame(HEADERS, END_HEADERS | 1, stream, block) + frame(RST_STREAM, 0, stream, bytes(4))
            if not sent(client.connection, data):
                break
        client.read_until(lambda: False)
        assert client.closed


def test_ping_flood_is_disconnected(front: Gateway, attacks: Attacks) -> None:
    with attacks.attempt("pings"), http2(front) as client:
        for _ in range(2000):
            if not sent(client.connection, frame(PING, 0, 0, bytes(8)) * 100):
                break
        client.read_until(lambda: False)
        assert client.closed


def test_continuation_flood_is_refused(front: Gateway, attacks: Attacks) -> None:
    """Send CONTINUATION frames without an end."""
    with attacks.attempt("continuations"), http2(front) as client:
        sent(client.connection, frame(HEADERS, 0, 1, header_block(pseudo())))
        more = frame(CONTINUATION, 0, 1, header_block([("x", "y" * 1000)]))
        for _ in range(10_000):
            if not sent(client.connection, more):
                break
        client.read_until(lambda: 1 in client.refused or 1 in client.answered)
        assert client.answered.get(1, 0) != 200


def test_hpack_bomb_is_refused(front: Gateway, attacks: Attacks) -> None:
    """Refer to one long header thousands of times by its HPACK index."""
    with attacks.attempt("an HPACK bomb"), http2(front) as client:
        value = b"a" * 3000
        indexed = b"\x40" + b"\x01x" + b"\x7f" + bytes((0x80 | (2873 & 0x7F), 2873 >> 7)) + value
        block = header_block(pseudo()) + indexed + b"\xbe" * 10_000
        sent(client.connection, frame(HEADERS, END_HEADERS | 1, 1, block))
        assert client.outcome(1) != 200


def test_excess_connections_are_closed(gateways: Gateways, attacks: Attacks) -> None:
    most = 12
    with gateways.running(max_connections=most) as gateway, contextlib.ExitStack() as stack:
        many = [stack.enter_context(connected(gateway)) for _ in range(3 * most)]
        gone = 0
        for connection in many:
            sent(connection, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                gone += not connection.recv(4096)
            except ConnectionError:
                gone += 1
        for _ in range(2 * most):
            with attacks.attempt("one connection more"):
                assert gone >= 2 * most
        stack.close()
        recovers(gateway)


@pytest.fixture
def small(gateways: Gateways) -> Iterator[Gateway]:
    """Start a gateway with little free memory."""
    with gateways.running(max_heap_mib=SMALL_HEAP_MIB, rate_factor=1000) as gateway:
        yield gateway


PHOTO = "POST /api/v1/faces/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n"
GREEDY = 12
"""Clients that each send a photo of maximum size: together more than the memory of the gateway."""
PHOTO_MIB = 15


def test_gateway_without_memory_refuses_requests_and_recovers(small: Gateway, actors: Actors, attacks: Attacks) -> None:
    """Unfinished photos of maximum size fill the memory."""
    head = f"{PHOTO}Authorization: Bearer {actors.owner.token}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for connection in [stack.enter_context(connected(small)) for _ in range(GREEDY)]:
            connection.settimeout(1)  # the gateway reads slowly or not at all
            sent(connection, head.encode())
            for _ in range(PHOTO_MIB):
                sent(connection, b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        until = time.monotonic() + PATIENCE
        while first_status(small, f"{GET}\r\n".encode()) == 200:
            assert time.monotonic() < until, "requests are still accepted"
        for number in range(GREEDY):
            with attacks.attempt(f"call {number} without memory"):
                assert first_status(small, f"{GET}\r\n".encode()) == 503
    recovers(small)


def test_gateway_without_memory_resets_large_streams_and_recovers(
    small: Gateway, actors: Actors, attacks: Attacks
) -> None:
    """Over HTTP/2, because Envoy counts the memory of HTTP/2 streams only."""
    headers = [*pseudo("POST", "/api/v1/faces/tasks"), ("content-type", "image/jpeg")]
    headers.append(("authorization", f"Bearer {actors.owner.token}"))
    with contextlib.ExitStack() as stack, attacks.attempt("streams that hold all memory"):
        clients = [stack.enter_context(http2(small)) for _ in range(GREEDY)]
        for client in clients:
            client.request(1, headers, None)
        until = time.monotonic() + PATIENCE
        while not small.stat("envoy.overload_actions.reset_high_memory_stream.count"):
            assert time.monotonic() < until, "no stream was reset"
            for client in clients:
                client.pour(1, 1 << 20)
        recovers(small)


def recovers(gateway: Gateway) -> None:
    until = time.monotonic() + PATIENCE
    while first_status(gateway, f"{GET}\r\n".encode()) != 200:
        assert time.monotonic() < until, "the gateway did not recover"
        time.sleep(0.2)
