"""Command lines and settings of the processes of a mesh."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from igemoji_gateway.config.bootstrap import write
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.runtime.binary import EnvoyMissing, envoy_command
from igemoji_mesh.testing.free_ports import HOST
from igemoji_stack.backends.backend import RealBackends
from igemoji_stack.mesh.options import EDGE, GATEWAY, SERVICES, WORKER, CannotStart, MeshOptions
from igemoji_stack.mesh.state import answers_ok, is_serving
from igemoji_stack.mesh.tcp_ports import Ports, grpc_target, instance_name
from igemoji_stack.supervisor import Command

NICE = 10
"""CPU priority of services: lower than the gateway's, so that it can shed load while they are busy."""
CALLS_AT_ONCE = 80
"""Circuit breaker for each address of a service: one page of pictures and its calls. All share the same cores."""


@dataclass(frozen=True)
class Commands:
    """Builds the command of every process but the web server's and the backends'."""

    options: MeshOptions
    url: str
    """URL of the gateway."""
    ports: dict[str, list[Ports]]
    """TCP ports by service, one entry for each replica."""
    rpc_ports: Callable[[str], list[int]]
    """Returns the ports at which the replicas of a service are called."""
    backends: RealBackends | None
    """The real backends, if there are any."""

    def services(self) -> Iterator[Command]:
        """Yield the command of every replica of every service."""
        for name, module in SERVICES.items():
            for number, ports in enumerate(self.ports[name], 1):
                environment = self._service_environment(name, ports)
                ready = partial(is_serving, ports.health)
                yield Command(instance_name(name, number), [sys.executable, "-m", module], environment, ready, NICE)

    def workers(self) -> Iterator[Command]:
        """Yield the commands of the Celery workers, which real backends need."""
        if self.backends is None:
            return
        for number, ports in enumerate(self.ports[WORKER], 1):
            environment = {
                "METRICS_LISTEN": f"{HOST}:{ports.metrics}",
                **self._shared_environment(),
                **self.backends.environment(WORKER),
            }
            # The metrics page is served once the worker accepts tasks.
            ready = partial(answers_ok, f"http://{HOST}:{ports.metrics}", "/metrics")
            arguments = [sys.executable, "-m", "igemoji_inference.entrypoints.cli", "worker"]
            yield Command(instance_name(WORKER, number), arguments, environment, ready, NICE)

    def gateway(self, web_port: int | None) -> Command:
        """Write Envoy's configuration and return the command. Raises CannotStart."""
        (ports,) = self.ports[GATEWAY]
        folder = self.options.data.resolve() / "certificates"
        ca = folder / "ca.crt"
        options = GatewayOptions.machine(
            ports={name: self.rpc_ports(name) for name in SERVICES},
            certificates=Certificates(folder / f"{GATEWAY}.crt", folder / f"{GATEWAY}.key", ca),
            listen=Address(HOST, urlsplit(self.url).port or 0),
            admin=Address(HOST, ports.metrics),
            tls=Certificates(folder / f"{EDGE}.crt", folder / f"{EDGE}.key", ca) if self.options.tls else None,
            web=Address(HOST, web_port) if web_port else None,
            rate_factor=self.options.rate_factor,
            calls_at_once=CALLS_AT_ONCE,
            traces=_collector(self.options.traces),
        )
        path = self.options.data.resolve() / "run" / "envoy.yaml"
        write(options, path)
        try:
            arguments = envoy_command(path)
        except EnvoyMissing as error:
            raise CannotStart(str(error)) from None
        return Command(GATEWAY, arguments, {}, partial(answers_ok, self.url, "/healthz"))

    def _service_environment(self, name: str, ports: Ports) -> dict[str, str]:
        certificates = self.options.data / "certificates"
        return {
            **{f"{peer.upper().replace('-', '_')}_ADDRESS": grpc_target(self.rpc_ports(peer)) for peer in SERVICES},
            "LISTEN": f"{HOST}:{ports.rpc}",
            "HEALTH_LISTEN": f"{HOST}:{ports.health}",
            "METRICS_LISTEN": f"{HOST}:{ports.metrics}",
            "TLS_CERT": str(certificates / f"{name}.crt"),
            "TLS_KEY": str(certificates / f"{name}.key"),
            "TLS_CA": str(certificates / "ca.crt"),
            "DATA_DIR": str(self.options.data.resolve()),
            "DRAIN_SECONDS": str(self.options.drain_seconds),
            "ADDRESS_FACTOR": str(self.options.rate_factor),
            "BUILTIN_DIR": str((self.options.assets / "templates").resolve()),
            "PUBLIC_URL": self.url,
            **self._shared_environment(),
            **({"SMTP_URL": self.options.smtp_url} if name == "auth" else {}),
            **(self.backends.environment(name) if self.backends else {}),
        }

    def _shared_environment(self) -> dict[str, str]:
        """Return the settings that services and workers share."""
        return {
            "MODELS_DIR": str((self.options.assets / "models").resolve()),
            "WORKERS": str(self.options.workers),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.options.traces,
        }


def _collector(url: str) -> Address | None:
    """Return the address of the trace collector. Raises CannotStart if the URL is malformed."""
    if not url:
        return None
    with contextlib.suppress(ValueError):  # the port is not a number
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port:
            return Address(parts.hostname, parts.port)
    raise CannotStart(f"Traces can't be sent to {url}: it must look like http://127.0.0.1:4317.")
