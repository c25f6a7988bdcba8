"""What the use cases need from outside: places that keep templates and pictures."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Protocol

from igemoji_emoji_catalog.domain.model import (
    After,
    Changes,
    Emoji,
    Maker,
    Page,
    Picture,
    Report,
    Reported,
    SmallCopy,
    Viewer,
)
from igemoji_emoji_catalog.domain.search import Wanted


class Emojis(Protocol):
    """Keeps templates."""

    async def add(self, emoji: Emoji) -> Emoji:
        """Returns it with the newest name of its maker. Raises AccountGone."""

    async def get(self, emoji_id: str) -> Emoji | None: ...

    async def batch(self, ids: Sequence[str]) -> dict[str, Emoji]:
        """Those that there are, by id."""

    async def page(self, wanted: Wanted) -> Page: ...

    async def favorites_among(self, ids: Sequence[str], user_id: str) -> set[str]:
        """Which templates are favourites of a user."""

    async def add_favorite(self, emoji_id: str, viewer: Viewer, user: Maker, at: datetime.datetime) -> None:
        """Once, however often. Raises EmojiNotFound, AccountGone."""

    async def remove_favorite(self, emoji_id: str, user_id: str) -> None: ...

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        """By id; those that are gone are left out."""

    async def change(self, emoji_id: str, changes: Changes, by: str, etag: str) -> Emoji:
        """Raises EmojiNotFound, NotYourEmoji, and EditConflict where the etag is given and not the present one."""

    async def remove(self, emoji_id: str, by: str | None) -> None:
        """Takes a template away and sees that the ranking forgets it; None: an operator does.

        Raises EmojiNotFound, NotYourEmoji.
        """

    async def report(self, emoji_id: str, viewer: Viewer, user: Maker, report: Report) -> None:
        """Once, however often. Raises EmojiNotFound, AccountGone."""

    async def reported(self, decided: bool, after: After | None, limit: int) -> list[Reported]:
        """The longest waiting first."""

    async def set_hidden(self, emoji_id: str, hidden: bool) -> None:
        """Also closes its reports, and tells the ranking. Raises EmojiNotFound."""

    async def rename_maker(self, maker: Maker, at: datetime.datetime) -> None:
        """On all their templates, unless a newer name is known."""

    async def remove_user(self, user_id: str, at: datetime.datetime) -> None:
        """Removes all that is theirs, and sees that the ranking forgets it; they can't add anything after that."""

    async def built_in_sources(self) -> dict[str, str]:
        """What the stored built-in templates were made from (`BuiltIn.source`), by id."""

    async def put_built_in(self, emoji: Emoji, source: str) -> None:
        """Adds a built-in template or replaces it, whoever else does the same."""


class Pictures(Protocol):
    """Keeps pictures under their digest."""

    async def put(self, picture: Picture) -> None: ...

    async def get(self, digest: str) -> bytes:
        """Raises ObjectMissing."""

    async def exists(self, digest: str) -> bool: ...

    def link(self, digest: str, *, for_all: bool) -> str | None:
        """Where a browser may fetch a picture by itself for some time: a minute, or an hour where all may see it."""


class Copies(Protocol):
    """Has smaller copies of pictures."""

    async def get(self, digest: str, width: int) -> SmallCopy:
        """Raises ObjectMissing."""
