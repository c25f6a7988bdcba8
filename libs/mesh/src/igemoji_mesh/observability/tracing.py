"""Traces by OpenTelemetry: a span for each call, propagated to other services and through outbox and queue.

Without an endpoint no span is recorded, and the caller's trace is still propagated. Spans have methods, codes and ids,
nothing that a person typed or uploaded.
"""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FORMAT = TraceContextTextMapPropagator()
_HEADERS = ("traceparent", "tracestate")

SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Codes that OpenTelemetry counts as errors of a server."""


def configure_tracing(service: str, endpoint: str) -> None:
    """Send spans to a collector by OTLP over gRPC, such as http://collector:4317; to none if `endpoint` is empty."""
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # slow to load

    resource = Resource.create({"service.name": service, "service.namespace": "igemoji"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, insecure=endpoint.startswith("http://"))))
    trace.set_tracer_provider(provider)


def close_tracing() -> None:
    """Send the remaining spans. Blocks."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def start_call(method: str, metadata: Mapping[str, str | bytes], request_id: str) -> Span:
    """Start the span of a call, as a child of the caller's; `end_call` ends it.

    It is the current span for the rest of the asyncio task: each call has its own.
    """
    parent = {name: str(metadata[name]) for name in _HEADERS if name in metadata}
    service, _, name = method.removeprefix("/").partition("/")
    attributes = {
        "rpc.system": "grpc",
        "rpc.service": service,
        "rpc.method": name,
        "igemoji.request_id": request_id,
    }
    span = _tracer().start_span(method[1:], _FORMAT.extract(parent), SpanKind.SERVER, attributes)
    context.attach(trace.set_span_in_context(span))
    return span


def end_call(span: Span, code: str) -> None:
    """End the span of a call."""
    span.set_attribute("rpc.response.status_code", code)
    if code in SERVER_ERRORS:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def propagation_headers() -> list[tuple[str, str]]:
    """Return metadata that makes a call part of the current trace."""
    carrier: dict[str, str] = {}
    _FORMAT.inject(carrier)
    return list(carrier.items())


def current_trace() -> str:
    """Return the `traceparent` of the current trace, to be stored with deferred work; empty if there is none."""
    return dict(propagation_headers()).get("traceparent", "")


def trace_id() -> str:
    """Return the id of the current trace, for logs; empty if there is none."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else ""


@contextmanager
def queued_work(name: str, traceparent: str, since: datetime.datetime, attributes: Mapping[str, str]) -> Iterator[Span]:
    """Record two spans of work that a call has queued: its wait since `since`, and the work within the block."""
    parent = _FORMAT.extract({"traceparent": traceparent})
    since_ns = int(since.timestamp() * 1e9)
    _tracer().start_span(f"{name} queued", parent, SpanKind.PRODUCER, dict(attributes), start_time=since_ns).end()
    with _tracer().start_as_current_span(name, parent, SpanKind.CONSUMER, dict(attributes)) as span:
        yield span


@contextmanager
def continued_trace(traceparent: str) -> Iterator[None]:
    """Make calls within the block part of a stored trace."""
    token = context.attach(_FORMAT.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)


class Steps:
    """Spans of consecutive steps, below the current span: each ends when the next begins."""

    def __init__(self) -> None:
        self._open: Span | None = None

    def begin(self, name: str) -> None:
        """End the open step and begin another one."""
        self.end()
        self._open = _tracer().start_span(name)

    def end(self) -> None:
        """End the open step, if there is one."""
        if self._open is not None:
            self._open.end()
            self._open = None


def _tracer() -> trace.Tracer:
    return trace.get_tracer("igemoji")
