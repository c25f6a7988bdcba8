"""Thread pool of bcrypt: bounded queue, early refusal, low priority."""

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
async def pool() -> AsyncIterator[BcryptPasswords]:
    """Return a pool of one thread, whose first hash takes ten times the maximum wait by the clock."""
    clock = itertools.chain([0.0, 10 * MAX_WAIT_SECONDS], itertools.repeat(10 * MAX_WAIT_SECONDS))
    pool = BcryptPasswords(cost=4, threads=1, clock=lambda: next(clock))
    yield pool
    await pool.close()


async def test_full_password_queue_refuses_calls(pool, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: done.wait(60))

    calls = [asyncio.create_task(pool.matches("a password", None)) for _ in range(SERVED_IN_TIME)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins) as refused:
        await pool.matches("a password", None)
    done.set()

    assert refused.value.retry_after_seconds
    assert await asyncio.gather(*calls) == [False] * SERVED_IN_TIME, "queued calls are answered"
    assert await pool.matches("a password", None) is False, "the queue has room again"


async def test_password_queue_shrinks_while_hashing_is_slow(pool, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: done.wait(60))
    done.set()
    await pool.matches("a password", None)
    done.clear()

    calls = [asyncio.create_task(pool.matches("a password", None))]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await pool.matches("a password", None)

    done.set()
    assert await asyncio.gather(*calls) == [False], "an idle pool accepts a call"


async def test_queued_password_times_out_without_being_hashed(monkeypatch):
    single = BcryptPasswords(cost=4, threads=1, max_wait_seconds=0.05, clock=lambda: 0.0)
    for _ in range(8):  # by the clock they take no time, so the estimate goes to zero
        await single.matches("a password", None)
    done, begun = threading.Event(), itertools.count()
    monkeypatch.setattr("bcrypt.checkpw", lambda *_: (next(begun), done.wait(60))[1])

    first = asyncio.create_task(single.matches("a password", None))
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await single.matches("a password", None)
    done.set()

    assert await first is False, "a running hash is finished"
    assert await single.matches("a password", None) is False
    await single.close()
    assert next(begun) == 2, "the refused password was not hashed"


async def test_password_threads_run_at_low_priority(pool, monkeypatch):
    def priority(*_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = priority()
    monkeypatch.setattr("bcrypt.hashpw", lambda *_: str(priority()).encode())

    assert int(await pool.hash("a password")) == min(mine + NICE, 19)
