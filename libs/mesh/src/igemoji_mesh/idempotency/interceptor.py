"""The header `Idempotency-Key`."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message

from igemoji_mesh import call_context
from igemoji_mesh.errors import InvalidInput, Violation
from igemoji_mesh.idempotency.answer import Answer, ClaimedKey
from igemoji_mesh.idempotency.crypto import KeyedCall, canonical_bytes
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.interceptors.access import client_address
from igemoji_mesh.interceptors.base import CallInterceptor, Context, Unary
from igemoji_mesh.interceptors.http_status import send_headers
from igemoji_mesh.observability.logging import log
from igemoji_protos import Rpc

HEADER = "idempotency-key"
REPLAYED = "idempotent-replayed"
"""Header of replayed answers."""

_KEY = re.compile(r"[\x21-\x7e]{16,128}")


class InvalidIdempotencyKey(InvalidInput):
    """The header is too short, too long, or has other characters."""

    def __init__(self) -> None:
        text = "must be 16 to 128 visible ASCII characters that can't be guessed, such as a random UUID"
        super().__init__(f"Idempotency-Key: {text}.", violations=[Violation("Idempotency-Key", text)])


class IdempotencyInterceptor(CallInterceptor):
    """Innermost interceptor: refused callers and bad requests claim nothing."""

    def __init__(self, policies: Mapping[str, Rpc], keys: IdempotencyKeys) -> None:
        self._keys = keys
        self._responses: dict[str, type[Message]] = {
            path: message_factory.GetMessageClass(Default().FindMessageTypeByName(rpc.response))
            for path, rpc in policies.items()
            if rpc.access is not None and rpc.access.idempotency_key
        }

    async def answer(self, method: str, behavior: Unary, request: Any, context: Context) -> Any:
        """Replay the stored answer of a call with a key, or claim the key and answer."""
        key = dict(context.invocation_metadata() or ()).get(HEADER)
        if key is None or method not in self._responses:
            return await behavior(request, context)
        if not _KEY.fullmatch(str(key)):
            raise InvalidIdempotencyKey
        scope = f"{method} {call_context.caller().user_id or client_address(context)}"
        call = await asyncio.to_thread(lambda: KeyedCall(str(key), scope, canonical_bytes(request)))
        stored = await self._keys.claim(call)
        if stored is not None:
            headers, message = call.decrypt(stored)
            await send_headers(context, **headers, **{REPLAYED: "true"})
            return self._responses[method].FromString(message)
        claim = ClaimedKey(call, self._keys)
        call_context.update(save_answer=claim.save)
        try:
            response = await behavior(request, context)
            if not claim.has_answer:
                await self._keys.store(call, claim.encrypt(Answer(response)))
        except BaseException:
            # Errors are not stored: a repeated call starts from the beginning. Shielded from a client that cancels.
            await asyncio.shield(self._release(call))
            raise
        return response

    async def _release(self, call: KeyedCall) -> None:
        try:
            await self._keys.release(call)
        except Exception as error:  # the claim expires
            log.warning("idempotency.release_failed", error=repr(error))
