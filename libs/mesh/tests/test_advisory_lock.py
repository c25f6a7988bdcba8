"""One replica at a time, on every database."""

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


async def test_a_turn_that_another_replica_has_is_not_taken(replicas):
    async with advisory_lock(replicas[0], "sweep") as mine, advisory_lock(replicas[1], "sweep") as theirs:
        assert mine
        assert not theirs


async def test_a_turn_is_free_once_it_is_over(replicas):
    async with advisory_lock(replicas[0], "sweep"):
        pass
    async with advisory_lock(replicas[1], "sweep") as theirs:
        assert theirs


async def test_a_turn_is_free_after_work_that_failed(replicas):
    with pytest.raises(RuntimeError):
        async with advisory_lock(replicas[0], "sweep"):
            raise RuntimeError
    async with advisory_lock(replicas[1], "sweep") as theirs:
        assert theirs


async def test_other_work_has_a_turn_of_its_own(replicas):
    async with advisory_lock(replicas[0], "sweep"), advisory_lock(replicas[1], "count") as theirs:
        assert theirs


async def test_turns_leave_every_connection_to_those_who_read_and_write(replicas):
    async with advisory_lock(replicas[0], "sweep"), advisory_lock(replicas[0], "count"):
        await asyncio.gather(*(replicas[0].check() for _ in range(2 * POOL_SIZE)))
