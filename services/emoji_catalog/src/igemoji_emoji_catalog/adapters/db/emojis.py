"""Templates in the database: the port `Emojis`, one transaction per method."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from igemoji.ranking.v1 import ranking_pb2
from igemoji_emoji_catalog.adapters.db import emoji_rows, listing, makers, reports
from igemoji_emoji_catalog.adapters.db.tables import emojis, favorites
from igemoji_emoji_catalog.domain import model
from igemoji_emoji_catalog.domain.search import PageRequest
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay

FORGET_EMOJI = "ranking.ForgetEmoji"
SET_EMOJI_SHOWN = "ranking.SetEmojiShown"

DELETE_BATCH = 50
"""Rows of a deleted account that are removed in one transaction."""


class EmojiStore:
    """Store of templates; see the port `Emojis`."""

    def __init__(self, database: Database, outbox: OutboxWriter, released: Callable[[], None]) -> None:
        """Keep templates in `database`; `released` is called after a template released pictures."""
        self._database = database
        self._outbox = outbox
        self._released = released
        self._totals = listing.TotalCache()

    async def add(self, emoji: model.Emoji, replay: Replay[model.Emoji] = NO_REPLAY) -> model.Emoji:
        def work(connection: sa.Connection) -> model.Emoji:
            added = replace(emoji, owner=makers.existing_maker(connection, emoji.owner))
            emoji_rows.insert(connection, added, None)
            if not added.listed:
                self._publish_visibility(connection, added)
            replay.save(connection, added)
            return added

        return await self._database.write(work)

    async def batch(self, ids: Sequence[str]) -> dict[str, model.Emoji]:
        return await self._database.read(lambda connection: emoji_rows.by_id(connection, ids))

    async def page(self, request: PageRequest) -> model.Page:
        def work(connection: sa.Connection) -> model.Page:
            positions, total = listing.find(connection, request, self._totals)
            ids = [position.emoji_id for position in positions[: request.size]]
            found = emoji_rows.by_id(connection, ids)
            after = positions[request.size - 1] if len(positions) > request.size else None
            page = [found[emoji_id] for emoji_id in ids]
            return model.Page(page, min(total, listing.MAX_COUNTED), total <= listing.MAX_COUNTED, after)

        return await self._database.read(work)

    async def favorites_in(self, ids: Sequence[str], user_id: str) -> set[str]:
        query = sa.select(favorites.c.emoji_id).where(favorites.c.user_id == user_id, favorites.c.emoji_id.in_(ids))
        return set(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def add_favorite(self, emoji_id: str, viewer: model.Viewer, user: model.Maker, at: datetime.datetime) -> None:
        def work(connection: sa.Connection) -> None:
            makers.existing_maker(connection, user)
            if not emoji_rows.locked(connection, emoji_id).is_visible_to(viewer):
                raise model.EmojiNotFound("There is no such template.")
            makers.add_favorite(connection, emoji_id, user.id, at)

        await self._database.write(work)

    async def remove_favorite(self, emoji_id: str, user_id: str) -> None:
        await self._database.write(lambda connection: makers.remove_favorite(connection, emoji_id, user_id))

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        def work(connection: sa.Connection) -> None:
            for emoji_id, uses in sorted(counts.items()):
                connection.execute(emojis.update().where(emojis.c.id == emoji_id).values(uses=uses))

        await self._database.write(work)

    async def remove(self, emoji_id: str, by: str | None) -> None:
        def work(connection: sa.Connection) -> None:
            emoji = emoji_rows.locked(connection, emoji_id)
            if by is not None:
                emoji.check_owned(by)
            self._delete(connection, emoji)

        await self._database.write(work)
        self._released()

    async def change(self, emoji_id: str, changes: model.Changes, by: str, etag: str) -> model.Emoji:
        def work(connection: sa.Connection) -> model.Emoji:
            before = emoji_rows.locked(connection, emoji_id)
            before.check_owned(by)
            if etag and etag != before.etag:
                raise model.EditConflict("The template was changed by someone else. Reload it and try again.")
            after = changes.apply_to(before)
            self._update(connection, before, after)
            return after

        changed = await self._database.write(work)
        self._released()
        return changed

    async def report(self, emoji_id: str, viewer: model.Viewer, user: model.Maker, report: model.Report) -> None:
        def work(connection: sa.Connection) -> None:
            makers.existing_maker(connection, user)
            if not emoji_rows.locked(connection, emoji_id).is_visible_to(viewer):
                raise model.EmojiNotFound("There is no such template.")
            reports.add(connection, emoji_id, user.id, report)

        await self._database.write(work)

    async def reported(self, decided: bool, after: model.Position | None, limit: int) -> list[model.ReportedEmoji]:
        def work(connection: sa.Connection) -> list[model.ReportedEmoji]:
            cases = reports.queue(connection, decided, after, limit)
            ids = [emoji_id for emoji_id, _, _ in cases]
            found = emoji_rows.by_id(connection, ids)
            newest = reports.newest(connection, ids)
            return [model.ReportedEmoji(found[case[0]], case[1], newest[case[0]], case[2]) for case in cases]

        return await self._database.read(work)

    async def set_hidden(self, emoji_id: str, hidden: bool) -> None:
        def work(connection: sa.Connection) -> None:
            before = emoji_rows.locked(connection, emoji_id)
            if hidden != before.hidden:
                self._update(connection, before, replace(before, hidden=hidden, revision=before.revision + 1))
            reports.close(connection, emoji_id)

        await self._database.write(work)

    async def rename_maker(self, maker: model.Maker, at: datetime.datetime) -> None:
        def work(connection: sa.Connection) -> None:
            if not makers.rename(connection, maker, at):
                return
            for before in emoji_rows.emojis_of(connection, sa.select(emojis).where(emojis.c.owner_id == maker.id)):
                after = replace(before, owner=maker)
                connection.execute(emojis.update().where(emojis.c.id == before.id).values(emoji_rows.columns_of(after)))
                emoji_rows.index(connection, before, after)

        await self._database.write(work)

    async def remove_user(self, user_id: str, at: datetime.datetime) -> None:
        def remove_some(connection: sa.Connection) -> int:
            theirs = sa.select(emojis).where(emojis.c.owner_id == user_id).order_by(emojis.c.created_at, emojis.c.id)
            found = emoji_rows.emojis_of(connection, theirs.limit(DELETE_BATCH).with_for_update())
            for emoji in found:
                self._delete(connection, emoji)
            return len(found)

        # Refuse new data first.
        await self._database.write(lambda connection: makers.mark_deleted(connection, user_id, at))
        remove_favorites = partial(makers.remove_some_favorites, user_id=user_id, limit=DELETE_BATCH)
        remove_reports = partial(reports.remove_some_of, user_id=user_id, limit=DELETE_BATCH)
        for some in (remove_some, remove_favorites, remove_reports):
            while await self._database.write(some) == DELETE_BATCH:
                pass
        self._released()

    async def built_in_sources(self) -> dict[str, str]:
        query = sa.select(emojis.c.id, emojis.c.source).where(emojis.c.source.is_not(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.source for row in rows}

    async def put_built_in(self, emoji: model.Emoji, source: str) -> None:
        def work(connection: sa.Connection) -> None:
            try:
                with connection.begin_nested():
                    emoji_rows.insert(connection, emoji, source)
            except sa.exc.IntegrityError:  # it exists: from an earlier start, or another replica was first
                emoji_rows.overwrite(connection, emoji, source)

        await self._database.write(work)
        self._released()

    def _update(self, connection: sa.Connection, before: model.Emoji, after: model.Emoji) -> None:
        connection.execute(emojis.update().where(emojis.c.id == before.id).values(emoji_rows.columns_of(after)))
        emoji_rows.index(connection, before, after)
        if after.digests != before.digests:
            emoji_rows.release_pictures(connection, before)
            emoji_rows.insert_images(connection, after)
        if after.listed != before.listed:
            self._publish_visibility(connection, after)

    def _publish_visibility(self, connection: sa.Connection, emoji: model.Emoji) -> None:
        message = ranking_pb2.SetEmojiShownRequest(emoji_id=emoji.id, shown=emoji.listed, revision=emoji.revision)
        self._outbox.add(connection, SET_EMOJI_SHOWN, message)

    def _delete(self, connection: sa.Connection, emoji: model.Emoji) -> None:
        emoji_rows.release_pictures(connection, emoji)
        emoji_rows.index(connection, emoji, None)
        reports.remove(connection, emoji.id)
        connection.execute(favorites.delete().where(favorites.c.emoji_id == emoji.id))
        connection.execute(emojis.delete().where(emojis.c.id == emoji.id))
        self._outbox.add(connection, FORGET_EMOJI, ranking_pb2.ForgetEmojiRequest(emoji_id=emoji.id))
