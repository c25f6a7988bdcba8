"""How many tasks wait and are worked on, and how long the oldest one waits: read from the rows, by any replica."""

import asyncio
import json
from pathlib import Path

from igemoji_inference.adapters.db import tasks
from igemoji_inference.domain.model import TaskState
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import gauge

LOOK_SECONDS = 5.0

QUEUE_TASKS = gauge("igemoji_inference_queue_tasks")
QUEUE_OLDEST_SECONDS = gauge("igemoji_inference_queue_oldest_seconds")
MODEL_INFO = gauge("igemoji_inference_model_info")


async def watch_queue(database: Database) -> None:
    """Looks for as long as the service runs."""
    while True:
        try:
            queue = await database.read(tasks.queue_state)
            for state in TaskState:
                if not state.ended:
                    QUEUE_TASKS.labels(state.lower()).set(queue.tasks.get(state, 0))
            waiting = (utc_now() - queue.oldest_at).total_seconds() if queue.oldest_at else 0
            QUEUE_OLDEST_SECONDS.set(max(0.0, waiting))
        except Exception as error:
            log.warning("the queue can't be looked at now", error=repr(error))
        await asyncio.sleep(LOOK_SECONDS)


def tell_models(models: Path) -> None:
    """Which models are in use, from the manifest that they were built with."""
    manifest = json.loads((models / "manifest.json").read_text())
    for name, digest in manifest["sha256"].items():
        MODEL_INFO.labels(name, digest[:12]).set(1)
