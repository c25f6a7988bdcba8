"""Processes are killed under load: every accepted photo is finished once, for its own user."""

import signal

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = ["auth", "emoji-catalog", "ranking", "inference"]


@pytest.mark.parametrize("service", SERVICES)
async def test_killed_service_loses_no_accepted_photo(faulty_mesh, service):
    load = faulty_mesh.new_load(scale=4 if service == "inference" else 1)
    async with load.uploading():
        await faulty_mesh.signal_and_wait(service, signal.SIGKILL)
    await faulty_mesh.check(load, answers_were_lost=service == "inference")


async def test_killed_worker_loses_no_accepted_photo(faulty_mesh):
    load = faulty_mesh.new_load(scale=4)
    async with load.uploading():
        await faulty_mesh.kill_busy_sandbox()
    await faulty_mesh.check(load, answers_were_lost=False)


async def test_killed_gateway_loses_only_connections(faulty_mesh):
    load = faulty_mesh.new_load()
    async with load.uploading():
        await faulty_mesh.signal_and_wait("gateway", signal.SIGKILL)
    assert load.lost_connections
    await faulty_mesh.check(load, answers_were_lost=True, connections_were_lost=True)


async def test_open_tasks_finish_after_a_restart(faulty_mesh):
    load = faulty_mesh.new_load(scale=6)
    async with load.uploading():
        await faulty_mesh.stop()
        assert faulty_mesh.stored.open_tasks(), "no open task is left to resume"
        await faulty_mesh.start_again()
    await faulty_mesh.check(load, answers_were_lost=True, connections_were_lost=True)


async def test_services_drain_when_stopped_one_by_one(faulty_mesh):
    load = faulty_mesh.new_load()
    async with load.uploading():
        for service in SERVICES:
            await faulty_mesh.signal_and_wait(service, signal.SIGTERM)
    assert not [event for _, event in faulty_mesh.events if "killing" in event]
    await faulty_mesh.check(load, answers_were_lost=False)
