"""Options of the gateway. One machine and the cluster differ only in addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from igemoji_gateway.docs import pages
from igemoji_protos import DESCRIPTORS, OPENAPI

SERVICE_PORT = 50051
"""gRPC port of every service in the cluster."""


@dataclass(frozen=True)
class Address:
    """Host and TCP port."""

    host: str
    port: int


@dataclass(frozen=True)
class Certificates:
    """PEM files of a certificate, its key, and the authority that signed it and the services' certificates."""

    cert: Path
    key: Path
    ca: Path


@dataclass(frozen=True)
class GatewayOptions:
    """Everything that the generator does not take from the contract."""

    upstreams: Mapping[str, Address]
    """Address by service name (`emoji-catalog`)."""
    certificates: Certificates
    replicas: Mapping[str, Sequence[Address]] = field(default_factory=dict)
    """Addresses of further replicas by service name, on one machine."""
    resolve: bool = False
    """Resolve upstream hosts by DNS and use every address as a replica, as for a headless service."""
    listen: Address = Address("127.0.0.1", 8080)
    admin: Address = Address("127.0.0.1", 9901)
    """Envoy's admin API. Never expose it: it can stop the gateway."""
    metrics: Address | None = None
    """Listener for `/stats/prometheus` and `/ready` of the admin API, and nothing else of it. None: no listener."""
    traces: Address | None = None
    """OTLP/gRPC collector for traces, in plaintext. None: no traces."""
    tls: Certificates | None = None
    """Certificate for HTTPS to clients, and its authority. None: plain HTTP."""
    web: Address | None = None
    """Server of the web client's static files, plain HTTP. None: a landing page."""
    descriptors: Path = DESCRIPTORS
    """Descriptor set of the contract, as a path on Envoy's machine."""
    openapi: Path = OPENAPI
    """API document, as a path on Envoy's machine."""
    docs: Path = field(default_factory=pages.folder)
    """Folder of Swagger UI's files, as a path on Envoy's machine."""
    allowed_origins: tuple[str, ...] = ()
    """Further origins (`https://example.org`) whose pages may call the API (CORS)."""
    issuer: str = "igemoji"
    audience: str = "igemoji"
    trusted_proxies: int = 0
    """Number of proxies in front whose X-Forwarded-For is trusted; rate limits then use the address before them."""
    rate_factor: int = 1
    """Multiplies every rate limit; for load tests from one address."""
    calls_at_once: int = 128
    """Circuit breaker: concurrent calls to each address of a service, without streams. A page may ask for sixty
    pictures at once, and a service queues bursts; far more is refused here, where refusing is cheapest. A DNS name
    counts as one address. On one machine, `runtime.adaptive_breaker` narrows the limit under overload."""
    streams_at_once: int = 2000
    """Circuit breaker for streams."""
    max_connections: int = 10_000
    """Concurrent connections of clients. Further ones are closed at once."""
    max_heap_mib: int = 384
    """Memory of Envoy. Close to it, new requests are refused and the largest streams reset."""

    @classmethod
    def machine(cls, ports: Mapping[str, int | Sequence[int]], certificates: Certificates, **others: object) -> Self:
        """Return options for services on this machine: one port, or the ports of all replicas."""
        addresses = {
            service: [Address("127.0.0.1", port) for port in ([found] if isinstance(found, int) else found)]
            for service, found in ports.items()
        }
        return cls(
            upstreams={service: first for service, (first, *_) in addresses.items()},
            replicas={service: more for service, (_, *more) in addresses.items()},
            certificates=certificates,
            resolve=False,
            **others,  # type: ignore[arg-type]
        )

    @classmethod
    def cluster(cls, services: list[str], certificates: Certificates, **others: object) -> Self:
        """Return options for services behind headless Kubernetes services of the same names."""
        upstreams = {service: Address(service, SERVICE_PORT) for service in services}
        return cls(upstreams=upstreams, certificates=certificates, resolve=True, **others)  # type: ignore[arg-type]
