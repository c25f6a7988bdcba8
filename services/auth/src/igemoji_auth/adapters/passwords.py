"""bcrypt in a thread pool with a bounded queue, and the list of common passwords."""

import asyncio
import os
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from igemoji_auth.domain.errors import TooManyLogins

T = TypeVar("T")
Clock = Callable[[], float]

MAX_BYTES = 72
"""Limit of bcrypt; see https://www.usenix.org/legacy/events/usenix99/provos/provos_html/node4.html."""

MAX_WAIT_SECONDS = 5.0
"""Maximum time in the queue, estimated at the start and enforced later; the deadline of a call is 15 s."""
INITIAL_SECONDS = 0.3
"""First estimate of the time for one hash: cost 12 on an idle core."""
SMOOTHING = 0.3
"""Weight of the last hash in the moving average of that time."""
NICE = 5
"""Added to the niceness of the threads: one hash takes a hundred times longer than most calls."""

KOREAN_ON_A_LATIN_KEYBOARD = (
    "dkssudgktpdy",  # 안녕하세요 and other common words, typed without switching the keyboard
    "tkfkdgody",
    "tkfkdgo1",
    "tkfkdgo123",
    "qlalfqjsgh",
    "eogksalsrnr",
    "rkatkgkqslek",
    "dlrpahwl",
)

COMMON: frozenset[str] = frozenset(
    word for word in (*FREQUENCY_LISTS["passwords"], *KOREAN_ON_A_LATIN_KEYBOARD, "비밀번호1234") if len(word) >= 8
)
"""The most common passwords of public breaches, as listed by zxcvbn, that are long enough to be accepted otherwise."""


class BcryptPasswords:
    """Hashes passwords in threads, because one hash takes a third of a second; more threads than cores gain nothing."""

    common: Collection[str] = COMMON
    """The most common passwords, in lower case."""

    def __init__(
        self, cost: int, threads: int, clock: Clock = time.monotonic, max_wait_seconds: float = MAX_WAIT_SECONDS
    ) -> None:
        """Start the thread pool.

        Args:
            cost: Binary logarithm of the number of rounds.
            threads: Number of passwords that are hashed at a time.
            clock: Seconds; replaced in tests.
            max_wait_seconds: Maximum time in the queue.
        """
        self._cost = cost
        # Well-formed hash of no password, so that an unknown account takes as long as a wrong password.
        self._dummy_hash = bcrypt.gensalt(cost) + b"." * 31
        # On Linux, nice(2) applies to the calling thread.
        self._pool = ThreadPoolExecutor(threads, "bcrypt", partial(os.nice, NICE))
        self._threads = threads
        self._clock = clock
        self._max_wait_seconds = max_wait_seconds
        self._pending = 0
        self._seconds = INITIAL_SECONDS

    async def hash(self, password: str) -> str:
        """Return the hash of a password. Raises TooManyLogins, or ValueError above 72 bytes."""
        hashed = await self._run(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)))
        return hashed.decode()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash, in the same time for a missing hash or any length. Raises TooManyLogins."""
        given = password.encode()
        expected = password_hash.encode() if password_hash else self._dummy_hash
        same = await self._run(lambda: bcrypt.checkpw(given[:MAX_BYTES], expected))
        return same and password_hash is not None and len(given) <= MAX_BYTES

    async def close(self) -> None:
        """Stop the thread pool."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending * self._seconds > self._max_wait_seconds * self._threads:
            raise TooManyLogins
        self._pending += 1
        future = self._pool.submit(partial(self._timed, work))
        answer = asyncio.wrap_future(future)
        try:
            await asyncio.wait([answer], timeout=self._max_wait_seconds)
            if future.cancel():  # still queued: hashes take longer than estimated
                raise TooManyLogins
            return await answer
        finally:
            answer.cancel()
            self._pending -= 1

    def _timed(self, work: Callable[[], T]) -> T:
        started = self._clock()
        try:
            return work()
        finally:
            self._seconds += SMOOTHING * (self._clock() - started - self._seconds)
