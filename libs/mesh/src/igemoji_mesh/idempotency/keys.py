"""The header `Idempotency-Key`: a call that is made again with the same key has one effect and one answer.

A call claims its key in the service's database, makes its effect, and keeps its answer in the transaction of the
effect. What ends in between has either done both or nothing: the claim runs out, and who comes next starts anew. A
claim that was taken over meanwhile can't keep an answer any more, so its effect is rolled back (docs/adr/0005).

    async def CreateThing(self, request, context):
        return await answered(context, self._things.create(request.name), _created)   # rpc.py

    def work(connection):                                                             # store.py
        connection.execute(...)
        keep_answer(connection, thing)

The key is a secret of its caller and is not stored; what is stored is made with it (`keyed_call`).
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc
import sqlalchemy as sa
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from sqlalchemy.dialects import mysql

from igemoji_mesh.db.advisory_lock import turn
from igemoji_mesh.db.database import Database, UtcDateTime, utc_now
from igemoji_mesh.errors import AlreadyExists, Conflict, InvalidInput, Violation
from igemoji_mesh.idempotency.crypto import KeyedCall, comparable
from igemoji_mesh.interceptors.access import caller, client_address
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import send_headers
from igemoji_mesh.observability.logging import log
from igemoji_protos import Rpc

T = TypeVar("T")
MessageT = TypeVar("MessageT", bound=Message)

HEADER = "idempotency-key"
REPLAYED = "idempotent-replayed"
"""A header of answers that were given before."""
KEPT = datetime.timedelta(hours=24)
LEASE = datetime.timedelta(seconds=15)
"""How long a call has its key for itself. One that takes longer keeps it unless another one comes."""
SWEEP_SECONDS = 300.0
SWEPT_AT_ONCE = 1000
SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
"""A task with 200 faces is longer than MySQL's BLOB."""

_KEY = re.compile(r"[\x21-\x7e]{16,128}")


class InvalidIdempotencyKey(InvalidInput):
    def __init__(self) -> None:
        text = "must be 16 to 128 visible ASCII characters that nobody guesses, such as a random UUID"
        super().__init__(f"Idempotency-Key: {text}.", violations=[Violation("Idempotency-Key", text)])


class IdempotencyKeyReused(AlreadyExists):
    """The key came with another request before."""


class IdempotentCallUnderWay(Conflict):
    """The first call with the key has not ended."""


@dataclass(frozen=True)
class Answer(Generic[MessageT]):
    """What a call answers: a message, and response headers by name, such as `location`."""

    message: MessageT
    headers: Mapping[str, str] = field(default_factory=dict)


def idempotency_table(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "idempotency_keys",
        metadata,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("claim", sa.String(36), nullable=False),
        sa.Column("claimed_until", UtcDateTime, nullable=False),
        sa.Column("answer", SEALED),
        sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    )


class IdempotencyKeys:
    """The keys of a service, in its database."""

    def __init__(self, database: Database, table: sa.Table, now: Callable[[], datetime.datetime] = utc_now) -> None:
        self._database = database
        self._table = table
        self._now = now

    async def claim(self, call: KeyedCall) -> bytes | None:
        """Takes the key for a call; or returns the sealed answer that there is.

        Raises IdempotencyKeyReused or IdempotentCallUnderWay.
        """
        return await self._database.write(lambda connection: self._claim(connection, call))

    async def release(self, call: KeyedCall) -> None:
        """Lets the key be used for the same request anew, unless there is an answer."""
        unanswered = self._mine(call) & self._table.c.answer.is_(None)
        await self._database.write(lambda connection: connection.execute(self._table.delete().where(unanswered)))

    async def keep(self, call: KeyedCall, answer: Answer[Any]) -> None:
        """For answers that were not kept with an effect."""
        await self._database.write(lambda connection: self.keep_within(connection, call, answer))

    def keep_within(self, connection: sa.Connection, call: KeyedCall, answer: Answer[Any]) -> None:
        """In the transaction of the effect. Raises IdempotentCallUnderWay where another call has taken the key over."""
        sealed = call.sealed(answer.headers, answer.message.SerializeToString())
        kept = {"answer": sealed, "expires_at": self._now() + KEPT}
        if connection.execute(self._table.update().where(self._mine(call)).values(kept)).rowcount != 1:
            raise _under_way()

    async def run(self) -> None:
        """Removes what has expired, for as long as the service runs: any replica, one at a time."""
        while True:
            async with turn(self._database, "keys") as mine:
                while mine and await self.sweep() == SWEPT_AT_ONCE:
                    pass
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Removes some keys whose day is over, and returns how many."""
        columns = self._table.c

        def work(connection: sa.Connection) -> int:
            over = sa.select(columns.id).where(columns.expires_at <= self._now()).limit(SWEPT_AT_ONCE)
            ids = connection.execute(over).scalars().all()
            connection.execute(self._table.delete().where(columns.id.in_(ids), columns.expires_at <= self._now()))
            return len(ids)

        return await self._database.write(work)

    def _claim(self, connection: sa.Connection, call: KeyedCall) -> bytes | None:
        columns, now = self._table.c, self._now()
        claimed = {
            "request": call.request,
            "claim": call.claim,
            "claimed_until": now + LEASE,
            "answer": None,
            "expires_at": now + KEPT,
        }
        try:
            connection.execute(self._table.insert().values(id=call.id, **claimed))
        except sa.exc.IntegrityError:
            row = connection.execute(sa.select(self._table).where(columns.id == call.id)).one_or_none()
        else:
            return None
        if row is None:  # swept between the two
            raise _under_way()
        if row.expires_at > now:
            if row.request != call.request:
                raise IdempotencyKeyReused("This Idempotency-Key came with another request before. Use a new one.")
            if row.answer is not None:
                return bytes(row.answer)
            if row.claimed_until > now:
                raise _under_way()
        taken_over = self._table.update().where(columns.id == call.id, columns.claim == row.claim)
        if connection.execute(taken_over.values(claimed)).rowcount != 1:
            raise _under_way()
        return None

    def _mine(self, call: KeyedCall) -> sa.ColumnElement[bool]:
        return sa.and_(self._table.c.id == call.id, self._table.c.claim == call.claim)


@dataclass
class ClaimedKey:
    """The call that is being answered, where it came with a key."""

    call: KeyedCall
    keys: IdempotencyKeys
    to_answer: Callable[[Any], Answer[Any]] | None = None
    kept: bool = False


_current: ContextVar[ClaimedKey | None] = ContextVar("keyed_call", default=None)


def current_claim() -> ClaimedKey | None:
    """Return the claimed key of the call that is being answered; None if it has no key."""
    return _current.get()


async def answered(context: Context, work: Awaitable[T], to_answer: Callable[[T], Answer[MessageT]]) -> MessageT:
    """Waits for work, answers its result and sends the answer's headers.

    `to_answer` is also what turns a result into the answer that `keep_answer` keeps.
    """
    current = _current.get()
    if current is not None:
        current.to_answer = to_answer
    answer = to_answer(await work)
    await send_headers(context, **answer.headers)
    return answer.message


def keep_answer(connection: sa.Connection, result: object) -> None:
    """Within the unit of work that makes the effect of a call: keeps the answer with it, where the call has a key.

    Raises IdempotentCallUnderWay, and nothing of the unit of work holds, where another call has the key now.
    """
    current = _current.get()
    if current is not None and current.to_answer is not None:
        current.keys.keep_within(connection, current.call, current.to_answer(result))
        current.kept = True


class IdempotencyInterceptor(grpc.aio.ServerInterceptor):
    """Around the servicer, within all others: who may not call, or calls with bad input, claims nothing."""

    def __init__(self, policies: Mapping[str, Rpc], keys: IdempotencyKeys) -> None:
        self._keys = keys
        self._kinds = {
            path: message_factory.GetMessageClass(Default().FindMessageTypeByName(rpc.response))
            for path, rpc in policies.items()
            if takes_key(rpc)
        }

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler: Any = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method not in self._kinds:
            return handler  # type: ignore[no-any-return]

        async def call(request: Any, context: Context) -> Any:
            key = dict(context.invocation_metadata() or ()).get(HEADER)
            if key is None:
                return await handler.unary_unary(request, context)
            if not _KEY.fullmatch(str(key)):
                raise InvalidIdempotencyKey
            return await self._once(str(key), method, handler.unary_unary, request, context)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def _once(
        self,
        key: str,
        method: str,
        behavior: Callable[[Any, Context], Awaitable[Any]],
        request: Any,
        context: Context,
    ) -> Any:
        scope = f"{method} {caller().user_id or client_address(context)}"
        call = await asyncio.to_thread(lambda: KeyedCall(key, scope, comparable(request)))
        sealed = await self._keys.claim(call)
        if sealed is not None:
            headers, message = call.opened(sealed)
            await send_headers(context, **headers, **{REPLAYED: "true"})
            return self._kinds[method].FromString(message)
        current = ClaimedKey(call, self._keys)
        _current.set(current)
        try:
            response = await behavior(request, context)
            if not current.kept:
                await self._keys.keep(call, Answer(response))
        except BaseException:
            # An error is not kept: the next call with the key starts anew. Shielded: a caller that goes away cancels.
            await asyncio.shield(self._release(call))
            raise
        return response

    async def _release(self, call: KeyedCall) -> None:
        try:
            await self._keys.release(call)
        except Exception as error:  # the claim runs out by itself
            log.warning("an idempotency key was not released", error=repr(error))


def takes_key(rpc: Rpc) -> bool:
    return rpc.access is not None and rpc.access.idempotency_key


def _under_way() -> IdempotentCallUnderWay:
    return IdempotentCallUnderWay(
        "A call with this Idempotency-Key is being answered. Try again in a moment.", retry_after_seconds=1
    )
