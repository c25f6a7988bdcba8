"""Publish use counts to the catalog, which sorts templates by them."""

import asyncio
from dataclasses import dataclass

from igemoji_ranking.usecases.ports import Catalog, UseCountStore

BATCH = 500


@dataclass(frozen=True)
class UseCountPublisher:
    """Publishes changed totals in batches."""

    _counts: UseCountStore
    _catalog: Catalog[object]
    _interval_seconds: float

    async def run(self) -> None:
        """Publish at an interval."""
        while True:
            while await self._publish_batch() == BATCH:
                pass
            await asyncio.sleep(self._interval_seconds)

    async def _publish_batch(self) -> int:
        """Return the number of published totals."""
        totals = await self._counts.pending_totals(BATCH)
        if not totals or not await self._catalog.update_use_counts(totals):
            return 0
        await self._counts.mark_published(totals)
        return len(totals)
