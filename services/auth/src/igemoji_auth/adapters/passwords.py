"""bcrypt in a thread pool of its own, and the passwords that are guessed first."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from igemoji_auth.domain.model import TooManyLogins

T = TypeVar("T")

MAX_BYTES = 72
"""bcrypt takes no more; see https://www.usenix.org/legacy/events/usenix99/provos/provos_html/node4.html."""

PATIENCE_SECONDS = 5.0
"""Who would wait longer, as long as passwords take at this moment, or who has, is told to come again: a call ends after
fifteen."""
USUAL_SECONDS = 0.3
"""What a check at cost 12 takes on a processor of its own."""
WEIGHT_OF_LAST = 0.3
"""Of what the last one took, in what the next one is expected to take."""
NICE = 5
"""Added to that of the service, for these threads alone: a password takes a hundred times what most calls do."""

KOREAN_ON_A_LATIN_KEYBOARD = (
    "dkssudgktpdy",  # 안녕하세요, and so on: common words, typed without switching the keyboard
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
"""The 30,000 commonest passwords of public breaches as zxcvbn lists them, without those that are too short anyway."""


class BcryptPasswords:
    """Threads, because a check is a third of a second of work; few, because more threads than cores gain nothing."""

    def __init__(
        self,
        cost: int,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """
        Args:
            cost: Binary logarithm of the rounds.
            threads: How many passwords are worked on at a time.
            clock: In seconds; tests have one of their own.
            patience_seconds: How long anybody is let wait for a thread.
        """
        self._cost = cost
        # A well-formed hash that no password has: an unknown account costs what a wrong password costs.
        self._nobodys_hash = bcrypt.gensalt(cost) + b"." * 31
        # To Linux, nice(2) is of the thread that calls it.
        self._threads = ThreadPoolExecutor(threads, "bcrypt", partial(os.nice, NICE))
        self._at_a_time = threads
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._under_way = 0
        self._seconds = USUAL_SECONDS

    @property
    def common(self) -> frozenset[str]:
        """Passwords that are guessed first, in lower case."""
        return COMMON

    async def hash(self, password: str) -> str:
        """Raises TooManyLogins, or ValueError above 72 bytes."""
        hashed = await self._run(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)))
        return hashed.decode()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """The same work whether there is a hash or not, and however long the password is. Raises TooManyLogins."""
        given = password.encode()
        expected = password_hash.encode() if password_hash else self._nobodys_hash
        same = await self._run(lambda: bcrypt.checkpw(given[:MAX_BYTES], expected))
        return same and password_hash is not None and len(given) <= MAX_BYTES

    async def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way * self._seconds > self._patience_seconds * self._at_a_time:
            raise _too_many()
        self._under_way += 1
        turn = self._threads.submit(partial(self._timed, work))
        answer = asyncio.wrap_future(turn)
        try:
            await asyncio.wait([answer], timeout=self._patience_seconds)
            if turn.cancel():  # it has not begun: passwords take longer than those before
                raise _too_many()
            return await answer
        finally:
            answer.cancel()
            self._under_way -= 1

    def _timed(self, work: Callable[[], T]) -> T:
        began = self._clock()
        try:
            return work()
        finally:
            took = self._clock() - began
            self._seconds += WEIGHT_OF_LAST * (took - self._seconds)


def _too_many() -> TooManyLogins:
    text = "Too many people register or log in at this moment. Try again in a few seconds."
    return TooManyLogins(text, retry_after_seconds=2)
