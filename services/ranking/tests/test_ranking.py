"""The ranking as its callers see it."""

import asyncio
import datetime

import grpc
import pytest

from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import error_reason
from igemoji_ranking.adapters.clients.emoji_catalog import QUIET_SECONDS


@pytest.fixture
def ids() -> list[str]:
    """In ascending order."""
    return sorted(new_id() for _ in range(5))


async def refusal(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_nothing_was_used_yet(ranking, catalogue):
    assert await ranking.ranking() == []
    assert catalogue.asked == []


async def test_the_most_used_template_comes_first_with_its_name(ranking, ids):
    await ranking.use(ids[0])
    await ranking.use(ids[1], users=2)
    assert await ranking.ranking() == [(1, ids[1], 2), (2, ids[0], 1)]
    assert (await ranking.entries())[0].emoji.name == f"Name of {ids[1]}"


async def test_equal_uses_share_a_rank_and_the_earliest_used_stands_first(ranking, ids):
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


async def test_a_task_that_is_told_twice_counts_once(ranking, ids):
    await ranking.use(ids[0])
    for _ in range(3):
        await ranking.tell(ranking.told[0])
    assert await ranking.ranking() == [(1, ids[0], 1)]


async def test_a_task_told_many_times_at_once_counts_once(ranking, ids):
    await ranking.use(ids[0])
    await asyncio.gather(*(ranking.tell(ranking.told[0]) for _ in range(10)), ranking.use(ids[0], users=5))
    for window in ("day", "all"):
        assert await ranking.ranking(window) == [(1, ids[0], 6)]


async def test_a_user_counts_once_a_template_and_day(ranking, ids, clock):
    user_id = new_id()
    for _ in range(3):
        await ranking.use(ids[0], user_id=user_id)
    await ranking.use(ids[1], user_id=user_id)
    assert await ranking.ranking() == [(1, ids[0], 1), (1, ids[1], 1)]
    clock.pass_(hours=12)
    await ranking.use(ids[0], user_id=user_id)
    assert await ranking.ranking() == [(1, ids[0], 2), (2, ids[1], 1)]


@pytest.mark.parametrize(("window", "days"), [("day", 1), ("week", 7), ("", 7), ("month", 30)])
async def test_a_window_ends_with_its_last_utc_day(ranking, ids, clock, window, days):
    clock.now = datetime.datetime(2026, 3, 30, 0, 0, 1, tzinfo=datetime.UTC)
    await ranking.use(ids[0])
    clock.pass_(days=days - 1, hours=23, minutes=59)
    assert await ranking.ranking(window) == [(1, ids[0], 1)]
    clock.pass_(minutes=1)
    assert await ranking.ranking(window) == []
    assert await ranking.ranking("all") == [(1, ids[0], 1)]


async def test_a_window_sums_its_days(ranking, ids):
    await ranking.use(ids[0], users=3, days=8)
    for days in range(3):
        await ranking.use(ids[1], days=days)
        await ranking.use(ids[0], days=days + 5)
    assert await ranking.ranking("day") == [(1, ids[1], 1)]
    assert await ranking.ranking("week") == [(1, ids[1], 3), (2, ids[0], 2)]
    assert await ranking.ranking("month") == [(1, ids[0], 6), (2, ids[1], 3)]
    assert await ranking.ranking("all") == [(1, ids[0], 6), (2, ids[1], 3)]


async def test_a_use_from_the_far_future_is_taken_as_now(ranking, ids, clock):
    await ranking.use(ids[0], days=-400)
    await ranking.use(ids[1], minutes=-6)
    assert await ranking.ranking("day") == [(1, ids[0], 1), (1, ids[1], 1)]
    clock.pass_(days=1)
    assert await ranking.ranking("day") == []


async def test_a_clock_that_is_a_little_ahead_is_believed(ranking, ids, clock):
    clock.now = datetime.datetime(2026, 3, 31, 23, 58, tzinfo=datetime.UTC)
    await ranking.use(ids[0], minutes=-4)
    clock.pass_(days=1)
    assert await ranking.ranking("day") == [(1, ids[0], 1)]


async def test_ten_are_shown_unless_more_or_fewer_are_wanted(ranking):
    for _ in range(12):
        await ranking.use(new_id())
    assert len(await ranking.ranking()) == 10
    assert len(await ranking.ranking(limit=3)) == 3
    assert len(await ranking.ranking(limit=100)) == 12


async def test_a_forgotten_template_leaves_for_good(ranking, ids, catalogue):
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[1])
    for _ in range(2):
        await ranking.forget(ids[0])
    await ranking.tell(ranking.told[0])
    await ranking.use(ids[0])
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[1], 1)]


async def test_a_template_that_was_never_used_can_be_forgotten_first(ranking, ids):
    await ranking.forget(ids[0])
    await ranking.use(ids[0])
    assert await ranking.ranking() == []


async def test_templates_that_the_catalogue_lost_are_left_out_and_others_move_up(ranking, catalogue):
    used = [new_id() for _ in range(30)]
    for emoji_id in used:
        await ranking.use(emoji_id)
    catalogue.gone = set(used[:25])
    assert await ranking.ranking(limit=2) == [(1, used[25], 1), (1, used[26], 1)]
    assert await ranking.ranking(limit=100) == [(1, emoji_id, 1) for emoji_id in used[25:]]


async def test_names_are_asked_for_once_in_a_while(ranking, catalogue, ids):
    await ranking.use(ids[0])
    first = await ranking.ranking()
    assert await ranking.ranking() == first
    assert catalogue.asked == [[ids[0]]]
    await asyncio.sleep(0.25)
    assert await ranking.ranking() == first
    assert len(catalogue.asked) == 2


async def test_the_ranking_is_served_from_memory_while_the_catalogue_is_silent(ranking, catalogue, ids):
    await ranking.use(ids[0], users=2)
    await ranking.ranking()
    catalogue.silent = True
    await asyncio.sleep(0.25)
    await ranking.use(ids[0])
    await ranking.use(ids[1], users=4)
    assert await ranking.ranking() == [(1, ids[0], 3)]
    catalogue.silent = False
    await asyncio.sleep(QUIET_SECONDS)
    assert await ranking.ranking() == [(1, ids[1], 4), (2, ids[0], 3)]


async def test_a_silent_catalogue_and_nothing_remembered_is_a_passing_trouble(ranking, catalogue, ids):
    await ranking.use(ids[0])
    catalogue.silent = True
    error = await refusal(ranking.ranking())
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAVAILABLE, "NAMES_UNAVAILABLE")
    catalogue.silent = False
    await asyncio.sleep(QUIET_SECONDS)
    assert await ranking.ranking() == [(1, ids[0], 1)]


async def test_the_uses_of_a_deleted_user_leave_the_counts_for_good(ranking, ids):
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


async def test_a_hidden_template_leaves_at_once_and_comes_back_with_all_its_uses(ranking, ids):
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[1])
    await ranking.show(ids[0], False, 2)
    await ranking.use(ids[0])
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[1], 1)]
    await ranking.show(ids[0], True, 3)
    for window in ("day", "week", "month", "all"):
        assert await ranking.ranking(window) == [(1, ids[0], 3), (2, ids[1], 1)]


async def test_a_template_that_was_hidden_before_its_first_use_is_left_out(ranking, ids):
    await ranking.show(ids[0], False, 1)
    await ranking.use(ids[0])
    assert await ranking.ranking() == await ranking.ranking("all") == []


async def test_old_news_of_a_template_is_not_taken(ranking, ids):
    await ranking.use(ids[0])
    await ranking.show(ids[0], True, 3)
    await ranking.show(ids[0], False, 2)
    assert await ranking.ranking() == [(1, ids[0], 1)]
    await ranking.forget(ids[0])
    await ranking.show(ids[0], True, 4)
    assert await ranking.ranking() == []


async def test_the_catalogue_is_told_of_uses_even_if_it_was_silent_for_a_while(ranking, catalogue, ids):
    user_id = new_id()
    catalogue.silent = True
    await ranking.use(ids[0], users=2)
    await ranking.use(ids[0], user_id=user_id)
    await ranking.use(ids[1], user_id=user_id)
    await asyncio.sleep(0.15)
    catalogue.silent = False
    await until(lambda: catalogue.uses == {ids[0]: 3, ids[1]: 1})
    await ranking.delete_user(user_id)
    await until(lambda: catalogue.uses == {ids[0]: 2, ids[1]: 0})


async def until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.02)


async def test_others_may_not_tell_of_uses_or_have_templates_forgotten(ranking, ids):
    ranking.inference, ranking.emoji_catalog = ranking.public, ranking.inference
    ranking.auth = ranking.emoji_catalog
    for call in (ranking.use(ids[0]), ranking.forget(ids[0]), ranking.delete_user(new_id())):
        assert (await refusal(call)).code() == grpc.StatusCode.PERMISSION_DENIED


async def test_counts_are_there_after_a_restart(start, settings, client_of, ids):
    async with start(settings) as server:
        await client_of(server).use(ids[0])
    async with start(settings) as server:
        assert await client_of(server).ranking() == [(1, ids[0], 1)]
