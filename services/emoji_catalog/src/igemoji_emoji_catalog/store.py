"""Where templates are kept: the queries behind the ports of `service`."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from igemoji.ranking.v1 import ranking_pb2
from igemoji_emoji_catalog import listing, moderation
from igemoji_emoji_catalog.domain import (
    AccountGone,
    After,
    Changes,
    EditConflict,
    Emoji,
    EmojiNotFound,
    Maker,
    Page,
    Report,
    Reported,
    Viewer,
)
from igemoji_emoji_catalog.search import Wanted, terms_of, text_of
from igemoji_emoji_catalog.tables import emoji_images, emoji_terms, emojis, favorites, makers, released_pictures
from igemoji_mesh.database import Database
from igemoji_mesh.idempotency import keep_answer
from igemoji_mesh.outbox import Outbox

FORGET_EMOJI = "ranking.ForgetEmoji"
SET_EMOJI_SHOWN = "ranking.SetEmojiShown"

REMOVED_AT_ONCE = 50
"""How many templates of a deleted account go in one transaction."""


class EmojiStore:
    """Templates in the database."""

    def __init__(self, database: Database, outbox: Outbox, released: Callable[[], None]) -> None:
        """`released` is called when a template let go of its pictures."""
        self._database = database
        self._outbox = outbox
        self._released = released

    async def add(self, emoji: Emoji) -> Emoji:
        def work(connection: sa.Connection) -> Emoji:
            added = replace(emoji, owner=_present_maker(connection, emoji.owner))
            _insert(connection, added, None)
            if not added.listed:
                self._tell_shown(connection, added)
            keep_answer(connection, added)
            return added

        added = await self._database.write(work)
        self._outbox.wake()
        return added

    async def get(self, emoji_id: str) -> Emoji | None:
        return (await self.batch([emoji_id])).get(emoji_id)

    async def batch(self, ids: Sequence[str]) -> dict[str, Emoji]:
        chosen = sa.select(emojis).where(emojis.c.id.in_(ids))
        found = await self._database.read(lambda connection: _emojis(connection, chosen))
        return {emoji.id: emoji for emoji in found}

    async def page(self, wanted: Wanted) -> Page:
        def work(connection: sa.Connection) -> Page:
            places, total = listing.find(connection, wanted)
            ids = [place.emoji_id for place in places[: wanted.size]]
            found = {emoji.id: emoji for emoji in _emojis(connection, sa.select(emojis).where(emojis.c.id.in_(ids)))}
            after = places[wanted.size - 1] if len(places) > wanted.size else None
            page = [found[emoji_id] for emoji_id in ids]
            return Page(page, min(total, listing.COUNTED), total <= listing.COUNTED, after)

        return await self._database.read(work)

    async def favorites_among(self, ids: Sequence[str], user_id: str) -> set[str]:
        query = sa.select(favorites.c.emoji_id).where(favorites.c.user_id == user_id, favorites.c.emoji_id.in_(ids))
        return set(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def add_favorite(self, emoji_id: str, viewer: Viewer, user: Maker, at: datetime.datetime) -> None:
        def work(connection: sa.Connection) -> None:
            _present_maker(connection, user)
            if not _locked(connection, emoji_id).is_visible_to(viewer):
                raise EmojiNotFound("There is no such template.")
            if connection.execute(_favorite(emoji_id, user.id)).first() is None:
                connection.execute(favorites.insert().values(emoji_id=emoji_id, user_id=user.id, marked_at=at))
                _count_favorites(connection, emoji_id, 1)

        await self._database.write(work)

    async def remove_favorite(self, emoji_id: str, user_id: str) -> None:
        await self._database.write(lambda connection: _remove_favorite(connection, emoji_id, user_id))

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        def work(connection: sa.Connection) -> None:
            for emoji_id, uses in sorted(counts.items()):
                connection.execute(emojis.update().where(emojis.c.id == emoji_id).values(uses=uses))

        await self._database.write(work)

    async def remove(self, emoji_id: str, by: str | None) -> None:
        def work(connection: sa.Connection) -> None:
            emoji = _locked(connection, emoji_id)
            if by is not None:
                emoji.check_owned(by)
            self._delete(connection, emoji)

        await self._database.write(work)
        self._outbox.wake()
        self._released()

    async def change(self, emoji_id: str, changes: Changes, by: str, etag: str) -> Emoji:
        def work(connection: sa.Connection) -> Emoji:
            before = _locked(connection, emoji_id)
            before.check_owned(by)
            if etag and etag != before.etag:
                raise EditConflict("The template was changed meanwhile. Read it again and make your changes to that.")
            after = changes.made_to(before)
            self._write_over(connection, before, after)
            return after

        changed = await self._database.write(work)
        self._outbox.wake()
        self._released()
        return changed

    async def report(self, emoji_id: str, viewer: Viewer, user: Maker, report: Report) -> None:
        def work(connection: sa.Connection) -> None:
            _present_maker(connection, user)
            if not _locked(connection, emoji_id).is_visible_to(viewer):
                raise EmojiNotFound("There is no such template.")
            moderation.add(connection, emoji_id, user.id, report)

        await self._database.write(work)

    async def reported(self, decided: bool, after: After | None, limit: int) -> list[Reported]:
        def work(connection: sa.Connection) -> list[Reported]:
            cases = moderation.queue(connection, decided, after, limit)
            ids = [emoji_id for emoji_id, _, _ in cases]
            found = {emoji.id: emoji for emoji in _emojis(connection, sa.select(emojis).where(emojis.c.id.in_(ids)))}
            newest = moderation.newest(connection, ids)
            return [Reported(found[case[0]], case[1], newest[case[0]], case[2]) for case in cases]

        return await self._database.read(work)

    async def set_hidden(self, emoji_id: str, hidden: bool) -> None:
        def work(connection: sa.Connection) -> None:
            before = _locked(connection, emoji_id)
            if hidden != before.hidden:
                self._write_over(connection, before, replace(before, hidden=hidden, revision=before.revision + 1))
            moderation.close(connection, emoji_id)

        await self._database.write(work)
        self._outbox.wake()

    async def rename_maker(self, maker: Maker, at: datetime.datetime) -> None:
        def work(connection: sa.Connection) -> None:
            known = connection.execute(_maker(maker.id)).one_or_none()
            if known is None:
                connection.execute(makers.insert().values(id=maker.id, alias=maker.alias, renamed_at=at, gone=False))
            elif known.gone or known.renamed_at > at:
                return
            else:
                renamed = makers.update().where(makers.c.id == maker.id)
                connection.execute(renamed.values(alias=maker.alias, renamed_at=at))
            for before in _emojis(connection, sa.select(emojis).where(emojis.c.owner_id == maker.id)):
                after = replace(before, owner=maker)
                connection.execute(emojis.update().where(emojis.c.id == before.id).values(_columns(after)))
                _index(connection, before, after)

        await self._database.write(work)

    async def remove_user(self, user_id: str, at: datetime.datetime) -> None:
        def mark(connection: sa.Connection) -> None:
            if connection.execute(_maker(user_id)).one_or_none() is None:
                connection.execute(makers.insert().values(id=user_id, alias="", renamed_at=at, gone=True))
            else:
                connection.execute(makers.update().where(makers.c.id == user_id).values(alias="", gone=True))

        def remove_some(connection: sa.Connection) -> int:
            theirs = sa.select(emojis).where(emojis.c.owner_id == user_id).order_by(emojis.c.created_at, emojis.c.id)
            found = _emojis(connection, theirs.limit(REMOVED_AT_ONCE).with_for_update())
            for emoji in found:
                self._delete(connection, emoji)
            return len(found)

        def remove_some_favorites(connection: sa.Connection) -> int:
            theirs = sa.select(favorites.c.emoji_id).where(favorites.c.user_id == user_id).limit(REMOVED_AT_ONCE)
            found = connection.execute(theirs.with_for_update()).scalars().all()
            for emoji_id in found:
                _remove_favorite(connection, emoji_id, user_id)
            return len(found)

        def remove_some_reports(connection: sa.Connection) -> int:
            return moderation.remove_some_of(connection, user_id, REMOVED_AT_ONCE)

        await self._database.write(mark)  # from now on nothing is added
        for some in (remove_some, remove_some_favorites, remove_some_reports):
            while await self._database.write(some) == REMOVED_AT_ONCE:
                pass
        self._outbox.wake()
        self._released()

    async def built_in_sources(self) -> dict[str, str]:
        query = sa.select(emojis.c.id, emojis.c.source).where(emojis.c.source.is_not(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.source for row in rows}

    async def put_built_in(self, emoji: Emoji, source: str) -> None:
        def work(connection: sa.Connection) -> None:
            try:
                with connection.begin_nested():
                    _insert(connection, emoji, source)
            except sa.exc.IntegrityError:  # it is there: from an earlier start, or another replica was first
                _replace(connection, emoji, source)

        await self._database.write(work)
        self._released()

    def _write_over(self, connection: sa.Connection, before: Emoji, after: Emoji) -> None:
        connection.execute(emojis.update().where(emojis.c.id == before.id).values(_columns(after)))
        _index(connection, before, after)
        if after.digests != before.digests:
            _release_pictures(connection, before)
            _insert_images(connection, after)
        if after.listed != before.listed:
            self._tell_shown(connection, after)

    def _tell_shown(self, connection: sa.Connection, emoji: Emoji) -> None:
        message = ranking_pb2.SetEmojiShownRequest(emoji_id=emoji.id, shown=emoji.listed, revision=emoji.revision)
        self._outbox.add(connection, SET_EMOJI_SHOWN, message)

    def _delete(self, connection: sa.Connection, emoji: Emoji) -> None:
        _release_pictures(connection, emoji)
        _index(connection, emoji, None)
        moderation.remove(connection, emoji.id)
        connection.execute(favorites.delete().where(favorites.c.emoji_id == emoji.id))
        connection.execute(emojis.delete().where(emojis.c.id == emoji.id))
        self._outbox.add(connection, FORGET_EMOJI, ranking_pb2.ForgetEmojiRequest(emoji_id=emoji.id))


def _emojis(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Emoji]:
    """The templates of a query on `emojis`, in its order, with the pictures of all of them in one more query."""
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    digests: dict[str, dict[str, str]] = {emoji_id: {} for emoji_id in ids}
    for image in connection.execute(sa.select(emoji_images).where(emoji_images.c.emoji_id.in_(ids))):
        digests[image.emoji_id][image.expression] = image.digest
    return [
        Emoji(
            row.id,
            row.name,
            Maker(row.owner_id, row.owner_alias),
            digests[row.id],
            row.created_at,
            row.built_in,
            tuple(row.tags.split("\n")) if row.tags else (),
            row.visibility,
            row.hidden,
            row.revision,
            row.uses,
            row.favorites,
        )
        for row in rows
    ]


def _locked(connection: sa.Connection, emoji_id: str) -> Emoji:
    """Raises EmojiNotFound."""
    found = _emojis(connection, sa.select(emojis).where(emojis.c.id == emoji_id).with_for_update())
    if not found:
        raise EmojiNotFound("There is no such template.")
    return found[0]


def _maker(user_id: str) -> sa.Select[tuple[str, str, datetime.datetime, bool]]:
    """What is known of a maker, locked: who renames or removes them waits for what is being added, or is seen by it."""
    columns = makers.c
    chosen = sa.select(columns.id, columns.alias, columns.renamed_at, columns.gone).where(columns.id == user_id)
    return chosen.with_for_update()


def _present_maker(connection: sa.Connection, maker: Maker) -> Maker:
    """The maker by the newest name. Raises AccountGone."""
    known = connection.execute(_maker(maker.id)).one_or_none()
    if known is None:
        return maker
    if known.gone:
        raise AccountGone("This account was deleted.")
    return Maker(maker.id, known.alias)


def _insert(connection: sa.Connection, emoji: Emoji, source: str | None) -> None:
    connection.execute(emojis.insert().values(_columns(emoji) | {"source": source, "uses": 0, "favorites": 0}))
    _insert_images(connection, emoji)
    _index(connection, None, emoji)


def _replace(connection: sa.Connection, emoji: Emoji, source: str) -> None:
    before = _locked(connection, emoji.id)
    after = replace(emoji, hidden=before.hidden, revision=before.revision + 1)
    connection.execute(emojis.update().where(emojis.c.id == emoji.id).values(_columns(after) | {"source": source}))
    _index(connection, before, after)
    _release_pictures(connection, before)
    _insert_images(connection, after)


def _index(connection: sa.Connection, before: Emoji | None, after: Emoji | None) -> None:
    """Has searches find what a template is now. None: it is not there."""
    old, new = (terms_of(emoji) if emoji is not None and emoji.listed else set() for emoji in (before, after))
    emoji = after or before
    if emoji is None:
        return
    gone, added = old - new, new - old
    if gone:
        terms = emoji_terms.c.term.in_(gone)
        connection.execute(emoji_terms.delete().where(emoji_terms.c.emoji_id == emoji.id, terms))
    if added:
        connection.execute(emoji_terms.insert(), [{"term": term, "emoji_id": emoji.id} for term in sorted(added)])


def _favorite(emoji_id: str, user_id: str) -> sa.Select[tuple[str]]:
    same = (favorites.c.user_id == user_id, favorites.c.emoji_id == emoji_id)
    return sa.select(favorites.c.emoji_id).where(*same).with_for_update()


def _remove_favorite(connection: sa.Connection, emoji_id: str, user_id: str) -> None:
    same = (favorites.c.user_id == user_id, favorites.c.emoji_id == emoji_id)
    if connection.execute(favorites.delete().where(*same)).rowcount:
        _count_favorites(connection, emoji_id, -1)


def _count_favorites(connection: sa.Connection, emoji_id: str, change: int) -> None:
    counted = emojis.update().where(emojis.c.id == emoji_id)
    connection.execute(counted.values(favorites=emojis.c.favorites + change))


def _insert_images(connection: sa.Connection, emoji: Emoji) -> None:
    images = [
        {"emoji_id": emoji.id, "expression": expression, "digest": digest}
        for expression, digest in emoji.digests.items()
    ]
    connection.execute(emoji_images.insert(), images)


def _release_pictures(connection: sa.Connection, emoji: Emoji) -> None:
    connection.execute(emoji_images.delete().where(emoji_images.c.emoji_id == emoji.id))
    digests = set(emoji.digests.values())
    known = sa.select(released_pictures.c.digest).where(released_pictures.c.digest.in_(digests)).with_for_update()
    new = digests - set(connection.execute(known).scalars())
    if new:
        connection.execute(released_pictures.insert(), [{"digest": digest} for digest in sorted(new)])


def _columns(emoji: Emoji) -> dict[str, object]:
    return {
        "id": emoji.id,
        "name": emoji.name,
        "owner_id": emoji.owner.id,
        "owner_alias": emoji.owner.alias,
        "built_in": emoji.built_in,
        "etag": emoji.etag,
        "created_at": emoji.created_at,
        "tags": "\n".join(emoji.tags),
        "visibility": emoji.visibility,
        "hidden": emoji.hidden,
        "listed": emoji.listed,
        "revision": emoji.revision,
        "search_text": text_of(emoji),
    }
