"""Templates: seven pictures and a name."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from igemoji_client import models
from igemoji_client.transport import Call, CallGroup, creating, get

EMOJIS = "/api/v1/emojis"


class AsyncTemplates(CallGroup):
    """The catalog of templates."""

    async def create(
        self,
        name: str,
        pictures: models.Pictures | None = None,
        *,
        base_id: str = "",
        tags: Sequence[str] = (),
        visibility: models.Visibility = "public",
        keep_background: bool = False,
        idempotency_key: str | None = None,
    ) -> models.Template:
        """Create a template from seven pictures, or from another template with some pictures changed.

        Raises InvalidRequest, whose violations name each picture that is refused (`images.happy`).
        """
        fields: models.Json = {
            "name": name,
            "images": await _encoded(pictures or {}),
            "base_id": base_id,
            "tags": list(tags),
            "visibility": visibility,
            "keep_background": keep_background,
        }
        return await self._transport.model(models.Template, creating(EMOJIS, fields, idempotency_key))

    async def preview(self, picture: models.Picture, *, keep_background: bool = False) -> bytes:
        """Return a picture as it would be stored: PNG."""
        fields: models.Json = {"image": await _base64(picture), "keep_background": keep_background}
        return (await self._transport.send(Call("POST", f"{EMOJIS}/preview", json=fields, safe=True))).content

    async def get(self, template_id: str) -> models.Template:
        """Return a template. Raises NotFound, also if the caller may not see it."""
        return await self._transport.model(models.Template, get(f"{EMOJIS}/{template_id}"))

    async def page(
        self,
        number: int = 1,
        *,
        q: str = "",
        tag: str = "",
        sort: models.Sort = "new",
        owner_id: str = "",
        favorites_only: bool = False,
        page_token: str = "",
    ) -> models.TemplatePage:
        """Return a page of eight templates, by number or by the `next_page_token` of the page before.

        Args:
            number: From 1; ignored if there is a token.
            q: Words in names, tags and makers' aliases.
            tag: Only templates with this tag.
            sort: Newest first, most used first, or most favorites first.
            owner_id: Only templates of this maker.
            favorites_only: Only the caller's favorites.
            page_token: The `next_page_token` of the page before.
        """
        chosen = _chosen(q, tag, sort, owner_id, favorites_only)
        call = get(f"{EMOJIS}/pages/{number}", **chosen, page_token=page_token)
        return await self._transport.model(models.TemplatePage, call)

    def list(
        self, *, q: str = "", tag: str = "", sort: models.Sort = "new", owner_id: str = "", favorites_only: bool = False
    ) -> AsyncGenerator[models.Template, None]:
        """Iterate over all templates, page by page."""
        chosen = _chosen(q, tag, sort, owner_id, favorites_only)
        return self._transport.items(models.Template, f"{EMOJIS}/pages/1", "emojis", **chosen)

    async def update(
        self,
        template_id: str,
        *,
        etag: str,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        visibility: models.Visibility | None = None,
        pictures: models.Pictures | None = None,
        keep_background: bool = False,
    ) -> models.Template:
        """Change what is given. Raises Conflict (`EDIT_CONFLICT`) if the template has another etag by now.

        Args:
            template_id: The template to change.
            etag: Etag of the template that the changes are based on; empty changes any version.
            name: The new name.
            tags: All tags; empty removes them.
            visibility: Who may see it.
            pictures: The pictures to replace, by expression.
            keep_background: Keep plain backgrounds of these pictures opaque.
        """
        fields: models.Json = {"etag": etag, "keep_background": keep_background}
        if name is not None:
            fields["name"] = name
        if tags is not None:
            fields |= {"tags": list(tags)} | ({} if tags else {"update_mask": "tags"})
        if visibility is not None:
            fields["visibility"] = visibility
        if pictures:
            fields["images"] = await _encoded(pictures)
        return await self._transport.model(models.Template, Call("PATCH", f"{EMOJIS}/{template_id}", json=fields))

    async def delete(self, template_id: str) -> None:
        """Delete a template of one's own."""
        await self._transport.json(Call("DELETE", f"{EMOJIS}/{template_id}"))

    async def add_favorite(self, template_id: str) -> None:
        """Add a template to the favorites. Idempotent."""
        await self._transport.json(Call("PUT", f"{EMOJIS}/{template_id}/favorite", safe=True))

    async def remove_favorite(self, template_id: str) -> None:
        """Remove a template from the favorites. Idempotent."""
        await self._transport.json(Call("DELETE", f"{EMOJIS}/{template_id}/favorite", safe=True))

    async def report(self, template_id: str, reason: models.ReportReason, comment: str = "") -> None:
        """Report a template to the operators; a second report by the same user changes nothing."""
        fields: models.Json = {"reason": reason, "comment": comment}
        await self._transport.json(creating(f"{EMOJIS}/{template_id}/report", fields, None))

    async def picture(self, template: models.Template, expression: models.Expression) -> bytes:
        """Return one of the seven pictures, as PNG."""
        return (await self._transport.send(Call("GET", template.images[expression], safe=True))).content


def _chosen(q: str, tag: str, sort: str, owner_id: str, favorites_only: bool) -> dict[str, str]:
    flags = {"favorites_only": "true"} if favorites_only else {}
    return {"q": q, "tag": tag, "sort": sort, "owner_id": owner_id} | flags


async def _encoded(pictures: models.Pictures) -> models.Json:
    return {expression: await _base64(picture) for expression, picture in pictures.items()}


async def _base64(picture: models.Picture) -> str:
    data = await asyncio.to_thread(picture.read_bytes) if isinstance(picture, Path) else picture
    return base64.b64encode(data).decode()
