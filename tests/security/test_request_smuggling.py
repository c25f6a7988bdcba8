"""Request smuggling: messages that two parsers would split in different places."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from igemoji_mesh.ids import new_id

from .attack_report import Attacks
from .live import Gateway
from .raw_http import exchange, http2, pseudo

POST = "POST /api/v1/users/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
END = "0\r\n\r\n"

HIDDEN = "GET /{secret} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""The smuggled request."""

QUIET_SECONDS = 10
"""Wait for a response; some messages are incomplete, so that the gateway waits for the rest."""

REFUSED = {
    "both lengths, CL.TE": f"{POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n{END}{HIDDEN}",
    "both lengths, TE.CL": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n{HIDDEN}\r\n{END}",
    "two encodings, TE.TE": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{END}{HIDDEN}",
    "an encoding that is none": f"{POST}Transfer-Encoding: xchunked\r\n\r\n{END}{HIDDEN}",
    "chunked and more": f"{POST}Transfer-Encoding: chunked, gzip\r\n\r\n{END}{HIDDEN}",
    "an encoding behind a tab": f"{POST}Content-Length: 6\r\nTransfer-Encoding:\tchunked\r\n\r\n{END}{HIDDEN}",
    "an encoding with a vertical tab": f"{POST}Transfer-Encoding:\x0bchunked\r\n\r\n{END}{HIDDEN}",
    "a space before the colon": f"{POST}Content-Length: 6\r\nTransfer-Encoding : chunked\r\n\r\n{END}{HIDDEN}",
    "a folded line": f"{POST}Content-Length: 6\r\nX-Folded: a\r\n Transfer-Encoding: chunked\r\n\r\n{END}{HIDDEN}",
    "a folded first line": f"{POST.replace('Host', ' Host')}Content-Length: 0\r\n\r\n{HIDDEN}",
    "two lengths": f"{POST}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{{{{}}}}{HIDDEN}",
    "a list of lengths": f"{POST}Content-Length: 2, 60\r\n\r\n{{{{}}}}{HIDDEN}",
    "a length with a sign": f"{POST}Content-Length: +2\r\n\r\n{{{{}}}}{HIDDEN}",
    "a negative length": f"{POST}Content-Length: -2\r\n\r\n{{{{}}}}{HIDDEN}",
    "a length in hexadecimal": f"{POST}Content-Length: 0x2\r\n\r\n{{{{}}}}{HIDDEN}",
    "a length beyond 64 bits": f"{POST}Content-Length: 18446744073709551618\r\n\r\n{{{{}}}}{HIDDEN}",
    "a carriage return in a value": f"{POST}X: a\rTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n{END}{HIDDEN}",
    "a line feed alone": f"{POST}X: a\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n{END}{HIDDEN}",
    "a zero in a value": f"{POST}X: a\x00b\r\nContent-Length: 0\r\n\r\n{HIDDEN}",
    "a zero in a name": f"{POST}X\x00: a\r\nContent-Length: 0\r\n\r\n{HIDDEN}",
    "a chunk of a made-up size": f"{POST}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{{{{}}}}\r\n{END}{HIDDEN}",
    "a chunk of a negative size": f"{POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n{{{{}}}}\r\n{END}{HIDDEN}",
    "a chunk beyond 64 bits": f"{POST}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{{{{}}}}\r\n{END}{HIDDEN}",
    "a chunk longer than its size": f"{POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{{{{}}}}\r\n{END}{HIDDEN}",
    "no host": "GET /healthz HTTP/1.1\r\n\r\n" + HIDDEN,
    "two hosts": "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + HIDDEN,
    "another protocol": "GET /healthz HTTP/3.7\r\nHost: x\r\n\r\n" + HIDDEN,
    "HTTP/1.0 in chunks": POST.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n" + END + HIDDEN,
    "a space in the path": "GET /healthz HTTP/1.1 x HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "a made-up method": "G ET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "a tunnel": "CONNECT auth:50051 HTTP/1.1\r\nHost: auth:50051\r\n\r\n" + HIDDEN,
    "an upgrade": f"{POST}Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n{HIDDEN}",
}


@pytest.fixture(scope="module")
def answers(front: Gateway) -> dict[str, tuple[list[int], str]]:
    """Send all messages at once, because some have to time out; return the statuses and the smuggled path of each."""
    secrets = {name: f"smuggled-{new_id()}" for name in REFUSED}

    def send(name: str) -> list[int]:
        message = REFUSED[name].format(secret=secrets[name]).encode("latin-1")
        return exchange(front, message, patience=QUIET_SECONDS)

    with ThreadPoolExecutor(len(REFUSED)) as threads:
        statuses = dict(zip(REFUSED, threads.map(send, REFUSED), strict=True))
    wait_for_log(front)
    return {name: (statuses[name], secrets[name]) for name in REFUSED}


@pytest.mark.parametrize("name", REFUSED)
def test_ambiguous_requests_are_refused(
    name: str, answers: dict[str, tuple[list[int], str]], front: Gateway, attacks: Attacks
) -> None:
    statuses, secret = answers[name]
    with attacks.attempt(name):
        assert len(statuses) <= 1, statuses
        assert all(400 <= status < 600 for status in statuses), statuses
        assert secret not in front.log.read_text(errors="replace")


def test_valid_pipelined_requests_are_answered(front: Gateway, attacks: Attacks) -> None:
    """Check that the smuggled request is logged when it is valid."""
    secret = f"pipelined-{new_id()}"
    message = f"{POST}Content-Length: 2\r\n\r\n{{{{}}}}{HIDDEN}".format(secret=secret)
    assert exchange(front, message.encode()) == [400, 404]
    front.wait_for(secret)


JSON: list[tuple[str | bytes, str | bytes]] = [("content-type", "application/json")]
REFUSED_IN_HTTP2: dict[str, list[tuple[str | bytes, str | bytes]]] = {
    "an encoding": [*pseudo("POST", "/api/v1/users/auth"), *JSON, ("transfer-encoding", "chunked")],
    "a connection header": [*pseudo(), ("connection", "x-user-id")],
    "an upgrade": [*pseudo(), ("upgrade", "h2c")],
    "a length that is not the body's": [*pseudo("POST", "/api/v1/users/auth"), *JSON, ("content-length", "1")],
    "a line break in a value": [*pseudo(), ("x-a", "b\r\nx-user-id: c")],
    "a line break in a name": [*pseudo(), ("x-a: b\r\nx-user-id", "c")],
    "a capital in a name": [*pseudo(), ("X-A", "b")],
    "a colon in a name": [*pseudo(), ("x:a", "b")],
    "a space in a name": [*pseudo(), ("x a", "b")],
    "a line break in the path": pseudo(path="/healthz HTTP/1.1\r\nx-a: b"),
    "a space in the path": pseudo(path="/healthz x"),
    "a path that is none": pseudo(path="healthz"),
    "an empty path": pseudo(path=""),
    "a line break in the method": pseudo(method="GET / HTTP/1.1\r\nx-a: b\r\n\r\nGET"),
    "a line break in the host": pseudo(authority="x\r\nx-a: b"),
    "two paths": [*pseudo(), (":path", "/api/v1/users/me")],
    "two methods": [*pseudo(), (":method", "DELETE")],
    "no method": [(":scheme", "http"), (":authority", "x"), (":path", "/healthz")],
    "no path": [(":method", "GET"), (":scheme", "http"), (":authority", "x")],
    "an unknown pseudo header": [*pseudo(), (":user", "someone")],
    "an answer's pseudo header": [*pseudo(), (":status", "200")],
    "a pseudo header behind others": [("x-a", "b"), *pseudo()],
    "te other than trailers": [*pseudo(), ("te", "gzip")],
}


@pytest.mark.parametrize("name", REFUSED_IN_HTTP2)
def test_invalid_http2_headers_are_refused(name: str, front: Gateway, attacks: Attacks) -> None:
    with attacks.attempt(name), http2(front) as client:
        body = b"{}" if "POST" in dict(REFUSED_IN_HTTP2[name]).values() else b""
        client.request(1, REFUSED_IN_HTTP2[name], body)
        assert client.outcome(1) in (0, 400)


def test_valid_handmade_frames_are_answered(front: Gateway, attacks: Attacks) -> None:
    with http2(front) as client:
        client.request(1, pseudo())
        assert client.outcome(1) == 200
        client.request(3, [*pseudo("POST", "/api/v1/users/auth"), *JSON, ("content-length", "2")], b"{}")
        assert client.outcome(3) == 400


def wait_for_log(gateway: Gateway) -> None:
    """Wait until a further request is in the log, which is written with a delay."""
    marker = f"after-{new_id()}"
    assert exchange(gateway, f"GET /{marker} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()) == [404]
    gateway.wait_for(marker)
