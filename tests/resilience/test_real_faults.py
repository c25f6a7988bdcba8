"""Faults of real backends under load: every accepted photo is finished once, for its own user.

The benchmark bench/faults has more faults and figures.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from igemoji_stack.backends.server import BackendMissing
from igemoji_stack.mesh.options import GATEWAY, SERVICES

from .backends import FaultyRealMesh

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

BACKENDS = ["database", "queue", "progress", "objects"]
AWAY_SECONDS = 10
"""Time for which the object store is unreachable."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FaultyRealMesh]:
    """Start one mesh for all tests: later checks find what an earlier fault left behind."""
    faulty_mesh = FaultyRealMesh(tmp_path_factory.mktemp("real"))
    try:
        await faulty_mesh.start()
    except BackendMissing as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    try:
        yield faulty_mesh
    finally:
        await faulty_mesh.stop()


@pytest.mark.parametrize("process", ["inference-worker", "inference"])
async def test_killed_worker_or_replica_loses_no_accepted_photo(faulty_mesh, process):
    load = faulty_mesh.new_load(scale=3)
    async with load.uploading():
        await faulty_mesh.kill(process)
    await faulty_mesh.check(load)


async def test_killed_sandbox_loses_no_accepted_photo(faulty_mesh):
    load = faulty_mesh.new_load(scale=3)
    async with load.uploading():
        await faulty_mesh.kill_busy_sandbox()
    await faulty_mesh.check(load, answers_were_lost=False)


@pytest.mark.parametrize("backend", ["queue", "progress", "database"])
async def test_restarted_backend_loses_no_accepted_photo(faulty_mesh, backend):
    load = faulty_mesh.new_load(scale=2)
    async with load.uploading():
        await faulty_mesh.restart(backend)
    await faulty_mesh.check(load)


async def test_unreachable_object_store_loses_no_accepted_photo(faulty_mesh):
    load = faulty_mesh.new_load(scale=2)
    async with load.uploading(), faulty_mesh.unreachable("objects"):
        await asyncio.sleep(AWAY_SECONDS)
    await faulty_mesh.check(load)


@pytest.mark.parametrize("to", [BACKENDS, [GATEWAY, *SERVICES]], ids=["backends", "services"])
async def test_slow_and_broken_connections_lose_no_accepted_photo(faulty_mesh, to):
    load = faulty_mesh.new_load(scale=2)
    async with load.uploading():
        for name in to:
            async with faulty_mesh.slow(name, 0.05):
                await asyncio.sleep(1)
                faulty_mesh.cut(name)
    await faulty_mesh.check(load)
