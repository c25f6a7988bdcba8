"""Passwords are worked on a few at a time, and whoever would wait for long is told so at once."""

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from igemoji_auth.adapters.passwords import NICE, PATIENCE_SECONDS, USUAL_SECONDS, BcryptPasswords
from igemoji_auth.domain.model import TooManyLogins

SERVED_IN_TIME = int(PATIENCE_SECONDS / USUAL_SECONDS) + 1


@pytest_asyncio.fixture
async def few() -> AsyncIterator[BcryptPasswords]:
    """One at a time, and by the clock the first one takes ten times as long as anybody is let wait."""
    clock = itertools.chain([0.0, 10 * PATIENCE_SECONDS], itertools.repeat(10 * PATIENCE_SECONDS))
    few = BcryptPasswords(cost=4, threads=1, clock=lambda: next(clock))
    yield few
    await few.close()


async def test_who_would_wait_for_too_long_is_told_to_come_again(few, monkeypatch):
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


async def test_while_passwords_take_long_fewer_wait_for_their_turn(few, monkeypatch):
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


async def test_who_has_waited_for_too_long_is_told_to_come_again_and_costs_nothing(monkeypatch):
    one = BcryptPasswords(cost=4, threads=1, patience_seconds=0.05, clock=lambda: 0.0)
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


async def test_passwords_stand_back_behind_everything_else_that_the_service_does(few, monkeypatch):
    def priority(*_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = priority()
    monkeypatch.setattr("bcrypt.hashpw", lambda *_: str(priority()).encode())

    assert int(await few.hash("a password")) == min(mine + NICE, 19)
