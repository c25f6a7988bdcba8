"""A crowd uploads, something is killed: every accepted photo is finished once, and everybody gets their own."""

import signal

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = ["auth", "emoji-catalog", "ranking", "inference"]


@pytest.mark.parametrize("service", SERVICES)
async def test_killed_service_loses_no_accepted_photo(harmed, service):
    crowd = harmed.crowd(scale=4 if service == "inference" else 1)
    async with crowd.at_work():
        await harmed.signalled(service, signal.SIGKILL)
    await harmed.check(crowd, answers_were_lost=service == "inference")


async def test_killed_worker_loses_no_accepted_photo(harmed):
    crowd = harmed.crowd(scale=4)
    async with crowd.at_work():
        await harmed.kill_worker_at_work()
    await harmed.check(crowd, answers_were_lost=False)


async def test_killed_gateway_loses_only_connections(harmed):
    crowd = harmed.crowd()
    async with crowd.at_work():
        await harmed.signalled("gateway", signal.SIGKILL)
    assert crowd.lost_connections
    await harmed.check(crowd, answers_were_lost=True, connections_were_lost=True)


async def test_open_tasks_finish_after_a_restart(harmed):
    crowd = harmed.crowd(scale=6)
    async with crowd.at_work():
        await harmed.stop()
        assert harmed.books.open_tasks(), "nothing was left to resume"
        await harmed.start_again()
    await harmed.check(crowd, answers_were_lost=True, connections_were_lost=True)


async def test_services_drain_when_stopped_one_by_one(harmed):
    crowd = harmed.crowd()
    async with crowd.at_work():
        for service in SERVICES:
            await harmed.signalled(service, signal.SIGTERM)
    assert not [event for _, event in harmed.events if "killing" in event]
    await harmed.check(crowd, answers_were_lost=False)
