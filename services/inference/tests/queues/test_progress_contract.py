"""Contract of progress feeds: events reach watchers, and watchers read missed steps from the rows."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from igemoji_inference.adapters.clients.deliveries import RECORD_USE
from igemoji_inference.adapters.db import rows, tables
from igemoji_inference.adapters.db.leases import SqlLeaseStore
from igemoji_inference.adapters.db.messages import NoMessages
from igemoji_inference.adapters.db.tasks import SqlTaskStore
from igemoji_inference.adapters.progress import redis as redis_feed
from igemoji_inference.adapters.progress.memory import MemoryFeed
from igemoji_inference.adapters.progress.redis import RedisFeed
from igemoji_inference.domain.model import Failure, Findings, Task, TaskState, Upload
from igemoji_inference.domain.quotas import Quotas
from igemoji_inference.domain.work import FIRST_PROGRESS, Progress
from igemoji_inference.usecases.ports import ProgressFeed
from igemoji_inference.usecases.progress import MAX_BUFFERED, StepEvent, Subscription
from igemoji_inference.usecases.tasks import Tasks
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.ids import new_id
from igemoji_vision.faces import Box, Face

WAIT_SECONDS = 30
FACE = Face(Box(1.5, 2, 30, 40), 12.5, ((3, 4), (5, 6)), 0.9, "happy", {"happy": 0.75, "sad": 0.25}, uncertain=True)


@asynccontextmanager
async def running_feed(feed: ProgressFeed) -> AsyncIterator[ProgressFeed]:
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await feed.close()


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.real)])
async def feeds(request: pytest.FixtureRequest) -> AsyncIterator[tuple[ProgressFeed, ProgressFeed]]:
    """Yield a feed to publish to and one to watch: with Redis they may be in different processes."""
    if request.param == "memory":
        feed = MemoryFeed()
        yield feed, feed
        return
    url = request.getfixturevalue("redis").url
    async with running_feed(RedisFeed(url)) as publishing, running_feed(RedisFeed(url)) as watching:
        yield publishing, watching


def step(sequence: int) -> StepEvent:
    findings = Findings(640, 480, (FACE,), more_faces=True, uncovered=frozenset({0}))
    return StepEvent(sequence, Progress(TaskState.CLASSIFYING, 70, findings))


async def received(subscription: Subscription, count: int) -> list[StepEvent]:
    found = [await subscription.next(WAIT_SECONDS) for _ in range(count)]
    assert None not in found, "an event is missing"
    return [event for event in found if event]


async def test_events_reach_watchers_complete_and_in_order(feeds):
    publishing, watching = feeds
    async with watching.subscribe("one") as subscription:
        for sequence in (2, 3):
            await publishing.publish("one", step(sequence))
        await publishing.publish("one", StepEvent())
        assert await received(subscription, 3) == [step(2), step(3), StepEvent()]


async def test_every_watcher_of_a_task_gets_its_events_and_no_others(feeds):
    publishing, watching = feeds
    async with watching.subscribe("a") as first, watching.subscribe("a") as second, watching.subscribe("b") as other:
        await publishing.publish("a", step(2))
        await publishing.publish("b", step(7))
        assert await received(first, 1) == await received(second, 1) == [step(2)]
        assert await received(other, 1) == [step(7)]
        assert await other.next(0) is None


async def test_a_later_subscription_gets_events_as_well(feeds):
    publishing, watching = feeds
    async with watching.subscribe("early") as early:
        await publishing.publish("early", step(2))
        await received(early, 1)
        async with watching.subscribe("late") as late:
            await publishing.publish("late", step(2))
            assert await received(late, 1) == [step(2)]
        await publishing.publish("early", step(3))
        assert await received(early, 1) == [step(3)]


async def test_a_slow_watcher_delays_no_other_and_keeps_the_latest_events(feeds):
    publishing, watching = feeds
    async with watching.subscribe("busy") as lazy, watching.subscribe("busy") as eager:
        for sequence in range(1, 2 * MAX_BUFFERED + 1):
            await publishing.publish("busy", step(sequence))
            assert (await received(eager, 1))[0].sequence == sequence
        kept = await received(lazy, MAX_BUFFERED)
        assert [event.sequence for event in kept] == list(range(MAX_BUFFERED + 1, 2 * MAX_BUFFERED + 1))


class WatchedTask:
    """A task in a database and its watchers, without a queue and workers."""

    def __init__(self, database: Database, feed: ProgressFeed) -> None:
        self._database = database
        self.user_id, self.task_id = new_id(), new_id()
        self._store = SqlTaskStore(database, NoMessages())
        self._leases = SqlLeaseStore(database, NoMessages(), OutboxWriter(tables.outbox, [RECORD_USE]))
        limits = {"max_photo_bytes": 1, "quotas": Quotas(1, 1, 1, 10), "max_queued_tasks": 1}
        self._tasks = Tasks(self._store, None, None, feed, None, heartbeat_seconds=30, **limits)  # type: ignore[arg-type]

    async def create(self) -> None:
        task = Task(self.task_id, self.user_id, new_id(), utc_now())
        upload = Upload(f"photos/{self.task_id}", "", 1.0, {})
        await self._database.write(lambda connection: rows.insert_task(connection, task, upload, 0))

    async def advance(self, state: TaskState, publisher: ProgressFeed | None) -> None:
        """Write the next step, and publish it if there is a publisher."""
        progress = Progress(state, 10, Findings(10, 10))
        sequence: int | None
        if state is FIRST_PROGRESS.state:
            lease = await self._leases.claim(None, take_over=False)
            assert lease is not None
            self._lease, progress, sequence = lease, FIRST_PROGRESS, lease.sequence
        else:
            sequence = await self._leases.record_progress(self._lease, progress)
        assert sequence is not None
        if publisher:
            await publisher.publish(self.task_id, StepEvent(sequence, progress))

    async def cancel(self) -> None:
        await self._store.cancel(self.task_id, Failure("CANCELLED", ""))

    def watch(self, after: int = 0):
        return self._tasks.watch(self.task_id, after, user_id=self.user_id)


@pytest.fixture
async def watched_task(feeds, tmp_path) -> AsyncIterator[WatchedTask]:
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = Database(url)
    watched_task = WatchedTask(database, feeds[1])
    await watched_task.create()
    yield watched_task
    await database.close()


async def next_step(steps) -> tuple[int, TaskState]:
    async with asyncio.timeout(WAIT_SECONDS):
        step, heartbeat = await anext(steps)
    assert not heartbeat
    return step.sequence, step.task.state


async def test_late_and_returning_watchers_get_every_step_once(watched_task, feeds):
    publishing, _ = feeds
    early = watched_task.watch()
    assert await next_step(early) == (1, TaskState.QUEUED)
    await watched_task.advance(TaskState.DECODING, publishing)
    assert await next_step(early) == (2, TaskState.DECODING)
    await watched_task.advance(TaskState.DETECTING, publishing)
    late, back = watched_task.watch(), watched_task.watch(after=2)
    assert [await next_step(late) for _ in range(3)][-1] == (3, TaskState.DETECTING)
    assert await next_step(back) == (3, TaskState.DETECTING)
    await watched_task.advance(TaskState.CLASSIFYING, publishing)
    assert await next_step(early) == (3, TaskState.DETECTING)
    assert [await next_step(steps) for steps in (early, late, back)] == [(4, TaskState.CLASSIFYING)] * 3
    for steps in (early, late, back):
        await steps.aclose()


async def test_an_unpublished_step_is_seen_with_the_next_one(watched_task, feeds):
    publishing, _ = feeds
    steps = watched_task.watch()
    await next_step(steps)
    await watched_task.advance(TaskState.DECODING, None)
    await watched_task.advance(TaskState.DETECTING, publishing)
    assert [await next_step(steps) for _ in range(2)] == [(2, TaskState.DECODING), (3, TaskState.DETECTING)]
    await steps.aclose()


async def test_an_unpublished_end_is_seen_by_polling(watched_task, feeds):
    steps = watched_task.watch()
    await next_step(steps)
    await watched_task.cancel()
    assert await next_step(steps) == (2, TaskState.FAILED)
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


@pytest.mark.real
async def test_watchers_poll_during_a_redis_outage_and_get_events_after_it(redis, backend_loop, tmp_path, monkeypatch):
    # Otherwise a watcher would read the rows after ten seconds, whatever Redis does.
    monkeypatch.setattr(redis_feed, "POLL_SECONDS", 3600)
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = Database(url)
    async with running_feed(RedisFeed(redis.url)) as publishing, running_feed(RedisFeed(redis.url)) as watching:
        watched_task = WatchedTask(database, watching)
        await watched_task.create()
        steps = watched_task.watch()
        await next_step(steps)
        await asyncio.to_thread(backend_loop.run, redis.kill())
        await watched_task.advance(TaskState.DECODING, publishing)
        assert await next_step(steps) == (2, TaskState.DECODING)
        await watched_task.advance(TaskState.DETECTING, publishing)
        assert await next_step(steps) == (3, TaskState.DETECTING)
        await asyncio.to_thread(backend_loop.run, redis.start())
        async with asyncio.timeout(WAIT_SECONDS):
            while watching.poll_seconds != 3600:
                await asyncio.sleep(0.1)
        await watched_task.advance(TaskState.CLASSIFYING, publishing)
        assert await next_step(steps) == (4, TaskState.CLASSIFYING)
        await steps.aclose()
    await database.close()


@pytest.mark.real
async def test_streams_expire(redis):
    async with running_feed(RedisFeed(redis.url)) as feed:
        await feed.publish("old", step(1))
        client = redis_feed._client(redis.url)
        assert 0 < await client.ttl(f"{redis_feed.PREFIX}old") <= redis_feed.EXPIRE_SECONDS
        await client.aclose()


@pytest.mark.real
async def test_a_feed_closes_at_any_moment_without_leaking_connections(redis):
    for turns in range(0, 200, 4):
        feed = RedisFeed(redis.url)
        async with asyncio.timeout(WAIT_SECONDS), running_feed(feed):
            publishing = [asyncio.create_task(feed.publish("x", step(1))) for _ in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
        await asyncio.gather(*publishing)
    gc.collect()
