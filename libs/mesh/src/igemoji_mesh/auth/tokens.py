"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 8037). Only auth signs; everyone verifies."""

import asyncio
import base64
import datetime
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from igemoji_mesh.errors import Unauthenticated
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability.metrics import counter

ALGORITHM = "EdDSA"
ISSUER = "igemoji"
AUDIENCE = "igemoji"
LEEWAY_SECONDS = 10
"""Clocks of two machines differ a little."""


class TokenRefused(Unauthenticated):
    """The access token is expired, damaged, or not one of ours."""


@dataclass(frozen=True)
class PublicKey:
    kid: str
    key: Ed25519PublicKey

    @property
    def x(self) -> str:
        """The key as in a JSON Web Key: base64url without padding."""
        raw = self.key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def from_x(cls, kid: str, x: str) -> "PublicKey":
        """Raises ValueError where `x` is not an Ed25519 key."""
        return cls(kid, Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))))


@dataclass(frozen=True)
class SigningKey:
    kid: str
    key: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(new_id(), Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, kid: str, pem: bytes) -> "SigningKey":
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidKey(f"the signing key {kid} is not an Ed25519 key")
        return cls(kid, key)

    def to_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.kid, self.key.public_key())


@dataclass(frozen=True)
class Claims:
    """Who a token speaks for."""

    user_id: str
    alias: str
    role: str
    """`user` or `operator`."""


def issue(claims: Claims, key: SigningKey, *, lifetime_seconds: int, now: datetime.datetime) -> str:
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


CACHE = counter("igemoji_cache_total")
KeySource = Callable[[], Awaitable[Sequence[PublicKey]]]


@dataclass
class TokenVerifier:
    """Checks tokens against the published keys, which it keeps for a while.

    A token with an unknown `kid` makes it look again, but not more often than every `min_refresh_seconds`, so that
    forged tokens do not become a load on auth.
    """

    source: KeySource
    max_age_seconds: float = 300
    min_refresh_seconds: float = 2
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _fetched_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verify(self, token: str) -> Claims:
        """Raises TokenRefused, or Unavailable where the keys can't be had."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            if key is None:
                raise TokenRefused("The access token is signed with a key that is not ours.")
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
            raise TokenRefused("The access token has expired; log in again.") from None
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
        asked_at = time.monotonic()
        async with self._lock:
            if self._fetched_at >= asked_at:  # somebody refreshed while this call waited
                return
            try:
                keys = await self.source()
            except Exception:
                if kid in self._keys:  # an old key is better than turning everybody away while auth is down
                    return
                raise
            self._keys = {key.kid: key for key in keys}
            self._fetched_at = time.monotonic()
