"""What becomes of templates when their makers change their names, or go."""

import datetime

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.adapters.db import emojis
from igemoji_mesh.testing.mesh import error_reason

from .conftest import FakeRanking, User, faces, refusal, until

NOON = datetime.datetime(2026, 3, 31, 12, tzinfo=datetime.UTC)


async def rename(catalog, user: User, alias: str, at: datetime.datetime | None = None) -> None:
    request = pb.RenameMakerRequest(user_id=user.id, alias=alias)
    if at is not None:
        request.renamed_at.FromDatetime(at)
    await catalog.auth.RenameMaker(request)


async def delete_data(catalog, user: User) -> None:
    await catalog.auth.DeleteUserData(pb.DeleteUserDataRequest(user_id=user.id))


async def test_a_new_name_stands_on_all_templates_of_its_maker_and_of_nobody_else(catalog, anna, ben):
    of_anna, of_ben = await catalog.create(anna), await catalog.create(ben)
    for _ in range(2):
        await rename(catalog, anna, "ann")
    assert (await catalog.get(of_anna.id)).owner == pb.Maker(id=anna.id, alias="ann")
    assert (await catalog.get(of_ben.id)).owner == of_ben.owner


async def test_a_token_from_before_does_not_bring_the_old_name_back(catalog, anna):
    await rename(catalog, anna, "ann")
    made = await catalog.create(anna)
    assert made.owner.alias == (await catalog.get(made.id)).owner.alias == "ann"


async def test_of_two_names_told_in_the_wrong_order_the_newer_one_stays(catalog, anna):
    made = await catalog.create(anna)
    await rename(catalog, anna, "second", NOON)
    await rename(catalog, anna, "first", NOON - datetime.timedelta(seconds=1))
    assert (await catalog.get(made.id)).owner.alias == "second"
    await rename(catalog, anna, "third")
    assert (await catalog.get(made.id)).owner.alias == "third"


async def test_a_deleted_account_leaves_no_template_and_no_picture(catalog, anna, ben, start_ranking, monkeypatch):
    monkeypatch.setattr(emojis, "DELETE_BATCH", 2)
    ranking = FakeRanking()
    async with start_ranking(ranking):
        made = [await catalog.create(anna, images=faces(number)) for number in range(5)]
        of_ben = await catalog.create(ben, images=faces(0))
        for _ in range(2):
            await delete_data(catalog, anna)
        assert list((await catalog.page()).emojis) == [of_ben]
        await until(lambda: sorted(ranking.forgotten) == sorted(emoji.id for emoji in made))
        await until(lambda: len(catalog.stored()) == 7)
        assert await catalog.image(of_ben, "happy")


async def test_a_deleted_account_makes_nothing_new_with_its_last_token(catalog, anna):
    await delete_data(catalog, anna)
    await rename(catalog, anna, "ghost")
    error = await refusal(catalog.create(anna))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_GONE")
    assert (await catalog.page()).total == 0


async def test_only_auth_tells_of_accounts(catalog, anna):
    catalog.auth = catalog.internal
    for call in (rename(catalog, anna, "x"), delete_data(catalog, anna)):
        assert (await refusal(call)).code() == grpc.StatusCode.PERMISSION_DENIED
