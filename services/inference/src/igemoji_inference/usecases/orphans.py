"""What a crash between an object and its row leaves behind: photos that nobody works on, results that nobody knows."""

import asyncio
import datetime

import sqlalchemy as sa

from igemoji_inference.adapters.db import tasks
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.ids import made_at
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.logging import log

SWEEP_SECONDS = 3600.0
YOUNG = datetime.timedelta(hours=1)
"""What was stored later may get its row yet, from another replica or a worker."""


class Orphans:
    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def run(self) -> None:
        """Looks for as long as the service runs."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep(YOUNG)

    async def sweep(self, young: datetime.timedelta) -> None:
        """Removes what has no row and is not young."""
        removed = 0
        for prefix in NEEDED:
            for key in await asyncio.to_thread(lambda prefix=prefix: list(self._objects.keys(prefix))):  # type: ignore[misc]
                if not await self.is_needed(key, young):
                    await asyncio.to_thread(self._objects.delete, key)
                    removed += 1
        if removed:
            log.info("removed objects without a row", objects=removed)

    async def is_needed(self, key: str, young: datetime.timedelta) -> bool:
        """Whether a photo or a result has a row, or is so young that it may get one."""
        if stored_at(key) > utc_now() - young:
            return True
        needed = NEEDED[key.partition("/")[0] + "/"]
        return await self._database.read(lambda connection: needed(connection, key))


def stored_at(key: str) -> datetime.datetime:
    """When an object was stored, or a little before: the last identifier in its key tells."""
    return made_at(key.rpartition("/")[2].partition(".")[0][-36:])


def _photo_needed(connection: sa.Connection, key: str) -> bool:
    return tasks.photo_is_needed(connection, key.removeprefix("photos/"))


NEEDED = {"photos/": _photo_needed, "results/": tasks.result_is_known}
"""By prefix: whether there is a row that needs an object."""
