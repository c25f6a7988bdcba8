"""Where pictures are kept: in the object store, under their digest and so shared between templates."""

import asyncio
import datetime

import sqlalchemy as sa

from igemoji_emoji_catalog.adapters.db.tables import emoji_images, released_pictures
from igemoji_emoji_catalog.domain.model import Picture
from igemoji_mesh.db.advisory_lock import turn
from igemoji_mesh.db.database import Database
from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.port import ObjectStore

SWEEP_SECONDS = 60.0
SWEEP_BATCH = 50


class PictureStore:
    """Pictures in the object store, under their digest and so shared between templates."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, picture: Picture) -> None:
        await asyncio.to_thread(self._objects.put, key_of(picture.digest), picture.png, "image/png")

    async def get(self, digest: str) -> bytes:
        """Raises ObjectMissing, ObjectDamaged."""
        return await asyncio.to_thread(checksums.get, self._objects, key_of(digest), digest)

    async def exists(self, digest: str) -> bool:
        return await asyncio.to_thread(self._objects.exists, key_of(digest))

    def link(self, digest: str, *, for_all: bool) -> str | None:
        return self._objects.link(
            key_of(digest), datetime.timedelta(hours=1) if for_all else datetime.timedelta(minutes=1)
        )

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
            async with turn(self._database, "pictures") as mine:
                while mine and await self._database.write(self._sweep) == SWEEP_BATCH:
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
            self._objects.delete(key_of(digest))
        connection.execute(released_pictures.delete().where(released_pictures.c.digest.in_(released)))
        return len(released)


def key_of(digest: str) -> str:
    return f"pictures/{digest}.png"


def digest_in(key: str) -> str:
    return key.removeprefix("pictures/").removesuffix(".png")
