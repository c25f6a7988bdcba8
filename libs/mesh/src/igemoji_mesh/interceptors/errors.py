"""Errors of every call as google.rpc.Status."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from igemoji_mesh.errors import MeshError, Unavailable, to_status
from igemoji_mesh.interceptors.base import CallInterceptor, Context
from igemoji_mesh.interceptors.http_status import HTTP_STATUS_HEADER
from igemoji_mesh.observability.logging import log

_TRANSIENT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
"""Codes of an upstream. CANCELLED: the upstream has stopped; a call that this service cancels itself raises none."""


class PeerUnavailable(Unavailable):
    """An upstream does not answer."""


class InternalError(MeshError):
    """A defect of the service. The log has it under the request id."""


class ErrorInterceptor(CallInterceptor):
    """Turns errors into google.rpc.Status; an unexpected one is logged and leaves without details."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Abort the call with the status of an error."""
        try:
            yield
        except MeshError as error:
            await _abort(context, error)
        except grpc.aio.AbortError:
            raise
        except grpc.aio.AioRpcError as error:
            log.warning("rpc.upstream_failed", method=method, code=error.code().name, details=error.details())
            if error.code() in _TRANSIENT:
                text = "A part of the service does not answer. Try again in a moment."
                await _abort(context, PeerUnavailable(text, retry_after_seconds=1))
            await _abort(context, InternalError("Something went wrong on our side."))
        except Exception:
            log.exception("rpc.unexpected_error", method=method)
            await _abort(context, InternalError("Something went wrong on our side."))


async def _abort(context: Context, error: MeshError) -> None:
    trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", to_status(error).SerializeToString())]
    if error.retry_after_seconds is not None:
        trailers.append(("retry-after", str(max(1, round(error.retry_after_seconds)))))
    if error.http_code:
        trailers.append((HTTP_STATUS_HEADER, str(error.http_code)))
    await context.abort(error.status, error.message, tuple(trailers))
