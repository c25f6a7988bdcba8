"""Visibility and edits of templates."""

import asyncio

import grpc
import pytest

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.domain.model import EXPRESSIONS
from igemoji_mesh.testing.mesh import error_reason, violated_fields

from .conftest import FakeRanking, face, faces, refusal, until


async def test_private_template_is_visible_to_its_maker_only(catalog, anna, ben, operator):
    made = await catalog.create(anna, visibility="private")
    assert made.visibility == "private"
    for viewer in (None, ben, operator):
        for call in (catalog.get(made.id, viewer), catalog.image(made, "happy", by=viewer)):
            error = await refusal(call)
            assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "EMOJI_NOT_FOUND")
    for change in (catalog.update(made.id, ben, name="x"), catalog.delete(made.id, ben)):
        assert error_reason(await refusal(change)) == "EMOJI_NOT_FOUND"
    assert await catalog.get(made.id, anna) == made
    assert await catalog.image(made, "happy", by=anna)


async def test_unlisted_template_is_visible_by_id_and_in_no_list(catalog, anna, ben):
    made = await catalog.create(anna, visibility="unlisted")
    assert await catalog.get(made.id) == made
    assert await catalog.image(made, "happy")
    for viewer in (None, ben):
        assert (await catalog.page(by=viewer)).total == 0
        assert (await catalog.page(by=viewer, owner_id=anna.id)).total == 0
    assert not (await catalog.internal.BatchGetEmojis(pb.BatchGetEmojisRequest(ids=[made.id]))).emojis


async def test_makers_own_list_has_all_their_templates(catalog, anna):
    made = [await catalog.create(anna, visibility=kind) for kind in ("public", "unlisted", "private")]
    own = await catalog.page(by=anna, owner_id=anna.id)
    assert (list(own.emojis), own.total) == (made[::-1], 3)
    assert list((await catalog.page(by=anna)).emojis) == made[:1]


@pytest.mark.parametrize("visibility", ["unlisted", "private"])
async def test_non_public_pictures_stay_out_of_shared_caches(catalog, anna, visibility):
    made = await catalog.create(anna, visibility=visibility)
    v = made.images.happy.partition("?v=")[2]
    request = pb.GetEmojiImageRequest(id=made.id, expression="happy", v=v)
    headers = dict(await catalog.stub.GetEmojiImage(request, metadata=catalog.as_(anna)).initial_metadata())
    assert headers["cache-control"] == "private, no-cache"


async def test_template_that_becomes_private_leaves_the_ranking(catalog, anna, start_ranking):
    ranking = FakeRanking()
    async with start_ranking(ranking):
        made = await catalog.create(anna)
        await catalog.update(made.id, anna, visibility="private")
        await until(lambda: ranking.shown == {made.id: False})
        await catalog.update(made.id, anna, visibility="public")
        await until(lambda: ranking.shown == {made.id: True})
        private = await catalog.create(anna, visibility="private")
        await until(lambda: ranking.shown == {made.id: True, private.id: False})


async def test_tags_are_stored_normalized(catalog, anna):
    made = await catalog.create(anna, tags=["Cat", "ｃａｔ", " black  cat ", "고양이", "STRASSE", "straße"])
    assert list(made.tags) == ["cat", "black cat", "고양이", "strasse"]
    assert await catalog.get(made.id) == made


@pytest.mark.parametrize(
    "tags", [["x" * 21], [str(number) for number in range(11)], [" "], ["a\x00b"], ["\u200b"], ["ß" * 11], [""]]
)
async def test_tags_beyond_the_limits_are_refused(catalog, anna, tags):
    error = await refusal(catalog.create(anna, tags=tags))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert violated_fields(error)[0].startswith("tags")
    assert (await catalog.create(anna, tags=["x" * 20, *map(str, range(9))])).tags


async def test_update_changes_only_the_given_fields(catalog, anna):
    before = await catalog.create(anna, tags=["one"])
    named = await catalog.update(before.id, anna, name=" New  ")
    assert (named.name, named.tags, named.images, named.visibility) == ("New", ["one"], before.images, "public")
    drawn = await catalog.update(before.id, anna, images=pb.Images(happy=face("white")))
    changed = [key for key in EXPRESSIONS if getattr(drawn.images, key) != getattr(before.images, key)]
    assert (changed, drawn.name) == (["happy"], "New")
    assert await catalog.image(drawn, "happy") != await catalog.image(drawn, "sad")
    tagged = await catalog.update(before.id, anna, tags=["two"], visibility="unlisted")
    assert (tagged.tags, tagged.visibility) == (["two"], "unlisted")
    bare = await catalog.update(before.id, anna, update_mask={"paths": ["tags"]})
    assert (list(bare.tags), bare.name) == ([], "New")
    assert await catalog.get(before.id) == bare
    assert len({emoji.etag for emoji in (before, named, drawn, tagged, bare)}) == 5


async def test_replaced_picture_is_swept(catalog, anna):
    made = await catalog.create(anna)
    gone = made.images.happy.partition("?v=")[2]
    await catalog.update(made.id, anna, images=pb.Images(happy=face("white")))
    await until(lambda: f"{gone}.png" not in catalog.stored())
    assert len(catalog.stored()) == 7


async def test_invalid_update_is_reported_and_changes_nothing(catalog, anna):
    made = await catalog.create(anna)
    bad = pb.Images(sad=b"x")
    error = await refusal(catalog.update(made.id, anna, name="\u200b", tags=[" "], images=bad))
    assert violated_fields(error) == ["name", "tags", "images.sad"]
    assert await catalog.get(made.id) == made


async def test_only_the_maker_may_update_a_template(catalog, anna, ben, operator):
    made = await catalog.create(anna)
    for other in (ben, operator):
        assert error_reason(await refusal(catalog.update(made.id, other, name="x"))) == "NOT_YOUR_EMOJI"
    assert await catalog.get(made.id) == made


async def test_concurrent_edits_conflict(catalog, anna):
    made = await catalog.create(anna)
    edits = [catalog.update(made.id, anna, name=str(number), etag=made.etag) for number in range(5)]
    answers = await asyncio.gather(*edits, return_exceptions=True)
    (done,) = [answer for answer in answers if isinstance(answer, pb.Emoji)]
    for answer in answers:
        if isinstance(answer, grpc.aio.AioRpcError):
            assert (answer.code(), error_reason(answer)) == (grpc.StatusCode.ABORTED, "EDIT_CONFLICT")
    assert len(answers) == 5
    assert await catalog.get(made.id) == done
    assert (await catalog.update(made.id, anna, name="again", etag=done.etag)).name == "again"


async def test_etag_is_accepted_in_if_match(catalog, anna):
    made = await catalog.create(anna)

    async def edit(name: str, if_match: str) -> pb.Emoji:
        metadata = (*catalog.as_(anna), ("if-match", if_match))
        answer: pb.Emoji = await catalog.stub.UpdateEmoji(
            pb.UpdateEmojiRequest(id=made.id, name=name), metadata=metadata
        )
        return answer

    call = catalog.stub.GetEmoji(pb.GetEmojiRequest(id=made.id))
    told = dict(await call.initial_metadata())["etag"]
    assert told == f'"{made.etag}"'
    assert (await edit("once", told)).name == "once"
    assert error_reason(await refusal(edit("twice", told))) == "EDIT_CONFLICT"
    assert (await edit("any", "*")).name == "any"


async def test_template_can_be_based_on_another(catalog, anna, ben):
    base = await catalog.create(anna, images=faces(200))
    made = await catalog.create(ben, "Mine", {"happy": face("white")}, base_id=base.id)
    assert (made.name, made.owner.alias) == ("Mine", "ben")
    for expression in EXPRESSIONS:
        same = await catalog.image(made, expression) == await catalog.image(base, expression)
        assert same == (expression != "happy")
    await catalog.delete(base.id, anna)
    await until(lambda: len(catalog.stored()) == 7)
    for expression in EXPRESSIONS:
        assert await catalog.image(made, expression)


async def test_base_template_must_be_visible_to_the_caller(catalog, anna, ben):
    base = await catalog.create(anna, visibility="private")
    assert error_reason(await refusal(catalog.create(ben, images={}, base_id=base.id))) == "EMOJI_NOT_FOUND"
    assert (await catalog.create(anna, images={}, base_id=base.id)).visibility == "public"


async def test_every_missing_picture_is_named_without_a_base(catalog, anna):
    error = await refusal(catalog.create(anna, images={"happy": face("red")}))
    assert violated_fields(error) == [f"images.{key}" for key in EXPRESSIONS if key != "happy"]
