"""Certificates, tokens and running services for tests, on 127.0.0.1."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from igemoji_mesh.auth.ca import CertificateAuthority
from igemoji_mesh.auth.tokens import Claims, PublicKey, SigningKey, TokenVerifier, issue
from igemoji_mesh.clients.channels import channel_credentials, secure_channel
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import SettingsT, upstreams_in
from igemoji_mesh.testing.free_ports import free_ports
from igemoji_protos import rpcs

MessageT = TypeVar("MessageT", bound=Message)


class TestMesh:
    """Certificates of services and a key that signs tokens, in a temporary folder."""

    __test__ = False

    database_for: ClassVar[Callable[[Path, str], str]] = staticmethod(lambda _data_dir, _service: "")
    """URL of the database of a service, by data folder. Empty: a SQLite file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signing_key = SigningKey.generate()
        # A stub holds no reference to its channel, which closes when it is collected.
        self._channels: list[grpc.aio.Channel] = []
        authority = CertificateAuthority.create(days=1)
        authority.save(folder)
        services = {rpc.package.split(".")[1].replace("_", "-") for rpc in rpcs()}
        for service in (*services, "gateway", "stranger"):
            authority.issue_to(folder, service)

    async def keys(self) -> Sequence[PublicKey]:
        """Return the published keys."""
        return [self.signing_key.public]

    @property
    def verifier(self) -> TokenVerifier:
        """Verifier of the tokens of this mesh, without an auth service."""
        return TokenVerifier(self.keys)

    def token(self, user_id: str | None = None, alias: str = "tester", role: str = "user", **changes: Any) -> str:
        """Return the access token of a user."""
        lifetime = changes.pop("lifetime_seconds", 600)
        claims = Claims(user_id or new_id(), alias, role)
        return issue(claims, self.signing_key, lifetime_seconds=lifetime, now=utc_now())

    def settings(self, kind: type[SettingsT], service: str, **changes: Any) -> SettingsT:
        """Return settings of a service that listens on free ports and has its data in the folder.

        `ranking_address="…"` sets the address of the upstream `ranking`.
        """
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
        upstreams = upstreams_in(changes)
        values |= changes | ({"upstreams": upstreams} if upstreams else {})
        return kind(**({"database_url": type(self).database_for(values["data_dir"], service)} | values))

    def channel(self, port: int, service: str, *, caller: str = "gateway") -> grpc.aio.Channel:
        """Open a channel to `service` with the certificate of `caller`."""
        credentials = channel_credentials(
            self.folder / f"{caller}.crt", self.folder / f"{caller}.key", self.folder / "ca.crt"
        )
        channel = secure_channel(f"127.0.0.1:{port}", service, credentials)
        self._channels.append(channel)
        return channel


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return metadata with an access token."""
    return (("authorization", f"Bearer {token}"),)


@contextlib.asynccontextmanager
async def running(
    compose: Callable[[SettingsT], Awaitable[MeshServer]], settings: SettingsT
) -> AsyncIterator[MeshServer]:
    """Run a service within the block."""
    server = await compose(settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def free_port() -> int:
    """Return a free TCP port."""
    (port,) = free_ports(1)
    return port


def error_reason(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of an error's ErrorInfo; empty if there is none."""
    return str(_detail(error, error_details_pb2.ErrorInfo).reason)


def violated_fields(error: grpc.aio.AioRpcError) -> list[str]:
    """Return the fields that an error names."""
    return [violation.field for violation in _detail(error, error_details_pb2.BadRequest).field_violations]


def _detail(error: grpc.aio.AioRpcError, kind: type[MessageT]) -> MessageT:
    """Return a detail of an error; empty if there is none of its kind."""
    found = kind()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
            any(detail.Unpack(found) for detail in status.details)
    return found
