"""Removes what is over. Any replica may do it, and one at a time does."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence

from igemoji_mesh.db.advisory_lock import turn
from igemoji_mesh.db.database import Database

SWEEP_SECONDS = 60

Sweep = Callable[[datetime.datetime], Awaitable[None]]


async def sweep_for_ever(database: Database, sweeps: Sequence[Sweep], now: Callable[[], datetime.datetime]) -> None:
    while True:
        async with turn(database, "expired") as mine:
            for sweep in sweeps if mine else ():
                await sweep(now())
        await asyncio.sleep(SWEEP_SECONDS)
