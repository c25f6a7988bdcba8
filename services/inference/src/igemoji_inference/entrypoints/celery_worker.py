"""`igemoji-inference worker`: works on tasks from RabbitMQ, on any machine.

Celery's main process receives messages and passes each to one of its pool processes. A pool process claims the task and
runs it in a sandbox process; it never decodes a photo itself. A message is acknowledged when its task has ended: if a
process is killed, another worker gets the message and takes over the lease.
"""

import asyncio
import functools
import sys
from typing import Any

from celery import Celery, Task, signals
from celery.exceptions import Reject
from celery.worker.consumer import Consumer
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from igemoji_inference.adapters.queue import celery_app
from igemoji_inference.adapters.queue.celery_runtime import Runtime
from igemoji_inference.entrypoints.settings import WorkerSettings, check_backends
from igemoji_inference.entrypoints.wiring import compose_worker, inference_objects, try_worker
from igemoji_inference.usecases.task_runner import LOST
from igemoji_mesh.errors import StartError
from igemoji_mesh.observability.logging import configure_logging, log
from igemoji_mesh.settings import load_settings
from igemoji_vision.sandbox.process import START_SECONDS

SPARE_SECONDS = 60.0
"""Time for a task beside its time limit, to wait for a database or an object store; then Celery kills its process."""

RETRY = {"interval_start": 0.2, "interval_step": 0.3, "interval_max": 2.0}
"""Backoff for connections to the broker: Celery's default grows to half a minute."""


class LeanConsumer(Consumer):  # type: ignore[misc]
    """Consumer with a short backoff and without the 28 queues for delayed messages that Celery adds."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """Steps of the consumer."""

        default_steps = [  # noqa: RUF012 - Celery's name
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        ]

    def ensure_connected(self, conn: Any) -> Any:
        """Connect with the backoff RETRY."""
        conn.ensure_connection = functools.partial(conn.ensure_connection, **RETRY)
        return super().ensure_connected(conn)


def main(*, only_small: bool) -> None:
    """Work until SIGTERM, then finish the current tasks."""
    try:
        settings = load_settings(WorkerSettings)
        configure_logging("inference-worker", settings.log_level)
        code = run(settings, only_small=only_small)
    except StartError as error:
        sys.stderr.write(f"inference-worker can't start. {error}\n")
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def run(settings: WorkerSettings, *, only_small: bool) -> int:
    """Work until SIGTERM and return the exit code. Raises StartError if it can't work."""
    if not settings.task_queue_url:
        raise StartError("TASK_QUEUE_URL is missing: workers get their tasks from RabbitMQ (amqp://user@host).")
    check_backends(settings)
    # Reports a wrong setting once, and not in every pool process again and again.
    asyncio.run(try_worker(settings, inference_objects(settings)))
    app = celery_app.celery_app(settings.task_queue_url)
    app.conf.update(
        worker_consumer=f"{__name__}:LeanConsumer",
        worker_proc_alive_timeout=START_SECONDS,
        task_time_limit=settings.task_seconds + SPARE_SECONDS,
    )
    _register(app, settings)
    queues = [celery_app.SMALL] if only_small else [celery_app.SMALL, celery_app.LARGE, celery_app.FAILED]
    worker = app.Worker(
        pool="prefork",
        concurrency=settings.worker_count,
        queues=queues,
        optimization="fair",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _register(app: Celery, settings: WorkerSettings) -> None:
    """Register the Celery task and the handlers for the start and the end of processes."""
    runtime: Runtime | None = None

    def begin(**_: Any) -> None:
        nonlocal runtime
        runtime = compose_worker(settings)

    def end(**_: Any) -> None:
        if runtime is not None:
            runtime.close()

    def ready(**_: Any) -> None:
        with app.connection_for_write() as connection:
            celery_app.DEAD_LETTERS(connection.default_channel).declare()
        host, _colon, port = settings.metrics_listen.rpartition(":")
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        start_http_server(int(port), host, registry)
        log.info("worker.started", metrics=settings.metrics_listen)

    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    signals.worker_ready.connect(ready, weak=False)

    @app.task(name=celery_app.WORK, bind=True)  # type: ignore[untyped-decorator]
    def work(self: Task, task_id: str) -> None:
        assert runtime is not None  # noqa: S101 - set when the pool process started
        message = self.request.delivery_info
        if message["routing_key"] == celery_app.FAILED:
            runtime.give_up(task_id)
        elif runtime.work(task_id, take_over=bool(message["redelivered"])) == LOST:
            raise Reject("the photo ended its worker too often", requeue=False)


def _keep_logging(**_: Any) -> None:
    """Keep our logging: Celery configures none if this signal has a receiver."""
