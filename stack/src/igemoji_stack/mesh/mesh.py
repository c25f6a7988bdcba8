"""The whole mesh on one machine: four services, the gateway and the web client, with all their data in one folder."""

import asyncio
import fcntl
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from igemoji_gateway import Address, Certificates, Crowds, EnvoyMissing, GatewayOptions, envoy_command, write
from igemoji_mesh.auth.certificates import CertificateAuthority
from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.backend import Backend, BackendMissing, RealParts, Urls
from igemoji_stack.mesh import website
from igemoji_stack.mesh.state import answers_ok, is_serving, state_file
from igemoji_stack.mesh.supervisor import Command, DiedAtStart, Supervised

SERVICES = {
    "auth": "igemoji_auth.entrypoints.main",
    "emoji-catalog": "igemoji_emoji_catalog.entrypoints.main",
    "ranking": "igemoji_ranking.entrypoints.main",
    "inference": "igemoji_inference.entrypoints.main",
}
"""By name in the mesh: the module that is run."""

GATEWAY = "gateway"
WORKER = "inference-worker"
EDGE = "edge"
"""The gateway's other certificate: the one that browsers see."""
NICE = 10
"""Services stand back behind the gateway: it refuses what is too much for them, and must have its turn for that."""
CALLS_AT_ONCE = 80
"""To each address of a service: a page of pictures and what goes with it. Processors are shared with all others."""
START_SECONDS = 90.0
ROOM_BYTES = 4 * 2**20
"""Certificates, the gateway's configuration and logs of a start need less."""


class CannotStart(Exception):
    """One sentence for the person who tried."""


@dataclass(frozen=True)
class MeshOptions:
    """How to run the mesh."""

    data: Path
    """Everything that it keeps: databases, pictures, photos, certificates, logs."""
    assets: Path
    """What `make assets` built."""
    port: int = 8080
    """Of the gateway, on 127.0.0.1. 0: a free one."""
    workers: int = 0
    """Inference processes. 0: one for each core."""
    tls: bool = False
    """Serve the gateway over HTTPS, with a certificate of the private authority."""
    rate_factor: int = 1
    """Multiplies the limits of one address; for tests, whose calls all come from the same."""
    traces: str = ""
    """Where a collector takes traces on this machine, by OTLP over gRPC: `http://127.0.0.1:4317`. Empty: none."""
    smtp_url: str = ""
    """Where auth sends mails: `smtp://127.0.0.1:25`. Empty: operators reset passwords by command."""
    drain_seconds: float = 0
    """How long a service tells that it stops before it does; without it calls between replicas may fail meanwhile."""
    web: Path | None = None
    """What `make web` built. None: the gateway shows a page that says what runs here."""
    backend: Backend = Backend.EMBEDDED
    """What stands behind the services."""
    urls: Urls = field(default_factory=Urls)
    """Of real parts that run already."""
    replicas: int = 1
    """Of each service, on real parts."""
    worker_replicas: int = 1
    """On real parts: how often `igemoji-inference worker` runs, each with so many `workers`."""


@dataclass(frozen=True)
class Ports:
    """Where a service answers on this machine."""

    rpc: int
    health: int
    metrics: int


class Mesh:
    """Start it, use it, stop it."""

    def __init__(
        self,
        options: MeshOptions,
        on_line: Callable[[str, str], None] = lambda _name, _line: None,
        on_event: Callable[[str, str], None] = lambda _name, _event: None,
    ) -> None:
        """
        Args:
            options: How to run it.
            on_line: Told of every line that a process writes: (service, line).
            on_event: Told what happens: (service, or "" for the mesh; a sentence).
        """
        self._options = options
        self._on_line = on_line
        self._on_event = on_event
        self._lock: TextIO | None = None
        self._ports: dict[str, list[Ports]] = {}
        self.parts: RealParts | None = None
        self.processes: dict[str, Supervised] = {}
        self._crowds: asyncio.Task[None] | None = None
        self.port = options.port

    @property
    def url(self) -> str:
        return f"{'https' if self._options.tls else 'http'}://{HOST}:{self.port}"

    async def start(self) -> None:
        """Returns when the gateway answers. Raises CannotStart, with nothing left running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends every process: first the edge, so that nobody new comes in."""
        if self._crowds is not None:
            self._crowds.cancel()
            await asyncio.gather(self._crowds, return_exceptions=True)
            self._crowds = None
        gateway = self.processes.pop(GATEWAY, None)
        if gateway is not None:
            await gateway.stop()
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        self.processes.clear()
        if self.parts is not None:
            await self.parts.stop()
        if self._lock is not None:
            state_file(self._options.data).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def metrics_port(self, service: str) -> int:
        return self.metrics_ports(service)[0]

    def metrics_ports(self, service: str) -> list[int]:
        """Of its replicas."""
        return [ports.metrics for ports in self._ports[service]]

    def reached_at(self, service: str) -> list[int]:
        """The ports where the others call a service's replicas."""
        return [ports.rpc for ports in self._ports[service]]

    async def _start(self) -> None:
        self._check_assets()
        self._prepare_folder()
        self._check_backend()
        self._claim_port()
        certificates = self._options.data / "certificates"
        self._issue_certificates(certificates)
        self._choose_ports()
        if self._options.backend is Backend.REAL:
            await self._start_parts()
        commands = [*self._services(certificates), *self._workers()]
        web_port = free_ports(1)[0] if self._options.web else None
        if self._options.web and web_port:
            folder = self._options.data / "run" / website.NAME
            commands.append(website.command(self._options.web, folder, web_port, self._options.urls.objects))
        gateway = self._gateway(certificates, web_port)
        await asyncio.gather(*(self._bring_up(command) for command in commands))
        await self._bring_up(gateway)
        admin = Address(HOST, self._ports[GATEWAY][0].metrics)
        crowds = Crowds(admin, self._options.replicas, partial(self._on_event, GATEWAY))
        self._crowds = asyncio.create_task(crowds.watch())
        self._write_state()

    def _check_backend(self) -> None:
        options = self._options
        if options.backend is Backend.EMBEDDED and (
            options.urls or options.replicas > 1 or options.worker_replicas > 1
        ):
            raise CannotStart("An embedded database serves one process: URLs and replicas need --backend real.")
        path = options.data / "backend"
        before = path.read_text().strip() if path.exists() else None
        if before is None and (options.data / "auth.db").exists():
            before = Backend.EMBEDDED
        if before not in (None, options.backend):
            raise CannotStart(
                f"The data in {options.data} is kept by --backend {before}: use that, or give another --data."
            )
        path.write_text(f"{options.backend}\n")

    def _choose_ports(self) -> None:
        count = {**dict.fromkeys(SERVICES, self._options.replicas), GATEWAY: 1}
        if self._options.backend is Backend.REAL:
            count[WORKER] = self._options.worker_replicas
        ports = iter(free_ports(3 * sum(count.values())))
        self._ports = {
            name: [Ports(next(ports), next(ports), next(ports)) for _ in range(many)] for name, many in count.items()
        }

    async def _start_parts(self) -> None:
        started = time.monotonic()
        folder = self._options.data / "parts"
        self.parts = RealParts(folder, self._options.urls, list(SERVICES), self._on_line, self._on_event)
        try:
            await self.parts.start()
        except BackendMissing as error:
            raise CannotStart(str(error)) from None
        own = ", ".join(part.name for part in self.parts.own.values()) or "none of its own"
        self._on_event("parts", f"are ready: {own} ({time.monotonic() - started:.1f} s)")

    def _check_assets(self) -> None:
        for part in ("models/manifest.json", "templates/manifest.json"):
            if not (self._options.assets / part).is_file():
                raise CannotStart(f"{self._options.assets / part} is missing: build models and templates: make assets")
        if self._options.web and not (self._options.web / "index.html").is_file():
            raise CannotStart(f"{self._options.web / 'index.html'} is missing: build the web client: make web")

    def _prepare_folder(self) -> None:
        data = self._options.data
        try:
            for folder in (data, data / "run", data / "logs"):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = (data / "run" / "lock").open("w")
        except OSError as error:
            raise _not_writable(data, error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise CannotStart(
                f"A mesh runs already with its data in {data}: stop it, or give another --data."
            ) from None
        try:
            with tempfile.TemporaryFile(dir=data / "run") as file:
                file.write(bytes(ROOM_BYTES))
        except OSError as error:
            raise _not_writable(data, error) from None

    def _claim_port(self) -> None:
        self.port = self._options.port or free_ports(1)[0]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except PermissionError:
                raise CannotStart(f"Port {self.port} needs rights that you have not: give another --port.") from None
            except OSError:
                raise CannotStart(f"Port {self.port} is in use: give another --port.") from None

    def _issue_certificates(self, folder: Path) -> None:
        """The authority stays; services get new certificates at every start, so none runs out unseen."""
        try:
            authority = CertificateAuthority.load(folder)
        except FileNotFoundError:
            authority = CertificateAuthority.create()
            authority.save(folder)
            self._on_event("", f"made a private certificate authority in {folder}")
        except ValueError as error:
            raise CannotStart(f"The certificates in {folder} are damaged ({error}); remove that folder.") from None
        for service in (*SERVICES, GATEWAY):
            authority.issue_to(folder, service)
        authority.issue_to(folder, EDGE, hosts=("localhost", HOST))

    def _services(self, certificates: Path) -> Iterator[Command]:
        for name, module in SERVICES.items():
            for number, ports in enumerate(self._ports[name], 1):
                environment = self._service_environment(name, ports, certificates)
                ready = partial(is_serving, ports.health)
                yield Command(_instance(name, number), [sys.executable, "-m", module], environment, ready, NICE)

    def _service_environment(self, name: str, ports: Ports, certificates: Path) -> dict[str, str]:
        addresses = {f"{peer.upper().replace('-', '_')}_ADDRESS": _target(self.reached_at(peer)) for peer in SERVICES}
        return {
            **addresses,
            "LISTEN": f"{HOST}:{ports.rpc}",
            "HEALTH_LISTEN": f"{HOST}:{ports.health}",
            "METRICS_LISTEN": f"{HOST}:{ports.metrics}",
            "TLS_CERT": str(certificates / f"{name}.crt"),
            "TLS_KEY": str(certificates / f"{name}.key"),
            "TLS_CA": str(certificates / "ca.crt"),
            "DATA_DIR": str(self._options.data.resolve()),
            "DRAIN_SECONDS": str(self._options.drain_seconds),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._options.traces,
            "ADDRESS_FACTOR": str(self._options.rate_factor),
            "MODELS_DIR": str((self._options.assets / "models").resolve()),
            "BUILTIN_DIR": str((self._options.assets / "templates").resolve()),
            "WORKERS": str(self._options.workers),
            "PUBLIC_URL": self.url,
            **({"SMTP_URL": self._options.smtp_url} if name == "auth" else {}),
            **(self.parts.environment(name) if self.parts else {}),
        }

    def _workers(self) -> Iterator[Command]:
        if self.parts is None:
            return
        for number, ports in enumerate(self._ports[WORKER], 1):
            environment = {
                "METRICS_LISTEN": f"{HOST}:{ports.metrics}",
                "MODELS_DIR": str((self._options.assets / "models").resolve()),
                "WORKERS": str(self._options.workers),
                "OTEL_EXPORTER_OTLP_ENDPOINT": self._options.traces,
                **self.parts.environment(WORKER),
            }
            # It answers once it takes tasks.
            ready = partial(answers_ok, f"http://{HOST}:{ports.metrics}", "/metrics")
            arguments = [sys.executable, "-m", "igemoji_inference.entrypoints.cli", "worker"]
            yield Command(_instance(WORKER, number), arguments, environment, ready, NICE)

    def _gateway(self, certificates: Path, web_port: int | None) -> Command:
        (ports,) = self._ports[GATEWAY]
        folder = certificates.resolve()
        ca = folder / "ca.crt"
        options = GatewayOptions.machine(
            ports={name: self.reached_at(name) for name in SERVICES},
            certificates=Certificates(folder / f"{GATEWAY}.crt", folder / f"{GATEWAY}.key", ca),
            listen=Address(HOST, self.port),
            admin=Address(HOST, ports.metrics),
            tls=Certificates(folder / f"{EDGE}.crt", folder / f"{EDGE}.key", ca) if self._options.tls else None,
            web=Address(HOST, web_port) if web_port else None,
            rate_factor=self._options.rate_factor,
            calls_at_once=CALLS_AT_ONCE,
            traces=_address(self._options.traces) if self._options.traces else None,
        )
        path = self._options.data.resolve() / "run" / "envoy.yaml"
        write(options, path)
        try:
            arguments = envoy_command(path)
        except EnvoyMissing as error:
            raise CannotStart(str(error)) from None
        return Command(GATEWAY, arguments, {}, lambda: answers_ok(self.url, "/healthz"))

    async def _bring_up(self, command: Command) -> None:
        started = time.monotonic()
        process = Supervised(command, self._on_line, self._on_event)
        self.processes[command.name] = process
        try:
            await process.start(START_SECONDS)
        except DiedAtStart as error:
            raise CannotStart(_last_words(error)) from None
        except TimeoutError:
            logs = self._options.data / "logs"
            raise CannotStart(f"{command.name} was not ready after {START_SECONDS:g} s; see {logs}.") from None
        self._on_event(command.name, f"is ready ({time.monotonic() - started:.1f} s)")

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "url": self.url,
            "services": {
                _instance(name, number): vars(ports)
                for name, replicas in self._ports.items()
                for number, ports in enumerate(replicas, 1)
                if name != WORKER
            },
            # With their passwords, for what operators do by command.
            "databases": self.parts.databases if self.parts is not None else {},
            "objects": self.parts.objects() if self.parts is not None else {},
        }
        path = state_file(self._options.data)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(state, file, indent=2)
        os.replace(new, path)


def _address(url: str) -> Address:
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port:
            return Address(parts.hostname, parts.port)
    except ValueError:  # of what is no port
        pass
    raise CannotStart(f"Traces can't be sent to {url}: it must look like http://127.0.0.1:4317.")


def _instance(name: str, number: int) -> str:
    """What a replica is called among the processes: auth, auth-2, …"""
    return name if number == 1 else f"{name}-{number}"


def _target(ports: list[int]) -> str:
    """Of replicas on this machine, as gRPC's clients take it."""
    places = [f"{HOST}:{port}" for port in ports]
    return places[0] if len(places) == 1 else f"ipv4:///{','.join(places)}"


def _not_writable(data: Path, error: OSError) -> CannotStart:
    return CannotStart(f"The data folder {data} can't be written: {error.strerror}.")


def _last_words(error: DiedAtStart) -> str:
    """A service that can't start says why in a sentence; a crash leaves its last lines."""
    for line in reversed(error.lines):
        if "can't start" in line:
            return line
    return f"{error.name} ended with code {error.code} while it started:\n" + "\n".join(error.lines[-8:])
