"""What can be done with the catalogue."""

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from igemoji_emoji_catalog.domain.model import (
    EXPRESSIONS,
    PUBLIC,
    SYSTEM,
    After,
    BuiltIn,
    Emoji,
    EmojiNotFound,
    Maker,
    Page,
    Picture,
    PictureNotFound,
    Report,
    Reported,
    SmallCopy,
    Viewer,
)
from igemoji_emoji_catalog.domain.search import Wanted, search_for
from igemoji_emoji_catalog.usecases.drafts import Draft, Intake, Normalise, digests_of
from igemoji_emoji_catalog.usecases.ports import Copies, Emojis, Pictures
from igemoji_mesh import pagination
from igemoji_mesh.errors import StartError
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects.port import ObjectMissing

PAGE_SIZE = 8
REPORTS_PAGE_SIZE = 20

_BUILT_INS = uuid.UUID("6f1b1f0e-3d0c-5d53-9a56-0f2a7c5b8e11")
"""Namespace of the built-in templates' ids: the same template has the same id everywhere."""
_BUILT_INS_SINCE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""Before any person's template, so that people's come first in a list; the first built-in is the newest."""


@dataclass(frozen=True)
class ListQuery:
    """What a list is asked for."""

    number: int
    """Of the page, from 1; not looked at where there is a token."""
    owner_id: str | None = None
    words: str = ""
    tag: str = ""
    sort: str = "new"
    token: str = ""
    favorites_only: bool = False
    """Only those of the viewer."""


class Catalog:
    """The use cases."""

    def __init__(
        self,
        emojis: Emojis,
        pictures: Pictures,
        copies: Copies,
        normalise: Normalise,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._emojis = emojis
        self._pictures = pictures
        self._copies = copies
        self._intake = Intake(pictures, normalise)
        self._now = now

    async def create(self, draft: Draft, base_id: str, by: Maker) -> Emoji:
        """Makes a template of a draft; pictures that are not given are taken from a base, if there is one.

        Raises InvalidTemplate that names every fault, EmojiNotFound for a base that the maker may not see, AccountGone.
        """
        base = await self._pictures_of(base_id, Viewer(by.id)) if base_id else {}
        given = [expression for expression in EXPRESSIONS if draft.images.get(expression) or expression not in base]
        pictures, changes = await self._intake.checked(draft, given)
        pictures = {**base, **pictures}
        emoji = Emoji(
            new_id(),
            changes.name or "",
            by,
            digests_of(pictures),
            self._now(),
            tags=changes.tags or (),
            visibility=changes.visibility or PUBLIC,
        )
        await self._intake.put_missing(pictures)
        emoji = await self._emojis.add(emoji)
        # A deletion may have swept a shared picture in between. From now on a row refers to it: it stays.
        await self._intake.put_missing(pictures)
        return emoji

    async def update(self, emoji_id: str, draft: Draft, etag: str, by: str) -> Emoji:
        """Makes the changes of a draft; what is None or not given there stays.

        Raises EmojiNotFound, NotYourEmoji, InvalidTemplate, and EditConflict where an etag is given and is not that of
        the present template.
        """
        (await self.get(emoji_id, Viewer(by))).check_owned(by)
        pictures, changes = await self._intake.checked(draft, [key for key, data in draft.images.items() if data])
        await self._intake.put_missing(pictures)
        emoji = await self._emojis.change(emoji_id, changes, by, etag)
        await self._intake.put_missing(pictures)  # as above
        return emoji

    async def get(self, emoji_id: str, viewer: Viewer) -> Emoji:
        """Raises EmojiNotFound, also where the viewer may not see it."""
        emoji = await self._emojis.get(emoji_id)
        if emoji is None or not emoji.is_visible_to(viewer):
            raise EmojiNotFound("There is no such template.")
        return emoji

    async def page(self, asked: ListQuery, viewer: Viewer) -> tuple[Page, str]:
        """A page of eight, and the token of the next one; empty on the last. Raises InvalidPageToken."""
        own = asked.owner_id is not None and asked.owner_id == viewer.user_id
        search = search_for(asked.words, asked.tag)
        skip = (asked.number - 1) * PAGE_SIZE
        favorites_of = viewer if asked.favorites_only else None
        wanted = Wanted(search, asked.sort, asked.owner_id, own, PAGE_SIZE, favorites_of, skip)
        if asked.token:
            after = pagination.decoded(asked.token, wanted.question, by_time=asked.sort == "new")
            wanted = replace(wanted, skip=0, after=After(*after))
        page = await self._emojis.page(wanted)
        return page, _token(page.after, wanted.question)

    async def favorites_among(self, emojis: Sequence[Emoji], viewer: Viewer) -> set[str]:
        """The ids of those that are favourites of the viewer's."""
        if viewer.user_id is None or not emojis:
            return set()
        return await self._emojis.favorites_among([emoji.id for emoji in emojis], viewer.user_id)

    async def add_favorite(self, emoji_id: str, viewer: Viewer, by: Maker) -> None:
        """Raises EmojiNotFound, AccountGone."""
        await self._emojis.add_favorite(emoji_id, viewer, by, self._now())

    async def remove_favorite(self, emoji_id: str, by: str) -> None:
        await self._emojis.remove_favorite(emoji_id, by)

    async def report(self, emoji_id: str, reason: str, comment: str, viewer: Viewer, by: Maker) -> None:
        """Raises EmojiNotFound, AccountGone."""
        await self._emojis.report(emoji_id, viewer, by, Report(reason, comment, self._now()))

    async def reported(self, decided: bool, token: str) -> tuple[list[Reported], str]:
        """Twenty templates of the operators' queue, and the token of the next page. Raises InvalidPageToken."""
        question = f"reports {decided}"
        after = After(*pagination.decoded(token, question, by_time=True)) if token else None
        found = await self._emojis.reported(decided, after, REPORTS_PAGE_SIZE + 1)
        page = found[:REPORTS_PAGE_SIZE]
        if len(found) == len(page):
            return page, ""
        return page, _token(After(page[-1].waiting_since, page[-1].emoji.id), question)

    async def decide(self, emoji_id: str, decision: str) -> None:
        """`hide`, `restore` or `delete`. Raises EmojiNotFound."""
        if decision == "delete":
            await self._emojis.remove(emoji_id, None)
        else:
            await self._emojis.set_hidden(emoji_id, decision == "hide")

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        """Uses ever, by id."""
        await self._emojis.update_uses(counts)

    async def batch(self, ids: Sequence[str]) -> list[Emoji]:
        """Those that may be listed, in the order of `ids`."""
        found = await self._emojis.batch(ids)
        return [found[emoji_id] for emoji_id in ids if emoji_id in found and found[emoji_id].listed]

    async def delete(self, emoji_id: str, by: str) -> None:
        """Raises EmojiNotFound, NotYourEmoji."""
        await self.get(emoji_id, Viewer(by))
        await self._emojis.remove(emoji_id, by)

    async def picture(
        self, emoji_id: str, expression: str, digest: str, viewer: Viewer, *, as_link: bool = False
    ) -> tuple[Picture | str, bool]:
        """The present picture, and whether everyone may see it; `as_link`, where a browser can have it from the store.

        Raises EmojiNotFound, and PictureNotFound where `digest` is given and is not the present one.
        """
        present, for_all = await self._present(emoji_id, expression, digest, viewer)
        link = self._pictures.link(present, for_all=for_all) if as_link else None
        with _still_there():
            return link or Picture(await self._pictures.get(present), present), for_all

    async def small_copy(
        self, emoji_id: str, expression: str, digest: str, viewer: Viewer, *, width: int
    ) -> tuple[SmallCopy, bool]:
        """The same, smaller. Raises as `picture` does."""
        present, for_all = await self._present(emoji_id, expression, digest, viewer)
        with _still_there():
            return await self._copies.get(present, width), for_all

    async def _present(self, emoji_id: str, expression: str, digest: str, viewer: Viewer) -> tuple[str, bool]:
        """The digest of the picture there is, and whether everyone may see it."""
        emoji = await self.get(emoji_id, viewer)
        present = emoji.digests[expression]
        if digest not in ("", present):
            raise _no_such_picture()
        return present, emoji.listed

    async def rename_maker(self, maker: Maker, at: datetime.datetime | None) -> None:
        """`at` is when they took the name: an older one than is known is not taken. None: now."""
        await self._emojis.rename_maker(maker, at or self._now())

    async def delete_user_data(self, user_id: str) -> None:
        """Removes all that a user left here, for good."""
        await self._emojis.remove_user(user_id, self._now())

    async def preview(self, image: bytes, keep_background: bool) -> bytes:
        """A picture as it would be stored. Raises InvalidTemplate."""
        return await self._intake.preview(image, keep_background)

    async def seed(self, built_ins: Sequence[BuiltIn]) -> None:
        """Brings the built-in templates up to date; what has not changed costs one query. Raises StartError."""
        stored = await self._emojis.built_in_sources()
        for built_in in built_ins:
            emoji_id = str(uuid.uuid5(_BUILT_INS, built_in.slug))
            if stored.get(emoji_id) != built_in.source:
                await self._put_built_in(emoji_id, built_in)

    async def _put_built_in(self, emoji_id: str, built_in: BuiltIn) -> None:
        pictures, faults = await self._intake.taken_in(built_in.files, EXPRESSIONS, keep_background=True)
        for expression, fault in faults.items():
            raise StartError(f"The picture {expression}.png of the built-in template {built_in.slug} {fault}.")
        created_at = _BUILT_INS_SINCE - datetime.timedelta(seconds=built_in.position)
        emoji = Emoji(emoji_id, built_in.name, SYSTEM, digests_of(pictures), created_at, built_in=True)
        await self._intake.put_missing(pictures)
        await self._emojis.put_built_in(emoji, built_in.source)
        await self._intake.put_missing(pictures)

    async def _pictures_of(self, emoji_id: str, viewer: Viewer) -> dict[str, Picture]:
        """All seven, by expression. Raises EmojiNotFound."""
        digests = (await self.get(emoji_id, viewer)).digests
        try:
            found = await asyncio.gather(*(self._pictures.get(digests[expression]) for expression in EXPRESSIONS))
        except ObjectMissing:  # deleted since the row was read
            raise EmojiNotFound("There is no such template.") from None
        return {key: Picture(png, digests[key]) for key, png in zip(EXPRESSIONS, found, strict=True)}


@contextlib.contextmanager
def _still_there() -> Iterator[None]:
    """A picture may have been deleted since its row was read."""
    try:
        yield
    except ObjectMissing:
        raise _no_such_picture() from None


def _no_such_picture() -> PictureNotFound:
    return PictureNotFound("The template has no such picture now.")


def _token(after: After | None, question: str) -> str:
    return pagination.encoded(after.value, after.emoji_id, question) if after is not None else ""
