"""HTTP status (201, 202, …) and response headers of REST answers, sent to the gateway with the initial metadata."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_mesh import call_context
from igemoji_mesh.interceptors.base import CallInterceptor, Context
from igemoji_protos import Rpc

HTTP_STATUS_HEADER = "x-http-code"
"""The gateway turns it into the status of the REST answer."""
REST_METHOD_HEADER = "x-envoy-original-method"
"""Set by the gateway's transcoder."""


class HttpStatusInterceptor(CallInterceptor):
    """Sends the status of the access option with successful answers; errors have no initial metadata."""

    def __init__(self, policies: dict[str, Rpc]) -> None:
        self._codes = {path: rpc.access.http_code for path, rpc in policies.items() if rpc.access}

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Send the headers after the call, unless the servicer has sent them."""
        code = self._codes.get(method, 0)
        call_context.update(unsent_headers={HTTP_STATUS_HEADER: str(code)} if code else {})
        yield
        if call_context.current().unsent_headers:
            await send_headers(context)


async def send_headers(context: Context, **headers: str) -> None:
    """Send response headers of the REST answer, such as `location` or `cache_control`; once, before the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    metadata = {**call_context.current().unsent_headers, **named}
    call_context.update(unsent_headers={})
    await context.send_initial_metadata(tuple(metadata.items()))


def is_rest_call(context: Context) -> bool:
    """Return whether the gateway made the call from a REST request."""
    return any(name == REST_METHOD_HEADER for name, _ in context.invocation_metadata() or ())


async def send_redirect(context: Context, link: str, cache_control: str) -> None:
    """Redirect a REST client to `link`. Return an empty message afterwards."""
    await send_headers(context, **{HTTP_STATUS_HEADER: "307", "location": link, "cache-control": cache_control})
