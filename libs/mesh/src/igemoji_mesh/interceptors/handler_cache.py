"""Handler cache: builds the chain of interceptors of each method once."""

from __future__ import annotations

from typing import Any

import grpc

from igemoji_mesh.interceptors.base import Continuation


class HandlerCacheInterceptor(grpc.aio.ServerInterceptor):
    """Outermost interceptor: gRPC would wrap the handler again for every call."""

    def __init__(self) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the cached handler of a method."""
        method = handler_call_details.method
        handler = self._handlers.get(method) or await continuation(handler_call_details)
        if handler is not None:  # only existing methods: a client can make up any number of names
            self._handlers[method] = handler
        return handler
