"""What can be done with the ranking."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from igemoji.emoji_catalog.v1.emoji_catalog_pb2 import Emoji
from igemoji_ranking.domain.model import NamesUnavailable, Standing, Use, Window, plausible, ranked

SPARE = 10
"""How many more templates are looked up than are wanted: the catalogue may have lost some."""


class Counts(Protocol):
    """Keeps who used what on which day."""

    async def record(self, use: Use, today: datetime.date) -> None:
        """Counts a task once, and a user once a template and day."""

    async def forget(self, emoji_id: str) -> None:
        """Takes a template out for good."""

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        """Leaves a template out of `top`, or not, unless something newer is known of it."""

    async def remove_user(self, user_id: str) -> None:
        """Takes the uses of a user out for good."""

    async def top(self, window: Window, today: datetime.date, limit: int, offset: int) -> list[Standing]:
        """Most used first in a window that ends today; equal ones by their first use, then by id."""


@dataclass(frozen=True)
class Names:
    """What the catalogue says of some templates."""

    found: Mapping[str, Emoji]
    """By id, without those that are gone. The messages are handed through as they came."""
    complete: bool
    """False where the catalogue did not answer, and this is what is remembered."""


class Catalogue(Protocol):
    """Knows the templates' names and pictures."""

    async def look_up(self, ids: Sequence[str]) -> Names: ...

    def forget(self, emoji_id: str) -> None: ...

    def ask_again(self, emoji_id: str) -> None:
        """What is remembered of a template holds no more."""


@dataclass(frozen=True)
class Entry:
    rank: int
    emoji: Emoji
    uses: int


class Ranking:
    """The use cases."""

    def __init__(self, counts: Counts, catalogue: Catalogue, now: Callable[[], datetime.datetime]) -> None:
        self._counts = counts
        self._catalogue = catalogue
        self._now = now

    async def record(self, use: Use) -> None:
        """Told twice of a task it counts once."""
        await self._counts.record(replace(use, used_at=plausible(use.used_at, self._now())), self._today())

    async def forget(self, emoji_id: str) -> None:
        await self._counts.forget(emoji_id)
        self._catalogue.forget(emoji_id)

    async def set_shown(self, emoji_id: str, shown: bool, revision: int) -> None:
        """`revision` grows with every change of the template: something older than what is known is not taken."""
        await self._counts.set_shown(emoji_id, shown, revision)
        self._catalogue.ask_again(emoji_id)

    async def delete_user_data(self, user_id: str) -> None:
        """The uses of a user leave the counts, and those told of later don't enter them."""
        await self._counts.remove_user(user_id)

    async def top(self, window: Window, limit: int) -> list[Entry]:
        """The `limit` templates used most that the catalogue still has. Raises NamesUnavailable."""
        today = self._today()
        known: dict[str, tuple[Standing, Emoji]] = {}
        asked, offset = limit + SPARE, 0
        while len(known) < limit:
            standings = await self._counts.top(window, today, asked, offset)
            names = await self._catalogue.look_up([standing.emoji_id for standing in standings])
            for standing in standings:
                if standing.emoji_id in names.found:
                    known.setdefault(standing.emoji_id, (standing, names.found[standing.emoji_id]))
            if not names.complete and not known:
                raise NamesUnavailable("The ranking can't be shown now. Try again in a moment.", retry_after_seconds=2)
            if len(standings) < asked or not names.complete:
                break
            offset += asked
        shown = list(known.values())[:limit]
        ranks = ranked([standing for standing, _ in shown])
        return [Entry(rank, emoji, standing.uses) for (rank, standing), (_, emoji) in zip(ranks, shown, strict=True)]

    def _today(self) -> datetime.date:
        """In UTC."""
        return self._now().astimezone(datetime.UTC).date()
