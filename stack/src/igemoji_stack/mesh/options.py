"""Options of a mesh on one machine, and the names of its processes."""

from dataclasses import dataclass, field
from pathlib import Path

from igemoji_stack.backends.backend import Backend, Urls

SERVICES = {
    "auth": "igemoji_auth.entrypoints.main",
    "emoji-catalog": "igemoji_emoji_catalog.entrypoints.main",
    "ranking": "igemoji_ranking.entrypoints.main",
    "inference": "igemoji_inference.entrypoints.main",
}
"""Module to run, by the name of the service in the mesh."""

GATEWAY = "gateway"
WORKER = "inference-worker"
EDGE = "edge"
"""Name of the gateway's second certificate, the one for browsers."""


class CannotStart(Exception):
    """The mesh cannot start; the message is one sentence for the person who tried."""


@dataclass(frozen=True)
class MeshOptions:
    """Options of a mesh on this machine."""

    data: Path
    """Folder of everything that is kept: databases, pictures, photos, certificates, logs."""
    assets: Path
    """Output of `make assets`."""
    port: int = 8080
    """TCP port of the gateway on 127.0.0.1. 0: a free one."""
    workers: int = 0
    """Inference processes. 0: one for each core."""
    tls: bool = False
    """Serve the gateway over HTTPS, with a certificate of the private authority."""
    rate_factor: int = 1
    """Multiplies the limits per address; for tests, whose calls all come from one address."""
    traces: str = ""
    """OTLP/gRPC collector for traces on this machine: `http://127.0.0.1:4317`. Empty: no traces."""
    smtp_url: str = ""
    """Mail server of auth: `smtp://127.0.0.1:25`. Empty: operators reset passwords on the command line."""
    drain_seconds: float = 0
    """How long a service reports NOT_SERVING before it stops; with 0, calls between replicas may fail at a restart."""
    web: Path | None = None
    """Output of `make web`. None: the gateway shows its landing page."""
    backend: Backend = Backend.EMBEDDED
    """Kind of the backends."""
    urls: Urls = field(default_factory=Urls)
    """Real backends that run already."""
    replicas: int = 1
    """Number of replicas of each service; more than one needs real backends."""
    worker_replicas: int = 1
    """Number of `igemoji-inference worker` processes, each with `workers` children; real backends only."""
