"""Use cases of the catalog."""

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from igemoji_emoji_catalog.domain import model
from igemoji_emoji_catalog.domain.search import PageRequest, parse_search
from igemoji_emoji_catalog.usecases import drafts
from igemoji_emoji_catalog.usecases.ports import Emojis, Pictures, Thumbnails
from igemoji_mesh import pagination
from igemoji_mesh.errors import StartError
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.port import ObjectMissing

Now = Callable[[], datetime.datetime]

PAGE_SIZE = 8
REPORTS_PAGE_SIZE = 20

_BUILT_INS = uuid.UUID("6f1b1f0e-3d0c-5d53-9a56-0f2a7c5b8e11")
"""Namespace of the built-in templates' ids (UUIDv5 of the slug), the same everywhere."""
_BUILT_INS_SINCE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""Creation time of the first built-in template: before all others, so that these come first in lists."""


@dataclass(frozen=True)
class ListQuery:
    """Parameters of a list, as requested."""

    number: int
    """Page number, from 1; ignored if there is a token."""
    owner_id: str | None = None
    words: str = ""
    tag: str = ""
    sort: str = "new"
    token: str = ""
    favorites_only: bool = False
    """Only favorites of the viewer."""


class Catalog:
    """Create, read, list, edit, moderate and delete templates."""

    def __init__(
        self, emojis: Emojis, pictures: Pictures, thumbnails: Thumbnails, normalize: drafts.Normalize, now: Now
    ) -> None:
        self._emojis = emojis
        self._pictures = pictures
        self._thumbnails = thumbnails
        self._drafts = drafts.DraftChecker(pictures, normalize)
        self._now = now

    async def create(
        self, draft: drafts.Draft, base_id: str, by: model.Maker, replay: Replay[model.Emoji] = NO_REPLAY
    ) -> model.Emoji:
        """Create a template from a draft; missing pictures are copied from the base template, if there is one.

        Raises InvalidTemplate with every fault, EmojiNotFound for a base that the maker may not see, AccountGone.
        """
        base = await self._pictures_of(base_id, model.Viewer(by.id)) if base_id else {}
        given = [
            expression for expression in model.EXPRESSIONS if draft.images.get(expression) or expression not in base
        ]
        pictures, changes = await self._drafts.check(draft, given)
        pictures = {**base, **pictures}
        emoji = model.Emoji(new_id(), changes.name or "", by, drafts.digests_of(pictures), self._now())
        emoji = replace(emoji, tags=changes.tags or (), visibility=changes.visibility or model.PUBLIC)
        await self._drafts.store_missing(pictures)
        emoji = await self._emojis.add(emoji, replay)
        # A sweep may have deleted a shared picture in between. From now on a row refers to it, so it stays.
        await self._drafts.store_missing(pictures)
        return emoji

    async def update(self, emoji_id: str, draft: drafts.Draft, etag: str, by: str) -> model.Emoji:
        """Apply a draft to a template; what is not given stays.

        Raises EmojiNotFound, NotYourEmoji, InvalidTemplate, and EditConflict if an etag is given and outdated.
        """
        (await self.get(emoji_id, model.Viewer(by))).check_owned(by)
        pictures, changes = await self._drafts.check(draft, [key for key, data in draft.images.items() if data])
        await self._drafts.store_missing(pictures)
        emoji = await self._emojis.change(emoji_id, changes, by, etag)
        await self._drafts.store_missing(pictures)  # as above
        return emoji

    async def get(self, emoji_id: str, viewer: model.Viewer) -> model.Emoji:
        """Return a template. Raises EmojiNotFound, also if the viewer may not see it."""
        emoji = (await self._emojis.batch([emoji_id])).get(emoji_id)
        if emoji is None or not emoji.is_visible_to(viewer):
            raise model.EmojiNotFound("There is no such template.")
        return emoji

    async def page(self, query: ListQuery, viewer: model.Viewer) -> tuple[model.Page, str]:
        """Return a page of eight and the token of the next page, empty on the last. Raises InvalidPageToken."""
        own = query.owner_id is not None and query.owner_id == viewer.user_id
        search = parse_search(query.words, query.tag)
        skip = (query.number - 1) * PAGE_SIZE
        favorites_of = viewer if query.favorites_only else None
        request = PageRequest(search, query.sort, query.owner_id, own, PAGE_SIZE, favorites_of, skip)
        if query.token:
            after = pagination.decode(query.token, request.list_key, by_time=query.sort == "new")
            request = replace(request, skip=0, after=model.Position(*after))
        page = await self._emojis.page(request)
        return page, _token(page.after, request.list_key)

    async def favorites_in(self, emojis: Sequence[model.Emoji], viewer: model.Viewer) -> set[str]:
        """Return the ids that are favorites of the viewer."""
        if viewer.user_id is None or not emojis:
            return set()
        return await self._emojis.favorites_in([emoji.id for emoji in emojis], viewer.user_id)

    async def add_favorite(self, emoji_id: str, viewer: model.Viewer, by: model.Maker) -> None:
        """Add a favorite. Raises EmojiNotFound, AccountGone."""
        await self._emojis.add_favorite(emoji_id, viewer, by, self._now())

    async def remove_favorite(self, emoji_id: str, by: str) -> None:
        """Remove a favorite."""
        await self._emojis.remove_favorite(emoji_id, by)

    async def report(self, emoji_id: str, reason: str, comment: str, viewer: model.Viewer, by: model.Maker) -> None:
        """Report a template. Raises EmojiNotFound, AccountGone."""
        await self._emojis.report(emoji_id, viewer, by, model.Report(reason, comment, self._now()))

    async def reported(self, decided: bool, token: str) -> tuple[list[model.ReportedEmoji], str]:
        """Return twenty templates of the operators' queue and the token of the next page. Raises InvalidPageToken."""
        list_key = f"reports {decided}"
        after = model.Position(*pagination.decode(token, list_key, by_time=True)) if token else None
        found = await self._emojis.reported(decided, after, REPORTS_PAGE_SIZE + 1)
        page = found[:REPORTS_PAGE_SIZE]
        if len(found) == len(page):
            return page, ""
        return page, _token(model.Position(page[-1].waiting_since, page[-1].emoji.id), list_key)

    async def decide(self, emoji_id: str, decision: str) -> None:
        """Hide, restore or delete a template, by `decision`. Raises EmojiNotFound."""
        await decide(self._emojis, emoji_id, decision)

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        """Set use counts, by id."""
        await self._emojis.update_uses(counts)

    async def batch(self, ids: Sequence[str]) -> list[model.Emoji]:
        """Return the listed ones, in the order of `ids`."""
        found = await self._emojis.batch(ids)
        return [found[emoji_id] for emoji_id in ids if emoji_id in found and found[emoji_id].listed]

    async def delete(self, emoji_id: str, by: str) -> None:
        """Delete a template of the user `by`. Raises EmojiNotFound, NotYourEmoji."""
        await self.get(emoji_id, model.Viewer(by))
        await self._emojis.remove(emoji_id, by)

    async def picture(
        self, emoji_id: str, expression: str, digest: str, viewer: model.Viewer, *, as_link: bool = False
    ) -> tuple[model.Picture | str, bool]:
        """Return the current picture, or with `as_link` its presigned URL if there is one, and whether it is public.

        Raises EmojiNotFound, and PictureNotFound if `digest` is given and outdated.
        """
        current, is_public = await self._current(emoji_id, expression, digest, viewer)
        link = self._pictures.link(current, is_public=is_public) if as_link else None
        with _missing_as_not_found():
            return link or model.Picture(await self._pictures.get(current), current), is_public

    async def thumbnail(
        self, emoji_id: str, expression: str, digest: str, viewer: model.Viewer, *, width: int
    ) -> tuple[model.Thumbnail, bool]:
        """Return a thumbnail, and whether it is public. Raises as `picture` does."""
        current, is_public = await self._current(emoji_id, expression, digest, viewer)
        with _missing_as_not_found():
            return await self._thumbnails.get(current, width), is_public

    async def _current(self, emoji_id: str, expression: str, digest: str, viewer: model.Viewer) -> tuple[str, bool]:
        """Return the digest of the current picture, and whether it is public."""
        emoji = await self.get(emoji_id, viewer)
        current = emoji.digests[expression]
        if digest not in ("", current):
            raise _no_such_picture()
        return current, emoji.listed

    async def rename_maker(self, maker: model.Maker, at: datetime.datetime | None) -> None:
        """Change the alias of a maker, unless a newer one is known; `at` is when they were renamed (None: now)."""
        await self._emojis.rename_maker(maker, at or self._now())

    async def delete_user_data(self, user_id: str) -> None:
        """Delete all data of a user permanently."""
        await self._emojis.remove_user(user_id, self._now())

    async def preview(self, image: bytes, keep_background: bool) -> bytes:
        """Return a picture as it would be stored. Raises InvalidTemplate."""
        return await self._drafts.preview(image, keep_background)

    async def seed(self, built_ins: Sequence[model.BuiltInTemplate]) -> None:
        """Update the built-in templates that have changed. Raises StartError."""
        stored = await self._emojis.built_in_sources()
        for built_in in built_ins:
            emoji_id = str(uuid.uuid5(_BUILT_INS, built_in.slug))
            if stored.get(emoji_id) != built_in.source:
                await self._put_built_in(emoji_id, built_in)

    async def _put_built_in(self, emoji_id: str, built_in: model.BuiltInTemplate) -> None:
        pictures, faults = await self._drafts.normalize_all(built_in.files, model.EXPRESSIONS, keep_background=True)
        for expression, fault in faults.items():
            raise StartError(f"The picture {expression}.png of the built-in template {built_in.slug} {fault}.")
        created_at = _BUILT_INS_SINCE - datetime.timedelta(seconds=built_in.position)
        emoji = model.Emoji(
            emoji_id, built_in.name, model.SYSTEM, drafts.digests_of(pictures), created_at, built_in=True
        )
        await self._drafts.store_missing(pictures)
        await self._emojis.put_built_in(emoji, built_in.source)
        await self._drafts.store_missing(pictures)

    async def _pictures_of(self, emoji_id: str, viewer: model.Viewer) -> dict[str, model.Picture]:
        """Return all seven pictures, by expression. Raises EmojiNotFound."""
        digests = (await self.get(emoji_id, viewer)).digests
        try:
            found = await asyncio.gather(*(self._pictures.get(digests[expression]) for expression in model.EXPRESSIONS))
        except ObjectMissing:  # deleted since the row was read
            raise model.EmojiNotFound("There is no such template.") from None
        return {key: model.Picture(png, digests[key]) for key, png in zip(model.EXPRESSIONS, found, strict=True)}


async def decide(emojis: Emojis, emoji_id: str, decision: str) -> None:
    """Hide, restore or delete a template, by `decision`. Raises EmojiNotFound."""
    if decision == "delete":
        await emojis.remove(emoji_id, None)
    else:
        await emojis.set_hidden(emoji_id, decision == "hide")


@contextlib.contextmanager
def _missing_as_not_found() -> Iterator[None]:
    """Map a missing object to PictureNotFound: it may have been deleted since its row was read."""
    try:
        yield
    except ObjectMissing:
        raise _no_such_picture() from None


def _no_such_picture() -> model.PictureNotFound:
    return model.PictureNotFound("The template has no such picture now.")


def _token(after: model.Position | None, list_key: str) -> str:
    return pagination.encode(after.value, after.emoji_id, list_key) if after is not None else ""
