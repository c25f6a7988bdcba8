"""Tasks through RabbitMQ, to workers on any machine.

A task's row says what there is to do and who may do it; a message only says: look at this task. It is stored with the
task and sent after the commit, so a broker that is down delays a task and loses none; and a message that comes twice,
or for a task that has ended, is passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from celery import Celery
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from kombu import Connection
from kombu.exceptions import OperationalError

from igemoji_inference.adapters.db import leases, tasks
from igemoji_inference.adapters.queue import celery_app
from igemoji_inference.domain.model import CANCELLED
from igemoji_inference.usecases.task_runner import TASKS_ENDED
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Delivery, Outbox
from igemoji_mesh.errors import Unavailable
from igemoji_mesh.observability.logging import log

BACKOFF_SECONDS = (0.5, 1, 2)
"""Between tries to send: a broker that is back gets what waits for it at once."""
SWEEP_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""How often tasks are looked for whose worker was lost without a word."""
QUIET_SECONDS = 300.0
"""A task that nobody began for so long is sent again, in case that the broker lost it."""
BATCH = 100


class BrokerAway(Unavailable):
    """RabbitMQ does not answer, or does not say that it has a message."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"The broker does not answer: {error}", retry_after_seconds=BACKOFF_SECONDS[0])


class CeleryQueue:
    """The service's side of the broker. Any number of replicas may run it."""

    def __init__(self, database: Database, app: Celery, large_megapixels: float) -> None:
        """Photos of `large_megapixels` and more wait apart from smaller ones."""
        self._database = database
        self._app = app
        self._connection = app.connection_for_write()
        self._sending = asyncio.Lock()
        self._large_megapixels = large_megapixels
        deliveries = {name: Delivery(StringValue, self._sender(name)) for name in (celery_app.SMALL, celery_app.LARGE)}
        self._outbox = Outbox(database, tasks.queue_outbox, deliveries, BACKOFF_SECONDS, SWEEP_SECONDS)

    def add(self, connection: sa.Connection, task_id: str, megapixels: float, delay_seconds: float = 0) -> None:
        name = celery_app.LARGE if megapixels >= self._large_megapixels else celery_app.SMALL
        self._outbox.add(connection, name, StringValue(value=task_id), delay_seconds)

    def wake(self) -> None:
        """The outbox has sent it, or will."""

    def cancel(self, task_id: str) -> None:  # noqa: ARG002 - a worker sees at its next stage that its lease is gone
        TASKS_ENDED.labels(CANCELLED).inc()

    async def start(self) -> None:
        """Nothing: rows wait for a broker that is not there yet."""

    async def run(self) -> None:
        """Sends for as long as the service runs."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._outbox.run())
            loops.create_task(self._send_stranded())

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.release)

    def _sender(self, name: str) -> Callable[[Message], Awaitable[None]]:
        async def send(message: Message) -> None:
            assert isinstance(message, StringValue)  # noqa: S101 - what was added
            async with self._sending:
                try:
                    await asyncio.to_thread(send_task, self._app, self._connection, name, message.value)
                except (OperationalError, *self._connection.recoverable_connection_errors) as error:
                    raise BrokerAway(error) from error

        return send

    async def _send_stranded(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                stranded = await self._take_stranded()
            except Exception as error:
                log.warning("stranded tasks can't be looked for now", error=repr(error))
                continue
            if stranded:
                log.warning("sending tasks again that no worker has", tasks=stranded)

    async def _take_stranded(self) -> int:
        found = await self._database.read(lambda connection: leases.find_stranded(connection, QUIET_SECONDS, BATCH))

        def take(connection: sa.Connection) -> int:
            stranded = leases.take_stranded(connection, found, QUIET_SECONDS)
            for task_id, megapixels in stranded:
                self.add(connection, task_id, megapixels)
            return len(stranded)

        return await self._database.write(take, alone=False) if found else 0


def send_task(app: Celery, connection: Connection, queue: str, task_id: str) -> None:
    """Returns when the broker has the message safe. Raises what Celery raises where it has not.

    The connection is opened where it is not open.
    """
    app.send_task(
        celery_app.WORK,
        kwargs={"task_id": task_id},
        queue=queue,
        connection=connection,
        ignore_result=True,
        confirm_timeout=celery_app.CONFIRM_SECONDS,
        # Once more on a new connection: that a broker was started again shows when it is next spoken to.
        retry=True,
        retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    )
