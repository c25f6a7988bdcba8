"""Audit of the templates' pictures: `igemoji-emoji-catalog check-objects`."""

import sys
from collections.abc import AsyncIterator

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_images, released_pictures
from igemoji_emoji_catalog.adapters.objects.pictures import digest_of_key, object_key
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects.audit import ObjectRef, audit
from igemoji_mesh.objects.port import ObjectStore

BATCH = 500


class PictureReferences:
    """References of templates to their pictures. A released picture is about to be swept."""

    swept: tuple[str, ...] = ("pictures/",)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def references(self) -> AsyncIterator[ObjectRef]:
        last = ""
        while rows := await self._database.read(lambda connection, after=last: _rows(connection, after)):  # type: ignore[misc]
            for digest, emoji_id in rows:
                yield ObjectRef(object_key(digest), digest, f"template {emoji_id}")
                last = digest

    async def is_referenced(self, key: str) -> bool:
        return await self._database.read(lambda connection: _is_referenced(connection, digest_of_key(key)))


async def check_objects(database: Database, objects: ObjectStore, *, remove_orphans: bool) -> bool:
    """Print the report; return whether no object is missing or damaged.

    Orphans are released to the sweep of the service, which deletes them unless a template refers to them by then.
    """
    report = await audit(objects, PictureReferences(database))
    sys.stdout.write(report.report("emoji-catalog"))
    if remove_orphans:
        await database.write(lambda connection: _release(connection, [digest_of_key(key) for key in report.orphans]))
    return report.is_whole


def _rows(connection: sa.Connection, after: str) -> list[tuple[str, str]]:
    """Return each digest once, with a template that refers to it."""
    digest = emoji_images.c.digest
    rows = sa.select(digest, sa.func.min(emoji_images.c.emoji_id)).where(digest > after).group_by(digest)
    return [(row[0], row[1]) for row in connection.execute(rows.order_by(digest).limit(BATCH))]


def _is_referenced(connection: sa.Connection, digest: str) -> bool:
    return any(
        connection.execute(sa.select(table.c.digest).where(table.c.digest == digest).limit(1)).first() is not None
        for table in (emoji_images, released_pictures)
    )


def _release(connection: sa.Connection, digests: list[str]) -> None:
    for digest in digests:
        if not _is_referenced(connection, digest):
            connection.execute(released_pictures.insert().values(digest=digest))
