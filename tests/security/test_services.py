"""A compromised service, or a program that pretends to be one, can't call what the contract forbids."""

import contextlib
import datetime
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, message
from contract.test_access import TABLE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from igemoji.common.v1 import access_pb2
from igemoji_mesh.auth.ca import CertificateAuthority
from igemoji_stack.mesh.options import EDGE, SERVICES

from .attack_report import Attacks
from .live import LiveMesh

CALLERS = (*SERVICES, "gateway", EDGE)
"""All holders of a certificate of the mesh."""

INTERNAL = [name for name, rpc in RPCS.items() if rpc.access and rpc.access.level == access_pb2.LEVEL_INTERNAL]
WITH_TOKEN = [
    name
    for name, rpc in RPCS.items()
    if rpc.access and rpc.access.level in (access_pb2.LEVEL_USER, access_pb2.LEVEL_OPERATOR)
]

SPOOFED = {
    "x-caller": "auth",
    "x-caller-name": "auth",
    "x-forwarded-client-cert": "URI=auth.igemoji.internal",
    "x-user-id": "someone",
    "x-user-role": "operator",
    "x-igemoji-caller": "auth",
}


def service_of(name: str) -> str:
    return name.split(".")[0].replace("_", "-")


@pytest.mark.parametrize("name", INTERNAL)
def test_internal_rpcs_refuse_other_services(name: str, actors: Actors, attacks: Attacks) -> None:
    rpc = RPCS[name]
    assert rpc.access is not None
    request = message(rpc, **TABLE[name].fields(actors))
    operator = actors.actor("operator").headers
    for caller in CALLERS:
        if caller in rpc.access.callers:
            continue
        for how, metadata in (("alone", {}), ("with an operator's token", operator), ("with names of others", SPOOFED)):
            with attacks.attempt(f"{caller}, {how}"), actors.direct(service_of(name), caller) as channel:
                outcome = by_grpc(channel, rpc, request, metadata)
                assert (outcome.status, outcome.reason) == (403, "NOT_ALLOWED")


@pytest.mark.parametrize("name", WITH_TOKEN)
def test_service_certificate_is_no_user(name: str, actors: Actors, attacks: Attacks) -> None:
    """A certificate does not replace a user's token: a compromised ranking service can't read photos."""
    rpc = RPCS[name]
    request = message(rpc, **TABLE[name].fields(actors))
    for caller in CALLERS:
        with attacks.attempt(caller), actors.direct(service_of(name), caller) as channel:
            assert by_grpc(channel, rpc, request, SPOOFED).status == 401


def test_unknown_rpcs_are_refused(actors: Actors, attacks: Attacks) -> None:
    for service in SERVICES:
        for path in (
            "/igemoji.auth.v1.AuthService/Nothing",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ):
            with attacks.attempt(f"{service}: {path}"), actors.direct(service, "gateway") as channel:
                call: Any = channel.unary_unary(path)
                with pytest.raises(grpc.RpcError) as refused:
                    call(b"", timeout=30)
                assert refused.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED)


# Certificates: the name in a certificate decides, so only the authority may grant it.


@contextlib.contextmanager
def channel_of(mesh: LiveMesh, service: str, certificate: bytes, key: bytes) -> Iterator[grpc.Channel]:
    credentials = grpc.ssl_channel_credentials((mesh.data / "certificates" / "ca.crt").read_bytes(), key, certificate)
    options = [("grpc.ssl_target_name_override", f"{service}.igemoji.internal")]
    with grpc.secure_channel(f"127.0.0.1:{mesh.port(service)}", credentials, options) as channel:
        yield channel


def issued(
    authority: CertificateAuthority, common_name: str, *names: str, days: tuple[int, int] = (-1, 1)
) -> tuple[bytes, bytes]:
    """Issue a certificate with any names, valid between two days relative to now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), pem


AUTH = "auth.igemoji.internal"
DELETE = "inference.DeleteUserData"
"""An RPC that only auth may call."""


def deleted(mesh: LiveMesh, actors: Actors, certificate: bytes, key: bytes) -> int:
    with channel_of(mesh, "inference", certificate, key) as channel:
        return by_grpc(channel, RPCS[DELETE], message(RPCS[DELETE], **TABLE[DELETE].fields(actors)), {}).status


def test_only_the_exact_certificate_name_counts(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    ours = CertificateAuthority.load(mesh.data / "certificates")
    assert deleted(mesh, actors, *issued(ours, "x", AUTH)) == 200
    for what, arguments in {
        "a name as the subject": (AUTH, "other.example"),
        "a name as the subject, without others": (AUTH,),
        "a name below it": ("x", "sub.auth.igemoji.internal"),
        "a name that begins like it": ("x", "auth.igemoji.internal.evil.example"),
        "a name that ends like it": ("x", "xauth.igemoji.internal"),
        "every name": ("x", "*.igemoji.internal"),
        "no name before the dot": ("x", ".igemoji.internal"),
    }.items():
        with attacks.attempt(what):
            try:
                certificate, key = issued(ours, *arguments)
            except ValueError:  # x509 does not allow such a name
                continue
            assert deleted(mesh, actors, certificate, key) == 403


def test_untrusted_or_expired_certificates_are_refused(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    ours = CertificateAuthority.load(mesh.data / "certificates")
    theirs = CertificateAuthority.create()
    for what, (certificate, key) in {
        "another authority": issued(theirs, "auth", AUTH),
        "expired": issued(ours, "auth", AUTH, days=(-3, -2)),
        "not valid yet": issued(ours, "auth", AUTH, days=(2, 3)),
        "a self-made authority": (theirs.certificate_pem, issued(theirs, "auth", AUTH)[1]),
    }.items():
        with attacks.attempt(what):
            assert deleted(mesh, actors, certificate, key) == 500


def test_services_require_a_certificate(mesh: LiveMesh, attacks: Attacks) -> None:
    ca = mesh.data / "certificates" / "ca.crt"
    for service in SERVICES:
        address = ("127.0.0.1", mesh.port(service))
        with attacks.attempt(f"{service}: plaintext"), grpc.insecure_channel(f"127.0.0.1:{address[1]}") as channel:
            call: Any = channel.unary_unary("/igemoji.auth.v1.AuthService/Jwks")
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=30)
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["h2"])
        with attacks.attempt(f"{service}: TLS without a certificate"), socket.create_connection(address) as plain:
            plain.settimeout(30)
            with pytest.raises(OSError, match=r"certificate|closed|reset|EOF"):
                _greet(context, plain, service)


def _greet(context: ssl.SSLContext, plain: socket.socket, service: str) -> None:
    """Read once: in TLS 1.3 a client learns only then that its certificate is missing."""
    with context.wrap_socket(plain, server_hostname=f"{service}.igemoji.internal") as secure:
        secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        if not secure.recv(1):
            raise ConnectionResetError("closed")
