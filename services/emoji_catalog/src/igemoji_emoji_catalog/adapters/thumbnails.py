"""Thumbnails of pictures, as WebP: a page of templates then weighs as much as one full picture."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from igemoji_emoji_catalog.domain.model import Thumbnail
from igemoji_emoji_catalog.usecases.ports import Pictures

MakeThumbnail = Callable[[bytes, int], Awaitable[bytes]]
"""Make a WebP of a stored picture, of a width in pixels."""


class ThumbnailCache:
    """Thumbnails made on demand, in an LRU cache in memory."""

    def __init__(self, pictures: Pictures, make_thumbnail: MakeThumbnail, max_bytes: int) -> None:
        self._pictures = pictures
        self._make_thumbnail = make_thumbnail
        self._max_bytes = max_bytes
        self._cached: OrderedDict[tuple[str, int], Thumbnail] = OrderedDict()
        self._bytes = 0

    async def get(self, digest: str, width: int) -> Thumbnail:
        """Return a thumbnail. Raises ObjectMissing, ObjectDamaged."""
        key = (digest, width)
        if key not in self._cached:
            thumbnail = Thumbnail(await self._make_thumbnail(await self._pictures.get(digest), width), digest, width)
            self._put(thumbnail)
            return thumbnail
        self._cached.move_to_end(key)
        return self._cached[key]

    def _put(self, thumbnail: Thumbnail) -> None:
        if (thumbnail.digest, thumbnail.width) in self._cached:  # a concurrent call made it too
            return
        self._cached[thumbnail.digest, thumbnail.width] = thumbnail
        self._bytes += len(thumbnail.webp)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._cached.popitem(last=False)[1].webp)
