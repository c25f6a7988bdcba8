"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 8037). One service signs, all verify."""

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.utils import base64url_decode, base64url_encode

from igemoji_mesh.auth.certificates import private_pem
from igemoji_mesh.errors import Unauthenticated
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability import metrics

ALGORITHM = "EdDSA"
ISSUER = "igemoji"
AUDIENCE = "igemoji"
LEEWAY_SECONDS = 10
"""Clocks of two machines differ a little."""


class TokenRefused(Unauthenticated):
    """The access token has expired, is damaged, or was signed by somebody else."""


@dataclass(frozen=True)
class PublicKey:
    """Key that verifies tokens."""

    kid: str
    key: Ed25519PublicKey

    @property
    def x(self) -> str:
        """The key as in a JSON Web Key: base64url without padding."""
        return base64url_encode(self.key.public_bytes_raw()).decode()

    @classmethod
    def from_x(cls, kid: str, x: str) -> "PublicKey":
        """Parse the key of a JSON Web Key. Raises ValueError."""
        return cls(kid, Ed25519PublicKey.from_public_bytes(base64url_decode(x)))


@dataclass(frozen=True)
class SigningKey:
    """Key that signs tokens."""

    kid: str
    key: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """Generate a new key."""
        return cls(new_id(), Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, kid: str, pem: bytes) -> "SigningKey":
        """Parse a private key. Raises InvalidKey."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidKey(f"the signing key {kid} is not an Ed25519 key")
        return cls(kid, key)

    def to_pem(self) -> bytes:
        """Return the private key as PEM."""
        return private_pem(self.key)

    @property
    def public(self) -> PublicKey:
        """The public key of the pair."""
        return PublicKey(self.kid, self.key.public_key())


@dataclass(frozen=True)
class Claims:
    """User of a token."""

    user_id: str
    alias: str
    role: str
    """`user` or `operator`."""


def issue(claims: Claims, key: SigningKey, *, lifetime_seconds: int, now: datetime.datetime) -> str:
    """Return a signed token."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.user_id,
        "alias": claims.alias,
        "role": claims.role,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + lifetime_seconds,
        "jti": new_id(),
    }
    return jwt.encode(payload, key.key, algorithm=ALGORITHM, headers={"kid": key.kid})


CACHE = metrics.counter(metrics.CACHE)
KeySource = Callable[[], Awaitable[Sequence[PublicKey]]]


@dataclass
class TokenVerifier:
    """Verifies tokens with cached public keys.

    A token with an unknown `kid` refreshes the cache, at most once in `min_refresh_seconds`: forged tokens must not
    cause load on the service that publishes the keys.
    """

    source: KeySource
    max_age_seconds: float = 300
    min_refresh_seconds: float = 2
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _fetched_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verify(self, token: str) -> Claims:
        """Return the claims of a token. Raises TokenRefused, or an error of `source`."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            if key is None:
                raise TokenRefused("The access token is signed with an unknown key.")
            payload: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise TokenRefused("The access token has expired. Log in again.") from None
        except jwt.InvalidTokenError:
            raise TokenRefused("The access token is not valid.") from None
        return Claims(payload["sub"], str(payload.get("alias", "")), str(payload.get("role", "user")))

    async def _key(self, kid: str) -> PublicKey | None:
        age = time.monotonic() - self._fetched_at
        CACHE.labels("token keys", "hit" if kid in self._keys and age <= self.max_age_seconds else "miss").inc()
        if age > self.max_age_seconds or (kid not in self._keys and age > self.min_refresh_seconds):
            await self._refresh(kid)
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        wanted_at = time.monotonic()
        async with self._lock:
            if self._fetched_at >= wanted_at:  # refreshed while this call waited
                return
            try:
                keys = await self.source()
            except Exception:
                if kid in self._keys:  # better an old key than to refuse everybody while keys can't be fetched
                    return
                raise
            self._keys = {key.kid: key for key in keys}
            self._fetched_at = time.monotonic()
