"""TCP ports of the processes of a mesh."""

import socket
from dataclasses import dataclass

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.backend import Backend
from igemoji_stack.mesh.options import GATEWAY, SERVICES, WORKER, CannotStart, MeshOptions


@dataclass(frozen=True)
class Ports:
    """TCP ports of one replica."""

    rpc: int
    health: int
    metrics: int


def assign_ports(options: MeshOptions) -> dict[str, list[Ports]]:
    """Return free ports for every replica, by service."""
    count = {**dict.fromkeys(SERVICES, options.replicas), GATEWAY: 1}
    if options.backend is Backend.REAL:
        count[WORKER] = options.worker_replicas
    ports = iter(free_ports(3 * sum(count.values())))
    return {name: [Ports(next(ports), next(ports), next(ports)) for _ in range(many)] for name, many in count.items()}


def gateway_port(wanted: int) -> int:
    """Return the port for the gateway, a free one for 0. Raises CannotStart if it cannot be bound."""
    port = wanted or free_ports(1)[0]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(f"You have no permission to use port {port}: give another --port.") from None
        except OSError:
            raise CannotStart(f"Port {port} is in use: give another --port.") from None
    return port


def instance_name(service: str, number: int) -> str:
    """Return the process name of a replica: `auth`, `auth-2` and so on."""
    return service if number == 1 else f"{service}-{number}"


def grpc_target(ports: list[int]) -> str:
    """Return the gRPC target of replicas on this machine."""
    addresses = [f"{HOST}:{port}" for port in ports]
    return addresses[0] if len(addresses) == 1 else f"ipv4:///{','.join(addresses)}"
