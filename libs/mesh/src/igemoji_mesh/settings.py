"""Settings that every service has, with the same names everywhere. Read once, in a service's `main.py`."""

from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.port import Keys

MIB = 1024 * 1024


class StorageSettings(BaseSettings):
    """Where a service keeps what it stores, by environment variable (upper case)."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    data_dir: Path = Path(".igemoji")
    """Where the embedded defaults keep their files."""
    database_url: str = ""
    """`mysql+pymysql://user:password@host/database`. Empty: a SQLite file in DATA_DIR."""
    object_store_url: str = ""
    """`s3://bucket?endpoint=https://host`, with `region` and `public_endpoint` where there are such; services may share
    it, each keeps to a prefix with its name. Empty: a folder in DATA_DIR."""
    object_store_access_key: str = ""
    """Of S3."""
    object_store_secret_key: SecretStr = SecretStr("")
    """Of S3."""
    object_store_secret_key_file: Path | None = None
    """Where that key is read from instead, such as a mounted secret."""

    def database(self, service: str) -> str:
        """The database URL, with its default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/{service}.db"

    def objects(self, service: str) -> str:
        """The URL of what is the service's in the object store, with its default filled in."""
        parts = urlsplit(self.object_store_url or (self.data_dir.resolve() / "objects").as_uri())
        return parts._replace(path=f"{parts.path.rstrip('/')}/{service}").geturl()

    @property
    def object_store_keys(self) -> Keys:
        """Raises StartError where the file can't be read."""
        secret = self.object_store_secret_key.get_secret_value()
        if self.object_store_secret_key_file is not None:
            try:
                secret = self.object_store_secret_key_file.read_text().strip()
            except OSError as error:
                raise StartError(f"OBJECT_STORE_SECRET_KEY_FILE can't be read: {error}.") from None
        return Keys(self.object_store_access_key, secret)


class ServiceSettings(StorageSettings):
    """What any service can be told, by environment variable (upper case)."""

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

    auth_address: str = "127.0.0.1:50051"
    emoji_catalog_address: str = "127.0.0.1:50051"
    ranking_address: str = "127.0.0.1:50051"
    inference_address: str = "127.0.0.1:50051"

    rpc_deadline_seconds: float = 15
    """What a call may take where its client set no deadline."""
    max_calls: int = 16
    """Answered at a time, eight of them by the database; more wait a moment, or are refused (`admission.py`). Calls of
    other services may be four times as many: they are part of what was let in."""
    max_streams: int = 2000
    """Watched at a time, on this replica."""
    drain_seconds: float = 3
    """After SIGTERM: how long NOT_SERVING is told before calls are refused."""
    stop_grace_seconds: float = 20
    """After that: how long calls under way may go on."""
    max_message_bytes: int = 18 * MIB
    """The largest request; above what the edge lets pass, so that the edge answers first."""
    max_connection_age_seconds: int = 300
    """Connections are renewed so that clients find new replicas."""


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
AnySettingsT = TypeVar("AnySettingsT", bound=BaseSettings)


def load_settings(kind: type[AnySettingsT]) -> AnySettingsT:
    """Reads the environment. Raises StartError that names the variable."""
    try:
        return kind()
    except ValidationError as error:
        problems = [f"{str(item['loc'][0]).upper()}: {item['msg'].lower()}" for item in error.errors()]
        raise StartError("Settings are not right: " + "; ".join(problems) + ".") from None
