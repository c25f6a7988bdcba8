"""Moderation: operators decide which templates others may see."""

from collections.abc import AsyncGenerator

from igemoji_client.models import Decision, Reported
from igemoji_client.transport import Call, Transport

MODERATION = "/api/v1/moderation"


class AsyncModeration:
    """The queue of reports, for the role `operator`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def reports(self, *, decided: bool = False) -> AsyncGenerator[Reported, None]:
        """Iterate over reported templates, the longest waiting first; or over those already decided."""
        chosen = {"decided": "true"} if decided else {}
        async for item in self._transport.items(f"{MODERATION}/reports", "reported", **chosen):
            yield Reported.model_validate(item)

    async def decide(self, template_id: str, decision: Decision) -> None:
        """Hide, restore or delete a template, reported or not."""
        call = Call(
            "POST", f"{MODERATION}/emojis/{template_id}", json={"decision": decision}, safe=decision != "delete"
        )
        await self._transport.json(call)
