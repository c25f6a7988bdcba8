"""Reports and moderation."""

import grpc
import pytest

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.usecases import catalog as service
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import error_reason

from .conftest import FakeRanking, User, refusal, until
from .test_accounts import delete_data
from .test_lists import SAME


async def report(catalog, emoji_id: str, by: User, reason: str = "spam", comment: str = "") -> None:
    request = pb.ReportEmojiRequest(id=emoji_id, reason=reason, comment=comment)
    await catalog.stub.ReportEmoji(request, metadata=catalog.as_(by))


async def queue(catalog, by: User, **wanted) -> list[tuple[str, int]]:
    """Return the ids and number of reports, of all pages."""
    found: list[tuple[str, int]] = []
    token = ""
    while True:
        request = pb.ListReportsRequest(page_token=token, **wanted)
        page = await catalog.stub.ListReports(request, metadata=catalog.as_(by))
        found += [(reported.emoji.id, reported.total) for reported in page.reported]
        token = page.next_page_token
        if not token:
            return found


async def decide(catalog, emoji_id: str, decision: str, by: User) -> None:
    request = pb.DecideReportRequest(id=emoji_id, decision=decision)
    await catalog.stub.DecideReport(request, metadata=catalog.as_(by))


async def test_reports_are_queued_oldest_first(catalog, anna, ben, operator):
    one, two = await catalog.create(anna, images=SAME), await catalog.create(anna, images=SAME)
    await report(catalog, two.id, ben, "offensive", "Look at it!")
    await report(catalog, one.id, ben)
    for _ in range(2):
        await report(catalog, two.id, anna, "other")
    assert await queue(catalog, operator) == [(two.id, 2), (one.id, 1)]
    page = await catalog.stub.ListReports(pb.ListReportsRequest(), metadata=catalog.as_(operator))
    told = [(entry.reason, entry.comment) for entry in page.reported[0].reports]
    assert told == [("other", ""), ("offensive", "Look at it!")]


async def test_hidden_template_is_visible_to_maker_and_operators_only(catalog, anna, ben, operator, start_ranking):
    ranking = FakeRanking()
    async with start_ranking(ranking):
        made = await catalog.create(anna, "Cat", SAME, tags=["pet"])
        await report(catalog, made.id, ben)
        await decide(catalog, made.id, "hide", operator)
        for viewer in (None, ben):
            for call in (catalog.get(made.id, viewer), catalog.image(made, "happy", by=viewer)):
                assert error_reason(await refusal(call)) == "EMOJI_NOT_FOUND"
        for viewer in (anna, operator):
            assert (await catalog.get(made.id, viewer)).hidden
            assert await catalog.image(made, "happy", by=viewer)
        for wanted in ({}, {"q": "cat"}, {"tag": "pet"}, {"sort": "popular"}, {"owner_id": anna.id}):
            assert (await catalog.page(**wanted)).total == 0
        assert (await catalog.page(by=anna, owner_id=anna.id)).total == 1
        assert not (await catalog.internal.BatchGetEmojis(pb.BatchGetEmojisRequest(ids=[made.id]))).emojis
        await until(lambda: ranking.shown == {made.id: False})
        assert await queue(catalog, operator) == []
        assert await queue(catalog, operator, decided=True) == [(made.id, 1)]

        await catalog.update(made.id, anna, visibility="unlisted")
        await catalog.update(made.id, anna, visibility="public")
        assert (await catalog.page()).total == 0

        await decide(catalog, made.id, "restore", operator)
        assert await catalog.get(made.id) == await catalog.get(made.id, anna)
        assert [emoji.id for emoji in (await catalog.page(q="cat")).emojis] == [made.id]
        await until(lambda: ranking.shown == {made.id: True})


async def test_operator_deletes_a_template_with_its_reports(catalog, anna, ben, operator, start_ranking):
    ranking = FakeRanking()
    async with start_ranking(ranking):
        made = await catalog.create(anna, images=SAME)
        await report(catalog, made.id, ben)
        await decide(catalog, made.id, "delete", operator)
        assert error_reason(await refusal(catalog.get(made.id, anna))) == "EMOJI_NOT_FOUND"
        assert await queue(catalog, operator) == await queue(catalog, operator, decided=True) == []
        await until(lambda: ranking.forgotten == [made.id])
        await until(lambda: not catalog.stored())


async def test_new_report_reopens_a_decided_case(catalog, anna, ben, operator):
    made = await catalog.create(anna, images=SAME)
    await report(catalog, made.id, ben)
    await decide(catalog, made.id, "restore", operator)
    await report(catalog, made.id, ben)
    assert await queue(catalog, operator) == []
    await report(catalog, made.id, anna)
    assert await queue(catalog, operator) == [(made.id, 2)]


async def test_report_queue_is_paged(catalog, anna, ben, operator, monkeypatch):
    monkeypatch.setattr(service, "REPORTS_PAGE_SIZE", 2)
    made = [await catalog.create(anna, images=SAME) for _ in range(5)]
    for emoji in made:
        await report(catalog, emoji.id, ben)
    assert await queue(catalog, operator) == [(emoji.id, 1) for emoji in made]


async def test_invisible_template_cannot_be_reported(catalog, anna, ben):
    private = await catalog.create(anna, images=SAME, visibility="private")
    for emoji_id in (private.id, new_id()):
        assert error_reason(await refusal(report(catalog, emoji_id, ben))) == "EMOJI_NOT_FOUND"


async def test_reports_of_a_deleted_account_leave_the_queue(catalog, anna, ben, operator):
    one, two = await catalog.create(anna, images=SAME), await catalog.create(anna, images=SAME)
    await report(catalog, one.id, ben)
    await report(catalog, two.id, ben)
    await report(catalog, two.id, anna)
    await delete_data(catalog, ben)
    assert await queue(catalog, operator) == [(two.id, 1)]


@pytest.mark.parametrize("decision", ["hide", "restore", "delete"])
async def test_only_operators_may_moderate(catalog, anna, decision):
    made = await catalog.create(anna, images=SAME)
    for call in (decide(catalog, made.id, decision, anna), queue(catalog, anna)):
        assert (await refusal(call)).code() == grpc.StatusCode.PERMISSION_DENIED
    assert await catalog.get(made.id) == made
