"""The servicer: parse, call, map."""

# ruff: noqa: ARG002 - gRPC hands a context to every method

import datetime

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji_emoji_catalog.domain import EXPRESSIONS, Emoji, Maker
from igemoji_emoji_catalog.service import Catalog
from igemoji_mesh.access import user
from igemoji_mesh.http_status import send_headers
from igemoji_mesh.interceptors import Context

SERVICE = "igemoji.emoji_catalog.v1.EmojiCatalogService"

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class EmojiCatalogServicer(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def CreateEmoji(self, request: pb.CreateEmojiRequest, context: Context) -> pb.Emoji:
        images = {expression: getattr(request.images, expression) for expression in EXPRESSIONS}
        emoji = await self._catalog.create(request.name, images, Maker(user().id, user().alias))
        await send_headers(context, location=f"/api/v1/emojis/{emoji.id}")
        return to_message(emoji)

    async def GetEmoji(self, request: pb.GetEmojiRequest, context: Context) -> pb.Emoji:
        return to_message(await self._catalog.get(request.id.lower()))

    async def ListEmojis(self, request: pb.ListEmojisRequest, context: Context) -> pb.ListEmojisResponse:
        page = await self._catalog.page(request.page_number, request.owner_id.lower() or None)
        return pb.ListEmojisResponse(emojis=map(to_message, page.emojis), total=page.total)

    async def DeleteEmoji(self, request: pb.DeleteEmojiRequest, context: Context) -> Empty:
        await self._catalog.delete(request.id.lower(), by=user().id)
        return Empty()

    async def GetEmojiImage(self, request: pb.GetEmojiImageRequest, context: Context) -> HttpBody:
        picture = await self._catalog.picture(request.id.lower(), request.expression, request.v)
        await send_headers(context, cache_control=FOR_EVER if request.v else ASK_AGAIN, etag=f'"{picture.digest}"')
        return HttpBody(content_type="image/png", data=picture.png)

    async def BatchGetEmojis(self, request: pb.BatchGetEmojisRequest, context: Context) -> pb.BatchGetEmojisResponse:
        emojis = await self._catalog.batch([emoji_id.lower() for emoji_id in request.ids])
        return pb.BatchGetEmojisResponse(emojis=map(to_message, emojis))

    async def RenameMaker(self, request: pb.RenameMakerRequest, context: Context) -> Empty:
        at = request.renamed_at.ToDatetime(datetime.UTC) if request.HasField("renamed_at") else None
        await self._catalog.rename_maker(Maker(request.user_id.lower(), request.alias), at)
        return Empty()

    async def DeleteUserData(self, request: pb.DeleteUserDataRequest, context: Context) -> Empty:
        await self._catalog.delete_user_data(request.user_id.lower())
        return Empty()


def to_message(emoji: Emoji) -> pb.Emoji:
    message = pb.Emoji(
        id=emoji.id,
        name=emoji.name,
        owner=pb.Maker(id=emoji.owner.id, alias=emoji.owner.alias),
        images=pb.ImageUrls(
            **{
                expression: f"/api/v1/emojis/{emoji.id}/images/{expression}?v={digest}"
                for expression, digest in emoji.digests.items()
            }
        ),
        etag=emoji.etag,
        built_in=emoji.built_in,
    )
    message.created_at.FromDatetime(emoji.created_at)
    return message
