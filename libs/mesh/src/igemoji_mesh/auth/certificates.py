"""Identity of services: the DNS name in their certificate."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from igemoji_mesh.errors import StartError

IDENTITY_SUFFIX = ".igemoji.internal"


def identity(service: str) -> str:
    """Return the DNS name in the certificate of a service: `identity("auth") == "auth.igemoji.internal"`."""
    return service + IDENTITY_SUFFIX


def expires_at(pem: bytes) -> datetime.datetime:
    """Return when the first certificate of a PEM file expires, aware, UTC."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def private_pem(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """Return a private key as PEM (PKCS #8), not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_pem(path: Path) -> bytes:
    """Read a PEM file. Raises StartError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StartError(f"Can't read the certificate file {path}: {error.strerror}.") from None
    if b"-----BEGIN" not in data:
        raise StartError(f"{path} is not a PEM file.")
    return data
