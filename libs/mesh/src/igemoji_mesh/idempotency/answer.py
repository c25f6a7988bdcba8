"""Answers of calls that may have an idempotency key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa
from google.protobuf.message import Message

from igemoji_mesh.idempotency.keys import Answer as Answer
from igemoji_mesh.idempotency.keys import ClaimedKey, current_claim
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import send_headers

T = TypeVar("T")
MessageT = TypeVar("MessageT", bound=Message)


async def answer_once(
    context: Context, use: Callable[[Replay[T]], Awaitable[T]], to_answer: Callable[[T], Answer[MessageT]]
) -> MessageT:
    """Await `use`, send the headers of its answer and return the message.

    The value that `use` saves through its Replay is mapped by `to_answer` as well, and stored encrypted in the same
    transaction; a repeated call with the key gets that answer.
    """
    claim = current_claim()
    answer = to_answer(await use(NO_REPLAY if claim is None else _StoredReplay(claim, to_answer)))
    await send_headers(context, **answer.headers)
    return answer.message


@dataclass(frozen=True)
class _StoredReplay(Generic[T, MessageT]):
    """Replay that stores the answer in the table of idempotency keys."""

    claim: ClaimedKey
    to_answer: Callable[[T], Answer[MessageT]]

    def save(self, connection: sa.Connection, value: T) -> None:
        self.claim.keys.keep_within(connection, self.claim.call, self.to_answer(value))
        self.claim.kept = True
