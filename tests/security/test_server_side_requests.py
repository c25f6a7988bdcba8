"""Server-side request forgery: no URL that a client sends is fetched."""

import base64
import contextlib
import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, by_rest, message
from contract.test_access import TABLE
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import Default
from PIL import Image, PngImagePlugin

from igemoji_stack.mesh.options import GATEWAY, SERVICES

from .attack_report import Attacks
from .live import LiveMesh

LOOK_SECONDS = 0.05


class Canary:
    """A server that nothing should call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, name="canary")
        self.visits = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/fetched"

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.visits += 1

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    canary = Canary()
    canary.start()
    yield canary
    canary.stop()


class ConnectionMonitor:
    """Polls the connections of the mesh's processes to other hosts."""

    def __init__(self, mesh: LiveMesh) -> None:
        self._mesh = mesh
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="monitor")
        self.seen: set[str] = set()
        self.looks = 0

    def __enter__(self) -> "ConnectionMonitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        over = False
        while not over:  # look again at the end: an unanswered connection stays open for a while
            over = self._over.wait(LOOK_SECONDS)
            for service in (*SERVICES, GATEWAY):
                self.seen |= set(foreign(self._mesh.pid(service)))
            self.looks += 1


def foreign(pid: int) -> Iterator[str]:
    """Yield the peers of a process's sockets on other hosts: TCP, and UDP for name lookups."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and not is_here(fields[2]):
                yield f"{kind} {fields[2]}"


def is_here(remote: str) -> bool:
    """Return whether an address of /proc/net (`0100007F:1F90`) is local; all zeros means not connected."""
    address = bytes.fromhex(remote.partition(":")[0])
    if len(address) == 4:
        return address[::-1][0] in (0, 127)
    words = b"".join(address[start : start + 4][::-1] for start in range(0, 16, 4))
    return words in (bytes(16), bytes(15) + b"\1") or words[:13] == bytes(10) + b"\xff\xff\x7f"


def texts(kind: Descriptor) -> list[FieldDescriptor]:
    return [field for field in kind.fields if field.type == FieldDescriptor.TYPE_STRING]


CALLS = [
    (name, field.name)
    for name, rpc in RPCS.items()
    for field in texts(Default().FindMessageTypeByName(rpc.request))
    if rpc.bindings
]
"""Every text field of every public RPC, from the contract."""


def urls(canary: Canary) -> list[str]:
    port = canary.url.split(":")[2].split("/")[0]
    return [
        canary.url,
        canary.url.replace("127.0.0.1", "localhost"),
        f"//127.0.0.1:{port}/fetched",
        f"https://127.0.0.1:{port}/fetched",
        f"http://0x7f000001:{port}/",
        f"gopher://127.0.0.1:{port}/_x",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"\\\\127.0.0.1@{port}\\share",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "http://igemoji.invalid/",
    ]


@pytest.mark.parametrize(("name", "field"), CALLS, ids=[f"{name}-{field}" for name, field in CALLS])
def test_urls_in_text_fields_are_not_fetched(
    name: str, field: str, canary: Canary, mesh: LiveMesh, actors: Actors, attacks: Attacks
) -> None:
    rpc = RPCS[name]
    actor = actors.new_actor("guest")
    fields: dict[str, Any] = TABLE[name].fields(actors)
    repeated = Default().FindMessageTypeByName(rpc.request).fields_by_name[field].is_repeated
    with ConnectionMonitor(mesh) as monitor:
        for url in urls(canary):
            request = message(rpc, **(fields | {field: [url] if repeated else url}))
            with attacks.attempt(url):
                for outcome in (
                    by_rest(actors.http, rpc, request, actor.headers),
                    by_grpc(actors.channel, rpc, request, actor.headers),
                ):
                    assert outcome.status < 500
                assert canary.visits == 0
    assert monitor.looks
    assert monitor.seen == set()


def test_urls_in_headers_are_not_fetched(canary: Canary, mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    host = canary.url.split("/")[2]
    with ConnectionMonitor(mesh) as monitor:
        for name, value in {
            "host": host,
            "referer": canary.url,
            "origin": f"http://{host}",
            "x-forwarded-host": host,
            "x-original-url": canary.url,
            "x-rewrite-url": canary.url,
            "x-wap-profile": canary.url,
            "true-client-ip": host,
            "from": f"root@{host}",
            "contact": canary.url,
            "profile": canary.url,
            "idempotency-key": canary.url,
            "if-match": canary.url,
            "traceparent": canary.url,
            "authorization": f"Bearer {canary.url}",
        }.items():
            for path in ("/", "/api/v1/emojis/pages/1", "/api/v1/users/me"):
                with attacks.attempt(f"{name} on {path}"):
                    headers = actors.owner.headers | {name: value}
                    headers = {key: text for key, text in headers.items() if key.lower() != name} | {name: value}
                    assert actors.http.get(path, headers=headers).status_code < 500
                    assert canary.visits == 0
        for target in (canary.url, f"http://{host}", f"//{host}/fetched"):
            with attacks.attempt(f"GET {target}"), socket.create_connection(_address(actors), 30) as connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                assert connection.recv(4096).split()[1] in (b"200", b"400", b"404")
                assert canary.visits == 0
    assert monitor.seen == set()


def test_urls_in_pictures_are_not_fetched(canary: Canary, mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{canary.url}" width="9" height="9"/></svg>'
    dtd = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{canary.url}">]><svg>&x;</svg>'
    info = PngImagePlugin.PngInfo()
    for key in ("XML:com.adobe.xmp", "URL", "Source"):
        info.add_itxt(key, canary.url)
    png, jpeg = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 64)).save(png, "PNG", pnginfo=info)
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + f"<x:xmpmeta><a href='{canary.url}'/></x:xmpmeta>".encode()
    Image.new("RGB", (64, 64)).save(jpeg, "JPEG")
    with_xmp = jpeg.getvalue()[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + jpeg.getvalue()[2:]
    with ConnectionMonitor(mesh) as monitor:
        for what, data in {
            "SVG": svg.encode(),
            "an external entity": dtd.encode(),
            "a playlist": f"#EXTM3U\n#EXTINF:1,\n{canary.url}\n".encode(),
            "a PNG's texts": png.getvalue(),
            "a JPEG's XMP": with_xmp,
            "a URL": canary.url.encode(),
        }.items():
            with attacks.attempt(f"{what}, as a photo"):
                answer = actors.http.post(
                    "/api/v1/faces/tasks",
                    params={"emoji_id": actors.built_in_id},
                    content=data,
                    headers=actors.owner.headers,
                )
                if answer.status_code == 202:
                    actors.finished(answer.json()["task_id"], actors.owner)
                assert canary.visits == 0
            with attacks.attempt(f"{what}, as a template's picture"):
                body = {"image": base64.b64encode(data).decode()}
                answer = actors.http.post("/api/v1/emojis/preview", json=body, headers=actors.owner.headers)
                assert answer.status_code in (200, 400)
                assert canary.visits == 0
    assert monitor.seen == set()


def test_canary_and_connection_monitor_work(canary: Canary) -> None:
    """Check that the detectors above work."""
    other = Canary()
    other.start()
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", int(other.url.split(":")[2].split("/")[0]))).close()
    until = time.monotonic() + 30
    while not other.visits and time.monotonic() < until:
        time.sleep(0.01)
    other.stop()
    assert other.visits == 1
    assert not is_here("08080808:0035")
    assert not is_here("B80D0120000000000000000001000000:0050")
    assert is_here("0100007F:1F90")
    assert is_here("0000000000000000FFFF00000100007F:1F90")


def _address(actors: Actors) -> tuple[str, int]:
    port = actors.http.base_url.port
    assert port is not None
    return "127.0.0.1", port
