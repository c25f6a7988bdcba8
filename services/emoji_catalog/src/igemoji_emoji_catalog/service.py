"""What can be done with the catalogue."""

import asyncio
import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from igemoji_emoji_catalog import page_token
from igemoji_emoji_catalog.domain import (
    EXPRESSIONS,
    PUBLIC,
    SYSTEM,
    After,
    BuiltIn,
    Changes,
    Emoji,
    EmojiNotFound,
    InvalidTemplate,
    Maker,
    Page,
    Picture,
    PictureNotFound,
    Report,
    Reported,
    Unfit,
    Viewer,
    digest_of,
    template_name,
    template_tags,
)
from igemoji_emoji_catalog.search import Wanted, search_for
from igemoji_mesh.errors import StartError, Violation
from igemoji_mesh.ids import new_id
from igemoji_mesh.objects import ObjectMissing

PAGE_SIZE = 8
REPORTS_PAGE_SIZE = 20

_BUILT_INS = uuid.UUID("6f1b1f0e-3d0c-5d53-9a56-0f2a7c5b8e11")
"""Namespace of the built-in templates' ids: the same template has the same id everywhere."""
_BUILT_INS_SINCE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""Before any person's template, so that people's come first in a list; the first built-in is the newest."""


class Emojis(Protocol):
    """Keeps templates."""

    async def add(self, emoji: Emoji) -> Emoji:
        """Returns it with the newest name of its maker. Raises AccountGone."""

    async def get(self, emoji_id: str) -> Emoji | None: ...

    async def batch(self, ids: Sequence[str]) -> dict[str, Emoji]:
        """Those that there are, by id."""

    async def page(self, wanted: Wanted) -> Page: ...

    async def favorites_among(self, ids: Sequence[str], user_id: str) -> set[str]:
        """Which templates are favourites of a user."""

    async def add_favorite(self, emoji_id: str, viewer: Viewer, user: Maker, at: datetime.datetime) -> None:
        """Once, however often. Raises EmojiNotFound, AccountGone."""

    async def remove_favorite(self, emoji_id: str, user_id: str) -> None: ...

    async def update_uses(self, counts: Mapping[str, int]) -> None:
        """By id; those that are gone are left out."""

    async def change(self, emoji_id: str, changes: Changes, by: str, etag: str) -> Emoji:
        """Raises EmojiNotFound, NotYourEmoji, and EditConflict where the etag is given and not the present one."""

    async def remove(self, emoji_id: str, by: str | None) -> None:
        """Takes a template away and sees that the ranking forgets it; None: an operator does.

        Raises EmojiNotFound, NotYourEmoji.
        """

    async def report(self, emoji_id: str, viewer: Viewer, user: Maker, report: Report) -> None:
        """Once, however often. Raises EmojiNotFound, AccountGone."""

    async def reported(self, decided: bool, after: After | None, limit: int) -> list[Reported]:
        """The longest waiting first."""

    async def set_hidden(self, emoji_id: str, hidden: bool) -> None:
        """Also closes its reports, and tells the ranking. Raises EmojiNotFound."""

    async def rename_maker(self, maker: Maker, at: datetime.datetime) -> None:
        """On all their templates, unless a newer name is known."""

    async def remove_user(self, user_id: str, at: datetime.datetime) -> None:
        """Removes all that is theirs, and sees that the ranking forgets it; they can't add anything after that."""

    async def built_in_sources(self) -> dict[str, str]:
        """What the stored built-in templates were made from (`BuiltIn.source`), by id."""

    async def put_built_in(self, emoji: Emoji, source: str) -> None:
        """Adds a built-in template or replaces it, whoever else does the same."""


class Pictures(Protocol):
    """Keeps pictures under their digest."""

    async def put(self, picture: Picture) -> None: ...

    async def get(self, digest: str) -> bytes:
        """Raises ObjectMissing."""

    async def exists(self, digest: str) -> bool: ...


@dataclass(frozen=True)
class Draft:
    """What a person gives for a template; None: not given."""

    name: str | None
    tags: Sequence[str] | None
    visibility: str | None
    images: Mapping[str, bytes]
    """Picture files by expression; one that is missing or empty is not given."""
    keep_background: bool = False
    """Plain backgrounds don't become transparent."""


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
    """The use cases.

    `normalise` brings an uploaded picture into the stored form, with its plain background if asked to, or raises Unfit.
    """

    def __init__(
        self,
        emojis: Emojis,
        pictures: Pictures,
        normalise: Callable[[bytes, bool], Awaitable[bytes]],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._emojis = emojis
        self._pictures = pictures
        self._normalise = normalise
        self._now = now

    async def create(self, draft: Draft, base_id: str, by: Maker) -> Emoji:
        """Makes a template of a draft; pictures that are not given are taken from a base, if there is one.

        Raises InvalidTemplate that names every fault, EmojiNotFound for a base that the maker may not see, AccountGone.
        """
        base = await self._pictures_of(base_id, Viewer(by.id)) if base_id else {}
        given = [expression for expression in EXPRESSIONS if draft.images.get(expression) or expression not in base]
        pictures, changes = await self._checked(draft, given)
        pictures = {**base, **pictures}
        emoji = Emoji(
            new_id(),
            changes.name or "",
            by,
            _digests(pictures),
            self._now(),
            tags=changes.tags or (),
            visibility=changes.visibility or PUBLIC,
        )
        await self._put_missing(pictures)
        emoji = await self._emojis.add(emoji)
        # A deletion may have swept a shared picture in between. From now on a row refers to it: it stays.
        await self._put_missing(pictures)
        return emoji

    async def update(self, emoji_id: str, draft: Draft, etag: str, by: str) -> Emoji:
        """Makes the changes of a draft; what is None or not given there stays.

        Raises EmojiNotFound, NotYourEmoji, InvalidTemplate, and EditConflict where an etag is given and is not that of
        the present template.
        """
        (await self.get(emoji_id, Viewer(by))).check_owned(by)
        pictures, changes = await self._checked(draft, [key for key, data in draft.images.items() if data])
        await self._put_missing(pictures)
        emoji = await self._emojis.change(emoji_id, changes, by, etag)
        await self._put_missing(pictures)  # as above
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
            after = page_token.decoded(asked.token, wanted.question, by_time=asked.sort == "new")
            wanted = replace(wanted, skip=0, after=after)
        page = await self._emojis.page(wanted)
        return page, page_token.encoded(page.after, wanted.question) if page.after else ""

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
        after = page_token.decoded(token, question, by_time=True) if token else None
        found = await self._emojis.reported(decided, after, REPORTS_PAGE_SIZE + 1)
        page = found[:REPORTS_PAGE_SIZE]
        if len(found) == len(page):
            return page, ""
        return page, page_token.encoded(After(page[-1].waiting_since, page[-1].emoji.id), question)

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

    async def picture(self, emoji_id: str, expression: str, digest: str, viewer: Viewer) -> tuple[Picture, bool]:
        """The present picture, and whether everyone may see it.

        Raises EmojiNotFound, and PictureNotFound where `digest` is given and is not the present one.
        """
        emoji = await self.get(emoji_id, viewer)
        present = emoji.digests[expression]
        try:
            if digest in ("", present):
                return Picture(await self._pictures.get(present), present), emoji.listed
        except ObjectMissing:  # deleted since the row was read
            pass
        raise PictureNotFound("The template has no such picture now.")

    async def rename_maker(self, maker: Maker, at: datetime.datetime | None) -> None:
        """`at` is when they took the name: an older one than is known is not taken. None: now."""
        await self._emojis.rename_maker(maker, at or self._now())

    async def delete_user_data(self, user_id: str) -> None:
        """Removes all that a user left here, for good."""
        await self._emojis.remove_user(user_id, self._now())

    async def preview(self, image: bytes, keep_background: bool) -> bytes:
        """A picture as it would be stored. Raises InvalidTemplate."""
        try:
            return await self._normalise(image, keep_background)
        except Unfit as fault:
            raise InvalidTemplate(f"image {fault}.", violations=[Violation("image", str(fault))]) from None

    async def seed(self, built_ins: Sequence[BuiltIn]) -> None:
        """Brings the built-in templates up to date; what has not changed costs one query. Raises StartError."""
        stored = await self._emojis.built_in_sources()
        for built_in in built_ins:
            emoji_id = str(uuid.uuid5(_BUILT_INS, built_in.slug))
            if stored.get(emoji_id) != built_in.source:
                await self._put_built_in(emoji_id, built_in)

    async def _put_built_in(self, emoji_id: str, built_in: BuiltIn) -> None:
        pictures, faults = await self._taken_in(built_in.files, EXPRESSIONS, keep_background=True)
        for expression, fault in faults.items():
            raise StartError(f"The picture {expression}.png of the built-in template {built_in.slug} {fault}.")
        created_at = _BUILT_INS_SINCE - datetime.timedelta(seconds=built_in.position)
        emoji = Emoji(emoji_id, built_in.name, SYSTEM, _digests(pictures), created_at, built_in=True)
        await self._put_missing(pictures)
        await self._emojis.put_built_in(emoji, built_in.source)
        await self._put_missing(pictures)

    async def _checked(self, draft: Draft, expressions: Sequence[str]) -> tuple[dict[str, Picture], Changes]:
        """The pictures of some expressions, and what a draft says in stored form. Raises InvalidTemplate."""
        violations: list[Violation] = []
        name, tags = None, None
        try:
            name = None if draft.name is None else template_name(draft.name)
        except Unfit as fault:
            violations.append(Violation("name", str(fault)))
        try:
            tags = None if draft.tags is None else template_tags(draft.tags)
        except Unfit as fault:
            violations.append(Violation("tags", str(fault)))
        pictures, faults = await self._taken_in(draft.images, expressions, draft.keep_background)
        violations += [Violation(f"images.{expression}", fault) for expression, fault in faults.items()]
        if violations:
            raise InvalidTemplate(_sentence(violations), violations=violations)
        return pictures, Changes(name, tags, draft.visibility, _digests(pictures))

    async def _pictures_of(self, emoji_id: str, viewer: Viewer) -> dict[str, Picture]:
        """All seven, by expression. Raises EmojiNotFound."""
        digests = (await self.get(emoji_id, viewer)).digests
        try:
            found = await asyncio.gather(*(self._pictures.get(digests[expression]) for expression in EXPRESSIONS))
        except ObjectMissing:  # deleted since the row was read
            raise EmojiNotFound("There is no such template.") from None
        return {key: Picture(png, digests[key]) for key, png in zip(EXPRESSIONS, found, strict=True)}

    async def _taken_in(
        self, images: Mapping[str, bytes], expressions: Sequence[str], keep_background: bool
    ) -> tuple[dict[str, Picture], dict[str, str]]:
        """The normalised pictures, and what is wrong with the others, both by expression."""
        files = [images.get(expression, b"") for expression in expressions]
        taken = await asyncio.gather(*(self._take_in(file, keep_background) for file in files))
        by_expression = dict(zip(expressions, taken, strict=True))
        pictures = {key: picture for key, picture in by_expression.items() if isinstance(picture, Picture)}
        return pictures, {key: fault for key, fault in by_expression.items() if isinstance(fault, str)}

    async def _take_in(self, data: bytes, keep_background: bool) -> Picture | str:
        try:
            png = await self._normalise(data, keep_background)
        except Unfit as fault:
            return str(fault)
        return Picture(png, digest_of(png))

    async def _put_missing(self, pictures: Mapping[str, Picture]) -> None:
        for picture in {picture.digest: picture for picture in pictures.values()}.values():
            if not await self._pictures.exists(picture.digest):
                await self._pictures.put(picture)


def _digests(pictures: Mapping[str, Picture]) -> dict[str, str]:
    return {expression: picture.digest for expression, picture in pictures.items()}


def _sentence(violations: Sequence[Violation]) -> str:
    first = f"{violations[0].field} {violations[0].description}"
    return first + (f", and {len(violations) - 1} more." if len(violations) > 1 else ".")
