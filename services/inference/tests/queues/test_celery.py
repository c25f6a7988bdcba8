"""Celery only: loss of the broker and of workers, and invalid messages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import kombu
import pytest

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji_inference.adapters.queue import celery_app
from igemoji_inference.adapters.queue.celery import send_task

from .test_contract import WAIT_SECONDS, ends, owner, slow, uses

__all__ = ["owner", "slow"]

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("backend", ["celery"], indirect=True, scope="module"),
]


@pytest.fixture
def broker_connection(backend):
    with kombu.Connection(backend.environment["TASK_QUEUE_URL"]) as connection:
        yield connection


def send(backend, connection: kombu.Connection, task_id: str) -> None:
    app = celery_app.celery_app(backend.environment["TASK_QUEUE_URL"])
    send_task(app, connection, celery_app.SMALL, task_id)


async def test_an_unavailable_broker_delays_photos_and_loses_none(owner, portrait, rabbitmq, backend_loop, upstreams):
    await asyncio.to_thread(backend_loop.run, rabbitmq.kill())
    task_ids = [await owner.upload(portrait) for _ in range(3)]
    await asyncio.to_thread(backend_loop.run, rabbitmq.start())
    assert [(await owner.ended(task_id)).state for task_id in task_ids] == [pb.TASK_STATE_DONE] * 3
    assert await uses(upstreams, *task_ids) == [1, 1, 1]


async def test_the_photo_of_a_killed_worker_is_processed_by_the_next_one(
    owner, slow, backend, upstreams, queue_settings
):
    task_id = await owner.upload(slow)
    await owner.until(task_id, pb.TASK_STATE_DECODING)
    os.killpg(backend.workers.pid, signal.SIGKILL)
    await asyncio.to_thread(backend.workers.wait)
    await asyncio.to_thread(backend.start_workers)
    assert (await owner.ended(task_id)).state == pb.TASK_STATE_DONE
    assert await uses(upstreams, task_id) == [1]
    assert await ends(queue_settings, [task_id]) == {task_id: 1}


async def test_a_worker_finishes_its_task_on_sigterm(owner, slow, backend):
    task_id = await owner.upload(slow)
    await owner.until(task_id, pb.TASK_STATE_DECODING)
    assert await asyncio.to_thread(backend.stop_workers) == 0
    steps = [step async for step in owner.steps(task_id)]
    await asyncio.to_thread(backend.start_workers)
    assert [step.task.state for step in steps].count(pb.TASK_STATE_DECODING) == 1
    assert steps[-1].task.state == pb.TASK_STATE_DONE


async def test_duplicate_and_unknown_messages_are_ignored(
    owner, portrait, backend, broker_connection, upstreams, queue_settings
):
    task_id = await owner.upload(portrait)
    for known in (task_id, task_id, "no-such-task"):
        send(backend, broker_connection, known)
    assert (await owner.ended(task_id)).state == pb.TASK_STATE_DONE
    send(backend, broker_connection, task_id)
    after = await owner.upload(portrait)
    assert (await owner.ended(after)).state == pb.TASK_STATE_DONE
    assert await uses(upstreams, task_id, after) == [1, 1]
    assert await ends(queue_settings, [task_id]) == {task_id: 1}


async def test_messages_that_are_not_json_are_rejected(owner, portrait, backend, broker_connection):
    queue = celery_app.QUEUES[celery_app.SMALL]
    with broker_connection.Producer() as producer:
        for content_type in ("application/x-python-serialize", "application/json"):
            producer.publish(
                b"\x80\x04 no message of ours",
                exchange=queue.exchange,
                routing_key=queue.routing_key,
                content_type=content_type,
                content_encoding="binary",
            )
    assert (await owner.ended(await owner.upload(portrait))).state == pb.TASK_STATE_DONE


async def test_a_message_delivered_too_often_is_dead_lettered_and_its_photo_fails(owner, portrait, backend):
    url = backend.environment["TASK_QUEUE_URL"]
    await asyncio.to_thread(backend.stop_workers)
    poison = await owner.upload(portrait)
    for _ in range(celery_app.DELIVERY_LIMIT + 1):
        await asyncio.to_thread(received_and_dropped, url)
    await asyncio.to_thread(backend.start_workers)
    task = await owner.ended(poison)
    assert (task.state, task.error.reason) == (pb.TASK_STATE_FAILED, "WORKER_LOST")
    async with asyncio.timeout(WAIT_SECONDS):
        while {"task_id": poison} not in await asyncio.to_thread(dead_letters, url):
            await asyncio.sleep(0.1)
    assert (await owner.ended(await owner.upload(portrait))).state == pb.TASK_STATE_DONE


def dead_letters(url: str) -> list[dict[str, str]]:
    """Read and delete the messages of the dead-letter queue, those of earlier tests included."""
    found = []
    # A quorum queue drops a reader after five seconds if the disk is busy.
    with kombu.Connection(url) as connection, contextlib.suppress(*connection.connection_errors):
        queue = celery_app.DEAD_LETTERS(connection.default_channel)
        while message := queue.get():
            message.ack()
            found.append(message.payload[1])
    return found


def received_and_dropped(url: str) -> None:
    """Receive the next message and disconnect without an acknowledgement, like a worker that dies."""
    with kombu.Connection(url) as connection:
        received: list[kombu.Message] = []
        queue = celery_app.QUEUES[celery_app.SMALL]
        with connection.Consumer(queue, on_message=received.append, accept=["json"]) as consumer:
            consumer.qos(prefetch_count=1)
            while not received:
                connection.drain_events(timeout=WAIT_SECONDS)
            connection.close()
