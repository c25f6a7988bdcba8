"""Client of Envoy's admin API."""

import contextlib
import http.client

from igemoji_gateway.config.options import Address

TIMEOUT_SECONDS = 2.0
NOT_RUNNING = (OSError, http.client.HTTPException)
"""Errors of an Envoy that is starting or stopping."""


def admin_request(admin: Address, method: str, path: str) -> str:
    """Send a request and return the body of the answer. Raises one of `NOT_RUNNING`."""
    with contextlib.closing(http.client.HTTPConnection(admin.host, admin.port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request(method, path)
        return connection.getresponse().read().decode()
