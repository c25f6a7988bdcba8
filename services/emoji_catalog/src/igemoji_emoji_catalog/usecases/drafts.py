"""What people give for a template, checked and brought into the form in which it is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from igemoji_emoji_catalog.domain.model import (
    Changes,
    InvalidTemplate,
    Picture,
    Unfit,
    digest_of,
    template_name,
    template_tags,
)
from igemoji_emoji_catalog.usecases.ports import Pictures
from igemoji_mesh.errors import Violation

Normalise = Callable[[bytes, bool], Awaitable[bytes]]
"""Brings an uploaded picture into the stored form, with its plain background if asked to, or raises Unfit."""


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


class Intake:
    """Takes drafts and pictures in, or says what is wrong with them."""

    def __init__(self, pictures: Pictures, normalise: Normalise) -> None:
        self._pictures = pictures
        self._normalise = normalise

    async def preview(self, image: bytes, keep_background: bool) -> bytes:
        """A picture as it would be stored. Raises InvalidTemplate."""
        try:
            return await self._normalise(image, keep_background)
        except Unfit as fault:
            raise InvalidTemplate(f"image {fault}.", violations=[Violation("image", str(fault))]) from None

    async def checked(self, draft: Draft, expressions: Sequence[str]) -> tuple[dict[str, Picture], Changes]:
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
        pictures, faults = await self.taken_in(draft.images, expressions, draft.keep_background)
        violations += [Violation(f"images.{expression}", fault) for expression, fault in faults.items()]
        if violations:
            raise InvalidTemplate(_sentence(violations), violations=violations)
        return pictures, Changes(name, tags, draft.visibility, digests_of(pictures))

    async def taken_in(
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

    async def put_missing(self, pictures: Mapping[str, Picture]) -> None:
        for picture in {picture.digest: picture for picture in pictures.values()}.values():
            if not await self._pictures.exists(picture.digest):
                await self._pictures.put(picture)


def digests_of(pictures: Mapping[str, Picture]) -> dict[str, str]:
    return {expression: picture.digest for expression, picture in pictures.items()}


def _sentence(violations: Sequence[Violation]) -> str:
    first = f"{violations[0].field} {violations[0].description}"
    return first + (f", and {len(violations) - 1} more." if len(violations) > 1 else ".")
