"""Metrics: definitions as data, so that documents, dashboards and tests can list them before a process makes them.

Here are those of the mesh; a service has its own in its `metrics.py`. Names and units follow Prometheus. Labels never
have values that a person typed. Envoy's own metrics: services/gateway/README.md.
"""

import functools
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

CALLS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
STATEMENTS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
OBJECTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45)


METRICS: dict[str, "Metric"] = {}
"""All definitions that were imported, by name."""


@dataclass(frozen=True)
class Metric:
    """Definition of a metric."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper limits; histograms only."""

    def __post_init__(self) -> None:
        METRICS[self.name] = self

    @property
    def series(self) -> str:
        """A time series that exists as soon as the metric does."""
        return f"{self.name}_count" if self.buckets else self.name


RPC_SECONDS = Metric(
    "igemoji_rpc_seconds", "Duration of RPCs by method and status; its count is the number.", ("method", "code"), CALLS
)
RPC_IN_FLIGHT = Metric("igemoji_rpc_in_flight", "RPCs in flight.", ("method",))
READY = Metric("igemoji_ready", "1 if a dependency answers, else 0.", ("dependency",))
BUILD_INFO = Metric("igemoji_build_info", "1, with name and version in its labels.", ("service", "version"))
CERTIFICATE_EXPIRES = Metric(
    "igemoji_certificate_expires_timestamp_seconds", "Expiry of the certificate in use, in seconds since 1970."
)
DATABASE_STATEMENT_SECONDS = Metric(
    "igemoji_database_statement_seconds", "Duration of SQL statements by first word.", ("statement",), STATEMENTS
)
DATABASE_WAIT_SECONDS = Metric(
    "igemoji_database_wait_seconds", "Time that a unit of work waits for a connection.", (), STATEMENTS
)
DATABASE_CONNECTIONS = Metric("igemoji_database_connections", "Connections in use; the pool has eight.")
OBJECT_STORE_SECONDS = Metric(
    "igemoji_object_store_seconds",
    "Duration of operations of the object store: put, get, stream (to its first byte), exists, delete.",
    ("operation",),
    OBJECTS,
)
OBJECTS_DAMAGED = Metric("igemoji_objects_damaged_total", "Objects refused because their checksum was wrong.")
OUTBOX_PENDING = Metric("igemoji_outbox_pending", "Deliveries that are not yet made.", ("outbox",))
OUTBOX_OLDEST_SECONDS = Metric(
    "igemoji_outbox_oldest_seconds", "Age of the oldest delivery that is not yet made; 0 if there is none.", ("outbox",)
)
CACHE = Metric(
    "igemoji_cache_total",
    "Cache lookups by outcome (hit, miss): token keys, names of templates, pictures of templates.",
    ("cache", "outcome"),
)


@functools.cache
def counter(metric: Metric) -> Counter:
    """Return the counter of this process."""
    return Counter(metric.name, metric.help, metric.labels)


@functools.cache
def gauge(metric: Metric) -> Gauge:
    """Return the gauge of this process. In a worker with several processes, scrapes see the sum of the live ones."""
    return Gauge(metric.name, metric.help, metric.labels, multiprocess_mode="livesum")


@functools.cache
def histogram(metric: Metric) -> Histogram:
    """Return the histogram of this process."""
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)
