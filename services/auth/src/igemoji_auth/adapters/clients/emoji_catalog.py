"""Client of emoji_catalog: the templates of the user whose call is being answered, private ones included."""

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji_auth.adapters.clients.paging import PICTURE_SECONDS, all_pages, page, to_fields, unless_deleted
from igemoji_auth.usecases.ports import ExportItem, Picture
from igemoji_mesh.clients.channels import as_user

EXPRESSIONS = tuple(pb.ImageUrls.DESCRIPTOR.fields_by_name)


class EmojiCatalogClient:
    """Reads templates; an ExportSource."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channel)

    async def templates(self, user_id: str, page_number: int, page_token: str = "") -> pb.ListEmojisResponse:
        """Return a page of templates, newest first, by number (from 1) or token. Raises InvalidPageToken."""
        request = pb.ListEmojisRequest(owner_id=user_id, page_number=page_number, page_token=page_token)
        return await page(self._stub.ListEmojis(request, metadata=as_user()))

    async def items(self, user_id: str) -> list[ExportItem]:
        """Return all templates."""
        pages = await all_pages(lambda token: self.templates(user_id, 1, token))
        found = {emoji.id: emoji for each in pages for emoji in each.emojis}
        return [ExportItem(emoji_id, to_fields(emoji), EXPRESSIONS) for emoji_id, emoji in found.items()]

    async def picture(self, item_id: str, name: str) -> Picture | None:
        """Return the picture of an expression."""
        request = pb.GetEmojiImageRequest(id=item_id, expression=name)
        body = await unless_deleted(self._stub.GetEmojiImage(request, metadata=as_user(), timeout=PICTURE_SECONDS))
        return Picture(body.content_type, body.data) if body is not None else None
