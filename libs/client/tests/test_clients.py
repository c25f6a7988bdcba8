"""Both clients: same methods, paged lists, threads, private authorities."""

import asyncio
import inspect
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from igemoji_client import AsyncClient, Client, ConnectionFailed, NotFound
from igemoji_mesh.auth.ca import CertificateAuthority

from .conftest import QUICK, TEMPLATE, event, ok, refusal, session, stream

PAGE = "GET /api/v1/emojis/pages/1"
GROUPS = ("accounts", "templates", "tasks", "moderation")


@pytest.fixture
def blocking(server):
    with Client("http://server", options=QUICK, http_transport=httpx.MockTransport(server)) as client:
        yield client


def methods(owner: object) -> dict[str, list[tuple[str, object, object]]]:
    """Return the public methods with their parameters."""
    found = inspect.getmembers(owner, callable)
    return {
        name: [(each.name, each.kind, each.default) for each in inspect.signature(method).parameters.values()]
        for name, method in found
        if not name.startswith("_") and name != "with_options"
    }


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_blocking_client_has_the_methods_of_the_async_client(blocking, group):
    other = AsyncClient("http://server")
    mine, theirs = (getattr(client, group) if group else client for client in (blocking, other))
    assert methods(mine) == methods(theirs)
    asyncio.run(other.close())


def test_lists_follow_page_tokens(server, blocking):
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page_token", "0"))
        token = str(number + 1) if number < 2 else ""
        emojis = [TEMPLATE | {"id": f"{number}{each}"} for each in range(2)]
        return ok({"emojis": emojis, "total": 6, "total_is_exact": True, "next_page_token": token})

    server.on(PAGE, page)
    assert [each.id for each in blocking.templates.list(q="고양이", favorites_only=True)] == [
        "00",
        "01",
        "10",
        "11",
        "20",
        "21",
    ]
    assert dict(server.calls(PAGE)[0].url.params) == {"q": "고양이", "sort": "new", "favorites_only": "true"}
    assert next(blocking.templates.list()).id == "00"
    assert server.count(PAGE) == 4, "a page that nobody asks for is not read"


def test_my_page_stops_after_the_last_entry(server, blocking):
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page_token", "1"))
        results = [{"task_id": f"{number}{each}"} for each in range(2 if number < 3 else 1)]
        return ok({"results": results, "next_page_token": str(number + 1) if number < 3 else ""})

    server.on("GET /api/v1/users/mypage/result", page)
    assert [each.task_id for each in blocking.accounts.results()] == ["10", "11", "20", "21", "30"]
    assert server.count("GET /api/v1/users/mypage/result") == 3


def test_client_is_thread_safe(server, blocking):
    server.on("GET /api/v1/emojis/t1", ok(TEMPLATE))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(blocking.templates.get, ["t1"] * 40))
    assert {each.id for each in found} == {"t1"}


def test_abandoned_watch_closes_its_stream(server, blocking):
    server.on("POST /api/v1/users/guest", ok(session(), 201))
    blocking.accounts.start_guest()
    server.on("GET /api/v1/faces/tasks/p1/events", stream(event(1, "QUEUED"), event(2, "DONE")))
    steps = blocking.tasks.watch("p1")
    assert next(steps).state.name == "QUEUED"
    steps.close()
    server.on("GET /api/v1/emojis/t1", refusal(404))
    with pytest.raises(NotFound):
        blocking.templates.get("t1")


def test_private_authority_is_trusted_only_with_ca_file(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(TEMPLATE).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    authority = CertificateAuthority.create()
    authority.save(tmp_path)
    authority.issue_to(tmp_path, "gateway", hosts=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "gateway.crt", tmp_path / "gateway.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.socket = context.wrap_socket(served.socket, server_side=True)
        thread = Thread(target=served.serve_forever)
        thread.start()
        url = f"https://localhost:{served.server_port}"
        try:
            with Client(url, ca_file=tmp_path / "ca.crt", options=QUICK) as client:
                assert client.templates.get("t1").name == "Cats"
            with Client(url, options=QUICK) as client, pytest.raises(ConnectionFailed, match="certificate"):
                client.templates.get("t1")
        finally:
            served.shutdown()
            thread.join()
