"""Base of the interceptors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
Unary = Callable[[Any, Context], Awaitable[Any]]

STANDARD_SERVICES = ("/grpc.health.v1.", "/grpc.reflection.")
"""Every server has them; they have no access level and are not logged."""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every RPC: subclasses override `around`, `inspect` or `answer`, for unary and streaming answers alike."""

    def around(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """Return the context manager in which the RPC is answered."""
        return nullcontext()

    def inspect(self, request: Any) -> None:
        """Look at a request before the servicer does; raise to refuse it."""

    async def answer(self, method: str, behavior: Unary, request: Any, context: Context) -> Any:  # noqa: ARG002
        """Answer a unary RPC, usually by `behavior`."""
        return await behavior(request, context)

    def deserializer(self, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return the function that parses requests."""
        return deserialize

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the wrapped handler of a method."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(STANDARD_SERVICES):
            return handler  # type: ignore[no-any-return]
        serializers = {
            "request_deserializer": self.deserializer(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), **serializers)
        return grpc.unary_unary_rpc_method_handler(self._unary(method, handler.unary_unary), **serializers)

    def _unary(self, method: str, behavior: Unary) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self.around(method, context):
                self.inspect(request)
                return await self.answer(method, behavior, request, context)

        return call

    def _stream(self, method: str, behavior: Callable[[Any, Context], AsyncIterator[Any]]) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self.around(method, context):
                self.inspect(request)
                async for response in behavior(request, context):
                    yield response

        return call
