"""The ranking through its RPCs."""

import asyncio
import datetime

import grpc
import pytest

from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import error_reason
from igemoji_ranking.adapters.clients.emoji_catalog import COOLDOWN_SECONDS


@pytest.fixture
def ids() -> list[str]:
    """Return ids in ascending order."""
    return sorted(new_id() for _ in range(5))


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_ranking_is_empty_without_uses(ranking, catalog):
    assert await ranking.ranking() == []
    assert catalog.requested == []


async def test_most_used_template_is_first_with_its_name(ranking, ids):
    await ranking.use(ids[0])
    await ranking.use(ids[1], users=2)
    assert await ranking.ranking() == [(1, ids[1], 2), (2, ids[0], 1)]
    assert (await ranking.entries())[0].emoji.name == f"Name of {ids[1]}"


async def test_ties_share_a_rank_and_are_sorted_by_first_use(ranking, ids):
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[1], hours=1)
    await ranking.use(ids[2], hours=2)
    await ranking.use(ids[4], hours=3)
    await ranking.use(ids[3], hours=3)
    expected = [(1, ids[0], 2), (2, ids[3], 1), (2, ids[4], 1), (2, ids[2], 1), (2, ids[1], 1)]
    for window in ("day", "all"):
        assert await ranking.ranking(window) == expected
    await ranking.use(ids[1])
    assert await ranking.ranking() == [
        (1, ids[1], 2),
        (1, ids[0], 2),
        (3, ids[3], 1),
        (3, ids[4], 1),
        (3, ids[2], 1),
    ]


async def test_repeated_task_counts_once(ranking, ids):
    await ranking.use(ids[0])
    for _ in range(3):
        await ranking.record(ranking.recorded[0])
    assert await ranking.ranking() == [(1, ids[0], 1)]


async def test_concurrent_records_of_one_task_count_once(ranking, ids):
    await ranking.use(ids[0])
    await asyncio.gather(*(ranking.record(ranking.recorded[0]) for _ in range(10)), ranking.use(ids[0], users=5))
    for window in ("day", "all"):
        assert await ranking.ranking(window) == [(1, ids[0], 6)]


async def test_user_counts_once_per_template_and_day(ranking, ids, clock):
    user_id = new_id()
    for _ in range(3):
        await ranking.use(ids[0], user_id=user_id)
    await ranking.use(ids[1], user_id=user_id)
    assert await ranking.ranking() == [(1, ids[0], 1), (1, ids[1], 1)]
    clock.advance(hours=12)
    await ranking.use(ids[0], user_id=user_id)
    assert await ranking.ranking() == [(1, ids[0], 2), (2, ids[1], 1)]


@pytest.mark.parametrize(("window", "days"), [("day", 1), ("week", 7), ("", 7), ("month", 30)])
async def test_window_ends_with_its_last_utc_day(ranking, ids, clock, window, days):
    clock.now = datetime.datetime(2026, 3, 30, 0, 0, 1, tzinfo=datetime.UTC)
    await ranking.use(ids[0])
    clock.advance(days=days - 1, hours=23, minutes=59)
    assert await ranking.ranking(window) == [(1, ids[0], 1)]
    clock.advance(minutes=1)
    assert await ranking.ranking(window) == []
    assert await ranking.ranking("all") == [(1, ids[0], 1)]


async def test_window_sums_its_days(ranking, ids):
    await ranking.use(ids[0], users=3, days=8)
    for days in range(3):
        await ranking.use(ids[1], days=days)
        await ranking.use(ids[0], days=days + 5)
    assert await ranking.ranking("day") == [(1, ids[1], 1)]
    assert await ranking.ranking("week") == [(1, ids[1], 3), (2, ids[0], 2)]
    assert await ranking.ranking("month") == [(1, ids[0], 6), (2, ids[1], 3)]
    assert await ranking.ranking("all") == [(1, ids[0], 6), (2, ids[1], 3)]


async def test_use_in_the_far_future_counts_as_now(ranking, ids, clock):
    await ranking.use(ids[0], days=-400)
    await ranking.use(ids[1], minutes=-6)
    assert await ranking.ranking("day") == [(1, ids[0], 1), (1, ids[1], 1)]
    clock.advance(days=1)
    assert await ranking.ranking("day") == []


async def test_small_clock_skew_is_accepted(ranking, ids, clock):
    clock.now = datetime.datetime(2026, 3, 31, 23, 58, tzinfo=datetime.UTC)
    await ranking.use(ids[0], minutes=-4)
    clock.advance(days=1)
    assert await ranking.ranking("day") == [(1, ids[0], 1)]


async def test_default_limit_is_ten(ranking):
    for _ in range(12):
        await ranking.use(new_id())
    assert len(await ranking.ranking()) == 10
    assert len(await ranking.ranking(limit=3)) == 3
    assert len(await ranking.ranking(limit=100)) == 12


async def test_forgotten_template_is_removed_permanently(ranking, ids, catalog):
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[1])
    for _ in range(2):
        await ranking.forget(ids[0])
    await ranking.record(ranking.recorded[0])
    await ranking.use(ids[0])
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[1], 1)]


async def test_unused_template_can_be_forgotten(ranking, ids):
    await ranking.forget(ids[0])
    await ranking.use(ids[0])
    assert await ranking.ranking() == []


async def test_templates_missing_in_the_catalog_are_skipped(ranking, catalog):
    used = [new_id() for _ in range(30)]
    for emoji_id in used:
        await ranking.use(emoji_id)
    catalog.deleted = set(used[:25])
    assert await ranking.ranking(limit=2) == [(1, used[25], 1), (1, used[26], 1)]
    assert await ranking.ranking(limit=100) == [(1, emoji_id, 1) for emoji_id in used[25:]]


async def test_names_are_cached(ranking, catalog, ids):
    await ranking.use(ids[0])
    first = await ranking.ranking()
    assert await ranking.ranking() == first
    assert catalog.requested == [[ids[0]]]
    await asyncio.sleep(0.25)
    assert await ranking.ranking() == first
    assert len(catalog.requested) == 2


async def test_ranking_uses_the_cache_while_the_catalog_is_down(ranking, catalog, ids):
    await ranking.use(ids[0], users=2)
    await ranking.ranking()
    catalog.down = True
    await asyncio.sleep(0.25)
    await ranking.use(ids[0])
    await ranking.use(ids[1], users=4)
    assert await ranking.ranking() == [(1, ids[0], 3)]
    catalog.down = False
    await asyncio.sleep(COOLDOWN_SECONDS)
    assert await ranking.ranking() == [(1, ids[1], 4), (2, ids[0], 3)]


async def test_catalog_down_with_empty_cache_is_unavailable(ranking, catalog, ids):
    await ranking.use(ids[0])
    catalog.down = True
    error = await refusal(ranking.ranking())
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "NAMES_UNAVAILABLE")
    catalog.down = False
    await asyncio.sleep(COOLDOWN_SECONDS)
    assert await ranking.ranking() == [(1, ids[0], 1)]


async def test_uses_of_a_deleted_user_are_removed_permanently(ranking, ids):
    user_id = new_id()
    for emoji_id in ids[:3]:
        await ranking.use(emoji_id, user_id=user_id)
        await ranking.use(emoji_id, user_id=user_id, days=1)
    await ranking.use(ids[0], users=2)
    for _ in range(2):
        await ranking.delete_user(user_id)
    await ranking.use(ids[1], user_id=user_id)
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[0], 2)]


async def test_hidden_template_returns_with_all_its_uses(ranking, ids):
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[1])
    await ranking.show(ids[0], False, 2)
    await ranking.use(ids[0])
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[1], 1)]
    await ranking.show(ids[0], True, 3)
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[0], 3), (2, ids[1], 1)]


async def test_template_hidden_before_its_first_use_is_not_ranked(ranking, ids):
    await ranking.show(ids[0], False, 1)
    await ranking.use(ids[0])
    assert await ranking.ranking() == await ranking.ranking("all") == []


async def test_outdated_visibility_is_ignored(ranking, ids):
    await ranking.use(ids[0])
    await ranking.show(ids[0], True, 3)
    await ranking.show(ids[0], False, 2)
    assert await ranking.ranking() == [(1, ids[0], 1)]
    await ranking.forget(ids[0])
    await ranking.show(ids[0], True, 4)
    assert await ranking.ranking() == []


async def test_use_counts_are_published_after_catalog_downtime(ranking, catalog, ids):
    user_id = new_id()
    catalog.down = True
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[0], user_id=user_id)
    await ranking.use(ids[1], user_id=user_id)
    await asyncio.sleep(0.15)
    catalog.down = False
    await until(lambda: catalog.uses == {ids[0]: 3, ids[1]: 1})
    await ranking.delete_user(user_id)
    await until(lambda: catalog.uses == {ids[0]: 2, ids[1]: 0})


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


async def test_internal_rpcs_refuse_other_callers(ranking, ids):
    ranking.inference, ranking.emoji_catalog = ranking.public, ranking.inference
    ranking.auth = ranking.emoji_catalog
    for call in (ranking.use(ids[0]), ranking.forget(ids[0]), ranking.delete_user(new_id())):
        assert (await refusal(call)).code() == grpc.StatusCode.PERMISSION_DENIED


async def test_counts_survive_restart(start, settings, client_of, ids):
    async with start(settings) as server:
        await client_of(server).use(ids[0])
    async with start(settings) as server:
        assert await client_of(server).ranking() == [(1, ids[0], 1)]
