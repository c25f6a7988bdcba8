"""How Envoy's configuration writes a typed message: a dict with its type."""

from typing import Any

Config = dict[str, Any]


def typed(message: str, **fields: Any) -> Config:
    """A google.protobuf.Any of `message`, such as `envoy.extensions.filters.http.router.v3.Router`."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Config:
    """An extension of Envoy under its name."""
    return {"name": name, "typed_config": typed(message, **fields)}


def seconds(value: float) -> str:
    """A google.protobuf.Duration."""
    return f"{value:g}s"


def header(key: str, value: str, *, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Config:
    """A HeaderValueOption."""
    return {"header": {"key": key, "value": value}, "append_action": action}
