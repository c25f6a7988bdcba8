"""bcrypt in a thread pool of its own, and the passwords that are guessed first."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from igemoji_auth.domain import TooManyLogins

T = TypeVar("T")

MAX_BYTES = 72
"""bcrypt takes no more; see https://www.usenix.org/legacy/events/usenix99/provos/provos_html/node4.html."""

WAITING_PER_THREAD = 10
"""At about 0.3 s for a check at cost 12, who is let in is answered within some three seconds."""

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

    def __init__(self, cost: int, threads: int) -> None:
        """
        Args:
            cost: Binary logarithm of the rounds.
            threads: How many passwords are worked on at a time.
        """
        self._cost = cost
        # A well-formed hash that no password has: an unknown account costs what a wrong password costs.
        self._nobodys_hash = bcrypt.gensalt(cost) + b"." * 31
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._free_places = threads * WAITING_PER_THREAD

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
        if self._free_places == 0:
            text = "Too many people register or log in at this moment. Try again in a few seconds."
            raise TooManyLogins(text, retry_after_seconds=2)
        self._free_places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._free_places += 1
