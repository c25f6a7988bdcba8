"""Outbox: calls to other services, stored in the transaction of a change and made after its commit.

A delivery is made at least once, so the called RPC is idempotent. The replica that stores it makes it at once, from
memory; sweeps retry failed deliveries with backoff, and find those of a killed replica.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import grpc
import sqlalchemy as sa
from google.protobuf.message import Message

from igemoji_mesh import call_context
from igemoji_mesh.db.database import Database, UtcDateTime, after_commit, utc_now
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.ids import new_id, timestamp_of
from igemoji_mesh.observability import metrics, tracing
from igemoji_mesh.observability.logging import bind_request_id, log

SWEEP_SECONDS = 5.0
LEASE_SECONDS = 12.0
"""Longer than a call may take: another replica makes the deliveries of a killed one after it."""
BACKOFF_SECONDS = (1, 2, 5, 10, 30, 60, 300)
BATCH = 50

PENDING = metrics.gauge(metrics.OUTBOX_PENDING)
OLDEST = metrics.gauge(metrics.OUTBOX_OLDEST_SECONDS)


def outbox_table(metadata: sa.MetaData, name: str = "outbox") -> sa.Table:
    """Return the table of deliveries, for the metadata of a service."""
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
    """Delivery of the messages of one topic."""

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
    """Failed attempts."""
    due_at: datetime.datetime
    request_id: str
    traceparent: str


class OutboxWriter:
    """Stores calls in the transaction of the change; for processes that don't make them."""

    def __init__(self, table: sa.Table, topics: Collection[str]) -> None:
        self._table = table
        self._topics = frozenset(topics)

    def add(self, connection: sa.Connection, topic: str, message: Message, delay_seconds: float = 0) -> None:
        """Store a call, within a unit of work."""
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
            request_id=call_context.current().request_id,
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
        """Create an outbox; `run` makes its calls.

        Args:
            database: Database of the table.
            table: An `outbox_table`.
            deliveries: Deliveries by topic.
            backoff_seconds: Delays after the first, second, … failure.
            sweep_seconds: Interval of the search for deliveries that are due.
        """
        super().__init__(table, deliveries)
        self._database = database
        self._deliveries = dict(deliveries)
        self._backoff_seconds = backoff_seconds
        self._sweep_seconds = sweep_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        """Set while `run` runs."""
        self._new: asyncio.Queue[Call] = asyncio.Queue()
        """Committed, and leased by this replica."""

    def add(self, connection: sa.Connection, topic: str, message: Message, delay_seconds: float = 0) -> None:
        """Store a call, within a unit of work; without a delay it is made right after the commit."""
        if delay_seconds or self._loop is None or self._new.qsize() >= BATCH:
            self._store(connection, topic, message, delay_seconds)
            return
        call = self._store(connection, topic, message, LEASE_SECONDS)
        after_commit(connection, partial(self._loop.call_soon_threadsafe, self._new.put_nowait, call))

    async def run(self) -> None:
        """Make deliveries while the service runs."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                while await self.publish_due() == BATCH:
                    pass
                swept_at = self._loop.time()
                while (max_wait := swept_at + self._sweep_seconds - self._loop.time()) > 0:
                    await self._publish_new(max_wait)
        finally:
            self._loop = None

    async def publish_due(self) -> int:
        """Make the deliveries that are due, at most BATCH; return how many."""
        # READ COMMITTED locks only the claimed rows, so that new calls can be stored at the same time.
        due = await self._database.write(self._claim, isolation="READ COMMITTED")
        for call in due:
            await self._make(call)
        statistics = sa.select(sa.func.count(), sa.func.min(self._table.c.id))
        pending, oldest = await self._database.read(lambda connection: connection.execute(statistics).one())
        PENDING.labels(self._table.name).set(pending)
        OLDEST.labels(self._table.name).set(_age_seconds(oldest))
        return len(due)

    async def _publish_new(self, max_wait: float) -> None:
        """Make one call that was just stored, if there is one within `max_wait` seconds."""
        try:
            async with asyncio.timeout(max_wait):
                call = await self._new.get()
        except TimeoutError:
            return
        if call.due_at > utc_now():  # otherwise its lease has expired
            await self._make(call)

    async def _make(self, call: Call) -> None:
        """Make a call and remove its row, or postpone it after a failure."""
        row = self._table.c.id == call.id
        change: sa.Delete | sa.Update = self._table.delete().where(row)
        if not await self._deliver(call):
            delay = self._backoff_seconds[min(call.attempts, len(self._backoff_seconds) - 1)]
            due_at = utc_now() + datetime.timedelta(seconds=delay)
            change = self._table.update().where(row).values(attempts=call.attempts + 1, due_at=due_at)
        await self._database.write(lambda connection: connection.execute(change), isolation="READ COMMITTED")

    def _claim(self, connection: sa.Connection) -> list[Call]:
        """Lease rows that are due."""
        columns = self._table.c
        now = utc_now()
        leased_until = now + datetime.timedelta(seconds=LEASE_SECONDS)
        due = sa.select(self._table).where(columns.due_at <= now).order_by(columns.due_at, columns.id).limit(BATCH)
        # Skip rows that another replica is claiming.
        rows = connection.execute(due.with_for_update(skip_locked=True)).all()
        claimed = []
        for row in rows:
            lease = self._table.update().where(columns.id == row.id, columns.due_at == row.due_at)
            if connection.execute(lease.values(due_at=leased_until)).rowcount == 1:
                claimed.append(Call(**row._mapping))
        return claimed

    async def _deliver(self, call: Call) -> bool:
        delivery = self._deliveries[call.topic]
        with tracing.continued_trace(call.traceparent):
            bind_request_id(call.request_id, tracing.trace_id())
            try:
                await delivery.call(delivery.kind.FromString(call.payload))
            except grpc.aio.AioRpcError as error:
                log.warning("outbox.delivery_failed", topic=call.topic, code=error.code().name, details=error.details())
                return False
            except Unavailable as error:
                log.warning("outbox.delivery_failed", topic=call.topic, details=error.message)
                return False
            except Exception:
                log.exception("outbox.delivery_failed", topic=call.topic)
                return False
            finally:
                bind_request_id("", "")
        return True


def _age_seconds(identifier: str | None) -> float:
    return max(0.0, (utc_now() - timestamp_of(identifier)).total_seconds()) if identifier else 0.0
