"""The whole mesh on one machine: four services, the gateway and the web client, with all their data in one folder."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO

from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.adaptive_breaker import AdaptiveBreaker
from igemoji_mesh.auth.ca import CertificateAuthority
from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.backend import Backend, RealBackends
from igemoji_stack.backends.server import BackendError
from igemoji_stack.mesh import website
from igemoji_stack.mesh.commands import Commands
from igemoji_stack.mesh.options import EDGE, GATEWAY, SERVICES, WORKER, CannotStart, MeshOptions
from igemoji_stack.mesh.state import lock_folder, state_file, write_state
from igemoji_stack.mesh.tcp_ports import Ports, assign_ports, gateway_port, instance_name
from igemoji_stack.supervisor import Command, DiedAtStart, Supervised

START_SECONDS = 90.0
ROOM_BYTES = 4 * 2**20
"""Free space that a start needs at most: certificates, the gateway's configuration, logs."""


class Mesh:
    """A mesh of child processes: start it, use it, stop it."""

    def __init__(
        self,
        options: MeshOptions,
        on_line: Callable[[str, str], None] = lambda _name, _line: None,
        on_event: Callable[[str, str], None] = lambda _name, _event: None,
    ) -> None:
        """Prepare the mesh; nothing is started yet.

        Args:
            options: How to run it.
            on_line: Called with every line that a process writes: (service, line).
            on_event: Called with every event: (service, or "" for the mesh; a sentence).
        """
        self._options = options
        self._on_line = on_line
        self._on_event = on_event
        self._lock: TextIO | None = None
        self._ports: dict[str, list[Ports]] = {}
        self.backends: RealBackends | None = None
        self.processes: dict[str, Supervised] = {}
        self._breaker: asyncio.Task[None] | None = None
        self.port = options.port

    @property
    def url(self) -> str:
        """URL of the gateway."""
        return f"{'https' if self._options.tls else 'http'}://{HOST}:{self.port}"

    async def start(self) -> None:
        """Start everything and wait until the gateway answers; on an error nothing stays running.

        Raises:
            CannotStart: with a sentence for the person who tried.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop every process, the gateway first, so that no new calls arrive."""
        if self._breaker is not None:
            self._breaker.cancel()
            await asyncio.gather(self._breaker, return_exceptions=True)
            self._breaker = None
        if gateway := self.processes.pop(GATEWAY, None):
            await gateway.stop()
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        self.processes.clear()
        if self.backends is not None:
            await self.backends.stop()
        if self._lock is not None:
            state_file(self._options.data).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def metrics_port(self, service: str) -> int:
        """Return the metrics port of the first replica of a service."""
        return self.metrics_ports(service)[0]

    def metrics_ports(self, service: str) -> list[int]:
        """Return the metrics ports of all replicas of a service."""
        return [ports.metrics for ports in self._ports[service]]

    def rpc_ports(self, service: str) -> list[int]:
        """Return the ports at which the gateway and the other services call the replicas of a service."""
        return [ports.rpc for ports in self._ports[service]]

    async def _start(self) -> None:
        options = self._options
        self._check_assets()
        self._prepare_folder()
        self._check_backend()
        self.port = gateway_port(options.port)
        self._issue_certificates()
        self._ports = assign_ports(options)
        if options.backend is Backend.REAL:
            await self._start_backends()
        commands = Commands(options, self.url, self._ports, self.rpc_ports, self.backends)
        processes = [*commands.services(), *commands.workers()]
        web_port = free_ports(1)[0] if options.web else None
        if options.web and web_port:
            folder = options.data / "run" / website.NAME
            processes.append(website.command(options.web, folder, web_port, options.urls.objects))
        gateway = commands.gateway(web_port)
        await asyncio.gather(*(self._start_process(command) for command in processes))
        await self._start_process(gateway)
        admin = Address(HOST, self.metrics_port(GATEWAY))
        breaker = AdaptiveBreaker(admin, options.replicas, partial(self._on_event, GATEWAY))
        self._breaker = asyncio.create_task(breaker.run())
        self._write_state()

    def _check_assets(self) -> None:
        assets, web = self._options.assets, self._options.web
        for manifest in (assets / "models" / "manifest.json", assets / "templates" / "manifest.json"):
            if not manifest.is_file():
                raise CannotStart(f"{manifest} is missing: build models and templates: make assets")
        if web and not (web / "index.html").is_file():
            raise CannotStart(f"{web / 'index.html'} is missing: build the web client: make web")

    def _prepare_folder(self) -> None:
        data = self._options.data
        try:
            for folder in (data, data / "run", data / "logs"):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(data)
            with tempfile.TemporaryFile(dir=data / "run") as file:
                file.write(bytes(ROOM_BYTES))
        except BlockingIOError:
            raise CannotStart(
                f"A mesh runs already with its data in {data}: stop it, or give another --data."
            ) from None
        except OSError as error:
            raise CannotStart(f"The data folder {data} can't be written: {error.strerror}.") from None

    def _check_backend(self) -> None:
        options = self._options
        several = options.urls or options.replicas > 1 or options.worker_replicas > 1
        if options.backend is Backend.EMBEDDED and several:
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

    def _issue_certificates(self) -> None:
        """Keep the authority; issue new certificates to the services at every start, so that none expires unnoticed."""
        folder = self._options.data / "certificates"
        try:
            authority = CertificateAuthority.load(folder)
        except FileNotFoundError:
            authority = CertificateAuthority.create()
            authority.save(folder)
            self._on_event("", f"created a private certificate authority in {folder}")
        except ValueError as error:
            raise CannotStart(f"The certificates in {folder} are damaged ({error}); remove that folder.") from None
        for service in (*SERVICES, GATEWAY):
            authority.issue_to(folder, service)
        authority.issue_to(folder, EDGE, hosts=("localhost", HOST))

    async def _start_backends(self) -> None:
        started = time.monotonic()
        # The folder keeps its name: data folders of earlier versions have it.
        folder = self._options.data / "parts"
        self.backends = RealBackends(folder, self._options.urls, list(SERVICES), self._on_line, self._on_event)
        try:
            await self.backends.start()
        except BackendError as error:
            raise CannotStart(str(error)) from None
        own = ", ".join(server.name for server in self.backends.own.values()) or "none started"
        self._on_event("backends", f"are ready: {own} ({time.monotonic() - started:.1f} s)")

    async def _start_process(self, command: Command) -> None:
        started = time.monotonic()
        process = Supervised(command, self._on_line, self._on_event)
        self.processes[command.name] = process
        try:
            await process.start(START_SECONDS)
        except DiedAtStart as error:
            raise CannotStart(_cause(error)) from None
        except TimeoutError:
            logs = self._options.data / "logs"
            raise CannotStart(f"{command.name} was not ready after {START_SECONDS:g} s; see {logs}.") from None
        self._on_event(command.name, f"is ready ({time.monotonic() - started:.1f} s)")

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "url": self.url,
            "services": {
                instance_name(name, number): vars(ports)
                for name, replicas in self._ports.items()
                for number, ports in enumerate(replicas, 1)
                if name != WORKER
            },
            # With their passwords: `igemoji admin` connects with them.
            "databases": self.backends.databases if self.backends is not None else {},
            "objects": self.backends.objects() if self.backends is not None else {},
        }
        write_state(self._options.data, state)


def _cause(error: DiedAtStart) -> str:
    """Return the sentence of a service that cannot start, or the last lines before a crash."""
    for line in reversed(error.lines):
        if "can't start" in line:
            return line
    return f"{error.name} ended with code {error.code} while it started:\n" + "\n".join(error.lines[-8:])
