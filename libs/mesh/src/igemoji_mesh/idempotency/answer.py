"""Answers of calls that may have an idempotency key.

A servicer returns `await answer_once(context, lambda replay: self._things.create(name, replay), _to_answer)`; the SQL
adapter calls `replay.save(connection, thing)` in the transaction of the effect.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from google.protobuf.message import Message

from igemoji_mesh import call_context
from igemoji_mesh.idempotency.crypto import KeyedCall
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.idempotency.replay import NO_REPLAY, Replay
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import send_headers

T = TypeVar("T")
MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True)
class Answer(Generic[MessageT]):
    """Message and response headers, such as `location`."""

    message: MessageT
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ClaimedKey:
    """The key that the current call holds."""

    call: KeyedCall
    keys: IdempotencyKeys
    has_answer: bool = False

    def encrypt(self, answer: Answer[Any]) -> bytes:
        """Return the bytes to store."""
        return self.call.encrypt(answer.headers, answer.message.SerializeToString())

    def save(self, connection: sa.Connection, answer: Answer[Any]) -> None:
        """Store the answer in the transaction of `connection`. Raises IdempotentCallUnderWay."""
        self.keys.store_within(connection, self.call, self.encrypt(answer))
        self.has_answer = True


async def answer_once(
    context: Context, use: Callable[[Replay[T]], Awaitable[T]], to_answer: Callable[[T], Answer[MessageT]]
) -> MessageT:
    """Await `use`, send the headers of its answer and return the message.

    The value that `use` saves through its Replay is mapped by `to_answer` as well, and stored encrypted in the same
    transaction; a repeated call with the key gets that answer.
    """
    save = call_context.current().save_answer
    replay: Replay[T] = (
        NO_REPLAY if save is None else Replay(lambda connection, value: save(connection, to_answer(value)))
    )
    answer = to_answer(await use(replay))
    await send_headers(context, **answer.headers)
    return answer.message
