"""Publish use counts to the catalog, which sorts templates by them."""

import asyncio

from igemoji_ranking.usecases.ports import Catalog, PendingTotals

BATCH = 500


class UseCountPublisher:
    """Publishes changed totals in batches."""

    def __init__(self, totals: PendingTotals, catalog: Catalog[object], interval_seconds: float) -> None:
        self._totals = totals
        self._catalog = catalog
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Publish every `interval_seconds`."""
        while True:
            while await self._publish_batch() == BATCH:
                pass
            await asyncio.sleep(self._interval_seconds)

    async def _publish_batch(self) -> int:
        """Return the number of published totals."""
        totals = await self._totals.pending_totals(BATCH)
        if not totals or not await self._catalog.update_use_counts(totals):
            return 0
        await self._totals.mark_published(totals)
        return len(totals)
