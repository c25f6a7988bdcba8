"""Drain: refuse new calls while the server stops."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_mesh.errors import Unavailable
from igemoji_mesh.interceptors.base import CallInterceptor, Context


class ServiceStopping(Unavailable):
    """The service accepts no new calls."""


class DrainInterceptor(CallInterceptor):
    """Once draining, refuses new calls with a hint to retry; calls in flight finish.

    A gRPC server that stops cancels calls that have arrived and not begun, and clients don't retry a cancelled call.
    """

    def __init__(self) -> None:
        self._draining = False
        self._last_call_at = float("-inf")

    async def drain(self, quiet_seconds: float, max_seconds: float) -> None:
        """Refuse calls from now on; return after `quiet_seconds` without a call, or after `max_seconds`."""
        self._draining = True
        until = time.monotonic() + max_seconds
        while (left := min(until, self._last_call_at + quiet_seconds) - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        """Raise ServiceStopping while draining."""
        self._last_call_at = time.monotonic()
        if self._draining:
            raise ServiceStopping("The service is restarting. Try again in a moment.", retry_after_seconds=1)
        yield
