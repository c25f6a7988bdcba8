"""Progress feed on Redis Streams, so that any replica can show any task.

Each task has a stream, which expires some time after its last event. A process reads the streams of all tasks that are
watched there with one blocking call. A stream of the process itself is among them: an entry in it ends the call when
another task is watched.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from igemoji_inference.adapters.db.codec import findings_from_json, findings_to_json
from igemoji_inference.adapters.progress.memory import MemoryFeed
from igemoji_inference.domain.model import TaskState
from igemoji_inference.domain.work import Progress
from igemoji_inference.usecases.progress import POLL_SECONDS, StepEvent, Subscription
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability.logging import log

PREFIX = "igemoji:progress:"
MAX_ENTRIES = 64
EXPIRE_SECONDS = 600
"""Much longer than a task takes; earlier steps are read from the rows."""

PUBLISH_SECONDS = 0.5
"""Maximum time to publish an event: work on a photo waits no longer for Redis."""
BLOCK_SECONDS = 5.0
RETRY_SECONDS = 0.5
OUTAGE_POLL_SECONDS = 1.0
"""Interval at which watchers read the rows while Redis is unavailable."""
SETTLE_SECONDS = 3.0
"""They do so for a little longer: other processes may notice the recovery later, and publish nothing until then."""

TRANSIENT_ERRORS = (RedisError, OSError, asyncio.TimeoutError)


class RedisFeed:
    """Implementation of the port ProgressFeed on Redis; `run` fills the subscriptions of a MemoryFeed."""

    def __init__(self, url: str) -> None:
        self._writer, self._reader = _client(url), _client(url)
        self._adding = asyncio.Lock()
        self._local = MemoryFeed()
        self._own = f"{PREFIX}of:{new_id()}"
        self._seen: dict[str, str] = {}
        self._reliable_from = 0.0
        self._paused_until = 0.0

    @property
    def poll_seconds(self) -> float:
        """See ProgressFeed; shorter while Redis is unavailable."""
        return POLL_SECONDS if time.monotonic() >= self._reliable_from else OUTAGE_POLL_SECONDS

    async def publish(self, task_id: str, event: StepEvent) -> None:
        """See ProgressFeed."""
        await self._add(PREFIX + task_id, _fields(event), MAX_ENTRIES)

    @asynccontextmanager
    async def subscribe(self, task_id: str) -> AsyncIterator[Subscription]:
        """See ProgressFeed."""
        async with self._local.subscribe(task_id) as subscription:
            # Ends the current blocking read, so that the next one includes this task.
            await self._add(self._own, {"stir": ""}, 1)
            yield subscription

    async def run(self) -> None:
        """See ProgressFeed."""
        while True:
            try:
                await self._read()
            except TRANSIENT_ERRORS as error:
                if self.poll_seconds == POLL_SECONDS:
                    log.warning("progress.read_failed", error=repr(error))
                self._reliable_from = time.monotonic() + RETRY_SECONDS + SETTLE_SECONDS
                for task_id in self._local.watched_tasks:
                    await self._local.publish(task_id, StepEvent())
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Close the connections, after `run` has ended."""
        async with self._adding:
            self._paused_until = math.inf
            with suppress(*TRANSIENT_ERRORS):
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self._writer.delete(self._own)
            for client in (self._writer, self._reader):
                with suppress(*TRANSIENT_ERRORS):  # an unavailable server does not close the connection
                    await client.aclose()

    async def _read(self) -> None:
        """Deliver the next entries of all streams."""
        # A new stream is read from its beginning: an event may precede this call and follow the watcher's read.
        watched = {PREFIX + task_id for task_id in self._local.watched_tasks}
        self._seen = {name: self._seen.get(name, "0") for name in (*watched, self._own)}
        async with asyncio.timeout(BLOCK_SECONDS + 2):
            found = await self._reader.xread(dict(self._seen), block=round(BLOCK_SECONDS * 1000))
        for name, entries in found or ():
            for entry_id, fields in entries:
                self._seen[name] = entry_id
                if name != self._own:
                    await self._local.publish(name.removeprefix(PREFIX), _event(fields))

    async def _add(self, name: str, fields: dict[str, str], max_entries: int) -> None:
        """Add entries one by one, so that `close` follows the last one. Add nothing while Redis is unavailable."""
        async with self._adding:
            if time.monotonic() < self._paused_until:
                return
            try:
                async with asyncio.timeout(PUBLISH_SECONDS), self._writer.pipeline(transaction=False) as pipeline:
                    pipeline.xadd(name, fields, maxlen=max_entries, approximate=max_entries > 1)
                    pipeline.expire(name, EXPIRE_SECONDS)
                    await pipeline.execute()
            except TRANSIENT_ERRORS as error:
                log.warning("progress.publish_failed", error=repr(error))
                self._paused_until = time.monotonic() + RETRY_SECONDS
                self._reliable_from = self._paused_until + SETTLE_SECONDS


def _client(url: str) -> Any:
    """Return a client whose calls need a timeout.

    With `socket_timeout` it would use `asyncio.wait_for`, which before Python 3.12 may swallow a cancellation: a
    service that is stopped while it connects would never end.
    """
    # One immediate retry on a new connection: a restart of Redis shows only when the old one is used.
    retry = Retry(NoBackoff(), 1)
    return Redis.from_url(
        url, decode_responses=True, socket_timeout=None, socket_connect_timeout=PUBLISH_SECONDS, retry=retry
    )


def _fields(event: StepEvent) -> dict[str, str]:
    if event.progress is None:
        return {"sequence": str(event.sequence)}
    progress = event.progress
    step = {"state": progress.state, "percent": progress.percent, "findings": findings_to_json(progress.findings)}
    return {"sequence": str(event.sequence), "step": json.dumps(step, separators=(",", ":"))}


def _event(fields: dict[str, str]) -> StepEvent:
    sequence = int(fields["sequence"])
    if "step" not in fields:
        return StepEvent(sequence)
    step = json.loads(fields["step"])
    progress = Progress(TaskState(step["state"]), step["percent"], findings_from_json(step["findings"]))
    return StepEvent(sequence, progress)
