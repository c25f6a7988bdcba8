"""For tests of services: a mesh's certificates and tokens, and a service that really runs, on 127.0.0.1."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import grpc

from igemoji_mesh.auth.certificates import CertificateAuthority
from igemoji_mesh.auth.tokens import Claims, PublicKey, SigningKey, TokenVerifier, issue
from igemoji_mesh.clients.channels import channel_credentials, secure_channel
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import SettingsT
from igemoji_mesh.testing.free_ports import free_ports

SERVICES = ("auth", "emoji-catalog", "ranking", "inference", "gateway")


class TestMesh:
    """Certificates for every service and a key that signs tokens, in a temporary folder."""

    __test__ = False

    database_for: ClassVar[Callable[[Path, str], str]] = staticmethod(lambda _data_dir, _service: "")
    """The URL of a service's database, for a data folder. Empty: a SQLite file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signing_key = SigningKey.generate()
        # A stub does not keep its channel open; whoever opened it must hold it.
        self._channels: list[grpc.aio.Channel] = []
        authority = CertificateAuthority.create(days=1)
        authority.save(folder)
        for service in (*SERVICES, "stranger"):
            authority.issue_to(folder, service)

    async def keys(self) -> Sequence[PublicKey]:
        return [self.signing_key.public]

    @property
    def verifier(self) -> TokenVerifier:
        """Accepts the tokens of this mesh without an auth service."""
        return TokenVerifier(self.keys)

    def token(self, user_id: str | None = None, alias: str = "tester", role: str = "user", **changes: Any) -> str:
        lifetime = changes.pop("lifetime_seconds", 600)
        claims = Claims(user_id or new_id(), alias, role)
        return issue(claims, self.signing_key, lifetime_seconds=lifetime, now=utc_now())

    def settings(self, kind: type[SettingsT], service: str, **changes: Any) -> SettingsT:
        """Settings of a service that listens on free ports and keeps its data in the folder."""
        values: dict[str, Any] = {
            "listen": "127.0.0.1:0",
            "health_listen": "127.0.0.1:0",
            "metrics_listen": "127.0.0.1:0",
            "tls_cert": self.folder / f"{service}.crt",
            "tls_key": self.folder / f"{service}.key",
            "tls_ca": self.folder / "ca.crt",
            "data_dir": self.folder / "data",
            "drain_seconds": 0,
            "stop_grace_seconds": 1,
        }
        values |= changes
        return kind(**({"database_url": type(self).database_for(values["data_dir"], service)} | values))

    def channel(self, port: int, service: str, *, caller: str = "gateway") -> grpc.aio.Channel:
        """A channel to `service`, opened by the service `caller`."""
        credentials = channel_credentials(
            self.folder / f"{caller}.crt", self.folder / f"{caller}.key", self.folder / "ca.crt"
        )
        channel = secure_channel(f"127.0.0.1:{port}", service, credentials)
        self._channels.append(channel)
        return channel


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call with a token."""
    return (("authorization", f"Bearer {token}"),)


@contextlib.asynccontextmanager
async def running(
    compose: Callable[[SettingsT], Awaitable[MeshServer]], settings: SettingsT
) -> AsyncIterator[MeshServer]:
    """A service that serves within the block."""
    server = await compose(settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def error_reason(error: grpc.aio.AioRpcError) -> str:
    """The reason of the ErrorInfo that came with an error; empty where there is none."""
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo()
    return info.reason if _unpack(error, info) else ""


def violated_fields(error: grpc.aio.AioRpcError) -> list[str]:
    """The fields that an error complains of."""
    from google.rpc import error_details_pb2

    bad = error_details_pb2.BadRequest()
    return [violation.field for violation in bad.field_violations] if _unpack(error, bad) else []


def _unpack(error: grpc.aio.AioRpcError, message: Any) -> bool:
    from google.rpc import status_pb2

    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
            return any(detail.Unpack(message) for detail in status.details)
    return False
