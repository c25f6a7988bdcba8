"""What happens around every RPC, once for all services: request id and log, metrics, errors, deadline, validation.

Each interceptor is one async context manager around the call (`around`), and may look at each request (`inspect`).
`CallInterceptor` makes that work for unary and streaming RPCs alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import grpc
import protovalidate
from google.protobuf.message import DecodeError

from igemoji_mesh.errors import DeadlineExceeded, InvalidInput, MeshError, Unavailable, Violation, to_status
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability import logging, tracing
from igemoji_mesh.observability.metrics import gauge, histogram

Context = grpc.aio.ServicerContext[Any, Any]

HEALTH_PREFIX = "/grpc.health.v1."
HTTP_STATUS_HEADER = "x-http-code"
"""The gateway turns it into the status of the REST answer."""

PROBES = (HEALTH_PREFIX, "/grpc.reflection.")
"""Standard services that every server has; they carry no access level and are not logged."""

_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
"""From another service. What this one cancels itself is no error of a call: a peer that cancels has stopped."""

RPC_SECONDS = histogram("igemoji_rpc_seconds")
RPC_IN_FLIGHT = gauge("igemoji_rpc_in_flight")

deadline_at: ContextVar[float | None] = ContextVar("deadline_at", default=None)
"""When the call that is being answered must be done, on the clock of `time.monotonic`; clients hand it on."""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every RPC in `around`."""

    def around(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def inspect(self, request: Any) -> None:
        """Looks at a request before the servicer does; raises to refuse it."""

    def reader(self, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """What makes a request of bytes."""
        return read

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        found = await continuation(handler_call_details)
        method = handler_call_details.method
        if found is None or method.startswith(PROBES):
            return found
        handler: Any = found
        serializers = {
            "request_deserializer": self.reader(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if handler.request_streaming and handler.response_streaming:
            behavior = self._streaming(method, self._inspected(handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(behavior, **serializers)
        if handler.request_streaming:
            unary = self._unary(method, self._inspected(handler.stream_unary))
            return grpc.stream_unary_rpc_method_handler(unary, **serializers)
        if handler.response_streaming:
            behavior = self._streaming(method, self._inspected_once(handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(behavior, **serializers)
        unary = self._unary(method, self._inspected_once(handler.unary_unary))
        return grpc.unary_unary_rpc_method_handler(unary, **serializers)

    def _unary(self, method: str, behavior: Callable[[Any, Context], Awaitable[Any]]) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self.around(method, context):
                return await behavior(request, context)

        return call

    def _streaming(self, method: str, behavior: Callable[[Any, Context], AsyncIterator[Any]]) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self.around(method, context):
                async for response in behavior(request, context):
                    yield response

        return call

    def _inspected_once(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        def call(request: Any, context: Context) -> Any:
            self.inspect(request)
            return behavior(request, context)

        return call

    def _inspected(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        async def each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for request in requests:
                self.inspect(request)
                yield request

        def call(requests: AsyncIterator[Any], context: Context) -> Any:
            return behavior(each(requests), context)

        return call


class OnceInterceptor(grpc.aio.ServerInterceptor):
    """The outermost: what is around a method is the same for every call of it, and is put together once."""

    def __init__(self) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        handler = self._handlers.get(method) or await continuation(handler_call_details)
        if handler is not None:  # only what there is: names can be made up without an end
            self._handlers[method] = handler
        return handler


class ObserveInterceptor(CallInterceptor):
    """Takes request id and trace up, logs one line a call, and counts and times it."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        metadata = dict(context.invocation_metadata() or ())
        request_id = str(metadata.get(logging.REQUEST_ID_HEADER, ""))[:64] or new_id()
        span = tracing.start_call(method, metadata, request_id)
        logging.log_as(request_id, tracing.trace_id())
        started = time.monotonic()
        code = "UNKNOWN"
        try:
            with RPC_IN_FLIGHT.labels(method).track_inprogress():
                yield
            code = "OK"
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except BaseException:
            code = _code_name(context)
            raise
        finally:
            seconds = time.monotonic() - started
            RPC_SECONDS.labels(method, code).observe(seconds)
            logging.log.info("rpc", method=method, code=code, ms=round(seconds * 1000, 1))
            tracing.end_call(span, code)


class ErrorInterceptor(CallInterceptor):
    """Turns errors into google.rpc.Status; of an unexpected one nothing leaves but that it happened."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        try:
            yield
        except MeshError as error:
            await _abort(context, error)
        except grpc.aio.AbortError:
            raise
        except grpc.aio.AioRpcError as error:
            logging.log.warning("peer failed", method=method, code=error.code().name, details=error.details())
            if error.code() in _PASSING:
                text = "A part of IGE MOJI does not answer now. Try again in a moment."
                await _abort(context, PeerUnavailable(text, retry_after_seconds=1))
            await _abort(context, InternalError("Something went wrong on our side."))
        except Exception:
            logging.log.exception("unexpected error", method=method)
            await _abort(context, InternalError("Something went wrong on our side."))


class GateInterceptor(CallInterceptor):
    """Once closed, new calls are told to come again; those under way go on.

    A gRPC server that stops cancels what has arrived and not begun, and nobody tries a cancelled call again.
    """

    def __init__(self) -> None:
        self._closed = False
        self._last_call_at = float("-inf")

    async def close(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Returns when nobody has called for a while, or after some time."""
        self._closed = True
        until = time.monotonic() + at_most_seconds
        while (left := min(until, self._last_call_at + quiet_seconds) - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        self._last_call_at = time.monotonic()
        if self._closed:
            text = "This part of IGE MOJI is being restarted. Try again in a moment."
            raise ServiceStopping(text, retry_after_seconds=1)
        yield


class DeadlineInterceptor(CallInterceptor):
    """Ends a call when the client's deadline is over; transcoded calls carry none and get the server's own."""

    def __init__(self, default_seconds: float, streaming_methods: frozenset[str]) -> None:
        self._default_seconds = default_seconds
        self._streaming_methods = streaming_methods

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        remaining = context.time_remaining()
        if method in self._streaming_methods:  # a watcher may stay for as long as its task takes
            deadline_at.set(None)
            yield
            return
        seconds = self._default_seconds if remaining is None else min(remaining, self._default_seconds)
        deadline_at.set(time.monotonic() + seconds)
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise DeadlineExceeded(f"This took longer than the {seconds:.0f} s it may take.") from None


class Unreadable:
    """Stands for a request that is none."""


class ValidationInterceptor(CallInterceptor):
    """Checks requests against the buf.validate rules of the contract, and that they are messages at all."""

    def inspect(self, request: Any) -> None:
        if isinstance(request, Unreadable):
            raise InvalidRequest("The request can't be read: it is damaged, or a text in it is not UTF-8.")
        validate(request)

    def reader(self, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """gRPC would answer an error of its own, in Python's words, outside of all interceptors."""

        def read_or_not(data: bytes) -> Any:
            try:
                return read(data)
            except DecodeError:
                return Unreadable()

        return read_or_not


def validate(request: Any) -> None:
    """Checks a message against its buf.validate rules. Raises InvalidRequest."""
    try:
        protovalidate.validate(request)
    except protovalidate.ValidationError as error:
        violations = [
            Violation(_field_path(violation.proto), violation.proto.message) for violation in error.violations
        ]
        first = violations[0]
        message = f"{first.field}: {first.description}" if first.field else first.description
        raise InvalidRequest(message, violations=violations) from None


class InvalidRequest(InvalidInput):
    """A field breaks a rule of the contract."""


class ServiceStopping(Unavailable):
    """The service takes no new calls."""


class PeerUnavailable(Unavailable):
    """Another service does not answer."""


class InternalError(MeshError):
    """A fault of ours. The log has it under the request id."""


async def _abort(context: Context, error: MeshError) -> None:
    trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", to_status(error).SerializeToString())]
    if error.retry_after_seconds is not None:
        trailers.append(("retry-after", str(max(1, round(error.retry_after_seconds)))))
    if error.http_code:
        trailers.append((HTTP_STATUS_HEADER, str(error.http_code)))
    await context.abort(error.status, error.message, tuple(trailers))


def _code_name(context: Context) -> str:
    code: Any = context.code()
    if isinstance(code, int):
        code = next((known for known in grpc.StatusCode if known.value[0] == code), None)
    return code.name if code else "UNKNOWN"


def _field_path(violation: Any) -> str:
    return ".".join(element.field_name for element in violation.field.elements)
