"""The mesh under attack, further gateways in front of it, and its logs and errors."""

import contextlib
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from support.loops import LoopThread
from support.users import ASSETS

from igemoji_gateway.config.bootstrap import write
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.runtime.binary import envoy_command
from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import EDGE, GATEWAY, SERVICES, MeshOptions
from igemoji_stack.mesh.state import read_state

START_SECONDS = 240
STOP_SECONDS = 60
ENVOY_SECONDS = 60
WELL_SECONDS = 60


@dataclass
class MeshOutput:
    """All log lines and error responses of the mesh."""

    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def line(self, name: str, line: str) -> None:
        self.lines.append(f"{name} {line}")

    def answer(self, answer: httpx.Response) -> None:
        """Keep headers and body of an error response; a hook of httpx."""
        if answer.status_code >= 400:
            answer.read()
            self.errors.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")


class LiveMesh:
    """A mesh as `igemoji up` starts it, with the same limits, in an event loop and a thread of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.output = MeshOutput()
        self.events: list[tuple[str, str]] = []
        options = MeshOptions(data=data, assets=ASSETS, port=0, workers=1)
        self._mesh = Mesh(options, self.output.line, lambda name, event: self.events.append((name, event)))
        self._loop = LoopThread("mesh")

    def start(self) -> None:
        self._loop.run(self._mesh.start(), START_SECONDS)

    def stop(self) -> None:
        self._loop.run(self._mesh.stop(), STOP_SECONDS)
        self._loop.close()

    @property
    def url(self) -> str:
        return self._mesh.url

    @property
    def restarts(self) -> int:
        """Number of processes that ended by themselves."""
        return sum(process.restarts for process in self._mesh.processes.values())

    def pid(self, service: str) -> int:
        pid = self._mesh.processes[service].pid
        assert pid is not None
        return pid

    def port(self, service: str) -> int:
        """Return the port on which a service takes calls past the gateway."""
        state = read_state(self.data)
        assert state is not None
        return int(state["services"][service]["rpc"])

    def certificates(self, service: str) -> Certificates:
        folder = (self.data / "certificates").resolve()
        return Certificates(folder / f"{service}.crt", folder / f"{service}.key", folder / "ca.crt")

    def assert_well(self, front: "Gateway") -> None:
        """Check that every service answers through a gateway and no process was restarted."""
        assert self.restarts == 0, self.events
        with plain_http(front.url) as http:
            assert http.get(f"{self.url}/healthz").status_code == 200
            for path, status in WELL.items():
                _until(lambda: http.get(path).status_code == status, WELL_SECONDS, path)  # noqa: B023


WELL = {
    "/healthz": 200,
    "/.well-known/jwks.json": 200,
    "/api/v1/emojis/pages/1": 200,
    "/api/v1/faces/ranking": 200,
    "/api/v1/shared/no-link-has-this-token": 404,
}
"""Paths called after every test, with their statuses: gateway, auth, emoji-catalog, ranking, inference."""


@dataclass
class Gateway:
    """Another Envoy in front of the services of a mesh, with its own options."""

    options: GatewayOptions
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def host(self) -> str:
        return self.options.listen.host

    @property
    def port(self) -> int:
        return self.options.listen.port

    @property
    def url(self) -> str:
        return f"{'https' if self.options.tls else 'http'}://{self.host}:{self.port}"

    def wait_for(self, text: str) -> None:
        """Wait until the log has a text; it is written with a delay."""
        _until(lambda: text in self.log.read_text(errors="replace"), WELL_SECONDS, text)

    def stat(self, name: str) -> int:
        """Return a counter or gauge of Envoy, such as `http.edge.downstream_rq_active`."""
        with plain_http(f"http://{self.options.admin.host}:{self.options.admin.port}") as http:
            answer = http.get("/stats", params={"filter": f"^{name}$"})
        return int(answer.text.rpartition(":")[2] or 0)


class Gateways:
    """Starts and stops gateways."""

    def __init__(self, mesh: LiveMesh, folder: Path) -> None:
        self._mesh = mesh
        self._folder = folder
        self._numbers = itertools.count(1)
        self._running: list[Gateway] = []

    @contextlib.contextmanager
    def running(self, *, https: bool = False, change: Callable[[str], str] = str, **options: Any) -> Iterator[Gateway]:
        """Run a gateway for a block.

        Args:
            https: Serve HTTPS, with the certificate of `igemoji up --tls`.
            change: Change the configuration (YAML), such as to shorter timeouts.
            options: Fields of GatewayOptions.
        """
        gateway = self._start(https, change, options)
        try:
            yield gateway
        finally:
            gateway.process.terminate()
            try:
                gateway.process.wait(ENVOY_SECONDS)
            except subprocess.TimeoutExpired:
                gateway.process.kill()
                gateway.process.wait()
            self._mesh.output.lines.extend(gateway.log.read_text(errors="replace").splitlines())

    def _start(self, https: bool, change: Callable[[str], str], others: dict[str, Any]) -> Gateway:
        listen, admin = free_ports(2)
        options = GatewayOptions.machine(
            ports={name: self._mesh.port(name) for name in SERVICES},
            certificates=self._mesh.certificates(GATEWAY),
            **{
                "listen": Address(HOST, listen),
                "admin": Address(HOST, admin),
                "tls": self._mesh.certificates(EDGE) if https else None,
                **others,
            },
        )
        path = self._folder / f"envoy-{next(self._numbers)}.yaml"
        write(options, path)
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        log = path.with_suffix(".log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                envoy_command(path, concurrency=1), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        gateway = Gateway(options, process, log)
        try:
            _until(lambda: self._is_ready(gateway), ENVOY_SECONDS, "the gateway")
        except AssertionError as error:
            process.kill()
            process.wait()
            raise AssertionError(f"{error}\n{log.read_text(errors='replace')}") from None
        return gateway

    def _is_ready(self, gateway: Gateway) -> bool:
        """Return whether the gateway answers and has the keys of tokens: it refuses a forged one with 401."""
        assert gateway.process.poll() is None, "Envoy ended"
        try:
            answer = httpx.get(
                f"{gateway.url}/api/v1/users/me",
                headers={"authorization": f"Bearer {MADE_UP}"},
                verify=False,
                timeout=10,
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 401


MADE_UP = "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.eyJpc3MiOiJpZ2Vtb2ppIn0.AAAA"
"""Has the form of a token."""


def plain_http(url: str) -> httpx.Client:
    """Return a client without the system's certificates, which take longer to load than a hundred calls."""
    return httpx.Client(base_url=url, timeout=30, verify=False)


def _until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not well within {seconds:g} s: {what}"
        time.sleep(0.05)


def open_files(pid: int) -> int:
    """Return the number of files and sockets that a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def log_entries(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Return the lines of a log that are JSON objects, as all lines of services are."""
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line.partition(" ")[2])
            if isinstance(entry, dict):
                yield entry
