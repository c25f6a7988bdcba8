"""Protobuf messages as Envoy's configuration writes them: a dict with a type."""

from typing import Any

Config = dict[str, Any]


def typed(message: str, **fields: Any) -> Config:
    """Return a google.protobuf.Any of `message`, such as `envoy.extensions.filters.http.router.v3.Router`."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Config:
    """Return an Envoy extension with a name."""
    return {"name": name, "typed_config": typed(message, **fields)}


def http_filter(name: str, message: str, **fields: Any) -> Config:
    """Return a filter for HTTP of Envoy's own, such as `router` with the message `Router`."""
    return extension(f"envoy.filters.http.{name}", f"envoy.extensions.filters.http.{name}.v3.{message}", **fields)


def tls_socket(message: str, **fields: Any) -> Config:
    """Return a transport socket with TLS."""
    return extension("envoy.transport_sockets.tls", f"envoy.extensions.transport_sockets.tls.v3.{message}", **fields)


def on_method(method: str, **path: Any) -> Config:
    """Return a route's match of a path, for one HTTP method only."""
    return {**path, "headers": [{"name": ":method", "string_match": {"exact": method}}]}


def seconds(value: float) -> str:
    """Return a google.protobuf.Duration."""
    return f"{value:g}s"


def header(key: str, value: str, *, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Config:
    """Return a HeaderValueOption."""
    return {"header": {"key": key, "value": value}, "append_action": action}
