"""Templates: seven pictures under a name."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from igemoji_client.models import (
    Expression,
    Json,
    Picture,
    Pictures,
    ReportReason,
    Sort,
    Template,
    TemplatePage,
    Visibility,
)
from igemoji_client.transport import Call, Transport, creating, get

EMOJIS = "/api/v1/emojis"


class AsyncTemplates:
    """The catalogue."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        name: str,
        pictures: Pictures | None = None,
        *,
        base_id: str = "",
        tags: Sequence[str] = (),
        visibility: Visibility = "public",
        keep_background: bool = False,
        idempotency_key: str | None = None,
    ) -> Template:
        """Makes a template of seven pictures, or of another one with some pictures changed.

        Raises InvalidRequest, whose violations name each picture that can't be taken (`images.happy`).
        """
        told: Json = {
            "name": name,
            "images": await _encoded(pictures or {}),
            "base_id": base_id,
            "tags": list(tags),
            "visibility": visibility,
            "keep_background": keep_background,
        }
        return Template.model_validate(await self._transport.json(creating(EMOJIS, told, idempotency_key)))

    async def preview(self, picture: Picture, *, keep_background: bool = False) -> bytes:
        """A picture as it would be stored: PNG."""
        told: Json = {"image": await _base64(picture), "keep_background": keep_background}
        return (await self._transport.send(Call("POST", f"{EMOJIS}/preview", json=told, safe=True))).content

    async def get(self, template_id: str) -> Template:
        """Raises NotFound, also where one may not see it."""
        return Template.model_validate(await self._transport.json(get(f"{EMOJIS}/{template_id}")))

    async def page(
        self,
        number: int = 1,
        *,
        q: str = "",
        tag: str = "",
        sort: Sort = "new",
        owner_id: str = "",
        favorites_only: bool = False,
        page_token: str = "",
    ) -> TemplatePage:
        """Eight templates: by number, or after those of another page by its `next_page_token`.

        Args:
            q: Words in names, tags and makers' names.
            favorites_only: One's own favourites.
        """
        chosen = {"q": q, "tag": tag, "sort": sort, "owner_id": owner_id, "page_token": page_token}
        call = get(f"{EMOJIS}/pages/{number}", **chosen, **({"favorites_only": "true"} if favorites_only else {}))
        return TemplatePage.model_validate(await self._transport.json(call))

    async def list(
        self, *, q: str = "", tag: str = "", sort: Sort = "new", owner_id: str = "", favorites_only: bool = False
    ) -> AsyncGenerator[Template, None]:
        """All of them, page by page as they are asked for."""
        token = ""
        while True:
            page = await self.page(
                q=q, tag=tag, sort=sort, owner_id=owner_id, favorites_only=favorites_only, page_token=token
            )
            for template in page.emojis:
                yield template
            token = page.next_page_token
            if not token:
                return

    async def update(
        self,
        template_id: str,
        *,
        etag: str,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        visibility: Visibility | None = None,
        pictures: Pictures | None = None,
        keep_background: bool = False,
    ) -> Template:
        """Changes what is given. Raises Conflict (`EDIT_CONFLICT`) where the template is not that of the etag any more.

        Args:
            etag: Of the template that the changes were made to; empty: whatever there is.
        """
        told: Json = {"etag": etag, "keep_background": keep_background}
        if name is not None:
            told["name"] = name
        if tags is not None:
            told |= {"tags": list(tags)} | ({} if tags else {"update_mask": "tags"})
        if visibility is not None:
            told["visibility"] = visibility
        if pictures:
            told["images"] = await _encoded(pictures)
        return Template.model_validate(await self._transport.json(Call("PATCH", f"{EMOJIS}/{template_id}", json=told)))

    async def delete(self, template_id: str) -> None:
        await self._transport.json(Call("DELETE", f"{EMOJIS}/{template_id}"))

    async def add_favorite(self, template_id: str) -> None:
        await self._transport.json(Call("PUT", f"{EMOJIS}/{template_id}/favorite", safe=True))

    async def remove_favorite(self, template_id: str) -> None:
        await self._transport.json(Call("DELETE", f"{EMOJIS}/{template_id}/favorite", safe=True))

    async def report(self, template_id: str, reason: ReportReason, comment: str = "") -> None:
        """Tells the operators; a second report of one's own changes nothing."""
        told: Json = {"reason": reason, "comment": comment}
        await self._transport.json(creating(f"{EMOJIS}/{template_id}/report", told, None))

    async def picture(self, template: Template, expression: Expression) -> bytes:
        """One of the seven, as PNG."""
        return (await self._transport.send(Call("GET", template.images[expression], safe=True))).content


async def _encoded(pictures: Pictures) -> Json:
    return {expression: await _base64(picture) for expression, picture in pictures.items()}


async def _base64(picture: Picture) -> str:
    data = await asyncio.to_thread(picture.read_bytes) if isinstance(picture, Path) else picture
    return base64.b64encode(data).decode()
