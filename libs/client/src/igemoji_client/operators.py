"""What operators do: decide which templates others may see."""

from collections.abc import AsyncGenerator

from igemoji_client.models import Decision, Reported
from igemoji_client.transport import Call, Transport, get

MODERATION = "/api/v1/moderation"


class AsyncModeration:
    """The queue of reports; for who has the role `operator`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def reports(self, *, decided: bool = False) -> AsyncGenerator[Reported, None]:
        """Reported templates, the longest waiting first; or those that were decided on."""
        token = ""
        while True:
            chosen = {"page_token": token} | ({"decided": "true"} if decided else {})
            page = await self._transport.json(get(f"{MODERATION}/reports", **chosen))
            for told in page["reported"]:
                yield Reported.model_validate(told)
            token = page["next_page_token"]
            if not token:
                return

    async def decide(self, template_id: str, decision: Decision) -> None:
        """Hides a template, restores or deletes it, reported or not."""
        call = Call(
            "POST", f"{MODERATION}/emojis/{template_id}", json={"decision": decision}, safe=decision != "delete"
        )
        await self._transport.json(call)
