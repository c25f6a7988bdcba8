"""The RPCs that the gateway routes, and their access options."""

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
    """No gateway can be configured from the contract."""


def routed(rpcs: Iterable[Rpc]) -> list[Rpc]:
    """Return the RPCs that clients may call: all except the internal ones.

    Raises:
        ContractError: if an RPC has no access level, or an internal one has a REST path.
    """
    rpcs = list(rpcs)
    if missing := [rpc.path for rpc in rpcs if rpc.access is None or not rpc.access.level]:
        raise ContractError(f"These RPCs have no access level (option igemoji.common.v1.access): {', '.join(missing)}")
    if found := [rpc.path for rpc in rpcs if is_internal(rpc) and rpc.http]:
        raise ContractError(f"These RPCs are LEVEL_INTERNAL and have a REST path (google.api.http): {', '.join(found)}")
    return [rpc for rpc in rpcs if not is_internal(rpc)]


def access(rpc: Rpc) -> access_pb2.Access:
    """Return the access option of an RPC. Raises ContractError if it has none."""
    if rpc.access is None:
        raise ContractError(f"{rpc.path} has no access level")
    return rpc.access


def is_internal(rpc: Rpc) -> bool:
    """Return whether only services may call an RPC."""
    return access(rpc).level == access_pb2.LEVEL_INTERNAL


def takes_cookie(rpc: Rpc) -> bool:
    """Return whether an RPC reads the refresh cookie."""
    return access(rpc).level == access_pb2.LEVEL_COOKIE


def service_name(rpc: Rpc) -> str:
    """Return the service of an RPC as in certificates and host names: `emoji-catalog` for igemoji.emoji_catalog.v1."""
    return rpc.package.split(".")[1].replace("_", "-")


def service_names(rpcs: Sequence[Rpc]) -> list[str]:
    """Return the services in the order of the contract."""
    return list(dict.fromkeys(service_name(rpc) for rpc in rpcs))


def per_minute(rpc: Rpc) -> int:
    """Return the rate limit of an RPC, per address and per user."""
    return access(rpc).per_minute or DEFAULT_PER_MINUTE


def max_request_kib(rpc: Rpc) -> int:
    """Return the size limit of a request in KiB."""
    return access(rpc).max_request_kib or DEFAULT_MAX_REQUEST_KIB


def request_limits(rpcs: Iterable[Rpc]) -> list[int]:
    """Return the distinct size limits of requests in KiB, the smallest first."""
    return sorted({DEFAULT_MAX_REQUEST_KIB, *(max_request_kib(rpc) for rpc in rpcs)})


def rest_call(binding: http_pb2.HttpRule) -> tuple[str, str]:
    """Return method and path template: `("GET", "/api/v1/emojis/{id}")`.

    Raises:
        ContractError: if the path ends in a slash, with which Envoy does not start (it accepts both forms anyway).
    """
    method = next(name for name in REST_METHODS if getattr(binding, name))
    template: str = getattr(binding, method)
    if template.endswith("/"):
        raise ContractError(f"{template} must not end in a slash: Envoy does not start with it")
    return method.upper(), template
