"""The RPCs that the gateway lets through, and what their access option asks of it."""

from collections.abc import Iterable, Sequence

from google.api import http_pb2

from igemoji.common.v1 import access_pb2
from igemoji_protos import Rpc

LEVELS_WITHOUT_TOKEN = {access_pb2.LEVEL_PUBLIC, access_pb2.LEVEL_COOKIE}
LEVELS_WITH_TOKEN = {access_pb2.LEVEL_USER, access_pb2.LEVEL_OPERATOR}

DEFAULT_PER_MINUTE = 600
DEFAULT_MAX_REQUEST_KIB = 256

REST_METHODS = ("get", "put", "post", "delete", "patch")


class ContractError(ValueError):
    """The contract cannot be turned into a gateway."""


def routed(rpcs: Iterable[Rpc]) -> list[Rpc]:
    """Those that clients may reach: all but the internal ones.

    Raises:
        ContractError: for an RPC that does not say who may call it, or says two things that contradict each other.
    """
    rpcs = list(rpcs)
    forgotten = [rpc.path for rpc in rpcs if rpc.access is None or not rpc.access.level]
    if forgotten:
        raise ContractError(
            f"These RPCs have no access level (option igemoji.common.v1.access): {', '.join(forgotten)}"
        )
    exposed = [rpc.path for rpc in rpcs if is_internal(rpc) and rpc.http]
    if exposed:
        raise ContractError(
            f"These RPCs are LEVEL_INTERNAL and have a REST path (google.api.http): {', '.join(exposed)}"
        )
    return [rpc for rpc in rpcs if not is_internal(rpc)]


def access(rpc: Rpc) -> access_pb2.Access:
    if rpc.access is None:
        raise ContractError(f"{rpc.path} has no access level")
    return rpc.access


def is_internal(rpc: Rpc) -> bool:
    return access(rpc).level == access_pb2.LEVEL_INTERNAL


def takes_cookie(rpc: Rpc) -> bool:
    return access(rpc).level == access_pb2.LEVEL_COOKIE


def service_name(rpc: Rpc) -> str:
    """The service of an RPC as certificates and hosts have it: `emoji-catalog` for igemoji.emoji_catalog.v1."""
    return rpc.package.split(".")[1].replace("_", "-")


def service_names(rpcs: Sequence[Rpc]) -> list[str]:
    """In the order of the contract."""
    return list(dict.fromkeys(service_name(rpc) for rpc in rpcs))


def per_minute(rpc: Rpc) -> int:
    return access(rpc).per_minute or DEFAULT_PER_MINUTE


def max_request_kib(rpc: Rpc) -> int:
    return access(rpc).max_request_kib or DEFAULT_MAX_REQUEST_KIB


def request_limits(rpcs: Iterable[Rpc]) -> list[int]:
    """Every distinct limit of a request's size in KiB, the smallest first."""
    return sorted({DEFAULT_MAX_REQUEST_KIB, *(max_request_kib(rpc) for rpc in rpcs)})


def rest_call(binding: http_pb2.HttpRule) -> tuple[str, str]:
    """Method and path template: `("GET", "/api/v1/emojis/{id}")`.

    Raises:
        ContractError: for a trailing slash, which keeps Envoy from starting (it takes either form of a path anyway).
    """
    method = next(name for name in REST_METHODS if getattr(binding, name))
    template: str = getattr(binding, method)
    if template.endswith("/"):
        raise ContractError(f"{template} must not end in a slash: Envoy does not start with it")
    return method.upper(), template
