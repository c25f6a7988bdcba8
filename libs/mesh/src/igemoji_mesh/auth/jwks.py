"""JWKS: the public keys that verify access tokens."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from igemoji_mesh.auth.tokens import KeySource, PublicKey


def jwks_source(fetch: Callable[[], Awaitable[Any]]) -> KeySource:
    """Return the KeySource of a TokenVerifier.

    `fetch` calls the service that signs tokens; its answer has `keys` with `kid` and `x`, as in the contract.
    """

    async def keys() -> Sequence[PublicKey]:
        return [PublicKey.from_x(key.kid, key.x) for key in (await fetch()).keys]

    return keys
