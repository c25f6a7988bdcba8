"""What the gateway can be told. One machine and the cluster differ in addresses and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from igemoji_gateway.docs import pages
from igemoji_protos import DESCRIPTORS, OPENAPI

Mode = Literal["machine", "cluster"]

SERVICE_PORT = 50051
"""Where every service listens for gRPC in the cluster."""


@dataclass(frozen=True)
class Address:
    host: str
    port: int


@dataclass(frozen=True)
class Certificates:
    """PEM files of the gateway's own certificate and of the authority that every service's certificate is from."""

    cert: Path
    key: Path
    ca: Path


@dataclass(frozen=True)
class GatewayOptions:
    """Everything that the generator does not take from the contract."""

    upstreams: Mapping[str, Address]
    """By service name (`emoji-catalog`): where it is."""
    certificates: Certificates
    replicas: Mapping[str, Sequence[Address]] = field(default_factory=dict)
    """By service name: where it is besides, on one machine."""
    resolve: bool = False
    """Whether upstream hosts are DNS names of which every address is a replica, as of a headless service."""
    listen: Address = Address("127.0.0.1", 8080)
    admin: Address = Address("127.0.0.1", 9901)
    """Never to be reached from elsewhere: whoever reaches it can stop the gateway."""
    metrics: Address | None = None
    """Where `/stats/prometheus` and `/ready` of the admin port, and nothing else of it, can be had from elsewhere."""
    traces: Address | None = None
    """A collector that takes traces by OTLP over gRPC, in plaintext. None: none are recorded."""
    tls: Certificates | None = None
    """What clients are shown, by HTTPS, and the authority it is from. None: plain HTTP."""
    web: Address | None = None
    """The web client's static files, by plain HTTP. None: a page that says what runs here."""
    descriptors: Path = DESCRIPTORS
    """The contract's descriptor set, where Envoy finds it."""
    openapi: Path = OPENAPI
    """The API document, where Envoy finds it."""
    docs: Path = field(default_factory=pages.folder)
    """Swagger UI's files, where Envoy finds them."""
    allowed_origins: tuple[str, ...] = ()
    """Origins (`https://example.org`) whose pages may call the API, besides the gateway's own."""
    issuer: str = "igemoji"
    audience: str = "igemoji"
    trusted_proxies: int = 0
    """Proxies in front whose X-Forwarded-For is believed; rate limits then count the address before them."""
    rate_factor: int = 1
    """Multiplies every rate limit; for load tests, which come from one address."""
    calls_at_once: int = 128
    """To each address of a service, streams apart. A page may ask for sixty pictures at once, and a service lets a
    burst wait; what is far beyond that is refused here, where it costs least. A DNS name counts as one address. On one
    machine `crowds` makes that narrower for as long as a crowd stands there."""
    streams_at_once: int = 2000
    """The same for streams."""
    max_connections: int = 10_000
    """From clients, at a time. One more is closed as soon as it is opened."""
    max_heap_mib: int = 384
    """Of memory. Short before it nobody new is taken in, and who holds most of it has to go: Envoy itself stays."""

    @classmethod
    def machine(cls, ports: Mapping[str, int | Sequence[int]], certificates: Certificates, **others: object) -> Self:
        """Every service on this machine, at its port, or its replicas at theirs."""
        places = {
            service: [Address("127.0.0.1", port) for port in ([found] if isinstance(found, int) else found)]
            for service, found in ports.items()
        }
        return cls(
            upstreams={service: first for service, (first, *_) in places.items()},
            replicas={service: more for service, (_, *more) in places.items()},
            certificates=certificates,
            resolve=False,
            **others,  # type: ignore[arg-type]
        )

    @classmethod
    def cluster(cls, services: list[str], certificates: Certificates, **others: object) -> Self:
        """Every service behind a headless Kubernetes service of its name."""
        upstreams = {service: Address(service, SERVICE_PORT) for service in services}
        return cls(upstreams=upstreams, certificates=certificates, resolve=True, **others)  # type: ignore[arg-type]
