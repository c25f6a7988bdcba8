"""Settings that every service has, with the same names everywhere. Read once, in a service's `main.py`."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from igemoji_mesh.errors import StartError

MIB = 1024 * 1024


class ServiceSettings(BaseSettings):
    """What any service can be told, by environment variable (upper case)."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    environment: Literal["production", "development"] = "production"
    """`development` adds gRPC reflection."""
    version: str = "development"
    """What runs, as metrics tell it; an image knows its own."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    otel_exporter_otlp_endpoint: str = ""
    """Where traces go, by OTLP over gRPC, such as http://otel-collector:4317. Empty: none are recorded."""

    listen: str = "127.0.0.1:50051"
    """Where RPCs are answered, over mutual TLS."""
    health_listen: str = "127.0.0.1:50052"
    """Where grpc.health.v1 alone is answered, in plaintext, for probes."""
    metrics_listen: str = "127.0.0.1:9090"
    """Where Prometheus may scrape."""

    tls_cert: Path
    """This service's certificate, PEM; it says who the service is."""
    tls_key: Path
    """The private key of that certificate, PEM."""
    tls_ca: Path
    """The authority that signs the certificates of the mesh, PEM."""

    data_dir: Path = Path(".igemoji")
    """Where the embedded defaults keep their files."""
    database_url: str = ""
    """SQLAlchemy URL. Empty: a SQLite file in DATA_DIR."""
    object_store_url: str = ""
    """Empty: a folder in DATA_DIR."""

    auth_address: str = "127.0.0.1:50051"
    emoji_catalog_address: str = "127.0.0.1:50051"
    ranking_address: str = "127.0.0.1:50051"
    inference_address: str = "127.0.0.1:50051"

    rpc_deadline_seconds: float = 15
    """What a call may take where its client set no deadline."""
    drain_seconds: float = 3
    """After SIGTERM: how long NOT_SERVING is told before calls are refused."""
    stop_grace_seconds: float = 20
    """After that: how long calls under way may go on."""
    max_message_bytes: int = 18 * MIB
    """The largest request; above what the edge lets pass, so that the edge answers first."""
    max_connection_age_seconds: int = 300
    """Connections are renewed so that clients find new replicas."""

    def database(self, service: str) -> str:
        """The database URL, with its default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/{service}.db"

    def objects(self, service: str) -> str:
        """The object store URL, with its default filled in."""
        return self.object_store_url or (self.data_dir.resolve() / "objects" / service).as_uri()


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
AnySettingsT = TypeVar("AnySettingsT", bound=BaseSettings)


def load_settings(kind: type[AnySettingsT]) -> AnySettingsT:
    """Reads the environment. Raises StartError that names the variable."""
    try:
        return kind()
    except ValidationError as error:
        problems = [f"{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors()]
        raise StartError("Settings are not right: " + "; ".join(problems) + ".") from None
