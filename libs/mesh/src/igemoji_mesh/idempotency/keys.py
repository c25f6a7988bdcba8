"""Idempotency keys in a service's database.

A call claims its key, makes its effect, and stores its answer in the transaction of the effect. An attempt that dies
has done both or nothing: its claim expires, and the next attempt starts from the beginning. An attempt whose claim was
taken over can't store an answer, so its effect is rolled back (docs/adr/0005).
"""

import datetime
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from igemoji_mesh.db.database import Database, UtcDateTime, utc_now
from igemoji_mesh.db.sweeps import sweep_forever
from igemoji_mesh.errors import AlreadyExists, Conflict
from igemoji_mesh.idempotency.crypto import KeyedCall

RETENTION = datetime.timedelta(hours=24)
LEASE = datetime.timedelta(seconds=15)
"""A call that takes longer loses its key only if another one claims it."""
SWEEP_SECONDS = 300.0
SWEEP_BATCH = 1000
ENCRYPTED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
"""A task with 200 faces exceeds MySQL's BLOB."""


class IdempotencyKeyReused(AlreadyExists):
    """The key came with another request before."""


class IdempotentCallUnderWay(Conflict):
    """Another call holds the key."""


def idempotency_table(metadata: sa.MetaData) -> sa.Table:
    """Return the table of keys, for the metadata of a service."""
    return sa.Table(
        "idempotency_keys",
        metadata,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("claim", sa.String(36), nullable=False),
        sa.Column("claimed_until", UtcDateTime, nullable=False),
        sa.Column("answer", ENCRYPTED),
        sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    )


class IdempotencyKeys:
    """The keys of a service."""

    def __init__(self, database: Database, table: sa.Table, now: Callable[[], datetime.datetime] = utc_now) -> None:
        self._database = database
        self._table = table
        self._now = now

    async def claim(self, call: KeyedCall) -> bytes | None:
        """Claim the key for a call and return None; or return the encrypted answer that is stored.

        Raises IdempotencyKeyReused or IdempotentCallUnderWay.
        """
        return await self._database.write(lambda connection: self._claim(connection, call))

    async def release(self, call: KeyedCall) -> None:
        """Give up the claim, unless there is an answer."""
        unanswered = self._claimed_by(call) & self._table.c.answer.is_(None)
        await self._database.write(lambda connection: connection.execute(self._table.delete().where(unanswered)))

    async def store(self, call: KeyedCall, answer: bytes) -> None:
        """Store the encrypted answer of a call in a transaction of its own."""
        await self._database.write(lambda connection: self.store_within(connection, call, answer))

    def store_within(self, connection: sa.Connection, call: KeyedCall, answer: bytes) -> None:
        """Store the encrypted answer in the transaction of the effect.

        Raises IdempotentCallUnderWay if another call has taken over the key.
        """
        values = {"answer": answer, "expires_at": self._now() + RETENTION}
        if connection.execute(self._table.update().where(self._claimed_by(call)).values(values)).rowcount != 1:
            raise _under_way()

    async def run(self) -> None:
        """Delete expired keys while the service runs, on one replica at a time."""
        await sweep_forever(self._database, "keys", self.sweep, batch=SWEEP_BATCH, seconds=SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Delete a batch of expired keys; return how many."""
        columns = self._table.c

        def work(connection: sa.Connection) -> int:
            expired = sa.select(columns.id).where(columns.expires_at <= self._now()).limit(SWEEP_BATCH)
            ids = connection.execute(expired).scalars().all()
            connection.execute(self._table.delete().where(columns.id.in_(ids), columns.expires_at <= self._now()))
            return len(ids)

        return await self._database.write(work)

    def _claim(self, connection: sa.Connection, call: KeyedCall) -> bytes | None:
        columns, now = self._table.c, self._now()
        claimed = {
            "request": call.fingerprint,
            "claim": call.claim,
            "claimed_until": now + LEASE,
            "answer": None,
            "expires_at": now + RETENTION,
        }
        try:
            connection.execute(self._table.insert().values(id=call.id, **claimed))
        except sa.exc.IntegrityError:
            row = connection.execute(sa.select(self._table).where(columns.id == call.id)).one_or_none()
        else:
            return None
        if row is None:  # swept between the two statements
            raise _under_way()
        if row.expires_at > now:
            if row.request != call.fingerprint:
                raise IdempotencyKeyReused("This Idempotency-Key was used for another request. Use a new one.")
            if row.answer is not None:
                return bytes(row.answer)
            if row.claimed_until > now:
                raise _under_way()
        take_over = self._table.update().where(columns.id == call.id, columns.claim == row.claim)
        if connection.execute(take_over.values(claimed)).rowcount != 1:
            raise _under_way()
        return None

    def _claimed_by(self, call: KeyedCall) -> sa.ColumnElement[bool]:
        return sa.and_(self._table.c.id == call.id, self._table.c.claim == call.claim)


def _under_way() -> IdempotentCallUnderWay:
    return IdempotentCallUnderWay(
        "A call with this Idempotency-Key is in progress. Try again in a moment.", retry_after_seconds=1
    )
