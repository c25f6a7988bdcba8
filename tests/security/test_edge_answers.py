"""Defenses of the gateway for browsers (headers, cookies, CORS, CSRF, HTTPS), rate limits, and spellings of paths."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from contract.actors import PASSWORD, Actors
from contract.calls import outcome_of

from .attack_report import Attacks
from .live import Gateway, Gateways, LiveMesh
from .raw_http import exchange

ALSPELLINGS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "server": "igemoji",
}

ORIGIN = "https://igemoji.example"


@pytest.fixture(scope="module")
def https(gateways: Gateways) -> Iterator[Gateway]:
    with gateways.running(https=True, rate_factor=1000, allowed_origins=(ORIGIN,)) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser(https: Gateway, mesh: LiveMesh) -> Iterator[httpx.Client]:
    """Return a client that trusts the certificate authority of `igemoji up --tls`."""
    assert https.options.tls is not None
    context = ssl.create_default_context(cafile=str(https.options.tls.ca))
    with httpx.Client(base_url=https.url, timeout=60, verify=context) as http:
        http.event_hooks["response"].append(mesh.output.answer)
        yield http


def test_every_response_has_security_headers(actors: Actors, attacks: Attacks) -> None:
    owner = actors.owner.headers
    for method, path, headers, status in (
        ("GET", "/", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/api/docs", {}, 200),
        ("GET", "/api/openapi.json", {}, 200),
        ("GET", "/.well-known/jwks.json", {}, 200),
        ("GET", "/api/v1/emojis/pages/1", {}, 200),
        ("GET", f"/api/v1/emojis/{actors.emoji}/images/happy", {}, 200),
        ("GET", f"/api/v1/faces/tasks/{actors.task}", owner, 200),
        ("GET", f"/api/v1/faces/tasks/{actors.task}/image", owner, 200),
        ("GET", f"/api/v1/faces/tasks/{actors.task}/events", owner, 200),
        ("GET", f"/api/v1/shared/{actors.share_token}/image", {}, 200),
        ("GET", "/api/v1/users/me/export", owner, 200),
        ("GET", "/api/v1/users/me", {}, 401),
        ("GET", "/api/v1/moderation/reports", owner, 403),
        ("GET", "/api/v1/nowhere", {}, 404),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/api/v1/faces/ranking?x=1", {}, 400),
        ("POST", "/api/v1/users/auth", {"content-type": "text/plain"}, 413),
        ("GET", "/api/v1/faces/ranking", {"x_y": "1"}, 400),
        ("GET", "/api/v1/faces/ranking", {"x": "y" * 40_000}, 431),
        ("TRACE", "/api/v1/users/me", {}, 404),
        ("OPTIONS", "/api/v1/users/me", {}, 404),
    ):
        with attacks.attempt(f"{method} {path} {status}"):
            with actors.http.stream(method, path, headers=headers, content=bytes(300_000 * (status == 413))) as answer:
                answer.read()
            assert answer.status_code == status
            assert {name: answer.headers.get(name) for name in ALSPELLINGS} == ALSPELLINGS
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "cache-control" in answer.headers
            assert not [name for name in answer.headers if name.startswith(("x-envoy", "x-powered", "grpc-"))]
            if status >= 400 or headers:
                assert {"no-store", "no-cache"} & set(answer.headers["cache-control"].split(", "))
            if status >= 400:
                assert answer.headers["cache-control"] == "no-store"


def test_private_responses_are_not_cached(actors: Actors, attacks: Attacks) -> None:
    owner = actors.owner.headers
    for path in (
        "/api/v1/users/me",
        "/api/v1/users/mypage/result",
        f"/api/v1/faces/tasks/{actors.task}",
        f"/api/v1/emojis/{actors.private_emoji}",
        "/api/v1/users/me/export",
    ):
        with attacks.attempt(path):
            assert actors.http.get(path, headers=owner).headers["cache-control"] == "no-store"
    for path in (f"/api/v1/faces/tasks/{actors.task}/image", f"/api/v1/emojis/{actors.private_emoji}/images/happy"):
        with attacks.attempt(path):
            assert actors.http.get(path, headers=owner).headers["cache-control"] == "private, no-cache"


def test_hsts_over_https(browser: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    for path in ("/", "/healthz", "/api/v1/faces/ranking", "/api/v1/users/me", "/api/v1/nowhere", "/api/docs"):
        with attacks.attempt(path):
            assert browser.get(path).headers["strict-transport-security"] == "max-age=31536000"
        with attacks.attempt(f"{path} of localhost, whose other ports belong to other programs"):
            for host in ("localhost", f"localhost:{browser.base_url.port}"):
                assert "strict-transport-security" not in browser.get(path, headers={"host": host}).headers
        with attacks.attempt(f"{path} over plain HTTP"):
            assert "strict-transport-security" not in actors.http.get(path).headers
        with attacks.attempt(f"{path} behind a proxy that ends HTTPS"):
            answer = actors.http.get(path, headers={"x-forwarded-proto": "https"})
            assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused(version: str, https: Gateway, attacks: Attacks) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        attacks.attempt(version),
        socket.create_connection((https.host, https.port), 30) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)


def test_attributes_of_the_refresh_cookie(browser: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    def parts(answer: httpx.Response) -> set[str]:
        return {part.strip().lower().split("=")[0] for part in answer.headers["set-cookie"].split(";")[1:]}

    strict = {"path", "max-age", "httponly", "samesite"}
    login = {"email": actors.owner.email, "password": PASSWORD}
    for what, answer in {
        "a guest's": browser.post("/api/v1/users/guest", json={}),
        "a login's": browser.post("/api/v1/users/auth", json=login),
    }.items():
        with attacks.attempt(f"{what}, over HTTPS"):
            assert parts(answer) == strict | {"secure"}
            assert "samesite=strict" in answer.headers["set-cookie"].lower()
            assert "path=/api/v1/users/auth;" in answer.headers["set-cookie"].lower()
            assert answer.json()["refresh_token"] == ""
            assert answer.headers["cache-control"] == "no-store"
    with attacks.attempt("over plain HTTP, where browsers reject Secure cookies"):
        assert parts(actors.http.post("/api/v1/users/auth", json=login)) == strict
    browser.cookies.clear()
    actors.http.cookies.clear()


def test_csrf_with_the_refresh_cookie_is_refused(browser: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    """A form of another site can't set the required header, even if the browser sends the cookie."""
    browser.post("/api/v1/users/auth", json={"email": actors.owner.email, "password": PASSWORD})
    cookie = f"igemoji_refresh={browser.cookies['igemoji_refresh']}"
    browser.cookies.clear()
    for path in ("/api/v1/users/auth/refresh", "/api/v1/users/auth/logout"):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            with attacks.attempt(f"{path} as {kind}"):
                headers = {"cookie": cookie, "origin": "https://evil.example", "content-type": kind}
                answer = outcome_of(browser.post(path, content=b"{}", headers=headers))
                assert (answer.status, answer.reason) == (403, "REQUESTED_WITH_MISSING")
                assert "access-control-allow-origin" not in answer.headers
    headers = {"cookie": cookie, "x-requested-with": "fetch"}
    assert browser.post("/api/v1/users/auth/refresh", json={}, headers=headers).status_code == 200
    browser.cookies.clear()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://igemoji.example",
        "https://igemoji.example.evil.example",
        "https://evil-igemoji.example",
        "https://sub.igemoji.example",
        "https://igemoji.example:8443",
        "https://igemoji.example/",
        "null",
        "file://",
        "https://IGEMOJI.example.",
        "*",
    ],
)
def test_other_origins_can_not_read_responses(
    origin: str, browser: httpx.Client, actors: Actors, attacks: Attacks
) -> None:
    asks = {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}
    for method, path, headers in (
        ("OPTIONS", "/api/v1/users/me", asks),
        ("GET", "/api/v1/users/me", actors.owner.headers),
        ("GET", "/api/v1/faces/ranking", {}),
        ("GET", "/api/v1/nowhere", {}),
    ):
        with attacks.attempt(f"{method} {path}"):
            answer = browser.request(method, path, headers=headers | {"origin": origin})
            assert not [name for name in answer.headers if name.startswith("access-control-")]
    allowed = browser.get("/api/v1/faces/ranking", headers={"origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN


def test_calls_are_limited_by_client_address(gateways: Gateways, attacks: Attacks) -> None:
    with gateways.running(trusted_proxies=1) as gateway, httpx.Client(base_url=gateway.url, timeout=60) as http:
        answers = []
        for number in range(36):
            with attacks.attempt(f"call {number}"):
                headers = {"x-forwarded-for": "203.0.113.50"}
                answers.append(http.post("/api/v1/users/auth", json={}, headers=headers))
                assert answers[-1].status_code in (400, 429)
        refused = outcome_of(answers[-1])
        assert (refused.status, refused.reason, refused.headers.get("retry-after")) == (429, "RATE_LIMITED", "2")
        elsewhere = http.post("/api/v1/users/auth", json={}, headers={"x-forwarded-for": "203.0.113.51"})
        assert elsewhere.status_code == 400


def test_calls_are_limited_by_user(gateways: Gateways, actors: Actors, attacks: Attacks) -> None:
    """One account from many addresses, as a botnet."""
    with gateways.running(trusted_proxies=1) as gateway, httpx.Client(base_url=gateway.url, timeout=60) as http:
        owner, another = actors.owner, actors.actor("another")
        answers = []
        for number in range(36):
            with attacks.attempt(f"call {number}"):
                headers = owner.headers | {"x-forwarded-for": f"203.0.117.{number}"}
                answers.append(http.patch("/api/v1/users/me", json={"alias": ""}, headers=headers))
                assert answers[-1].status_code in (400, 429)
        refused = outcome_of(answers[-1])
        assert (refused.status, refused.reason, refused.headers.get("retry-after")) == (429, "RATE_LIMITED", "2")
        assert sum(answer.status_code == 400 for answer in answers) <= 32
        headers = another.headers | {"x-forwarded-for": "203.0.117.99"}
        assert http.patch("/api/v1/users/me", json={"alias": ""}, headers=headers).status_code == 400


SPELLINGS = (
    "//api//v1///users//me",
    "/api/v1/users/me/",
    "/api/v1/./users/me",
    "/api/v1/x/../users/me",
    "/api/v1/users/%6de",
    "/api/v1/users%2fme",
    "/api/v1/users%5cme",
    "/api%2fv1%2fusers%2fme",
    "/api/v1/users/me%00",
    "/api/v1/users/me;x=1",
    "/api/v1/users/me%3fx=1",
    "/api/v1/users/me%23",
    "/api/v1/users/..%2fusers/me",
    "/api/v1/users/%2e%2e/users/me",
    "/healthz/../api/v1/users/me",
    "/api/docs/../v1/users/me",
    "/API/V1/USERS/ME",
    "/api/v1/users/me%20",
    "/api/v1\\users\\me",
    "/.well-known/jwks.json/../../api/v1/users/me",
    "/igemoji.auth.v1.AuthService/GetMe",
    "//igemoji.auth.v1.AuthService/GetMe",
    "/igemoji.inference.v1.InferenceService/ListResults",
    "/igemoji.inference.v1.InferenceService%2fListResults",
    "/x/../igemoji.inference.v1.InferenceService/ListResults",
)
METHODS = ("GET", "POST", "HEAD", "get", "DELETE", "PATCH")


@pytest.fixture(scope="module")
def by_spelling(front: Gateway) -> dict[tuple[str, str], list[int]]:
    """Send all spellings at once, because the gateway waits a second before it closes a refused connection."""

    def send(call: tuple[str, str]) -> list[int]:
        rest = "HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return exchange(front, f"{' '.join(call)} {rest}".encode())

    calls = [(method, path) for path in SPELLINGS for method in METHODS]
    with ThreadPoolExecutor(50) as pool:
        return dict(zip(calls, pool.map(send, calls), strict=True))


@pytest.mark.parametrize("path", SPELLINGS)
def test_every_spelling_of_a_path_has_the_same_rules(
    path: str, by_spelling: dict[tuple[str, str], list[int]], front: Gateway, attacks: Attacks
) -> None:
    for method in METHODS:
        with attacks.attempt(f"{method} {path}"):
            statuses = by_spelling[method, path]
            assert statuses
            assert set(statuses) <= {400, 401, 404}
