"""Drafts of templates: checked and brought into stored form."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from igemoji_emoji_catalog.domain import model
from igemoji_emoji_catalog.usecases.ports import Pictures
from igemoji_mesh.errors import Violation

Normalize = Callable[[bytes, bool], Awaitable[bytes]]
"""Convert an uploaded picture to stored form; the flag keeps a plain background. Raises InvalidValue."""


@dataclass(frozen=True)
class Draft:
    """The fields of a create or update call; None if a field is not given."""

    name: str | None
    tags: Sequence[str] | None
    visibility: str | None
    images: Mapping[str, bytes]
    """Picture files by expression; a missing or empty one is not given."""
    keep_background: bool = False
    """Whether plain backgrounds stay opaque."""


class DraftChecker:
    """Checks drafts and stores their pictures."""

    def __init__(self, pictures: Pictures, normalize: Normalize) -> None:
        self._pictures = pictures
        self._normalize = normalize

    async def preview(self, image: bytes, keep_background: bool) -> bytes:
        """Return a picture as it would be stored. Raises InvalidTemplate."""
        try:
            return await self._normalize(image, keep_background)
        except model.InvalidValue as fault:
            raise model.InvalidTemplate(f"image {fault}.", violations=[Violation("image", str(fault))]) from None

    async def check(self, draft: Draft, expressions: Sequence[str]) -> tuple[dict[str, model.Picture], model.Changes]:
        """Return the pictures of some expressions and the changes. Raises InvalidTemplate with every fault."""
        violations: list[Violation] = []
        name, tags = None, None
        try:
            name = None if draft.name is None else model.template_name(draft.name)
        except model.InvalidValue as fault:
            violations.append(Violation("name", str(fault)))
        try:
            tags = None if draft.tags is None else model.template_tags(draft.tags)
        except model.InvalidValue as fault:
            violations.append(Violation("tags", str(fault)))
        pictures, faults = await self.normalize_all(draft.images, expressions, draft.keep_background)
        violations += [Violation(f"images.{expression}", fault) for expression, fault in faults.items()]
        if violations:
            raise model.InvalidTemplate(_sentence(violations), violations=violations)
        return pictures, model.Changes(name, tags, draft.visibility, digests_of(pictures))

    async def normalize_all(
        self, images: Mapping[str, bytes], expressions: Sequence[str], keep_background: bool
    ) -> tuple[dict[str, model.Picture], dict[str, str]]:
        """Return the normalized pictures, and the faults of the others, both by expression."""
        files = [images.get(expression, b"") for expression in expressions]
        results = await asyncio.gather(*(self._normalize_one(file, keep_background) for file in files))
        by_expression = dict(zip(expressions, results, strict=True))
        pictures = {key: picture for key, picture in by_expression.items() if isinstance(picture, model.Picture)}
        return pictures, {key: fault for key, fault in by_expression.items() if isinstance(fault, str)}

    async def _normalize_one(self, data: bytes, keep_background: bool) -> model.Picture | str:
        try:
            png = await self._normalize(data, keep_background)
        except model.InvalidValue as fault:
            return str(fault)
        return model.Picture(png, model.digest_of(png))

    async def store_missing(self, pictures: Mapping[str, model.Picture]) -> None:
        """Store the pictures that the object store does not have."""
        for picture in {picture.digest: picture for picture in pictures.values()}.values():
            if not await self._pictures.exists(picture.digest):
                await self._pictures.put(picture)


def digests_of(pictures: Mapping[str, model.Picture]) -> dict[str, str]:
    """Return the digests of pictures, by expression."""
    return {expression: picture.digest for expression, picture in pictures.items()}


def _sentence(violations: Sequence[Violation]) -> str:
    first = f"{violations[0].field} {violations[0].description}"
    return first + (f", and {len(violations) - 1} more." if len(violations) > 1 else ".")
