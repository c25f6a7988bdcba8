"""The catalogue's templates, as the inference service sees them: pictures kept under their digest."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji_inference.domain.model import EmojiNotFound, picture_key
from igemoji_mesh.clients.channels import Channels, as_user
from igemoji_mesh.objects.checksums import sha256
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.metrics import counter
from igemoji_vision.faces import EXPRESSIONS

CACHE = counter("igemoji_cache_total")
MAX_REMEMBERED = 1000


class EmojiCatalog:
    """Asks the catalogue under the rights of the user whose call is being answered.

    Pictures are copied into this service's own object store, so that a template deleted meanwhile harms no task. A
    template that has not changed (`etag`) is not fetched again.
    """

    def __init__(self, channels: Channels, objects: ObjectStore) -> None:
        self._stub = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channels.to("emoji-catalog"))
        self._objects = objects
        self._known: OrderedDict[tuple[str, str], Mapping[str, str]] = OrderedDict()

    async def picture_keys(self, emoji_id: str) -> Mapping[str, str]:
        """By expression. Raises EmojiNotFound."""
        try:
            request = emoji_catalog_pb2.GetEmojiRequest(id=emoji_id)
            emoji = await self._stub.GetEmoji(request, metadata=as_user())
            known = (emoji_id, emoji.etag)
            CACHE.labels("template pictures", "hit" if known in self._known else "miss").inc()
            if known not in self._known:
                fetched = await asyncio.gather(*(self._fetch(emoji_id, expression) for expression in EXPRESSIONS))
                self._known[known] = dict(zip(EXPRESSIONS, fetched, strict=True))
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                raise EmojiNotFound from None
            raise
        self._known.move_to_end(known)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return self._known[known]

    async def _fetch(self, emoji_id: str, expression: str) -> str:
        request = emoji_catalog_pb2.GetEmojiImageRequest(id=emoji_id, expression=expression)
        image = await self._stub.GetEmojiImage(request, metadata=as_user())
        key = picture_key(sha256(image.data))
        if not await asyncio.to_thread(self._objects.exists, key):
            await asyncio.to_thread(self._objects.put, key, image.data, "image/png")
        return key
