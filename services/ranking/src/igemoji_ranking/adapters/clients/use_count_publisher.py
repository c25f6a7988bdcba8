"""Tells the catalogue how often templates were used, in batches, so that it can sort by that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_mesh.observability.logging import log

BATCH = 500
TIMEOUT_SECONDS = 5.0


class Untold(Protocol):
    """Knows which totals have changed since the catalogue was told."""

    async def untold(self, limit: int) -> dict[str, int]:
        """Uses ever, by template."""

    async def told(self, uses_by_id: Mapping[str, int]) -> None:
        """The catalogue knows these. What has changed again meanwhile stays untold."""


class TotalsTeller:
    def __init__(self, totals: Untold, update_use_counts: Callable[..., Awaitable[object]], every: float) -> None:
        """
        Args:
            totals: What there is to tell.
            update_use_counts: UpdateUseCounts of a stub.
            every: Seconds between two looks.
        """
        self._totals = totals
        self._update_use_counts = update_use_counts
        self._every = every

    async def run(self) -> None:
        """Tells for as long as the service runs."""
        while True:
            while await self._tell_some() == BATCH:
                pass
            await asyncio.sleep(self._every)

    async def _tell_some(self) -> int:
        """Returns how many totals the catalogue was told of."""
        changed = await self._totals.untold(BATCH)
        if not changed:
            return 0
        counts = [pb.UseCount(emoji_id=emoji_id, uses=uses) for emoji_id, uses in changed.items()]
        try:
            await self._update_use_counts(pb.UpdateUseCountsRequest(counts=counts), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("the catalogue was not told of uses", code=error.code().name, details=error.details())
            return 0
        await self._totals.told(changed)
        return len(changed)
