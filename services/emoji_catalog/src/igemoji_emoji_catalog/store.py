"""Where templates are kept: the tables, and the queries behind the ports of `service`."""

import asyncio
import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from igemoji.ranking.v1 import ranking_pb2
from igemoji_emoji_catalog.domain import AccountGone, Emoji, EmojiNotFound, Maker, Page, Picture
from igemoji_mesh.database import Database, UtcDateTime
from igemoji_mesh.objects import ObjectStore
from igemoji_mesh.outbox import Outbox, outbox_table

FORGET_EMOJI = "ranking.ForgetEmoji"

SWEEP_SECONDS = 60.0
SWEEP_BATCH = 50
REMOVED_AT_ONCE = 50
"""How many templates of a deleted account go in one transaction."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

emojis = sa.Table(
    "emojis",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("owner_id", sa.String(36), nullable=False),
    sa.Column("owner_alias", sa.String(64), nullable=False),
    sa.Column("built_in", sa.Boolean, nullable=False),
    # What a built-in template was made from (BuiltIn.source).
    sa.Column("source", sa.String(64)),
    sa.Column("etag", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index(None, "created_at", "id"),
    sa.Index(None, "owner_id", "created_at", "id"),
)

emoji_images = sa.Table(
    "emoji_images",
    metadata,
    sa.Column("emoji_id", sa.ForeignKey("emojis.id"), primary_key=True),
    sa.Column("expression", sa.String(16), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
)

# What auth told of makers: it outlives the access tokens that still have the old name, or speak for nobody any more.
makers = sa.Table(
    "makers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("alias", sa.String(64), nullable=False),
    sa.Column("renamed_at", UtcDateTime, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),
)

# Pictures that a template has let go of: the sweep removes those that no other refers to.
released_pictures = sa.Table("released_pictures", metadata, sa.Column("digest", sa.String(64), primary_key=True))

outbox = outbox_table(metadata)


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
            return added

        return await self._database.write(work)

    async def get(self, emoji_id: str) -> Emoji | None:
        return (await self.batch([emoji_id])).get(emoji_id)

    async def batch(self, ids: Sequence[str]) -> dict[str, Emoji]:
        chosen = sa.select(emojis).where(emojis.c.id.in_(ids))
        found = await self._database.read(lambda connection: _emojis(connection, chosen))
        return {emoji.id: emoji for emoji in found}

    async def page(self, number: int, size: int, owner_id: str | None) -> Page:
        chosen = sa.true() if owner_id is None else emojis.c.owner_id == owner_id
        newest_first = (emojis.c.created_at.desc(), emojis.c.id.desc())
        rows = sa.select(emojis).where(chosen).order_by(*newest_first).limit(size).offset((number - 1) * size)
        count = sa.select(sa.func.count()).select_from(emojis).where(chosen)
        return await self._database.read(
            lambda connection: Page(_emojis(connection, rows), connection.execute(count).scalar_one())
        )

    async def remove(self, emoji_id: str, by: str) -> None:
        def work(connection: sa.Connection) -> None:
            found = _emojis(connection, sa.select(emojis).where(emojis.c.id == emoji_id).with_for_update())
            if not found:
                raise EmojiNotFound("There is no such template.")
            found[0].check_deletable(by)
            self._delete(connection, found[0])

        await self._database.write(work)
        self._outbox.wake()
        self._released()

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
            connection.execute(emojis.update().where(emojis.c.owner_id == maker.id).values(owner_alias=maker.alias))

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

        await self._database.write(mark)  # from now on nothing is added
        while await self._database.write(remove_some) == REMOVED_AT_ONCE:
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

    def _delete(self, connection: sa.Connection, emoji: Emoji) -> None:
        _release_pictures(connection, emoji)
        connection.execute(emojis.delete().where(emojis.c.id == emoji.id))
        self._outbox.add(connection, FORGET_EMOJI, ranking_pb2.ForgetEmojiRequest(emoji_id=emoji.id))


class PictureStore:
    """Pictures in the object store, under their digest and so shared between templates."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, picture: Picture) -> None:
        await asyncio.to_thread(self._objects.put, _key(picture.digest), picture.png, "image/png")

    async def get(self, digest: str) -> bytes:
        return await asyncio.to_thread(self._objects.get, _key(digest))

    async def exists(self, digest: str) -> bool:
        return await asyncio.to_thread(self._objects.exists, _key(digest))

    async def check(self) -> None:
        await asyncio.to_thread(self._objects.check)


class PictureSweep:
    """Removes pictures that no template refers to any more."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Pictures were released: sweep now rather than later."""
        self._wake.set()

    async def run(self) -> None:
        """Sweeps for as long as the service runs."""
        while True:
            self._wake.clear()
            while await self._database.write(self._sweep) == SWEEP_BATCH:
                pass
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _sweep(self, connection: sa.Connection) -> int:
        """Returns how many released pictures it has dealt with.

        The objects go while the transaction holds its locks: a template that comes to refer to one of them is either
        seen here, or is added afterwards and puts the picture again.
        """
        query = sa.select(released_pictures.c.digest).order_by(released_pictures.c.digest).limit(SWEEP_BATCH)
        released = connection.execute(query.with_for_update()).scalars().all()
        referred = sa.select(emoji_images.c.digest).where(emoji_images.c.digest.in_(released)).with_for_update()
        for digest in set(released) - set(connection.execute(referred).scalars()):
            self._objects.delete(_key(digest))
        connection.execute(released_pictures.delete().where(released_pictures.c.digest.in_(released)))
        return len(released)


def _key(digest: str) -> str:
    return f"pictures/{digest}.png"


def _emojis(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Emoji]:
    """The templates of a query on `emojis`, in its order, with the pictures of all of them in one more query."""
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    digests: dict[str, dict[str, str]] = {emoji_id: {} for emoji_id in ids}
    for image in connection.execute(sa.select(emoji_images).where(emoji_images.c.emoji_id.in_(ids))):
        digests[image.emoji_id][image.expression] = image.digest
    return [
        Emoji(row.id, row.name, Maker(row.owner_id, row.owner_alias), digests[row.id], row.created_at, row.built_in)
        for row in rows
    ]


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
    connection.execute(emojis.insert().values(_columns(emoji, source)))
    _insert_images(connection, emoji)


def _replace(connection: sa.Connection, emoji: Emoji, source: str) -> None:
    connection.execute(emojis.update().where(emojis.c.id == emoji.id).values(_columns(emoji, source)))
    (before,) = _emojis(connection, sa.select(emojis).where(emojis.c.id == emoji.id).with_for_update())
    _release_pictures(connection, before)
    _insert_images(connection, emoji)


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


def _columns(emoji: Emoji, source: str | None) -> dict[str, object]:
    return {
        "id": emoji.id,
        "name": emoji.name,
        "owner_id": emoji.owner.id,
        "owner_alias": emoji.owner.alias,
        "built_in": emoji.built_in,
        "source": source,
        "etag": emoji.etag,
        "created_at": emoji.created_at,
    }
