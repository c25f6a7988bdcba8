"""Advisory locks on every database."""

import asyncio

import pytest

from igemoji_mesh.db.advisory_lock import advisory_lock
from igemoji_mesh.db.database import POOL_SIZE, Database


@pytest.fixture
async def replicas(database_url):
    databases = [Database(database_url), Database(database_url)]
    yield databases
    for database in databases:
        await database.close()


async def test_lock_excludes_other_replicas(replicas):
    async with advisory_lock(replicas[0], "sweep") as ours, advisory_lock(replicas[1], "sweep") as theirs:
        assert ours
        assert not theirs


async def test_lock_is_released(replicas):
    async with advisory_lock(replicas[0], "sweep"):
        pass
    async with advisory_lock(replicas[1], "sweep") as theirs:
        assert theirs


async def test_lock_is_released_after_an_error(replicas):
    with pytest.raises(RuntimeError):
        async with advisory_lock(replicas[0], "sweep"):
            raise RuntimeError
    async with advisory_lock(replicas[1], "sweep") as theirs:
        assert theirs


async def test_locks_are_independent_by_name(replicas):
    async with advisory_lock(replicas[0], "sweep"), advisory_lock(replicas[1], "count") as theirs:
        assert theirs


async def test_locks_use_no_pooled_connection(replicas):
    async with advisory_lock(replicas[0], "sweep"), advisory_lock(replicas[0], "count"):
        await asyncio.gather(*(replicas[0].check() for _ in range(2 * POOL_SIZE)))
