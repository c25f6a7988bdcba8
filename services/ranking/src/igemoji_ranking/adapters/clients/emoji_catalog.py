"""Names and pictures from the emoji_catalog service, remembered for a while."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import counter
from igemoji_ranking.usecases.ranking import Names

CACHE = counter("igemoji_cache_total")
TIMEOUT_SECONDS = 2.0
QUIET_SECONDS = 1.0
"""After no answer nothing is asked for so long: callers need not all wait for the next timeout."""
MAX_REMEMBERED = 2000


@dataclass(frozen=True)
class _Remembered:
    emoji: pb.Emoji | None
    """None: the catalogue has no such template."""
    at: float


class RememberingCatalogue:
    """Asks the catalogue for what it has not heard lately, and lives on what it remembers while there is no answer."""

    def __init__(
        self,
        batch_get: Callable[..., Awaitable[pb.BatchGetEmojisResponse]],
        fresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            batch_get: BatchGetEmojis of a stub.
            fresh_seconds: How long an answer is good.
            clock: Seconds from any beginning.
        """
        self._batch_get = batch_get
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._quiet_until = float("-inf")

    async def look_up(self, ids: Sequence[str]) -> Names:
        stale = [emoji_id for emoji_id in ids if not self._is_fresh(emoji_id)]
        CACHE.labels("template names", "hit").inc(len(ids) - len(stale))
        CACHE.labels("template names", "miss").inc(len(stale))
        answered = not stale or await self._ask(stale)
        found = {
            emoji_id: known.emoji
            for emoji_id in ids
            if (known := self._remembered.get(emoji_id)) is not None and known.emoji is not None
        }
        return Names(found, answered)

    def forget(self, emoji_id: str) -> None:
        self._remember(emoji_id, None)

    def ask_again(self, emoji_id: str) -> None:
        self._remembered.pop(emoji_id, None)

    def _is_fresh(self, emoji_id: str) -> bool:
        known = self._remembered.get(emoji_id)
        return known is not None and self._clock() < known.at + self._fresh_seconds

    async def _ask(self, ids: list[str]) -> bool:
        """Returns whether there was an answer."""
        if self._clock() < self._quiet_until:
            return False
        try:
            answer = await self._batch_get(pb.BatchGetEmojisRequest(ids=ids), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.warning("the catalogue does not answer", code=error.code().name, details=error.details())
            self._quiet_until = self._clock() + QUIET_SECONDS
            return False
        found = {emoji.id: emoji for emoji in answer.emojis}
        for emoji_id in ids:
            self._remember(emoji_id, found.get(emoji_id))
        return True

    def _remember(self, emoji_id: str, emoji: pb.Emoji | None) -> None:
        self._remembered[emoji_id] = _Remembered(emoji, self._clock())
        self._remembered.move_to_end(emoji_id)
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
