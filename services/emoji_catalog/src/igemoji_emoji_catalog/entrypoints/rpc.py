"""Servicer: parse, call a use case, map."""

import datetime
from functools import partial

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji_emoji_catalog.domain.model import EXPRESSIONS, Emoji, Maker, ReportedEmoji, Viewer
from igemoji_emoji_catalog.usecases.catalog import Catalog, ListQuery
from igemoji_emoji_catalog.usecases.drafts import Draft
from igemoji_mesh.call_context import caller
from igemoji_mesh.idempotency.answer import Answer, answer_once
from igemoji_mesh.interceptors.access import user
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import is_rest_call, send_headers, send_redirect
from igemoji_mesh.timestamps import to_timestamp

SERVICE = "igemoji.emoji_catalog.v1.EmojiCatalogService"

CACHE_FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
LINK_PUBLIC = "public, max-age=3000"
"""Shorter than the link is valid."""
LINK_PRIVATE = "private, no-store"
PRIVATE = "private, no-cache"


class EmojiCatalogServicer(emoji_catalog_pb2_grpc.EmojiCatalogServiceServicer):
    """RPCs of the catalog, public and internal."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def CreateEmoji(self, request: pb.CreateEmojiRequest, context: Context) -> pb.Emoji:
        visibility, images = request.visibility or None, _images(request.images)
        draft = Draft(request.name, request.tags, visibility, images, request.keep_background)
        create = partial(self._catalog.create, draft, request.base_id.lower(), _user())
        return await answer_once(context, create, _to_answer)

    async def PreviewEmojiImage(self, request: pb.PreviewEmojiImageRequest, context: Context) -> HttpBody:
        png = await self._catalog.preview(request.image, request.keep_background)
        return HttpBody(content_type="image/png", data=png)

    async def GetEmoji(self, request: pb.GetEmojiRequest, context: Context) -> pb.Emoji:
        emoji = await self._catalog.get(request.id.lower(), _viewer())
        await send_headers(context, etag=f'"{emoji.etag}"')
        return await self._for_viewer(emoji)

    async def ListEmojis(self, request: pb.ListEmojisRequest, context: Context) -> pb.ListEmojisResponse:
        page, token = await self._catalog.page(_list_query(request), _viewer())
        favorites = await self._catalog.favorites_in(page.emojis, _viewer())
        return pb.ListEmojisResponse(
            emojis=[to_message(emoji, emoji.id in favorites) for emoji in page.emojis],
            total=page.total,
            total_is_exact=page.total_is_exact,
            next_page_token=token,
        )

    async def AddFavorite(self, request: pb.AddFavoriteRequest, context: Context) -> Empty:
        await self._catalog.add_favorite(request.id.lower(), _viewer(), _user())
        return Empty()

    async def RemoveFavorite(self, request: pb.RemoveFavoriteRequest, context: Context) -> Empty:
        await self._catalog.remove_favorite(request.id.lower(), by=user().id)
        return Empty()

    async def UpdateEmoji(self, request: pb.UpdateEmojiRequest, context: Context) -> pb.Emoji:
        etag = request.etag or _if_match(context)
        emoji = await self._catalog.update(request.id.lower(), _changes(request), etag, by=user().id)
        await send_headers(context, etag=f'"{emoji.etag}"')
        return await self._for_viewer(emoji)

    async def DeleteEmoji(self, request: pb.DeleteEmojiRequest, context: Context) -> Empty:
        await self._catalog.delete(request.id.lower(), by=user().id)
        return Empty()

    async def GetEmojiImage(self, request: pb.GetEmojiImageRequest, context: Context) -> HttpBody:
        selector = (request.id.lower(), request.expression, request.v, _viewer())
        if request.width:
            thumbnail, is_public = await self._catalog.thumbnail(*selector, width=request.width)
            await _send_caching(context, request.v, is_public, f"{thumbnail.digest}-{thumbnail.width}")
            return HttpBody(content_type="image/webp", data=thumbnail.webp)
        picture, is_public = await self._catalog.picture(*selector, as_link=is_rest_call(context))
        if isinstance(picture, str):
            await send_redirect(context, picture, LINK_PUBLIC if is_public else LINK_PRIVATE)
            return HttpBody()
        await _send_caching(context, request.v, is_public, picture.digest)
        return HttpBody(content_type="image/png", data=picture.png)

    async def ReportEmoji(self, request: pb.ReportEmojiRequest, context: Context) -> Empty:
        await self._catalog.report(request.id.lower(), request.reason, request.comment, _viewer(), _user())
        return Empty()

    async def ListReports(self, request: pb.ListReportsRequest, context: Context) -> pb.ListReportsResponse:
        page, token = await self._catalog.reported(request.decided, request.page_token)
        return pb.ListReportsResponse(reported=map(_to_reported, page), next_page_token=token)

    async def DecideReport(self, request: pb.DecideReportRequest, context: Context) -> Empty:
        await self._catalog.decide(request.id.lower(), request.decision)
        return Empty()

    async def BatchGetEmojis(self, request: pb.BatchGetEmojisRequest, context: Context) -> pb.BatchGetEmojisResponse:
        emojis = await self._catalog.batch([emoji_id.lower() for emoji_id in request.ids])
        return pb.BatchGetEmojisResponse(emojis=map(to_message, emojis))

    async def UpdateUseCounts(self, request: pb.UpdateUseCountsRequest, context: Context) -> Empty:
        await self._catalog.update_uses({count.emoji_id.lower(): count.uses for count in request.counts})
        return Empty()

    async def RenameMaker(self, request: pb.RenameMakerRequest, context: Context) -> Empty:
        at = request.renamed_at.ToDatetime(datetime.UTC) if request.HasField("renamed_at") else None
        await self._catalog.rename_maker(Maker(request.user_id.lower(), request.alias), at)
        return Empty()

    async def DeleteUserData(self, request: pb.DeleteUserDataRequest, context: Context) -> Empty:
        await self._catalog.delete_user_data(request.user_id.lower())
        return Empty()

    async def _for_viewer(self, emoji: Emoji) -> pb.Emoji:
        return to_message(emoji, emoji.id in await self._catalog.favorites_in([emoji], _viewer()))


async def _send_caching(context: Context, version: str, is_public: bool, etag: str) -> None:
    """Send cache headers: forever for a public picture whose URL has its digest."""
    lasting = CACHE_FOREVER if version else REVALIDATE
    await send_headers(context, cache_control=lasting if is_public else PRIVATE, etag=f'"{etag}"')


def _to_answer(emoji: Emoji) -> Answer[pb.Emoji]:
    return Answer(to_message(emoji), {"location": f"/api/v1/emojis/{emoji.id}", "etag": f'"{emoji.etag}"'})


def _user() -> Maker:
    return Maker(user().id, user().alias)


def _viewer() -> Viewer:
    return Viewer(caller().user_id, caller().role == "operator")


def _list_query(request: pb.ListEmojisRequest) -> ListQuery:
    number, owner_id, sort = request.page_number, request.owner_id.lower() or None, request.sort or "new"
    favorites_only = request.favorites_only and bool(user().id)
    return ListQuery(number, owner_id, request.q, request.tag, sort, request.page_token, favorites_only)


def _images(message: pb.Images) -> dict[str, bytes]:
    return {expression: getattr(message, expression) for expression in EXPRESSIONS}


def _changes(request: pb.UpdateEmojiRequest) -> Draft:
    masked = request.update_mask.paths
    return Draft(
        request.name if request.name or "name" in masked else None,
        request.tags if request.tags or "tags" in masked else None,
        request.visibility or None,
        _images(request.images),
        request.keep_background,
    )


def _if_match(context: Context) -> str:
    """Return the etag of the header If-Match; empty if there is none, or if it is `*`."""
    given = str(dict(context.invocation_metadata() or ()).get("if-match", "")).strip()
    return "" if given == "*" else given.removeprefix("W/").strip('"')


def to_message(emoji: Emoji, is_favorite: bool = False) -> pb.Emoji:
    """Return the message of a template."""
    return pb.Emoji(
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
        visibility=emoji.visibility,
        tags=emoji.tags,
        uses=emoji.uses,
        favorites=emoji.favorites,
        is_favorite=is_favorite,
        hidden=emoji.hidden,
        created_at=to_timestamp(emoji.created_at),
    )


def _to_reported(reported: ReportedEmoji) -> pb.ReportedEmoji:
    return pb.ReportedEmoji(
        emoji=to_message(reported.emoji),
        total=reported.total,
        waiting_since=to_timestamp(reported.waiting_since),
        reports=[
            pb.Report(reason=report.reason, comment=report.comment, reported_at=to_timestamp(report.reported_at))
            for report in reported.reports
        ],
    )
