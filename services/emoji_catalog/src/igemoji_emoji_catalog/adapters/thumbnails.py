"""Smaller copies of pictures, as WebP: a page of templates weighs as much as one picture of it does otherwise."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from igemoji_emoji_catalog.domain.model import Thumbnail
from igemoji_emoji_catalog.usecases.ports import Pictures

MakeThumbnail = Callable[[bytes, int], Awaitable[bytes]]
"""Makes a WebP of a width, in pixels, of a stored picture."""


class ThumbnailCache:
    """Made when they are first asked for. Those that were used last are kept in memory: any can be made again."""

    def __init__(self, pictures: Pictures, shrink: MakeThumbnail, max_bytes: int) -> None:
        self._pictures = pictures
        self._shrink = shrink
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, int], Thumbnail] = OrderedDict()
        self._bytes = 0

    async def get(self, digest: str, width: int) -> Thumbnail:
        """Raises ObjectMissing, ObjectDamaged."""
        key = (digest, width)
        if key not in self._kept:
            copy = Thumbnail(await self._shrink(await self._pictures.get(digest), width), digest, width)
            self._keep(copy)
            return copy
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, copy: Thumbnail) -> None:
        if (copy.digest, copy.width) in self._kept:  # two have asked at once
            return
        self._kept[copy.digest, copy.width] = copy
        self._bytes += len(copy.webp)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._kept.popitem(last=False)[1].webp)
