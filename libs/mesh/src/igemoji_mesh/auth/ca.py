"""Private certificate authority of a mesh.

`igemoji up` creates one in its data folder, `deploy/k8s/make_secrets.py` one for a cluster, tests one of their own. A
cluster may bring certificates of another authority (cert-manager, or files) that follow the naming of `identity`.
"""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from igemoji_mesh.auth.certificates import identity, private_pem

_BACKDATED = datetime.timedelta(minutes=5)
"""Clocks of two machines differ a little."""


@dataclass(frozen=True)
class CertificateAuthority:
    """Signs certificates of services. Keys are ECDSA P-256, which gRPC and Envoy both take."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, days: int = 3650) -> "CertificateAuthority":
        """Create an authority with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "IGE MOJI private CA")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(name, name, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, folder: Path) -> "CertificateAuthority":
        """Read the files that `save` wrote. Raises OSError or ValueError if they are missing or damaged."""
        certificate = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{folder / 'ca.key'} is not an ECDSA key")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def save(self, folder: Path) -> None:
        """Write `ca.crt` and `ca.key`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / "ca.key", private_pem(self.key))
        (folder / "ca.crt").write_bytes(self.certificate_pem)

    def issue(self, service: str, *, hosts: Sequence[str] = ("localhost",), days: int = 825) -> tuple[bytes, bytes]:
        """Issue a certificate for a service, as client and as server.

        Args:
            service: Its name in the mesh, such as `emoji-catalog`.
            hosts: Further DNS names or IP addresses of the service.
            days: Validity.

        Returns:
            The certificate and the private key, both PEM.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service)])
        names: list[x509.GeneralName] = [x509.DNSName(identity(service)), *map(_general_name, hosts)]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder(subject, self.certificate.subject, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), private_pem(key)

    def issue_to(self, folder: Path, service: str, *, hosts: Sequence[str] = ("localhost",)) -> None:
        """Write `<service>.crt` and `<service>.key` to a folder."""
        certificate, key = self.issue(service, hosts=hosts)
        write_private(folder / f"{service}.key", key)
        (folder / f"{service}.crt").write_bytes(certificate)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, from the moment of its creation."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=days))
    )
