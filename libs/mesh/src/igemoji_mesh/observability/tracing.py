"""Traces by OpenTelemetry, where an endpoint is set: a span for each call, handed on to services and through the queue.

Without an endpoint no span is recorded; a caller's trace is handed on all the same. Spans carry methods, codes and ids,
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

OUR_FAULT = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""As OpenTelemetry has it for servers: the other codes are answers, not errors."""


def configure_tracing(service: str, endpoint: str) -> None:
    """`endpoint`: where a collector takes OTLP over gRPC, such as http://collector:4317. Empty: nothing is sent."""
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # not loaded where it is off

    resource = Resource.create({"service.name": service, "service.namespace": "igemoji"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, insecure=endpoint.startswith("http://"))))
    trace.set_tracer_provider(provider)


def close_tracing() -> None:
    """Sends what is left. Blocks while it does."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def start_call(method: str, metadata: Mapping[str, str | bytes], request_id: str) -> Span:
    """The span of a call that is answered from here on, under the caller's; `end_call` ends it.

    It stays the current one for the rest of the task, as a request id does: each call has a task of its own.
    """
    given = {name: str(metadata[name]) for name in _HEADERS if name in metadata}
    service, _, name = method.removeprefix("/").partition("/")
    attributes = {
        "rpc.system": "grpc",
        "rpc.service": service,
        "rpc.method": name,
        "igemoji.request_id": request_id,
    }
    span = _tracer().start_span(method[1:], _FORMAT.extract(given), SpanKind.SERVER, attributes)
    context.attach(trace.set_span_in_context(span))
    return span


def end_call(span: Span, code: str) -> None:
    span.set_attribute("rpc.response.status_code", code)
    if code in OUR_FAULT:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def handed_on() -> list[tuple[str, str]]:
    """Metadata that joins a call to the current trace."""
    carrier: dict[str, str] = {}
    _FORMAT.inject(carrier)
    return list(carrier.items())


def current_trace() -> str:
    """The current trace as `traceparent`, to be kept with work that is done later; empty where there is none."""
    return dict(handed_on()).get("traceparent", "")


def trace_id() -> str:
    """For logs; empty where there is none."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else ""


@contextmanager
def later_work(name: str, traceparent: str, since: datetime.datetime, attributes: Mapping[str, str]) -> Iterator[Span]:
    """Work that a call left behind: a span of its wait in the queue, from `since` to now, and one of the work."""
    parent = _FORMAT.extract({"traceparent": traceparent})
    waited = _tracer().start_span(
        f"{name} queued", parent, SpanKind.PRODUCER, dict(attributes), start_time=_nanoseconds(since)
    )
    waited.end()
    with _tracer().start_as_current_span(name, parent, SpanKind.CONSUMER, dict(attributes)) as span:
        yield span


@contextmanager
def continued(traceparent: str) -> Iterator[None]:
    """Calls made within it belong to a trace that was kept."""
    token = context.attach(_FORMAT.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)


class Steps:
    """Spans of steps that follow each other, under the current span: each ends when the next begins."""

    def __init__(self) -> None:
        self._open: Span | None = None

    def begin(self, name: str) -> None:
        self.end()
        self._open = _tracer().start_span(name)

    def end(self) -> None:
        if self._open is not None:
            self._open.end()
            self._open = None


def _tracer() -> trace.Tracer:
    return trace.get_tracer("igemoji")


def _nanoseconds(at: datetime.datetime) -> int:
    return int(at.timestamp() * 1e9)
