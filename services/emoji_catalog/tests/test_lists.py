"""Lists: search, sort order, page numbers and page tokens."""

import asyncio

import grpc
import pytest

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.adapters.db import listing
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import error_reason

from .conftest import User, face, refusal
from .test_accounts import delete_data, rename

SAME = dict.fromkeys(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), face("red", (8, 8)))


async def names(catalog, by: User | None = None, **wanted: str | bool) -> list[str]:
    """Return the ids of all pages, by token."""
    page = await catalog.page(by=by, **wanted)
    found = [emoji.name for emoji in page.emojis]
    while page.next_page_token:
        page = await catalog.page(by=by, page_token=page.next_page_token, **wanted)
        found += [emoji.name for emoji in page.emojis]
    assert (len(found), page.total_is_exact) == (page.total, True)
    return found


async def uses(catalog, **counts: int) -> None:
    request = pb.UpdateUseCountsRequest(
        counts=[pb.UseCount(emoji_id=emoji_id, uses=count) for emoji_id, count in counts.items()]
    )
    await catalog.internal.UpdateUseCounts(request)


async def like(catalog, emoji_id: str, by: User) -> None:
    await catalog.stub.AddFavorite(pb.AddFavoriteRequest(id=emoji_id), metadata=catalog.as_(by))


async def unlike(catalog, emoji_id: str, by: User) -> None:
    await catalog.stub.RemoveFavorite(pb.RemoveFavoriteRequest(id=emoji_id), metadata=catalog.as_(by))


async def test_search_matches_names_tags_and_makers(found):
    expected = {
        "고양이": ["고양이 얼굴"],
        "양이": ["고양이 얼굴"],
        "고": ["고양이 얼굴"],
        "얼": ["고양이 얼굴"],
        "양": [],
        "CAT": ["Bobcat", "Cats"],
        "ｃａｔ": ["Bobcat", "Cats"],
        "c": ["Cats"],
        "face": ["Dog", "고양이 얼굴"],
        "face dog": ["Dog"],
        "dog cat": [],
        "ben": ["Bobcat"],
        "cab": [],
        "50%": ["Dog"],
        "a%t": [],
        "zz": [],
        "  ": ["Bobcat", "Dog", "Cats", "고양이 얼굴"],
    }
    assert {q: await names(found, q=q) for q in expected} == expected


@pytest.fixture
async def found(catalog, anna, ben):
    await catalog.create(anna, "고양이 얼굴", SAME, tags=["face"])
    await catalog.create(anna, "Cats", SAME)
    await catalog.create(anna, "Dog", SAME, tags=["Face", "50% off"])
    await catalog.create(ben, "Bobcat", SAME)
    await catalog.create(ben, "Cat nobody finds", SAME, tags=["face"], visibility="unlisted")
    return catalog


async def test_tag_filter_matches_whole_tags(found):
    assert await names(found, tag="FACE") == ["Dog", "고양이 얼굴"]
    assert await names(found, tag="fac") == []
    assert await names(found, tag="face", q="do") == ["Dog"]


async def test_search_index_follows_every_change(catalog, anna):
    made = await catalog.create(anna, "Cat", SAME, tags=["pet"])
    await catalog.update(made.id, anna, name="Dog")
    assert (await names(catalog, q="cat"), await names(catalog, q="dog")) == ([], ["Dog"])
    await rename(catalog, anna, "clara")
    assert (await names(catalog, q="anna"), await names(catalog, q="clara")) == ([], ["Dog"])
    await catalog.update(made.id, anna, visibility="private")
    assert await names(catalog, q="dog") == await names(catalog, tag="pet") == []
    await catalog.update(made.id, anna, visibility="public", tags=["animal"])
    assert (await names(catalog, tag="pet"), await names(catalog, tag="animal")) == ([], ["Dog"])
    await catalog.delete(made.id, anna)
    assert await names(catalog, q="dog") == []


async def test_makers_own_list_includes_private_templates(found, ben, anna):
    own = {"by": ben, "owner_id": ben.id}
    assert await names(found, q="cat", **own) == ["Cat nobody finds", "Bobcat"]
    assert await names(found, q="c", **own) == ["Cat nobody finds"]
    assert await names(found, tag="face", **own) == ["Cat nobody finds"]
    assert await names(found, tag="fac", **own) == []
    assert await names(found, by=anna, q="cat", owner_id=ben.id) == ["Bobcat"]


async def test_lists_sort_by_uses_or_favorites_with_stable_ties(catalog, anna, ben):
    made = [await catalog.create(anna, str(number), SAME) for number in range(10)]
    await uses(catalog, **{made[3].id: 5, made[7].id: 9, new_id(): 3})
    await like(catalog, made[2].id, anna)
    await like(catalog, made[2].id, ben)
    await like(catalog, made[5].id, ben)
    assert await names(catalog, sort="popular") == ["7", "3", "9", "8", "6", "5", "4", "2", "1", "0"]
    assert await names(catalog, sort="favorites") == ["2", "5", "9", "8", "7", "6", "4", "3", "1", "0"]
    assert await names(catalog, sort="popular", q="anna") == ["7", "3", "9", "8", "6", "5", "4", "2", "1", "0"]
    assert await names(catalog, sort="new") == await names(catalog) == list("9876543210")
    assert (await catalog.get(made[7].id)).uses == 9


async def test_favorite_counts_once_and_is_marked_for_its_user(catalog, anna, ben):
    made, other = await catalog.create(anna, images=SAME), await catalog.create(anna, images=SAME)
    await asyncio.gather(*(like(catalog, made.id, ben) for _ in range(5)))
    for emoji, expected in ((made, True), (other, False)):
        seen = await catalog.get(emoji.id, ben)
        assert (seen.favorites, seen.is_favorite) == (int(expected), expected)
    assert [emoji.is_favorite for emoji in (await catalog.page(by=ben)).emojis] == [False, True]
    assert not (await catalog.get(made.id, anna)).is_favorite
    assert (await catalog.get(made.id)).favorites == 1
    for _ in range(2):
        await unlike(catalog, made.id, ben)
    assert await catalog.get(made.id, ben) == made


async def test_my_favorites_are_newest_first_and_only_mine(catalog, anna, ben):
    made = [await catalog.create(anna, str(number), SAME, tags=["odd"] if number % 2 else []) for number in range(12)]
    for number in (3, 11, 0, 7, 8, 2, 5, 9, 1, 4):
        await like(catalog, made[number].id, ben)
    await like(catalog, made[6].id, anna)
    await like(catalog, made[8].id, anna)
    mine = {"by": ben, "favorites_only": True}
    assert await names(catalog, **mine) == ["4", "1", "9", "5", "2", "8", "7", "0", "11", "3"]
    assert await names(catalog, **mine, sort="favorites") == ["8", "11", "9", "7", "5", "4", "3", "2", "1", "0"]
    assert await names(catalog, **mine, tag="odd") == ["1", "9", "5", "7", "11", "3"]
    assert await names(catalog, **mine, q="11") == ["11"]
    assert await names(catalog, **mine, owner_id=ben.id) == []
    assert all(emoji.is_favorite for emoji in (await catalog.page(**mine)).emojis)
    assert [emoji.name for emoji in (await catalog.page(2, **mine)).emojis] == ["11", "3"]
    assert await names(catalog, by=anna, favorites_only=True) == ["8", "6"]
    for number in (3, 4, 8):
        await unlike(catalog, made[number].id, ben)
    await like(catalog, made[3].id, ben)
    assert await names(catalog, **mine) == ["3", "1", "9", "5", "2", "7", "0", "11"]


async def test_invisible_favorites_are_not_listed(catalog, anna, ben, operator):
    made = [await catalog.create(anna, str(number), SAME, visibility="unlisted") for number in range(4)]
    for emoji in made:
        for user in (anna, ben, operator):
            await like(catalog, emoji.id, user)
    await catalog.update(made[0].id, anna, visibility="private")
    hide = pb.DecideReportRequest(id=made[1].id, decision="hide")
    await catalog.stub.DecideReport(hide, metadata=catalog.as_(operator))
    await catalog.delete(made[2].id, anna)
    assert await names(catalog, by=ben, favorites_only=True) == ["3"]
    assert await names(catalog, by=operator, favorites_only=True) == ["3", "1"]
    assert await names(catalog, by=anna, favorites_only=True) == ["3", "1", "0"]


async def test_favorites_list_requires_a_login(catalog):
    error = await refusal(catalog.page(favorites_only=True))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_only_visible_templates_can_be_favorites(catalog, anna, ben):
    private = await catalog.create(anna, images=SAME, visibility="private")
    assert error_reason(await refusal(like(catalog, private.id, ben))) == "EMOJI_NOT_FOUND"
    assert error_reason(await refusal(like(catalog, new_id(), ben))) == "EMOJI_NOT_FOUND"
    await like(catalog, private.id, anna)
    assert (await catalog.get(private.id, anna)).favorites == 1
    await catalog.delete(private.id, anna)


async def test_favorites_of_a_deleted_account_do_not_count(catalog, anna, ben):
    made = await catalog.create(anna, images=SAME)
    await like(catalog, made.id, ben)
    await delete_data(catalog, ben)
    assert (await catalog.get(made.id)).favorites == 0
    assert error_reason(await refusal(like(catalog, made.id, ben))) == "ACCOUNT_GONE"


async def test_pages_are_stable_while_templates_are_added(catalog, anna):
    made = [await catalog.create(anna, str(number), SAME) for number in range(20)]
    first = await catalog.page()
    await catalog.create(anna, "newer", SAME)
    second = await catalog.page(page_token=first.next_page_token)
    third = await catalog.page(page_token=second.next_page_token)
    shown = [emoji.id for page in (first, second, third) for emoji in page.emojis]
    assert shown == [emoji.id for emoji in made[::-1]]
    assert third.next_page_token == ""
    assert [emoji.id for emoji in (await catalog.page(3)).emojis] == [emoji.id for emoji in made[4::-1]]


async def test_page_token_is_valid_for_its_own_list_only(catalog, anna):
    for number in range(9):
        await catalog.create(anna, f"cat {number}", SAME)
    token = (await catalog.page()).next_page_token
    for wanted in (
        {"q": "cat"},
        {"sort": "popular"},
        {"owner_id": anna.id},
        {"tag": "x"},
        {"by": anna, "favorites_only": True},
    ):
        error = await refusal(catalog.page(page_token=token, **wanted))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
    for damaged in ("x", token[:-4], "W10", "한국어", "bnVsbA", "WzEsMiwzXQ"):
        assert error_reason(await refusal(catalog.page(page_token=damaged))) == "INVALID_PAGE_TOKEN"


async def test_total_is_a_lower_bound_beyond_the_count_limit(catalog, anna, monkeypatch):
    monkeypatch.setattr(listing, "MAX_COUNTED", 3)
    for number in range(4):
        page = await catalog.page(q="cat")
        assert (page.total, page.total_is_exact) == (number, True)
        await catalog.create(anna, f"cat {number}", SAME)
    for wanted in ({}, {"q": "cat"}, {"q": "c"}, {"owner_id": anna.id}):
        page = await catalog.page(**wanted)
        assert (len(page.emojis), page.total, page.total_is_exact) == (4, 3, False)


def test_only_large_totals_are_cached():
    clock = [0.0]
    totals = listing.TotalCache(lambda: clock[0])
    totals.put("cats", listing.MAX_GATHERED + 1)
    totals.put("dogs", listing.MAX_GATHERED)
    assert (totals.get("cats"), totals.get("dogs"), totals.get("foxes")) == (listing.MAX_GATHERED + 1, None, None)
    clock[0] = listing.TOTAL_CACHE_SECONDS
    assert totals.get("cats") is None
    for number in range(3 * listing.MAX_CACHED_TOTALS):
        totals.put(str(number), 10**4)
    assert len(totals._totals) <= listing.MAX_CACHED_TOTALS


async def test_page_does_not_change_with_a_cached_total(found, monkeypatch):
    monkeypatch.setattr(listing, "MAX_GATHERED", 0)
    for q, tag in (("face", ""), ("고양이", ""), ("cat", ""), ("", "face")):
        assert await names(found, q=q, tag=tag) == await names(found, q=q, tag=tag) != []


async def test_only_the_ranking_may_update_use_counts(catalog, anna):
    made = await catalog.create(anna, images=SAME)
    catalog.internal = catalog.auth
    assert (await refusal(uses(catalog, **{made.id: 1}))).code() == grpc.StatusCode.PERMISSION_DENIED
