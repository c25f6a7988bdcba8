"""Publish use counts to the catalog, which sorts templates by them."""

import asyncio

from igemoji_ranking.usecases.ports import Catalog, UseCountStore

BATCH = 500


async def publish_use_counts(counts: UseCountStore, catalog: Catalog[object], interval_seconds: float) -> None:
    """Publish changed totals in batches, at an interval."""
    while True:
        totals = await counts.pending_totals(BATCH)
        if totals and await catalog.update_use_counts(totals):
            await counts.mark_published(totals)
            if len(totals) == BATCH:
                continue
        await asyncio.sleep(interval_seconds)
