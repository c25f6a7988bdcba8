"""Telemetry of every call: request id, trace, one line in the log, duration and count."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from igemoji_mesh.ids import new_id
from igemoji_mesh.interceptors.base import CallInterceptor, Context
from igemoji_mesh.observability import logging, metrics, tracing

RPC_SECONDS = metrics.histogram(metrics.RPC_SECONDS)
RPC_IN_FLIGHT = metrics.gauge(metrics.RPC_IN_FLIGHT)


class TelemetryInterceptor(CallInterceptor):
    """Continues the request id and the trace, logs one line a call, counts and times it."""

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Answer the call in a new context with its request id."""
        metadata = dict(context.invocation_metadata() or ())
        request_id = str(metadata.get(logging.REQUEST_ID_HEADER, ""))[:64] or new_id()
        span = tracing.start_call(method, metadata, request_id)
        logging.bind_request_id(request_id, tracing.trace_id())
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


def _code_name(context: Context) -> str:
    code: Any = context.code()
    if isinstance(code, int):
        code = next((known for known in grpc.StatusCode if known.value[0] == code), None)
    return code.name if code else "UNKNOWN"
