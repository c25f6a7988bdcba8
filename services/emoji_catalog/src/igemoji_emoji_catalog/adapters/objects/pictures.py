"""Pictures in the object store, by digest and so shared between templates."""

import asyncio
import datetime

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_images, released_pictures
from igemoji_emoji_catalog.domain.model import Picture
from igemoji_mesh.db.advisory_lock import advisory_lock
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.port import ObjectStore

SWEEP_SECONDS = 60.0
SWEEP_BATCH = 50


class PictureStore:
    """Store of pictures, by digest."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, picture: Picture) -> None:
        """Store a picture."""
        await asyncio.to_thread(self._objects.put, object_key(picture.digest), picture.png, "image/png")

    async def get(self, digest: str) -> bytes:
        """Return a picture's PNG. Raises ObjectMissing, ObjectDamaged."""
        return await asyncio.to_thread(checksums.get, self._objects, object_key(digest), digest)

    async def exists(self, digest: str) -> bool:
        """Return whether a picture is stored."""
        return await asyncio.to_thread(self._objects.exists, object_key(digest))

    def link(self, digest: str, *, is_public: bool) -> str | None:
        """Return a presigned URL of a picture, or None without S3."""
        return self._objects.link(
            object_key(digest), datetime.timedelta(hours=1) if is_public else datetime.timedelta(minutes=1)
        )


class PictureSweep:
    """Deletes pictures to which no template refers any more."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Sweep now: pictures were released."""
        self._wake.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            self._wake.clear()
            async with advisory_lock(self._database, "pictures") as mine:
                while mine and await self._database.write(self._sweep) == SWEEP_BATCH:
                    pass
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _sweep(self, connection: sa.Connection) -> int:
        """Delete a batch of released pictures and return its size.

        The objects are deleted while the transaction holds its locks: a template that refers to one of them is either
        seen here, or is added later and stores the picture again.
        """
        query = sa.select(released_pictures.c.digest).order_by(released_pictures.c.digest).limit(SWEEP_BATCH)
        released = connection.execute(query.with_for_update()).scalars().all()
        referred = sa.select(emoji_images.c.digest).where(emoji_images.c.digest.in_(released)).with_for_update()
        for digest in set(released) - set(connection.execute(referred).scalars()):
            self._objects.delete(object_key(digest))
        connection.execute(released_pictures.delete().where(released_pictures.c.digest.in_(released)))
        return len(released)


def object_key(digest: str) -> str:
    """Return the object key of a picture."""
    return f"pictures/{digest}.png"


def digest_of_key(key: str) -> str:
    """Return the digest in an object key."""
    return key.removeprefix("pictures/").removesuffix(".png")
