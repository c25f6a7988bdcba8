"""Every metric that the mesh makes, in one list: services make theirs from it, docs and tests read it.

What is not listed can't be made. Names and units are as Prometheus wants them; no label ever holds what a person typed.
Envoy's own metrics are not here: see services/gateway/README.md.
"""

import functools
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


EVERY_SERVICE = ("auth", "emoji-catalog", "ranking", "inference")
WITH_OUTBOX = ("auth", "emoji-catalog", "inference")
WITH_OBJECTS = ("emoji-catalog", "inference", "inference-worker")
INFERENCE = ("inference",)
WORKERS = ("inference", "inference-worker")
"""Who works on photos: the service itself with the embedded queue, workers of their own with RabbitMQ."""

CALLS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
STATEMENTS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
OBJECTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45)
WAITS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
TASKS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 300)
STAGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
FACES = (0, 1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, what it says, who has it."""

    name: str
    kind: Kind
    help: str
    of: tuple[str, ...]
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> str:
        """A time series that is there as soon as the metric is: what a query asks for."""
        return f"{self.name}_count" if self.kind is Kind.HISTOGRAM else self.name


def _listed(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

METRICS = _listed(
    Metric(
        "igemoji_rpc_seconds",
        _H,
        "Time to answer an RPC, by method and status; its count is the number of calls.",
        EVERY_SERVICE,
        ("method", "code"),
        CALLS,
    ),
    Metric("igemoji_rpc_in_flight", _G, "RPCs being answered now.", EVERY_SERVICE, ("method",)),
    Metric("igemoji_ready", _G, "1 while a dependency answers, 0 while it does not.", EVERY_SERVICE, ("dependency",)),
    Metric("igemoji_build_info", _G, "1, with what runs in its labels.", EVERY_SERVICE, ("service", "version")),
    Metric(
        "igemoji_certificate_expires_timestamp_seconds",
        _G,
        "When the certificate in use runs out, in seconds since 1970.",
        EVERY_SERVICE,
    ),
    Metric(
        "igemoji_database_statement_seconds",
        _H,
        "Time that the database takes for a statement, by its first word.",
        EVERY_SERVICE,
        ("statement",),
        STATEMENTS,
    ),
    Metric(
        "igemoji_database_wait_seconds",
        _H,
        "Time that a unit of work waits for a connection of the pool.",
        EVERY_SERVICE,
        (),
        STATEMENTS,
    ),
    Metric("igemoji_database_connections", _G, "Connections that work now; the pool has eight.", EVERY_SERVICE),
    Metric(
        "igemoji_object_store_seconds",
        _H,
        "Time that the object store takes: put, get, stream until its first byte, exists, delete.",
        WITH_OBJECTS,
        ("operation",),
        OBJECTS,
    ),
    Metric("igemoji_outbox_pending", _G, "Calls that are stored and not yet made.", WITH_OUTBOX, ("outbox",)),
    Metric(
        "igemoji_outbox_oldest_seconds",
        _G,
        "Age of the oldest call that is stored and not yet made; 0 where there is none.",
        WITH_OUTBOX,
        ("outbox",),
    ),
    Metric(
        "igemoji_cache_total",
        _C,
        "What was asked of a memory, by whether it knew: keys of tokens, names of templates, pictures of templates.",
        ("emoji-catalog", "ranking", "inference"),
        ("cache", "outcome"),
    ),
    Metric(
        "igemoji_objects_damaged_total",
        _C,
        "Stored objects that were not given out: their checksum was not that of what had been put.",
        WITH_OBJECTS,
    ),
    Metric("igemoji_logins_total", _C, "Logins: ok, wrong_credentials or too_many_tries.", ("auth",), ("outcome",)),
    Metric("igemoji_refreshes_total", _C, "Refreshes of sessions: ok or refused.", ("auth",), ("outcome",)),
    Metric("igemoji_mails_total", _C, "Mails: sent or failed. None without SMTP_URL.", ("auth",), ("outcome",)),
    Metric("igemoji_inference_tasks_total", _C, "Tasks that ended, by how.", WORKERS, ("outcome",)),
    Metric(
        "igemoji_inference_wait_seconds",
        _H,
        "From upload to the moment in which a worker begins.",
        WORKERS,
        (),
        WAITS,
    ),
    Metric("igemoji_inference_task_seconds", _H, "From upload to the end of a task.", WORKERS, (), TASKS),
    Metric("igemoji_inference_stage_seconds", _H, "Time that a stage of a task takes.", WORKERS, ("stage",), STAGES),
    Metric("igemoji_inference_faces", _H, "Faces in a photo.", WORKERS, (), FACES),
    Metric("igemoji_inference_workers_lost_total", _C, "Worker processes that ended in mid-task.", WORKERS),
    Metric("igemoji_inference_queue_tasks", _G, "Tasks that have not ended, by state.", INFERENCE, ("state",)),
    Metric("igemoji_inference_queue_oldest_seconds", _G, "Age of the oldest task that no worker has.", INFERENCE),
    Metric(
        "igemoji_inference_model_info",
        _G,
        "1 for each model in use, with the first letters of its sha256.",
        INFERENCE,
        ("model", "sha256"),
    ),
)


@functools.cache
def counter(name: str) -> Counter:
    metric = _of_kind(name, Kind.COUNTER)
    return Counter(metric.name, metric.help, metric.labels)


@functools.cache
def gauge(name: str) -> Gauge:
    """Where several processes count together, as in a worker's, the sum of those alive."""
    metric = _of_kind(name, Kind.GAUGE)
    return Gauge(metric.name, metric.help, metric.labels, multiprocess_mode="livesum")


@functools.cache
def histogram(name: str) -> Histogram:
    metric = _of_kind(name, Kind.HISTOGRAM)
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)


def _of_kind(name: str, kind: Kind) -> Metric:
    metric = METRICS[name]
    if metric.kind is not kind:
        raise TypeError(f"{name} is a {metric.kind}, not a {kind}")
    return metric
