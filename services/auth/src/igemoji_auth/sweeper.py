"""Removes what is over. Any replica may do it, at any time: what is gone already harms no second one."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence

SWEEP_SECONDS = 60

Sweep = Callable[[datetime.datetime], Awaitable[None]]


async def sweep_for_ever(sweeps: Sequence[Sweep], now: Callable[[], datetime.datetime]) -> None:
    while True:
        for sweep in sweeps:
            await sweep(now())
        await asyncio.sleep(SWEEP_SECONDS)
