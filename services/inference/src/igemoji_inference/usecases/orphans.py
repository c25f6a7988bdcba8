"""Sweep for orphans: objects that a crash left without a row."""

import asyncio
import datetime

from igemoji_inference.domain.model import utc_now
from igemoji_inference.usecases.ports import DeletionStore
from igemoji_mesh.ids import timestamp_of
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.logging import log

SWEEP_SECONDS = 3600.0
GRACE = datetime.timedelta(hours=1)
"""Another replica or a worker may still be about to write the row of a younger object."""
SWEPT_PREFIXES = ("photos/", "results/")


class Orphans:
    """Find and delete orphans."""

    def __init__(self, store: DeletionStore, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def run(self) -> None:
        """Sweep once an hour until canceled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep(GRACE)

    async def sweep(self, grace: datetime.timedelta) -> None:
        """Delete the objects that have no row and are older than `grace`."""
        deleted = 0
        for prefix in SWEPT_PREFIXES:
            for key in await asyncio.to_thread(lambda prefix=prefix: list(self._objects.keys(prefix))):  # type: ignore[misc]
                if not await self.is_needed(key, grace):
                    await asyncio.to_thread(self._objects.delete, key)
                    deleted += 1
        if deleted:
            log.info("orphans.deleted", objects=deleted)

    async def is_needed(self, key: str, grace: datetime.timedelta) -> bool:
        """Return whether a photo or a result has a row, or is so young that it may still get one."""
        return stored_at(key) > utc_now() - grace or await self._store.refers_to(key)


def stored_at(key: str) -> datetime.datetime:
    """Return when an object was stored, or a little earlier: the last UUIDv7 in its key tells."""
    return timestamp_of(key.rpartition("/")[2].partition(".")[0][-36:])
