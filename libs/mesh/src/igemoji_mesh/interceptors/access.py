"""Access control: the access option of the contract, enforced before a servicer sees the call."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from igemoji.common.v1 import access_pb2
from igemoji_mesh import call_context
from igemoji_mesh.auth.certificates import IDENTITY_SUFFIX
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.call_context import Caller, caller
from igemoji_mesh.errors import Forbidden, StartError, Unauthenticated
from igemoji_mesh.interceptors.base import CallInterceptor, Context
from igemoji_protos import Rpc, rpcs

_BEARER = "bearer "


class TokenMissing(Unauthenticated):
    """The call needs an access token."""


class NotAllowed(Forbidden):
    """The caller is known, but has no right to call this."""


def user() -> "User":
    """Return the user of the RPC that is being answered. The access option guarantees that there is one."""
    current = caller()
    if current.user_id is None:
        raise TokenMissing("Log in first: this needs an access token.")
    return User(current.user_id, current.alias)


@dataclass(frozen=True)
class User:
    """User of a call, by access token."""

    id: str
    alias: str


class AccessInterceptor(CallInterceptor):
    """Denies by default: a method that is not in the contract, or has no access level there, can't be called."""

    def __init__(self, policies: dict[str, Rpc], verifier: TokenVerifier) -> None:
        self._policies = policies
        self._verifier = verifier

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Check the caller and put it into the call context."""
        call_context.update(caller=await self._authorize(method, context))
        yield

    async def _authorize(self, method: str, context: Context) -> Caller:
        policy = self._policies.get(method)
        if policy is None or policy.access is None:
            raise NotAllowed("This method can't be called.")
        peer = peer_service(context)
        level = policy.access.level
        if level == access_pb2.LEVEL_INTERNAL:
            if peer not in policy.access.callers:
                raise NotAllowed("Only other services may call this method.", metadata={"caller": peer})
            return Caller(peer)
        if level in (access_pb2.LEVEL_PUBLIC, access_pb2.LEVEL_COOKIE):
            return Caller(peer)
        token = bearer_token(context)
        if token is None:
            if level == access_pb2.LEVEL_OPTIONAL_USER:
                return Caller(peer)
            raise TokenMissing("Log in first: this needs an access token.")
        claims = await self._verifier.verify(token)
        if level == access_pb2.LEVEL_OPERATOR and claims.role != "operator":
            raise NotAllowed("Only operators may call this.")
        return Caller(peer, claims.user_id, claims.alias, claims.role, token)


def policies_for(services: Iterable[str], contract: Iterable[Rpc] | None = None) -> dict[str, Rpc]:
    """Return the RPCs of some services by path. Raises StartError if one can't be protected."""
    names = set(services)
    found = {rpc.path: rpc for rpc in contract or rpcs() if f"{rpc.package}.{rpc.service}" in names}
    for rpc in found.values():
        if rpc.access is None or rpc.access.level == access_pb2.LEVEL_UNSPECIFIED:
            raise StartError(f"{rpc.path} has no access level in the contract.")
        if rpc.client_streaming:
            raise StartError(f"{rpc.path} streams requests, which the interceptors don't support.")
        if rpc.access.level == access_pb2.LEVEL_INTERNAL and not rpc.access.callers:
            raise StartError(f"{rpc.path} is internal, but the contract names no callers.")
    missing = names - {f"{rpc.package}.{rpc.service}" for rpc in found.values()}
    if missing:
        raise StartError(f"The contract has no service {', '.join(sorted(missing))}.")
    return found


def peer_service(context: Context) -> str:
    """Return the name of the calling service, from its certificate. Raises NotAllowed."""
    names: Any = context.auth_context().get("x509_subject_alternative_name", ())
    for name in names:
        text = name.decode() if isinstance(name, bytes) else str(name)
        if text.endswith(IDENTITY_SUFFIX):
            return text.removesuffix(IDENTITY_SUFFIX)
    raise NotAllowed("The caller's certificate names no service of this mesh.")


def client_address(context: Context) -> str:
    """Return the IP address of the client as the gateway saw it; empty for a call from within the mesh."""
    return str(dict(context.invocation_metadata() or ()).get("x-envoy-external-address", ""))


def bearer_token(context: Context) -> str | None:
    """Return the token of `authorization: Bearer …`, or None. Raises TokenMissing for any other scheme."""
    header = str(dict(context.invocation_metadata() or ()).get("authorization", ""))
    if not header:
        return None
    if not header.lower().startswith(_BEARER):
        raise TokenMissing("The authorization header must read: Bearer, a space, and the access token.")
    return header[len(_BEARER) :].strip()
