"""News of tasks through Redis, so that any replica can tell any client how its task goes.

Each task has a stream of its own, which ends by itself when nobody has told anything for a while. A process reads the
streams of all tasks that are watched there with one blocking call; a stream of the process's own is among them, and
what is added to it ends the call when there is something more to watch.
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
from igemoji_inference.domain.model import Progress, TaskState
from igemoji_inference.usecases.progress import BEAT_SECONDS, Inbox, MemoryFeed, News
from igemoji_mesh.ids import new_id
from igemoji_mesh.observability.logging import log

PREFIX = "igemoji:progress:"
MAX_ENTRIES = 64
KEPT_SECONDS = 600
"""A stream outlives a task's work by far and stays no longer: rows tell what came before."""

TELL_SECONDS = 0.5
"""How long Redis may take for an answer; work on a photo does not wait for it any longer."""
BLOCK_SECONDS = 5.0
RETRY_SECONDS = 0.5
SLOW_BEAT_SECONDS = 1.0
"""How often watchers look at the rows while Redis is away."""
SETTLE_SECONDS = 3.0
"""They do so for a little longer: others may notice later that it is back, and have told nothing meanwhile."""

TROUBLE = (RedisError, OSError, asyncio.TimeoutError)


class RedisFeed:
    """Its own inboxes are those of a MemoryFeed, filled by `run`."""

    def __init__(self, url: str) -> None:
        self._redis, self._reading = _client(url), _client(url)
        self._adding = asyncio.Lock()
        self._local = MemoryFeed()
        self._own = f"{PREFIX}of:{new_id()}"
        self._seen: dict[str, str] = {}
        self._trusted_from = 0.0
        self._silent_until = 0.0

    @property
    def beat_seconds(self) -> float:
        return BEAT_SECONDS if time.monotonic() >= self._trusted_from else SLOW_BEAT_SECONDS

    async def tell(self, task_id: str, news: News) -> None:
        await self._add(PREFIX + task_id, _fields(news), MAX_ENTRIES)

    @asynccontextmanager
    async def watch(self, task_id: str) -> AsyncIterator[Inbox]:
        async with self._local.watch(task_id) as inbox:
            # Ends the call under way, so that the next one watches more.
            await self._add(self._own, {"stir": ""}, 1)
            yield inbox

    async def run(self) -> None:
        while True:
            try:
                await self._read()
            except TROUBLE as error:
                if self.beat_seconds == BEAT_SECONDS:
                    log.warning("progress can't be heard now", error=repr(error))
                self._trusted_from = time.monotonic() + RETRY_SECONDS + SETTLE_SECONDS
                for task_id in self._local.watched:
                    self._local.hand_out(task_id, News())
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Once `run` has ended."""
        async with self._adding:
            self._silent_until = math.inf
            with suppress(*TROUBLE):
                async with asyncio.timeout(TELL_SECONDS):
                    await self._redis.delete(self._own)
            for client in (self._redis, self._reading):
                with suppress(*TROUBLE):  # a server that is away does not say goodbye
                    await client.aclose()

    async def _read(self) -> None:
        """Hands out what comes next."""
        # From the beginning for those that are new here: what was told between a row and this call is among it.
        watched = {PREFIX + task_id for task_id in self._local.watched}
        self._seen = {name: self._seen.get(name, "0") for name in (*watched, self._own)}
        async with asyncio.timeout(BLOCK_SECONDS + 2):
            found = await self._reading.xread(dict(self._seen), block=round(BLOCK_SECONDS * 1000))
        for name, entries in found or ():
            for entry_id, fields in entries:
                self._seen[name] = entry_id
                if name != self._own:
                    self._local.hand_out(name.removeprefix(PREFIX), _news(fields))

    async def _add(self, name: str, fields: dict[str, str], kept: int) -> None:
        """One after the other, so that `close` comes after the last. Nothing while Redis is away."""
        async with self._adding:
            if time.monotonic() < self._silent_until:
                return
            try:
                async with asyncio.timeout(TELL_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                    pipeline.xadd(name, fields, maxlen=kept, approximate=kept > 1)
                    pipeline.expire(name, KEPT_SECONDS)
                    await pipeline.execute()
            except TROUBLE as error:
                log.warning("progress can't be told now", error=repr(error))
                self._silent_until = time.monotonic() + RETRY_SECONDS
                self._trusted_from = self._silent_until + SETTLE_SECONDS


def _client(url: str) -> Any:
    """Every call to it needs a time limit.

    A `socket_timeout` would do that, but by `asyncio.wait_for`, which before Python 3.12 may swallow a cancellation: a
    service that is stopped while it connects would never end.
    """
    # Once more at once, on a new connection: that Redis was started again shows when it is next spoken to.
    retry = Retry(NoBackoff(), 1)
    return Redis.from_url(
        url, decode_responses=True, socket_timeout=None, socket_connect_timeout=TELL_SECONDS, retry=retry
    )


def _fields(news: News) -> dict[str, str]:
    if news.progress is None:
        return {"sequence": str(news.sequence)}
    progress = news.progress
    step = {"state": progress.state, "percent": progress.percent, "findings": findings_to_json(progress.findings)}
    return {"sequence": str(news.sequence), "step": json.dumps(step, separators=(",", ":"))}


def _news(fields: dict[str, str]) -> News:
    sequence = int(fields["sequence"])
    if "step" not in fields:
        return News(sequence)
    step = json.loads(fields["step"])
    return News(sequence, Progress(TaskState(step["state"]), step["percent"], findings_from_json(step["findings"])))
