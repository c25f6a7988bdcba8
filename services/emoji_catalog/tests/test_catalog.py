"""The catalog through its RPCs."""

import asyncio
import io
import unicodedata

import grpc
from PIL import Image

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.domain.model import EXPRESSIONS
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import error_reason, violated_fields

from .conftest import FakeRanking, face, faces, refusal, until


def descriptions(error: grpc.aio.AioRpcError) -> dict[str, str]:
    from google.rpc import error_details_pb2, status_pb2

    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status_pb2.Status.FromString(details).details)
    return {violation.field: violation.description for violation in bad.field_violations}


async def test_created_template_is_visible_to_anyone(catalog, anna):
    made = await catalog.create(anna, "  Anna's faces ")
    assert await catalog.get(made.id) == made
    assert (made.name, made.owner.id, made.owner.alias, made.built_in) == ("Anna's faces", anna.id, "anna", False)
    for number, expression in enumerate(EXPRESSIONS):
        url = getattr(made.images, expression)
        assert url.startswith(f"/api/v1/emojis/{made.id}/images/{expression}?v=")
        image = Image.open(io.BytesIO(await catalog.image(made, expression)))
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (512, 512))
        assert image.getpixel((256, 256)) == (0, 30 * number, 90, 255)


async def test_create_returns_201_and_requires_a_login(catalog, anna):
    request = pb.CreateEmojiRequest(name="x", images=pb.Images(**faces()))
    call = catalog.stub.CreateEmoji(request, metadata=catalog.as_(anna))
    assert ("x-http-code", "201") in list(await call.initial_metadata())
    assert (await refusal(catalog.stub.CreateEmoji(request))).code() == grpc.StatusCode.UNAUTHENTICATED


async def test_every_invalid_picture_is_named_with_its_fault(catalog, anna):
    images = faces() | {"happy": b"", "sad": b"not a picture", "fear": face("red", (2500, 2500))}
    images["angry"] = images["angry"][:-20]
    error = await refusal(catalog.create(anna, images=images))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TEMPLATE")
    assert descriptions(error) == {
        "images.angry": "is damaged or cut off",
        "images.fear": "has more than 4 megapixels",
        "images.happy": "is missing: all seven pictures are needed",
        "images.sad": "is not a PNG, JPEG or WebP picture",
    }
    assert (await catalog.page()).total == 0
    assert not catalog.stored()


async def test_picture_above_one_mebibyte_is_refused(catalog, anna):
    error = await refusal(catalog.create(anna, images=faces() | {"neutral": bytes(1024 * 1024 + 1)}))
    assert violated_fields(error) == ["images.neutral"]


async def test_faults_of_name_and_picture_are_reported_together(catalog, anna):
    error = await refusal(catalog.create(anna, " \u00a0\t", faces() | {"sad": b"x"}))
    assert violated_fields(error) == ["name", "images.sad"]


async def test_invisible_name_is_refused(catalog, anna):
    for name in ("   ", "\u3000", "\u200b\u200d", "a\x00b", "a\nb", "a\u2028b", "a\u202eb", "x" * 51, ""):
        error = await refusal(catalog.create(anna, name, {}))
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "name" in violated_fields(error), name


async def test_name_is_stored_in_normal_form(catalog, anna):
    hangul = "이게 모지"
    assert (await catalog.create(anna, unicodedata.normalize("NFD", hangul))).name == hangul
    assert (await catalog.create(anna, "👩‍🚀" * 10)).name == "👩‍🚀" * 10


async def test_etag_depends_on_name_and_pictures(catalog, anna):
    first, same = await catalog.create(anna), await catalog.create(anna)
    renamed = await catalog.create(anna, "Other")
    redrawn = await catalog.create(anna, images=faces() | {"happy": face("white")})
    assert first.etag == same.etag
    assert len({first.etag, renamed.etag, redrawn.etag}) == 3


async def test_picture_is_cacheable_forever_only_under_its_digest(catalog, anna):
    made = await catalog.create(anna)
    digest = made.images.happy.partition("?v=")[2]

    async def headers(v: str) -> dict[str, str]:
        request = pb.GetEmojiImageRequest(id=made.id, expression="happy", v=v)
        return dict(await catalog.stub.GetEmojiImage(request).initial_metadata())

    pinned, present = await headers(digest), await headers("")
    assert pinned["cache-control"] == "public, max-age=31536000, immutable"
    assert present["cache-control"] == "no-cache"
    assert pinned["etag"] == present["etag"] == f'"{digest}"'
    sad = made.images.sad.partition("?v=")[2]
    for other in (sad, "0" * 64):
        error = await refusal(catalog.image(made, "happy", other))
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "PICTURE_NOT_FOUND")


async def test_list_has_eight_templates_per_page_newest_first(catalog, anna, ben):
    made = [await catalog.create(anna if number % 2 else ben, f"Number {number}") for number in range(9)]
    first, second, third = await catalog.page(1), await catalog.page(2), await catalog.page(3)
    assert [*first.emojis, *second.emojis] == made[::-1]
    assert (len(first.emojis), len(third.emojis)) == (8, 0)
    assert (first.total, second.total, third.total) == (9, 9, 9)
    of_ben = await catalog.page(owner_id=ben.id)
    assert list(of_ben.emojis) == made[::-2]
    assert of_ben.total == 5
    assert (await catalog.page(owner_id=new_id())).total == 0


async def test_ids_are_case_insensitive(catalog, anna):
    made = await catalog.create(anna)
    assert await catalog.get(made.id.upper()) == made


async def test_batch_keeps_the_order_and_skips_unknown_ids(catalog, anna):
    one, two, three = [await catalog.create(anna, name) for name in "abc"]
    await catalog.delete(two.id, anna)
    request = pb.BatchGetEmojisRequest(ids=[three.id, new_id(), two.id, one.id])
    answer = await catalog.internal.BatchGetEmojis(request)
    assert list(answer.emojis) == [three, one]
    assert not (await catalog.internal.BatchGetEmojis(pb.BatchGetEmojisRequest())).emojis


async def test_only_the_maker_may_delete_a_template(catalog, anna, ben):
    made = await catalog.create(anna)
    error = await refusal(catalog.delete(made.id, ben))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_EMOJI")
    assert await catalog.get(made.id) == made
    await catalog.delete(made.id, anna)
    for call in (catalog.get(made.id), catalog.image(made, "happy"), catalog.delete(made.id, anna)):
        error = await refusal(call)
        assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "EMOJI_NOT_FOUND")


async def test_deleted_template_leaves_the_ranking(catalog, anna, start_ranking):
    ranking = FakeRanking()
    async with start_ranking(ranking):
        made = await catalog.create(anna)
        await catalog.delete(made.id, anna)
        await until(lambda: ranking.forgotten == [made.id])


async def test_deletion_is_delivered_when_the_ranking_is_back(start, settings, client_of, anna, start_ranking):
    async with start(settings) as server:
        catalog = client_of(server)
        made = await catalog.create(anna)
        await catalog.delete(made.id, anna)
        await asyncio.sleep(1.5)  # the first delivery fails and is retried
    ranking = FakeRanking()
    async with start_ranking(ranking), start(settings):
        await until(lambda: ranking.forgotten == [made.id])


async def test_service_answers_while_pictures_are_processed(catalog, anna):
    large = face("red", (1900, 1900))
    creating = asyncio.ensure_future(catalog.create(anna, images=dict.fromkeys(EXPRESSIONS, large)))
    await asyncio.sleep(0.1)
    answers = 0
    while not creating.done():
        await asyncio.wait_for(catalog.page(), 1)
        answers += 1
    assert await creating
    assert answers > 5
