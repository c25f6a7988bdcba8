"""Protobuf messages as Envoy's configuration writes them: a dict with a type."""

from typing import Any

Config = dict[str, Any]


def typed(message: str, **fields: Any) -> Config:
    """Return a google.protobuf.Any of `message`, such as `envoy.extensions.filters.http.router.v3.Router`."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Config:
    """Return an Envoy extension with a name."""
    return {"name": name, "typed_config": typed(message, **fields)}


def seconds(value: float) -> str:
    """Return a google.protobuf.Duration."""
    return f"{value:g}s"


def header(key: str, value: str, *, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Config:
    """Return a HeaderValueOption."""
    return {"header": {"key": key, "value": value}, "append_action": action}
