"""JWKS: the public keys that verify access tokens."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from igemoji_mesh.auth.tokens import KeySource, PublicKey


class JsonWebKey(Protocol):
    """Key id and public key, as in the contract."""

    kid: str
    x: str


class Jwks(Protocol):
    """Answer of the service that signs tokens."""

    @property
    def keys(self) -> Iterable[JsonWebKey]:
        """The published keys."""


def jwks_source(fetch: Callable[[], Awaitable[Jwks]]) -> KeySource:
    """Return the KeySource of a TokenVerifier; `fetch` calls the service that signs tokens."""

    async def keys() -> Sequence[PublicKey]:
        return [PublicKey.from_x(key.kid, key.x) for key in (await fetch()).keys]

    return keys
