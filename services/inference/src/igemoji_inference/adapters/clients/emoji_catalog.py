"""Client of the catalog: copies the pictures of templates to the object store of this service."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji_inference.domain.errors import EmojiNotFound
from igemoji_inference.domain.model import picture_key
from igemoji_mesh.clients.channels import Channels, as_user
from igemoji_mesh.objects.checksums import sha256
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.metrics import CACHE as CACHE_LOOKUPS
from igemoji_mesh.observability.metrics import counter
from igemoji_vision.faces import EXPRESSIONS

CACHE = counter(CACHE_LOOKUPS)
MAX_CACHED = 1000
"""Templates whose picture keys are cached."""


class EmojiCatalog:
    """Implementation of the port Catalog, with the rights of the user whose call is being answered.

    Pictures are copied, so that a task does not depend on a template that may be deleted. A template that has not
    changed (`etag`) is not fetched again.
    """

    def __init__(self, channels: Channels, objects: ObjectStore) -> None:
        self._stub = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channels.to("emoji-catalog"))
        self._objects = objects
        self._cached: OrderedDict[tuple[str, str], Mapping[str, str]] = OrderedDict()

    async def picture_keys(self, emoji_id: str) -> Mapping[str, str]:
        """See Catalog."""
        try:
            request = emoji_catalog_pb2.GetEmojiRequest(id=emoji_id)
            emoji = await self._stub.GetEmoji(request, metadata=as_user())
            cache_key = (emoji_id, emoji.etag)
            CACHE.labels("template pictures", "hit" if cache_key in self._cached else "miss").inc()
            if cache_key not in self._cached:
                fetched = await asyncio.gather(*(self._fetch(emoji_id, expression) for expression in EXPRESSIONS))
                self._cached[cache_key] = dict(zip(EXPRESSIONS, fetched, strict=True))
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                raise EmojiNotFound from None
            raise
        self._cached.move_to_end(cache_key)
        while len(self._cached) > MAX_CACHED:
            self._cached.popitem(last=False)
        return self._cached[cache_key]

    async def _fetch(self, emoji_id: str, expression: str) -> str:
        request = emoji_catalog_pb2.GetEmojiImageRequest(id=emoji_id, expression=expression)
        image = await self._stub.GetEmojiImage(request, metadata=as_user())
        key = picture_key(sha256(image.data))
        if not await asyncio.to_thread(self._objects.exists, key):
            await asyncio.to_thread(self._objects.put, key, image.data, "image/png")
        return key
