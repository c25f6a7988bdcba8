"""Passwords are worked on a few at a time, and whoever would wait for long is told so at once."""

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from igemoji_auth.adapters.passwords import INITIAL_SECONDS, MAX_WAIT_SECONDS, NICE, BcryptPasswords
from igemoji_auth.domain.errors import TooManyLogins

SERVED_IN_TIME = int(MAX_WAIT_SECONDS / INITIAL_SECONDS) + 1


@pytest_asyncio.fixture
async def few() -> AsyncIterator[BcryptPasswords]:
    """One at a time, and by the clock the first one takes ten times as long as anybody is let wait."""
    clock = itertools.chain([0.0, 10 * MAX_WAIT_SECONDS], itertools.repeat(10 * MAX_WAIT_SECONDS))
    few = BcryptPasswords(cost=4, threads=1, clock=lambda: next(clock))
    yield few
    await few.close()


async def test_full_password_queue_refuses_calls(few, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: done.wait(60))

    calls = [asyncio.create_task(few.matches("a password", None)) for _ in range(SERVED_IN_TIME)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins) as refused:
        await few.matches("a password", None)
    done.set()

    assert refused.value.retry_after_seconds
    assert await asyncio.gather(*calls) == [False] * SERVED_IN_TIME, "who was let in is answered"
    assert await few.matches("a password", None) is False, "and there is room again"


async def test_password_queue_shrinks_while_hashing_is_slow(few, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: done.wait(60))
    done.set()
    await few.matches("a password", None)
    done.clear()

    calls = [asyncio.create_task(few.matches("a password", None))]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await few.matches("a password", None)

    done.set()
    assert await asyncio.gather(*calls) == [False], "one is always let in"


async def test_queued_password_times_out_without_being_hashed(monkeypatch):
    one = BcryptPasswords(cost=4, threads=1, max_wait_seconds=0.05, clock=lambda: 0.0)
    for _ in range(8):  # by the clock they take no time: nobody expects that the next one does
        await one.matches("a password", None)
    done, begun = threading.Event(), itertools.count()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: (next(begun), done.wait(60))[1])

    first = asyncio.create_task(one.matches("a password", None))
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await one.matches("a password", None)
    done.set()

    assert await first is False, "who has a thread is answered"
    assert await one.matches("a password", None) is False
    await one.close()
    assert next(begun) == 2, "nobody works for whoever was sent away"


async def test_password_threads_run_at_low_priority(few, monkeypatch):
    def priority(*_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = priority()
    monkeypatch.setattr("bcrypt.hashpw", lambda *_: str(priority()).encode())

    assert int(await few.hash("a password")) == min(mine + NICE, 19)
