"""Task queue on RabbitMQ, for workers on any machine.

The row of a task is the source of truth; a message only carries the task's id. It is stored in the transaction that
queues the task and sent after the commit, so an unavailable broker delays tasks and loses none. Duplicates, and
messages for tasks that have ended, are ignored.
"""

import asyncio
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from celery import Celery
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from kombu import Connection
from kombu.exceptions import OperationalError

from igemoji_inference.adapters.db import leases
from igemoji_inference.adapters.db.tables import queue_outbox
from igemoji_inference.adapters.queue import celery_app
from igemoji_inference.domain.model import CANCELLED
from igemoji_inference.usecases.task_runner import TASKS_ENDED
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Delivery, Outbox, OutboxWriter
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.observability.logging import log

BACKOFF_SECONDS = (0.5, 1, 2)
"""Short, so that a broker that has recovered gets the waiting messages at once."""
SWEEP_SECONDS = 1.0
STRANDED_SWEEP_SECONDS = 5.0
STRANDED_GRACE_SECONDS = 300.0
"""A task that no worker has claimed for this long is sent again, in case the broker lost its message."""
BATCH = 100


class BrokerAway(Unavailable):
    """RabbitMQ does not answer, or does not confirm a message."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"The broker does not answer: {error}", retry_after_seconds=BACKOFF_SECONDS[0])


class CeleryMessages:
    """Writer of messages to the outbox; large and small photos have separate queues."""

    def __init__(self, outbox: OutboxWriter, large_megapixels: float) -> None:
        self._outbox = outbox
        self._large_megapixels = large_megapixels

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        """See TaskMessages."""
        name = celery_app.LARGE if megapixels >= self._large_megapixels else celery_app.SMALL
        self._outbox.add(connection, name, StringValue(value=task_id), delay_seconds)


class CeleryQueue:
    """Implementation of the port TaskQueue on Celery. Any number of replicas may run it."""

    def __init__(self, database: Database, app: Celery, large_megapixels: float) -> None:
        self._database = database
        self._app = app
        self._connection = app.connection_for_write()
        self._sending = asyncio.Lock()
        deliveries = {name: Delivery(StringValue, self._sender(name)) for name in (celery_app.SMALL, celery_app.LARGE)}
        self._outbox = Outbox(database, queue_outbox, deliveries, BACKOFF_SECONDS, SWEEP_SECONDS)
        self.messages = CeleryMessages(self._outbox, large_megapixels)

    def wake(self) -> None:
        """Do nothing: the outbox sends the message."""

    def cancel(self, task_id: str) -> None:  # noqa: ARG002 - a worker notices at its next step that its lease is lost
        """See TaskQueue."""
        TASKS_ENDED.labels(CANCELLED).inc()

    async def start(self) -> None:
        """Do nothing: rows wait until the broker is available."""

    async def run(self) -> None:
        """See TaskQueue."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._outbox.run())
            loops.create_task(self._send_stranded())

    async def close(self) -> None:
        """Close the connection to the broker."""
        await asyncio.to_thread(self._connection.release)

    def _sender(self, name: str) -> Callable[[Message], Awaitable[None]]:
        async def send(message: Message) -> None:
            assert isinstance(message, StringValue)  # noqa: S101 - the type of the delivery
            async with self._sending:
                try:
                    await asyncio.to_thread(send_task, self._app, self._connection, name, message.value)
                except (OperationalError, *self._connection.recoverable_connection_errors) as error:
                    raise BrokerAway(error) from error

        return send

    async def _send_stranded(self) -> None:
        """Send tasks again whose worker or message was lost."""
        while True:
            await asyncio.sleep(STRANDED_SWEEP_SECONDS)
            try:
                stranded = await self._requeue_stranded()
            except Exception as error:
                log.warning("queue.stranded_sweep_failed", error=repr(error))
                continue
            if stranded:
                log.warning("queue.stranded_sent", tasks=stranded)

    async def _requeue_stranded(self) -> int:
        found = await self._database.read(
            lambda connection: leases.find_stranded(connection, STRANDED_GRACE_SECONDS, BATCH)
        )

        def requeue(connection: sa.Connection) -> int:
            stranded = leases.claim_stranded(connection, found, STRANDED_GRACE_SECONDS)
            for task_id, megapixels in stranded:
                self.messages.add(connection, task_id, megapixels)
            return len(stranded)

        return await self._database.write(requeue, isolation="READ COMMITTED") if found else 0


def worker_messages(large_megapixels: float) -> CeleryMessages:
    """Return the writer for worker processes, whose messages the service sends."""
    return CeleryMessages(OutboxWriter(queue_outbox, (celery_app.SMALL, celery_app.LARGE)), large_megapixels)


def send_task(app: Celery, connection: Connection, queue: str, task_id: str) -> None:
    """Send a message and wait until the broker has confirmed it; open the connection if it is closed.

    Raises the errors of Celery and kombu.
    """
    app.send_task(
        celery_app.WORK,
        kwargs={"task_id": task_id},
        queue=queue,
        connection=connection,
        ignore_result=True,
        confirm_timeout=celery_app.CONFIRM_SECONDS,
        # One immediate retry on a new connection: a restart of the broker shows only when the old one is used.
        retry=True,
        retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    )
