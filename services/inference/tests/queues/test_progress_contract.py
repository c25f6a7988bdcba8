"""What any progress feed does: news reach those who watch, and whoever misses some looks at the rows."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from igemoji_inference.adapters.db import leases, tasks
from igemoji_inference.adapters.db.leases import Lease
from igemoji_inference.adapters.db.quotas import Quotas
from igemoji_inference.adapters.progress import redis as redis_feed
from igemoji_inference.adapters.progress.redis import RedisFeed
from igemoji_inference.domain.model import Failure, Findings, Progress, Task, TaskState, Upload
from igemoji_inference.usecases.progress import MAX_WAITING, Inbox, MemoryFeed, News, ProgressFeed
from igemoji_inference.usecases.tasks import Inference
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
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
    """Who tells and who watches: with Redis they may be different processes."""
    if request.param == "memory":
        feed = MemoryFeed()
        yield feed, feed
        return
    url = request.getfixturevalue("redis").url
    async with running_feed(RedisFeed(url)) as telling, running_feed(RedisFeed(url)) as watching:
        yield telling, watching


def step(sequence: int) -> News:
    findings = Findings(640, 480, (FACE,), more_faces=True, uncovered=frozenset({0}))
    return News(sequence, Progress(TaskState.CLASSIFYING, 70, findings))


async def taken(inbox: Inbox, count: int) -> list[News]:
    found = [await inbox.take(WAIT_SECONDS) for _ in range(count)]
    assert None not in found, "news did not come"
    return [news for news in found if news]


async def test_news_reach_who_watches_in_order_and_whole(feeds):
    telling, watching = feeds
    async with watching.watch("one") as inbox:
        for sequence in (2, 3):
            await telling.tell("one", step(sequence))
        await telling.tell("one", News())
        assert await taken(inbox, 3) == [step(2), step(3), News()]


async def test_everybody_who_watches_a_task_hears_of_it_and_nobody_else(feeds):
    telling, watching = feeds
    async with watching.watch("a") as first, watching.watch("a") as second, watching.watch("b") as other:
        await telling.tell("a", step(2))
        await telling.tell("b", step(7))
        assert await taken(first, 1) == await taken(second, 1) == [step(2)]
        assert await taken(other, 1) == [step(7)]
        assert await other.take(0) is None


async def test_who_begins_to_watch_while_others_watch_is_told_as_well(feeds):
    telling, watching = feeds
    async with watching.watch("early") as early:
        await telling.tell("early", step(2))
        await taken(early, 1)
        async with watching.watch("late") as late:
            await telling.tell("late", step(2))
            assert await taken(late, 1) == [step(2)]
        await telling.tell("early", step(3))
        assert await taken(early, 1) == [step(3)]


async def test_who_does_not_take_news_holds_up_nobody_and_keeps_the_latest(feeds):
    telling, watching = feeds
    async with watching.watch("busy") as lazy, watching.watch("busy") as eager:
        for sequence in range(1, 2 * MAX_WAITING + 1):
            await telling.tell("busy", step(sequence))
            assert (await taken(eager, 1))[0].sequence == sequence
        kept = await taken(lazy, MAX_WAITING)
        assert [news.sequence for news in kept] == list(range(MAX_WAITING + 1, 2 * MAX_WAITING + 1))


class Course:
    """A task in a database, and a watch over it; nobody else plays a part."""

    def __init__(self, database: Database, feed: ProgressFeed) -> None:
        self._database = database
        self._feed = feed
        self.user_id, self.task_id = new_id(), new_id()
        limits = {"max_photo_bytes": 1, "limits": Quotas(1, 1, 1, 10), "max_queued_tasks": 1}
        self._inference = Inference(database, None, None, feed, None, heartbeat_seconds=30, **limits)  # type: ignore[arg-type]

    async def begin(self) -> None:
        task = Task(self.task_id, self.user_id, new_id(), utc_now())
        upload = Upload(f"photos/{self.task_id}", "", 1.0, {})
        await self._database.write(lambda connection: tasks.add_task(connection, task, upload, 0))

    async def go_on(self, state: TaskState, teller: ProgressFeed | None) -> None:
        """To another stage; where nobody tells of it, only the rows know."""
        progress = Progress(state, 10, Findings(10, 10))
        sequence: int | None
        if state is leases.BEGUN.state:
            self._lease = await self._taken()
            progress, sequence = leases.BEGUN, self._lease.sequence
        else:
            sequence = await self._database.write(
                lambda connection: leases.record_progress(connection, self._lease, progress)
            )
        assert sequence is not None
        if teller:
            await teller.tell(self.task_id, News(sequence, progress))

    async def _taken(self) -> Lease:
        lease = await self._database.write(lambda connection: leases.claim(connection, new_id(), 60))
        assert lease is not None
        return lease

    async def cancel(self) -> None:
        failure = Failure("CANCELLED", "")
        await self._database.write(lambda connection: leases.cancel(connection, self.task_id, failure))

    def watch(self, after: int = 0):
        return self._inference.watch(self.task_id, after, by=self.user_id)


@pytest.fixture
async def course(feeds, tmp_path) -> AsyncIterator[Course]:
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = Database(url)
    course = Course(database, feeds[1])
    await course.begin()
    yield course
    await database.close()


async def next_step(steps) -> tuple[int, TaskState]:
    async with asyncio.timeout(WAIT_SECONDS):
        step, heartbeat = await anext(steps)
    assert not heartbeat
    return step.sequence, step.task.state


async def test_who_comes_late_or_comes_back_gets_every_step_once(course, feeds):
    telling, _ = feeds
    early = course.watch()
    assert await next_step(early) == (1, TaskState.QUEUED)
    await course.go_on(TaskState.DECODING, telling)
    assert await next_step(early) == (2, TaskState.DECODING)
    await course.go_on(TaskState.DETECTING, telling)
    late, back = course.watch(), course.watch(after=2)
    assert [await next_step(late) for _ in range(3)][-1] == (3, TaskState.DETECTING)
    assert await next_step(back) == (3, TaskState.DETECTING)
    await course.go_on(TaskState.CLASSIFYING, telling)
    assert await next_step(early) == (3, TaskState.DETECTING)
    assert [await next_step(steps) for steps in (early, late, back)] == [(4, TaskState.CLASSIFYING)] * 3
    for steps in (early, late, back):
        await steps.aclose()


async def test_a_step_that_nobody_told_of_is_seen_with_the_next_one(course, feeds):
    telling, _ = feeds
    steps = course.watch()
    await next_step(steps)
    await course.go_on(TaskState.DECODING, None)
    await course.go_on(TaskState.DETECTING, telling)
    assert [await next_step(steps) for _ in range(2)] == [(2, TaskState.DECODING), (3, TaskState.DETECTING)]
    await steps.aclose()


async def test_an_end_that_nobody_told_of_is_seen_all_the_same(course, feeds):
    steps = course.watch()
    await next_step(steps)
    await course.cancel()
    assert await next_step(steps) == (2, TaskState.FAILED)
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


@pytest.mark.real
async def test_while_redis_is_away_a_watch_goes_on_and_news_come_again_when_it_is_back(
    redis, parts_loop, tmp_path, monkeypatch
):
    # Without it a watcher would look at the rows again after ten seconds, whatever Redis does.
    monkeypatch.setattr(redis_feed, "BEAT_SECONDS", 3600)
    url = f"sqlite:///{tmp_path}/inference.db"
    await asyncio.to_thread(migrate, url, "igemoji_inference")
    database = Database(url)
    async with running_feed(RedisFeed(redis.url)) as telling, running_feed(RedisFeed(redis.url)) as watching:
        course = Course(database, watching)
        await course.begin()
        steps = course.watch()
        await next_step(steps)
        await asyncio.to_thread(parts_loop.run, redis.kill())
        await course.go_on(TaskState.DECODING, telling)
        assert await next_step(steps) == (2, TaskState.DECODING)
        await course.go_on(TaskState.DETECTING, telling)
        assert await next_step(steps) == (3, TaskState.DETECTING)
        await asyncio.to_thread(parts_loop.run, redis.start())
        async with asyncio.timeout(WAIT_SECONDS):
            while watching.beat_seconds != 3600:
                await asyncio.sleep(0.1)
        await course.go_on(TaskState.CLASSIFYING, telling)
        assert await next_step(steps) == (4, TaskState.CLASSIFYING)
        await steps.aclose()
    await database.close()


@pytest.mark.real
async def test_what_was_told_ends_by_itself(redis):
    async with running_feed(RedisFeed(redis.url)) as feed:
        await feed.tell("old", step(1))
        client = redis_feed._client(redis.url)
        assert 0 < await client.ttl(f"{redis_feed.PREFIX}old") <= redis_feed.KEPT_SECONDS
        await client.aclose()


@pytest.mark.real
async def test_a_feed_ends_at_once_whatever_it_is_doing_and_leaves_no_connection(redis):
    for turns in range(0, 200, 4):
        feed = RedisFeed(redis.url)
        async with asyncio.timeout(WAIT_SECONDS), running_feed(feed):
            telling = [asyncio.create_task(feed.tell("x", step(1))) for _ in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
        await asyncio.gather(*telling)
    gc.collect()
