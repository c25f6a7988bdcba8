"""Client of emoji_catalog with a cache of templates."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji_mesh.observability import metrics
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import counter
from igemoji_ranking.usecases.ports import Lookup

CACHE = counter(metrics.CACHE)
LOOKUP_TIMEOUT_SECONDS = 2.0
UPDATE_TIMEOUT_SECONDS = 5.0
COOLDOWN_SECONDS = 1.0
"""After a failure the catalog is not called for this long, so that callers don't all wait for the timeout."""
CACHE_SIZE = 2000


@dataclass(frozen=True)
class _Cached:
    emoji: pb.Emoji | None
    """None: the catalog has no such template."""
    at: float


class CachingCatalogClient:
    """Reads templates; uses stale ones while the catalog does not answer. Publishes use counts."""

    def __init__(
        self, channel: grpc.aio.Channel, fresh_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`fresh_seconds`: how long a template is used from the cache."""
        self._stub = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channel)
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._cache: OrderedDict[str, _Cached] = OrderedDict()
        self._cooldown_until = float("-inf")

    async def look_up(self, ids: Sequence[str]) -> Lookup[pb.Emoji]:
        """Return templates, from the cache while it is fresh or the catalog does not answer."""
        stale = [emoji_id for emoji_id in ids if not self._is_fresh(emoji_id)]
        CACHE.labels("template names", "hit").inc(len(ids) - len(stale))
        CACHE.labels("template names", "miss").inc(len(stale))
        complete = not stale or await self._fetch(stale)
        found = {
            emoji_id: cached.emoji
            for emoji_id in ids
            if (cached := self._cache.get(emoji_id)) is not None and cached.emoji is not None
        }
        return Lookup(found, complete)

    def forget(self, emoji_id: str) -> None:
        """Cache that a template is deleted."""
        self._put(emoji_id, None)

    def invalidate(self, emoji_id: str) -> None:
        """Remove a template from the cache."""
        self._cache.pop(emoji_id, None)

    async def update_use_counts(self, totals: Mapping[str, int]) -> bool:
        """Publish totals by template; return False if the catalog did not answer."""
        counts = [pb.UseCount(emoji_id=emoji_id, uses=uses) for emoji_id, uses in totals.items()]
        try:
            await self._stub.UpdateUseCounts(pb.UpdateUseCountsRequest(counts=counts), timeout=UPDATE_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("use_counts.not_published", code=error.code().name, details=error.details())
            return False
        return True

    def _is_fresh(self, emoji_id: str) -> bool:
        cached = self._cache.get(emoji_id)
        return cached is not None and self._clock() < cached.at + self._fresh_seconds

    async def _fetch(self, ids: list[str]) -> bool:
        """Return False if the catalog did not answer."""
        if self._clock() < self._cooldown_until:
            return False
        request = pb.BatchGetEmojisRequest(ids=ids)
        try:
            answer = await self._stub.BatchGetEmojis(request, timeout=LOOKUP_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("catalog.unavailable", code=error.code().name, details=error.details())
            self._cooldown_until = self._clock() + COOLDOWN_SECONDS
            return False
        found = {emoji.id: emoji for emoji in answer.emojis}
        for emoji_id in ids:
            self._put(emoji_id, found.get(emoji_id))
        return True

    def _put(self, emoji_id: str, emoji: pb.Emoji | None) -> None:
        self._cache[emoji_id] = _Cached(emoji, self._clock())
        self._cache.move_to_end(emoji_id)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
