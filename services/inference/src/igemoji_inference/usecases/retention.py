"""What is kept no longer than it is needed: originals a day, finished photos a month."""

import asyncio
import datetime
import math
from collections.abc import Callable

from igemoji_inference.adapters.db import quotas
from igemoji_inference.adapters.db import tasks as store
from igemoji_mesh.db.advisory_lock import turn
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.logging import log

LOOK_SECONDS = 60.0
BATCH = 100
SPARE_DAYS = 2


class Retention:
    """Removes objects first and what names them afterwards: a crash in between leaves something to do again, no orphan.

    Any replica may run it, and one at a time does.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        keep_results: datetime.timedelta,
        now: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self._database = database
        self._objects = objects
        self._keep_results = keep_results
        self._now = now

    def rules(self, keep_originals: datetime.timedelta) -> dict[str, int]:
        """For the object store, in days by prefix: a second line for what is missed here, with days to spare."""
        kept = {"photos/": keep_originals, "results/": self._keep_results}
        return {
            prefix: math.ceil(how_long / datetime.timedelta(days=1)) + SPARE_DAYS for prefix, how_long in kept.items()
        }

    async def run(self) -> None:
        """Looks for as long as the service runs."""
        while True:
            async with turn(self._database, "retention") as mine:
                while mine and await self.sweep() == BATCH:
                    pass
            await asyncio.sleep(LOOK_SECONDS)

    async def sweep(self) -> int:
        """Removes what is due, at most BATCH of each kind; returns how many of the kind that had more."""
        now = self._now()
        originals = await self._database.read(lambda connection: store.originals_to_forget(connection, now, BATCH))
        for task_id, photo_key in originals:
            await asyncio.to_thread(self._objects.delete, photo_key)
            await self._database.write(lambda connection, gone=task_id: store.forget_original(connection, gone))  # type: ignore[misc]
        await self._database.write(lambda connection: quotas.forget_days(connection, now.date()), alone=False)
        before = now - self._keep_results
        tasks = await self._database.read(lambda connection: store.tasks_to_forget(connection, before, BATCH))
        for task_id, *keys in tasks:
            for key in filter(None, keys):
                await asyncio.to_thread(self._objects.delete, key)
            await self._database.write(lambda connection, gone=task_id: store.forget_task(connection, gone))  # type: ignore[misc]
        if originals or tasks:
            log.info("kept no longer", originals=len(originals), tasks=len(tasks))
        return max(len(originals), len(tasks))
