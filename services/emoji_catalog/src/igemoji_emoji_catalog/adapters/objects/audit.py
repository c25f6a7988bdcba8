"""`igemoji-emoji-catalog check-objects`: whether the templates' pictures lie there as they were put."""

import sys
from collections.abc import AsyncIterator

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_images, released_pictures
from igemoji_emoji_catalog.adapters.objects.pictures import digest_in, key_of
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects.audit import Named, take_stock
from igemoji_mesh.objects.port import ObjectStore

AT_ONCE = 500


class PictureLedger:
    """What templates say of their pictures. One that was released is on its way out."""

    swept: tuple[str, ...] = ("pictures/",)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def named(self) -> AsyncIterator[Named]:
        last = ""
        while rows := await self._database.read(lambda connection, after=last: _rows(connection, after)):  # type: ignore[misc]
            for digest, emoji_id in rows:
                yield Named(key_of(digest), digest, f"template {emoji_id}")
                last = digest

    async def is_named(self, key: str) -> bool:
        return await self._database.read(lambda connection: _is_named(connection, digest_in(key)))


async def check_objects(database: Database, objects: ObjectStore, *, remove_orphans: bool) -> bool:
    """Prints what it finds; returns whether nothing is lost.

    Orphans are handed to the sweep of the service, which removes them unless a template comes to refer to them.
    """
    stock = await take_stock(objects, PictureLedger(database))
    sys.stdout.write(stock.report("emoji-catalog"))
    if remove_orphans:
        await database.write(lambda connection: _release(connection, [digest_in(key) for key in stock.orphans]))
    return stock.is_whole


def _rows(connection: sa.Connection, after: str) -> list[tuple[str, str]]:
    """Each digest once, with a template that has it."""
    digest = emoji_images.c.digest
    rows = sa.select(digest, sa.func.min(emoji_images.c.emoji_id)).where(digest > after).group_by(digest)
    return [(row[0], row[1]) for row in connection.execute(rows.order_by(digest).limit(AT_ONCE))]


def _is_named(connection: sa.Connection, digest: str) -> bool:
    return any(
        connection.execute(sa.select(table.c.digest).where(table.c.digest == digest).limit(1)).first() is not None
        for table in (emoji_images, released_pictures)
    )


def _release(connection: sa.Connection, digests: list[str]) -> None:
    for digest in digests:
        if not _is_named(connection, digest):
            connection.execute(released_pictures.insert().values(digest=digest))
