"""A crowd uploads to a mesh on real parts, something is lost: every accepted photo is finished once, and everybody gets
their own. The long form, with figures, is bench/faults."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from igemoji_stack.backends import BackendMissing
from igemoji_stack.mesh.options import GATEWAY, SERVICES

from .backends import RealHarmed

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

PARTS = ["database", "queue", "progress", "objects"]
AWAY_SECONDS = 10
"""How long the object store can't be reached."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harmed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealHarmed]:
    """One for all tests: what one fault leaves behind, later checks find."""
    harmed = RealHarmed(tmp_path_factory.mktemp("real"))
    try:
        await harmed.start()
    except BackendMissing as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    try:
        yield harmed
    finally:
        await harmed.stop()


@pytest.mark.parametrize("process", ["inference-worker", "inference"])
async def test_killed_worker_or_replica_loses_no_accepted_photo(harmed, process):
    crowd = harmed.crowd(scale=3)
    async with crowd.at_work():
        await harmed.kill(process)
    await harmed.check(crowd)


async def test_killed_sandbox_loses_no_accepted_photo(harmed):
    crowd = harmed.crowd(scale=3)
    async with crowd.at_work():
        await harmed.kill_child_at_work()
    await harmed.check(crowd, answers_were_lost=False)


@pytest.mark.parametrize("part", ["queue", "progress", "database"])
async def test_restarted_backend_loses_no_accepted_photo(harmed, part):
    crowd = harmed.crowd(scale=2)
    async with crowd.at_work():
        await harmed.restart(part)
    await harmed.check(crowd)


async def test_unreachable_object_store_loses_no_accepted_photo(harmed):
    crowd = harmed.crowd(scale=2)
    async with crowd.at_work(), harmed.unreachable("objects"):
        await asyncio.sleep(AWAY_SECONDS)
    await harmed.check(crowd)


@pytest.mark.parametrize("to", [PARTS, [GATEWAY, *SERVICES]], ids=["parts", "services"])
async def test_slow_and_broken_connections_lose_no_accepted_photo(harmed, to):
    crowd = harmed.crowd(scale=2)
    async with crowd.at_work():
        for name in to:
            async with harmed.slow(name, 0.05):
                await asyncio.sleep(1)
                harmed.cut(name)
    await harmed.check(crowd)
