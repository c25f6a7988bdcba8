"""Moderation: operators decide which templates others may see."""

from collections.abc import AsyncGenerator

from igemoji_client.models import Decision, Reported
from igemoji_client.transport import Call, CallGroup

MODERATION = "/api/v1/moderation"


class AsyncModeration(CallGroup):
    """The queue of reports, for the role `operator`."""

    def reports(self, *, decided: bool = False) -> AsyncGenerator[Reported, None]:
        """Iterate over reported templates, the longest waiting first; or over those already decided."""
        chosen = {"decided": "true"} if decided else {}
        return self._transport.items(Reported, f"{MODERATION}/reports", "reported", **chosen)

    async def decide(self, template_id: str, decision: Decision) -> None:
        """Hide, restore or delete a template, reported or not."""
        path, fields = f"{MODERATION}/emojis/{template_id}", {"decision": decision}
        await self._transport.json(Call("POST", path, json=fields, safe=decision != "delete"))
