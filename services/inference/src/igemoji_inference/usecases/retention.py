"""Retention: delete originals after a day, and tasks with their results after a month."""

import asyncio
import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass

from igemoji_inference.domain.model import utc_now
from igemoji_inference.usecases.ports import DeletionStore
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.logging import log

BATCH = 100
SPARE_DAYS = 2


@dataclass(frozen=True)
class Retention:
    """Delete what has expired.

    Objects are deleted before the rows that refer to them: a crash in between leaves work for the next sweep, and no
    orphan.
    """

    _store: DeletionStore
    _objects: ObjectStore
    _keep_results: datetime.timedelta
    _now: Callable[[], datetime.datetime] = utc_now

    def rules(self, keep_originals: datetime.timedelta) -> dict[str, int]:
        """Return lifecycle rules for the object store, as days by prefix: a fallback, with days to spare."""
        kept = {"photos/": keep_originals, "results/": self._keep_results}
        return {prefix: math.ceil(time / datetime.timedelta(days=1)) + SPARE_DAYS for prefix, time in kept.items()}

    async def sweep(self) -> int:
        """Delete what has expired, at most BATCH of each kind; return the larger of the two numbers."""
        now = self._now()
        originals = await self._store.expired_originals(now, BATCH)
        for task_id, photo_key in originals:
            await asyncio.to_thread(self._objects.delete, photo_key)
            await self._store.forget_original(task_id)
        await self._store.forget_photo_counts(now.date())
        tasks = await self._store.expired_tasks(now - self._keep_results, BATCH)
        for task_id, *keys in tasks:
            for key in filter(None, keys):
                await asyncio.to_thread(self._objects.delete, key)
            await self._store.delete_tasks([task_id])
        if originals or tasks:
            log.info("retention.deleted", originals=len(originals), tasks=len(tasks))
        return max(len(originals), len(tasks))
