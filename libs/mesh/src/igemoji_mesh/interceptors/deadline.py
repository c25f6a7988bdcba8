"""Deadline of every call."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_mesh import call_context
from igemoji_mesh.errors import DeadlineExceeded
from igemoji_mesh.interceptors.base import CallInterceptor, Context


class DeadlineInterceptor(CallInterceptor):
    """Ends a call at its deadline. Transcoded calls have none and get the server's default."""

    def __init__(self, default_seconds: float, streaming_methods: frozenset[str]) -> None:
        self._default_seconds = default_seconds
        self._streaming_methods = streaming_methods

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Raise DeadlineExceeded when the time is over."""
        if method in self._streaming_methods:  # a task may be watched until it ends
            yield
            return
        remaining = context.time_remaining()
        seconds = self._default_seconds if remaining is None else min(remaining, self._default_seconds)
        call_context.update(deadline=time.monotonic() + seconds)
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise DeadlineExceeded(f"The call took longer than its limit of {seconds:.0f} s.") from None
