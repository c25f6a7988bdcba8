"""Settings that every service has, from environment variables (upper case). Read once, by the composition root."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.port import S3Credentials

MIB = 1024 * 1024
DEFAULT_ADDRESS = "127.0.0.1:50051"


class StorageSettings(BaseSettings):
    """Settings of the database and the object store."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True, extra="ignore")

    data_dir: Path = Path(".igemoji")
    """Folder of the embedded database and object store."""
    database_url: str = ""
    """`mysql+pymysql://user:password@host/database`. Empty: a SQLite file in DATA_DIR."""
    object_store_url: str = ""
    """`s3://bucket?endpoint=https://host`, optionally with `region` and `public_endpoint`. Services may share a bucket:
    each has a prefix. Empty: a folder in DATA_DIR."""
    object_store_access_key: str = ""
    """Access key of S3."""
    object_store_secret_key: SecretStr = SecretStr("")
    """Secret key of S3."""
    object_store_secret_key_file: Path | None = None
    """File with that key, such as a mounted secret."""

    def database(self, service: str) -> str:
        """Return the database URL of a service."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/{service}.db"

    def objects(self, service: str) -> str:
        """Return the object store URL of a service, with its prefix."""
        parts = urlsplit(self.object_store_url or (self.data_dir.resolve() / "objects").as_uri())
        return parts._replace(path=f"{parts.path.rstrip('/')}/{service}").geturl()

    @property
    def object_store_credentials(self) -> S3Credentials:
        """Credentials of S3. Raises StartError if the file can't be read."""
        secret = self.object_store_secret_key.get_secret_value()
        if self.object_store_secret_key_file is not None:
            try:
                secret = self.object_store_secret_key_file.read_text().strip()
            except OSError as error:
                raise StartError(f"OBJECT_STORE_SECRET_KEY_FILE can't be read: {error}.") from None
        return S3Credentials(self.object_store_access_key, secret)


def upstreams_in(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of upstreams by name: `EMOJI_CATALOG_ADDRESS` is that of `emoji-catalog`, and so on."""
    named = {name.lower().replace("_", "-"): value for name, value in variables.items()}
    return {name.removesuffix("-address"): value for name, value in named.items() if name.endswith("-address")}


class ServiceSettings(StorageSettings):
    """Settings of every service."""

    environment: Literal["production", "development"] = "production"
    """`development` adds gRPC reflection."""
    version: str = "development"
    """Version, for metrics; set by the image."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    otel_exporter_otlp_endpoint: str = ""
    """Collector of traces by OTLP over gRPC, such as http://otel-collector:4317. Empty: no traces."""

    listen: str = DEFAULT_ADDRESS
    """Address of the RPCs, with mutual TLS."""
    health_listen: str = "127.0.0.1:50052"
    """Address of grpc.health.v1 for probes, in plaintext."""
    metrics_listen: str = "127.0.0.1:9090"
    """Address of the metrics, for Prometheus."""

    tls_cert: Path
    """Certificate of this service, PEM: its identity."""
    tls_key: Path
    """Private key of the certificate, PEM."""
    tls_ca: Path
    """Certificate of the authority of the mesh, PEM."""

    upstreams: dict[str, str] = Field(default_factory=lambda: upstreams_in(os.environ))
    """Addresses of other services by name."""

    rpc_deadline_seconds: float = 15
    """Deadline of calls whose client set none."""
    max_calls: int = 16
    """Unary calls at a time; more are queued or refused (`admission.py`). Calls of other services have four times the
    limit: they belong to calls already admitted."""
    max_streams: int = 2000
    """Streaming calls at a time."""
    drain_seconds: float = 3
    """Time after SIGTERM in which health reports NOT_SERVING and calls are still accepted."""
    stop_grace_seconds: float = 20
    """Time after that for calls in flight."""
    max_message_bytes: int = 18 * MIB
    """Maximum request size; higher than the gateway's, so that the gateway refuses first."""
    max_connection_age_seconds: int = 300
    """Clients reconnect after this time, and find new replicas."""

    def address_of(self, service: str) -> str:
        """Return the address of an upstream."""
        return self.upstreams.get(service, DEFAULT_ADDRESS)


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
AnySettingsT = TypeVar("AnySettingsT", bound=BaseSettings)


def load_settings(kind: type[AnySettingsT]) -> AnySettingsT:
    """Read the environment. Raises StartError with the names of bad variables."""
    try:
        return kind()
    except ValidationError as error:
        problems = [f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise StartError("Invalid settings: " + "; ".join(problems) + ".") from None
