"""Templates after their maker is renamed or deleted."""

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


async def test_renamed_maker_is_shown_on_all_their_templates(catalog, anna, ben):
    of_anna, of_ben = await catalog.create(anna), await catalog.create(ben)
    for _ in range(2):
        await rename(catalog, anna, "ann")
    assert (await catalog.get(of_anna.id)).owner == pb.Maker(id=anna.id, alias="ann")
    assert (await catalog.get(of_ben.id)).owner == of_ben.owner


async def test_old_token_does_not_restore_the_old_alias(catalog, anna):
    await rename(catalog, anna, "ann")
    made = await catalog.create(anna)
    assert made.owner.alias == (await catalog.get(made.id)).owner.alias == "ann"


async def test_late_rename_does_not_overwrite_a_newer_one(catalog, anna):
    made = await catalog.create(anna)
    await rename(catalog, anna, "second", NOON)
    await rename(catalog, anna, "first", NOON - datetime.timedelta(seconds=1))
    assert (await catalog.get(made.id)).owner.alias == "second"
    await rename(catalog, anna, "third")
    assert (await catalog.get(made.id)).owner.alias == "third"


async def test_account_deletion_removes_templates_and_pictures(catalog, anna, ben, start_ranking, monkeypatch):
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


async def test_deleted_account_cannot_create_with_its_last_token(catalog, anna):
    await delete_data(catalog, anna)
    await rename(catalog, anna, "ghost")
    error = await refusal(catalog.create(anna))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_GONE")
    assert (await catalog.page()).total == 0


async def test_only_auth_may_rename_and_delete_accounts(catalog, anna):
    catalog.auth = catalog.internal
    for call in (rename(catalog, anna, "x"), delete_data(catalog, anna)):
        assert (await refusal(call)).code() == grpc.StatusCode.PERMISSION_DENIED
