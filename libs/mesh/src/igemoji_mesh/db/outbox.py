"""The outbox: a call to another service that is stored with the change it tells of, and made after the commit.

It is made at least once, so the called RPC is idempotent. What fails is tried again, ever more slowly. Who stores a
call makes it at once, from memory; what is left over, by a failure or by a service that was killed, is found by sweeps.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import grpc
import sqlalchemy as sa
from google.protobuf.message import Message

from igemoji_mesh.db.database import Database, UtcDateTime, after_commit, utc_now
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.ids import made_at, new_id
from igemoji_mesh.observability import logging, tracing
from igemoji_mesh.observability.logging import log, log_as
from igemoji_mesh.observability.metrics import gauge

SWEEP_SECONDS = 5.0
LEASE_SECONDS = 12.0
"""More than one call may take: what a killed service had begun to tell is told again after it."""
BACKOFF_SECONDS = (1, 2, 5, 10, 30, 60, 300)
BATCH = 50

PENDING = gauge("igemoji_outbox_pending")
OLDEST = gauge("igemoji_outbox_oldest_seconds")


def outbox_table(metadata: sa.MetaData, name: str = "outbox") -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False, index=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
    )


@dataclass(frozen=True)
class Delivery:
    """How messages of one topic are delivered."""

    kind: type[Message]
    call: Callable[..., Awaitable[object]]
    """Usually the method of a stub."""


@dataclass(frozen=True)
class Call:
    """A row of the table."""

    id: str
    topic: str
    payload: bytes
    attempts: int
    """How often it has failed."""
    due_at: datetime.datetime
    request_id: str
    traceparent: str


class OutboxWriter:
    """Stores calls in the transaction of the change; for processes that leave it to others to make them."""

    def __init__(self, table: sa.Table, topics: Collection[str]) -> None:
        self._table = table
        self._topics = frozenset(topics)

    def add(self, connection: sa.Connection, topic: str, message: Message, delay_seconds: float = 0) -> None:
        """Within a unit of work."""
        self._store(connection, topic, message, delay_seconds)

    def _store(self, connection: sa.Connection, topic: str, message: Message, delay_seconds: float) -> Call:
        if topic not in self._topics:
            raise KeyError(topic)
        call = Call(
            id=new_id(),
            topic=topic,
            payload=message.SerializeToString(),
            attempts=0,
            due_at=utc_now() + datetime.timedelta(seconds=delay_seconds),
            request_id=logging.request_id.get(),
            traceparent=tracing.current_trace(),
        )
        connection.execute(self._table.insert(), asdict(call))
        return call


class Outbox(OutboxWriter):
    """Stores calls in the transaction of the change and makes them afterwards."""

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        deliveries: Mapping[str, Delivery],
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        """
        Args:
            database: Whose transactions calls are stored in.
            table: An `outbox_table` of its own.
            deliveries: By topic.
            backoff_seconds: After which a call is tried again that failed once, twice, and so on.
            sweep_seconds: How often it looks for calls that nobody made.
        """
        super().__init__(table, deliveries)
        self._database = database
        self._deliveries = dict(deliveries)
        self._backoff_seconds = backoff_seconds
        self._sweep_seconds = sweep_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        """While it runs."""
        self._new: asyncio.Queue[Call] = asyncio.Queue()
        """Committed, and nobody else's while their lease runs."""

    def add(self, connection: sa.Connection, topic: str, message: Message, delay_seconds: float = 0) -> None:
        """Within a unit of work; where the call is due at once it is made right after the commit."""
        if delay_seconds or self._loop is None or self._new.qsize() >= BATCH:
            self._store(connection, topic, message, delay_seconds)
            return
        call = self._store(connection, topic, message, LEASE_SECONDS)
        after_commit(connection, partial(self._loop.call_soon_threadsafe, self._new.put_nowait, call))

    async def run(self) -> None:
        """Publishes for as long as the service runs."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                while await self.publish_due() == BATCH:
                    pass
                swept_at = self._loop.time()
                while (patience := swept_at + self._sweep_seconds - self._loop.time()) > 0:
                    await self._publish_new(patience)
        finally:
            self._loop = None

    async def publish_due(self) -> int:
        """Makes the calls that are due; returns how many there were, at most BATCH."""
        # Not alone: what is claimed is locked row by row, and who adds a call must not wait for those who make some.
        due = await self._database.write(self._claim, alone=False)
        for call in due:
            await self._make(call)
        pending, oldest = await self._database.read(self._left)
        PENDING.labels(self._table.name).set(pending)
        OLDEST.labels(self._table.name).set(_age_seconds(oldest))
        return len(due)

    async def _publish_new(self, patience: float) -> None:
        """Makes one call right after it was stored, if there is one within `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                call = await self._new.get()
        except TimeoutError:
            return
        if call.due_at > utc_now():  # or else another replica may be making it
            await self._make(call)

    async def _make(self, call: Call) -> None:
        if await self._deliver(call):
            await self._database.write(lambda connection: self._remove(connection, call), alone=False)
        else:
            await self._database.write(lambda connection: self._postpone(connection, call), alone=False)

    def _claim(self, connection: sa.Connection) -> list[Call]:
        """Rows that are due, which no other replica will take while the lease runs."""
        columns = self._table.c
        now = utc_now()
        due = sa.select(self._table).where(columns.due_at <= now).order_by(columns.due_at, columns.id).limit(BATCH)
        # What another replica is just claiming is passed over, not waited for.
        rows = connection.execute(due.with_for_update(skip_locked=True)).all()
        claimed = []
        for row in rows:
            taken = connection.execute(
                self._table.update()
                .where(columns.id == row.id, columns.due_at == row.due_at)
                .values(due_at=now + datetime.timedelta(seconds=LEASE_SECONDS))
            )
            if taken.rowcount == 1:
                claimed.append(Call(**row._mapping))
        return claimed

    async def _deliver(self, call: Call) -> bool:
        delivery = self._deliveries[call.topic]
        with tracing.continued(call.traceparent):
            log_as(call.request_id, tracing.trace_id())
            try:
                await delivery.call(delivery.kind.FromString(call.payload))
            except grpc.aio.AioRpcError as error:
                log.warning(
                    "outbox: delivery failed", topic=call.topic, code=error.code().name, details=error.details()
                )
                return False
            except Unavailable as error:
                log.warning("outbox: delivery failed", topic=call.topic, details=error.message)
                return False
            except Exception:
                log.exception("outbox: delivery failed", topic=call.topic)
                return False
            finally:
                log_as("", "")
        return True

    def _remove(self, connection: sa.Connection, call: Call) -> None:
        connection.execute(self._table.delete().where(self._table.c.id == call.id))

    def _postpone(self, connection: sa.Connection, call: Call) -> None:
        delay = self._backoff_seconds[min(call.attempts, len(self._backoff_seconds) - 1)]
        connection.execute(
            self._table.update()
            .where(self._table.c.id == call.id)
            .values(attempts=call.attempts + 1, due_at=utc_now() + datetime.timedelta(seconds=delay))
        )

    def _left(self, connection: sa.Connection) -> tuple[int, str | None]:
        """How many calls are stored, and the first of them."""
        identifier = self._table.c.id
        count, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(identifier))).one()
        return count, oldest


def _age_seconds(identifier: str | None) -> float:
    return max(0.0, (utc_now() - made_at(identifier)).total_seconds()) if identifier else 0.0
