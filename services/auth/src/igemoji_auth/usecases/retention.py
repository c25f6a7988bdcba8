"""Periodic deletion of expired guests, tokens, keys and deletions, on one replica at a time."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from igemoji_auth.usecases.ports import Now

SWEEP_SECONDS = 60

Sweep = Callable[[datetime.datetime], Awaitable[None]]
Lock = Callable[[], AbstractAsyncContextManager[bool]]
"""Advisory lock; yields False while another replica holds it."""


async def sweep_forever(lock: Lock, sweeps: Sequence[Sweep], now: Now) -> None:
    """Run the sweeps every SWEEP_SECONDS."""
    while True:
        async with lock() as acquired:
            for sweep in sweeps if acquired else ():
                await sweep(now())
        await asyncio.sleep(SWEEP_SECONDS)
