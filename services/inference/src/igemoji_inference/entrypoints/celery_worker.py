"""`igemoji-inference worker`: takes tasks from RabbitMQ and does them, on any machine.

Celery's own process takes messages and hands each to one of its pool processes. A pool process takes the task's lease
and drives a worker process, which has nothing but the photo; it never looks into a photo itself. A message is
acknowledged when its task has ended: whatever is killed here, another worker gets the message, and with it the lease.
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
from igemoji_inference.entrypoints.factories import inference_objects, worker_processes
from igemoji_inference.entrypoints.settings import WorkerSettings, check_parts
from igemoji_inference.usecases.task_runner import LOST
from igemoji_mesh.errors import StartError
from igemoji_mesh.observability.logging import configure_logging, log
from igemoji_mesh.settings import load_settings
from igemoji_vision.sandbox.process import START_SECONDS

SPARE_SECONDS = 60.0
"""Beside its photo, a task may wait so long for a database or a store that is away; then its pool process is ended."""

RETRY = {"interval_start": 0.2, "interval_step": 0.3, "interval_max": 2.0}
"""For a broker that is away: Celery's own pauses grow to half a minute."""


class LeanConsumer(Consumer):  # type: ignore[misc]
    """Without the 28 queues for delayed messages that Celery makes beside quorum queues, and quick to connect again."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        default_steps = [  # noqa: RUF012 - Celery's name
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        ]

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = functools.partial(conn.ensure_connection, **RETRY)
        return super().ensure_connected(conn)


def main(*, only_small: bool) -> None:
    """Works until SIGTERM, and then finishes what it has begun."""
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
    """Raises StartError where it can't ever work."""
    if not settings.task_queue_url:
        raise StartError("TASK_QUEUE_URL is missing: workers take their tasks from RabbitMQ (amqp://user@host).")
    check_parts(settings)
    asyncio.run(_try_a_worker(settings))
    app = celery_app.celery_app(settings.task_queue_url)
    app.conf.update(
        worker_consumer=f"{__name__}:LeanConsumer",
        worker_proc_alive_timeout=START_SECONDS,
        task_time_limit=settings.task_seconds + SPARE_SECONDS,
    )
    _serve(app, settings)
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


async def _try_a_worker(settings: WorkerSettings) -> None:
    """What can't work says so now, in a sentence, and not in every pool process again and again."""
    (worker,) = worker_processes(settings, inference_objects(settings), 1)
    await worker.start()
    await worker.end()


def _serve(app: Celery, settings: WorkerSettings) -> None:
    """Registers the one task, and what there is to do when processes begin and end."""
    runtime: Runtime | None = None

    def begin(**_: Any) -> None:
        nonlocal runtime
        runtime = Runtime(settings, app)

    def end(**_: Any) -> None:
        if runtime is not None:
            runtime.close()

    def ready(**_: Any) -> None:
        with app.connection_for_write() as connection:
            celery_app.ASIDE(connection.default_channel).declare()
        host, _colon, port = settings.metrics_listen.rpartition(":")
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        start_http_server(int(port), host, registry)
        log.info("started", metrics=settings.metrics_listen)

    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    signals.worker_ready.connect(ready, weak=False)

    @app.task(name=celery_app.WORK, bind=True)  # type: ignore[untyped-decorator]
    def work(self: Task, task_id: str) -> None:
        assert runtime is not None  # noqa: S101 - a pool process begins before it works
        message = self.request.delivery_info
        if message["routing_key"] == celery_app.FAILED:
            runtime.give_up(task_id)
        elif runtime.work(task_id, holder_is_lost=bool(message["redelivered"])) == LOST:
            raise Reject("it ended its worker again and again", requeue=False)


def _keep_logging(**_: Any) -> None:
    """Celery sets up no logging where somebody listens to this signal."""
