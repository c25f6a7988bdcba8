"""What a success is called in REST: 201, 202, … from the access option, and response headers for the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from igemoji_mesh.interceptors.base import HTTP_STATUS_HEADER, CallInterceptor, Context
from igemoji_protos import Rpc

REST_METHOD_HEADER = "x-envoy-original-method"

_unsent: ContextVar[dict[str, str]] = ContextVar("unsent")


class HttpStatusInterceptor(CallInterceptor):
    """Sends the status of the access option. It goes out with the initial metadata, so with successes only."""

    def __init__(self, policies: dict[str, Rpc]) -> None:
        self._codes = {path: rpc.access.http_code for path, rpc in policies.items() if rpc.access}

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        code = self._codes.get(method, 0)
        _unsent.set({HTTP_STATUS_HEADER: str(code)} if code else {})
        yield
        if _unsent.get():
            await send_headers(context)


async def send_headers(context: Context, **headers: str) -> None:
    """Response headers of the REST answer, such as `location` or `cache_control`; call it once, before answering."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    metadata = _unsent.get() | named
    _unsent.set({})
    await context.send_initial_metadata(tuple(metadata.items()))


def came_by_rest(context: Context) -> bool:
    """Whether the gateway made a call from a REST request; its transcoder says which method that had."""
    return any(name == REST_METHOD_HEADER for name, _ in context.invocation_metadata() or ())


async def send_redirect(context: Context, link: str, cache_control: str) -> None:
    """Sends a REST client elsewhere for this once. An empty message is to follow."""
    await send_headers(context, **{HTTP_STATUS_HEADER: "307", "location": link, "cache-control": cache_control})
