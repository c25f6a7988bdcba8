"""Ports of the use cases: stores of templates, pictures and thumbnails."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Protocol

from igemoji_emoji_catalog.domain import model, search
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay


class Emojis(Protocol):
    """Store of templates."""

    async def add(self, emoji: model.Emoji, replay: Replay[model.Emoji] = NO_REPLAY) -> model.Emoji:
        """Add a template and save `replay`; return it with its maker's newest alias. Raises AccountGone."""

    async def batch(self, ids: Sequence[str]) -> dict[str, model.Emoji]:
        """Return the existing ones, by id."""

    async def page(self, request: search.PageRequest) -> model.Page:
        """Return a page of a list."""

    async def favorites_in(self, ids: Sequence[str], user_id: str) -> set[str]:
        """Return the ids that are favorites of a user."""

    async def add_favorite(self, emoji_id: str, viewer: model.Viewer, user: model.Maker, at: datetime.datetime) -> None:
        """Add a favorite. Idempotent. Raises EmojiNotFound, AccountGone."""

    async def remove_favorite(self, emoji_id: str, user_id: str) -> None:
        """Remove a favorite. Idempotent."""

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        """Set use counts by id; unknown ids are skipped."""

    async def change(self, emoji_id: str, changes: model.Changes, by: str, etag: str) -> model.Emoji:
        """Apply changes. Raises EmojiNotFound, NotYourEmoji, and EditConflict if the etag is given and outdated."""

    async def remove(self, emoji_id: str, by: str | None) -> None:
        """Delete a template, for its owner or (None) for an operator, and have the ranking forget it.

        Raises EmojiNotFound, NotYourEmoji.
        """

    async def report(self, emoji_id: str, viewer: model.Viewer, user: model.Maker, report: model.Report) -> None:
        """Add a report, once per user and template. Raises EmojiNotFound, AccountGone."""

    async def reported(self, decided: bool, after: model.Position | None, limit: int) -> list[model.ReportedEmoji]:
        """Return reported templates, the longest waiting first."""

    async def set_hidden(self, emoji_id: str, hidden: bool) -> None:
        """Hide or restore a template, close its reports and notify the ranking. Raises EmojiNotFound."""

    async def rename_maker(self, maker: model.Maker, at: datetime.datetime) -> None:
        """Change the alias on all templates of a maker, unless a newer one is known."""

    async def remove_user(self, user_id: str, at: datetime.datetime) -> None:
        """Delete all data of a user, have the ranking forget it, and refuse new data of theirs."""

    async def built_in_sources(self) -> dict[str, str]:
        """Return `BuiltInTemplate.source` of the stored built-in templates, by id."""

    async def put_built_in(self, emoji: model.Emoji, source: str) -> None:
        """Add or replace a built-in template; replicas may do so at the same time."""


class Pictures(Protocol):
    """Store of pictures, by digest."""

    async def put(self, picture: model.Picture) -> None:
        """Store a picture."""

    async def get(self, digest: str) -> bytes:
        """Return a picture's PNG. Raises ObjectMissing."""

    async def exists(self, digest: str) -> bool:
        """Return whether a picture is stored."""

    def link(self, digest: str, *, is_public: bool) -> str | None:
        """Return a presigned URL, valid for an hour if the picture is public, else for a minute; None without S3."""


class Thumbnails(Protocol):
    """Thumbnails of pictures."""

    async def get(self, digest: str, width: int) -> model.Thumbnail:
        """Return a thumbnail. Raises ObjectMissing."""
