"""Sweeps: background jobs that delete in batches, on one replica at a time."""

import asyncio
from collections.abc import Awaitable, Callable

from igemoji_mesh.db.advisory_lock import advisory_lock
from igemoji_mesh.db.database import Database


async def sweep_forever(
    database: Database, lock: str, sweep: Callable[[], Awaitable[int]], *, batch: int, seconds: float
) -> None:
    """Sweep every `seconds` under an advisory lock, and again at once while `sweep` returns a whole batch."""
    while True:
        async with advisory_lock(database, lock) as locked:
            while locked and await sweep() == batch:
                pass
        await asyncio.sleep(seconds)
