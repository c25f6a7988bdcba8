"""Metrics of the queue, read from the rows by any replica, and of the models in use."""

import asyncio
import json
from pathlib import Path

from igemoji_inference import metrics
from igemoji_inference.adapters.db import tasks
from igemoji_inference.domain.model import TaskState
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import gauge

POLL_SECONDS = 5.0

QUEUE_TASKS = gauge(metrics.QUEUE_TASKS)
QUEUE_OLDEST_SECONDS = gauge(metrics.QUEUE_OLDEST_SECONDS)
MODEL_INFO = gauge(metrics.MODEL_INFO)


async def watch_queue(database: Database) -> None:
    """Set the gauges of the queue every POLL_SECONDS until canceled."""
    while True:
        try:
            queue = await database.read(tasks.queue_state)
            for state in TaskState:
                if not state.ended:
                    QUEUE_TASKS.labels(state.lower()).set(queue.tasks.get(state, 0))
            waiting = (utc_now() - queue.oldest_at).total_seconds() if queue.oldest_at else 0
            QUEUE_OLDEST_SECONDS.set(max(0.0, waiting))
        except Exception as error:
            log.warning("queue_metrics.read_failed", error=repr(error))
        await asyncio.sleep(POLL_SECONDS)


def report_models(models: Path) -> None:
    """Set the gauge of the models in use, from the manifest that they were built with."""
    manifest = json.loads((models / "manifest.json").read_text())
    for name, digest in manifest["sha256"].items():
        MODEL_INFO.labels(name, digest[:12]).set(1)
