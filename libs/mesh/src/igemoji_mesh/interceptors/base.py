"""Base of the interceptors: one async context manager around a call (`around`), and a look at each request (`inspect`).

`CallInterceptor` makes both work for unary and streaming RPCs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]

STANDARD_SERVICES = ("/grpc.health.v1.", "/grpc.reflection.")
"""Every server has them; they have no access level and are not logged."""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every RPC in `around`."""

    def around(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """Return the context manager in which the RPC is answered."""
        return nullcontext()

    def inspect(self, request: Any) -> None:
        """Look at a request before the servicer does; raise to refuse it."""

    def deserializer(self, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return the function that parses requests."""
        return deserialize

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the wrapped handler of a method."""
        found: grpc.RpcMethodHandler[Any, Any] | None = await continuation(handler_call_details)
        method = handler_call_details.method
        if found is None or method.startswith(STANDARD_SERVICES):
            return found
        handler: Any = found
        serializers = {
            "request_deserializer": self.deserializer(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if handler.request_streaming and handler.response_streaming:
            behavior = self._streaming(method, self._inspect_each(handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(behavior, **serializers)
        if handler.request_streaming:
            unary = self._unary(method, self._inspect_each(handler.stream_unary))
            return grpc.stream_unary_rpc_method_handler(unary, **serializers)
        if handler.response_streaming:
            behavior = self._streaming(method, self._inspect_one(handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(behavior, **serializers)
        unary = self._unary(method, self._inspect_one(handler.unary_unary))
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

    def _inspect_one(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        def call(request: Any, context: Context) -> Any:
            self.inspect(request)
            return behavior(request, context)

        return call

    def _inspect_each(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        async def each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for request in requests:
                self.inspect(request)
                yield request

        def call(requests: AsyncIterator[Any], context: Context) -> Any:
            return behavior(each(requests), context)

        return call
