"""Record uses and rank templates."""

import datetime
from dataclasses import dataclass, replace
from typing import Generic

from igemoji_ranking.domain.errors import NamesUnavailable
from igemoji_ranking.domain.model import Use, UseCount, Window, plausible, ranked
from igemoji_ranking.usecases.ports import Catalog, Now, TemplateT_co, UseCountStore

SPARE = 10
"""Templates read beyond the limit, in case the catalog has deleted some."""


@dataclass(frozen=True)
class Ranking(Generic[TemplateT_co]):
    """Counts uses and ranks templates by them."""

    _counts: UseCountStore
    _catalog: Catalog[TemplateT_co]
    _now: Now

    async def record(self, use: Use) -> None:
        """Count a use. Idempotent per task id."""
        await self._counts.record(replace(use, used_at=plausible(use.used_at, self._now())), self._today())

    async def forget(self, emoji_id: str) -> None:
        """Remove a template for good."""
        await self._counts.forget(emoji_id)
        self._catalog.forget(emoji_id)

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        """Show or hide a template; revisions that are older than the known one are ignored."""
        await self._counts.set_shown(emoji_id, shown, revision)
        self._catalog.invalidate(emoji_id)

    async def delete_user_data(self, user_id: str) -> None:
        """Remove the uses of a user for good."""
        await self._counts.remove_user(user_id)

    async def top(self, window: Window, limit: int) -> list[tuple[int, TemplateT_co, int]]:
        """Return the `limit` templates used most that still exist, each as rank, template and uses.

        Raises NamesUnavailable.
        """
        today = self._today()
        known: dict[str, tuple[UseCount, TemplateT_co]] = {}
        page_size, offset = limit + SPARE, 0
        while len(known) < limit:
            page = await self._counts.top(window, today, page_size, offset)
            lookup = await self._catalog.look_up([count.emoji_id for count in page])
            for count in page:
                if count.emoji_id in lookup.found:
                    known.setdefault(count.emoji_id, (count, lookup.found[count.emoji_id]))
            if not lookup.complete and not known:
                raise NamesUnavailable
            if len(page) < page_size or not lookup.complete:
                break
            offset += page_size
        shown = list(known.values())[:limit]
        ranks = ranked([count for count, _ in shown])
        return [(rank, template, count.uses) for (rank, count), (_, template) in zip(ranks, shown, strict=True)]

    def _today(self) -> datetime.date:
        return self._now().astimezone(datetime.UTC).date()
