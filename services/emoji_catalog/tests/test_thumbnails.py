"""Thumbnails of pictures."""

import io

import grpc
import pytest
from PIL import Image

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_emoji_catalog.adapters.thumbnails import ThumbnailCache
from igemoji_mesh.objects.port import ObjectMissing
from igemoji_mesh.testing.mesh import error_reason

from .conftest import face, faces, refusal


async def copy_of(catalog, emoji, width, by=None, expression="happy"):
    v = getattr(emoji.images, expression).partition("?v=")[2]
    request = pb.GetEmojiImageRequest(id=emoji.id, expression=expression, v=v, width=width)
    call = catalog.stub.GetEmojiImage(request, metadata=catalog.as_(by))
    return await call, dict(await call.initial_metadata())


@pytest.mark.parametrize("width", [64, 128, 256, 512])
async def test_thumbnail_has_the_requested_width_and_content(catalog, anna, width):
    half = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    half.paste((0, 0, 255, 255), (0, 0, 200, 100))
    out = io.BytesIO()
    half.save(out, "PNG")
    made = await catalog.create(anna, images=faces() | {"happy": out.getvalue()})
    answer, headers = await copy_of(catalog, made, width)
    image = Image.open(io.BytesIO(answer.data))
    assert (answer.content_type, image.format, image.size) == ("image/webp", "WEBP", (width, width))
    assert image.getpixel((width // 2, width // 4)) == pytest.approx((0, 0, 255, 255), abs=12)
    assert image.getchannel("A").getpixel((width // 2, width - 2)) == 0
    assert headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_each_width_has_its_own_etag(catalog, anna):
    made = await catalog.create(anna)
    etags = [(await copy_of(catalog, made, width))[1]["etag"] for width in (0, 64, 128)]
    assert len(set(etags)) == 3


async def test_thumbnails_have_the_visibility_of_their_picture(catalog, anna, ben):
    made = await catalog.create(anna, visibility="private")
    answer, headers = await copy_of(catalog, made, 64, by=anna)
    assert answer.data
    assert headers["cache-control"] == "private, no-cache"
    error = await refusal(copy_of(catalog, made, 64, by=ben))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "EMOJI_NOT_FOUND")


async def test_thumbnail_of_a_replaced_picture_is_not_found(catalog, anna):
    before = await catalog.create(anna)
    await copy_of(catalog, before, 64)
    await catalog.update(before.id, anna, images=pb.Images(happy=face("white")))
    error = await refusal(copy_of(catalog, before, 64))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.NOT_FOUND, "PICTURE_NOT_FOUND")


@pytest.mark.parametrize("width", [1, 63, 513, 4096])
async def test_other_widths_are_refused(catalog, anna, width):
    error = await refusal(copy_of(catalog, await catalog.create(anna), width))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "width" in str(error.details())


class FakePictures:
    """A store that counts reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def get(self, digest: str) -> bytes:
        self.read.append(digest)
        if digest == "gone":
            raise ObjectMissing(digest)
        return b"picture"


async def tenth(png: bytes, width: int) -> bytes:
    return bytes(10)


async def test_thumbnail_cache_evicts_the_least_recently_used():
    pictures = FakePictures()
    copies = ThumbnailCache(pictures, tenth, max_bytes=20)  # type: ignore[arg-type]
    for digest in ("a", "b", "a", "c", "a", "b"):
        assert (await copies.get(digest, 64)).webp == bytes(10)
    assert pictures.read == ["a", "b", "c", "b"]


async def test_thumbnail_larger_than_the_cache_is_not_cached():
    pictures = FakePictures()
    copies = ThumbnailCache(pictures, tenth, max_bytes=5)  # type: ignore[arg-type]
    for _ in range(2):
        assert (await copies.get("a", 64)).webp == bytes(10)
    assert pictures.read == ["a", "a"]


async def test_deleted_picture_has_no_thumbnail():
    copies = ThumbnailCache(FakePictures(), tenth, max_bytes=20)  # type: ignore[arg-type]
    with pytest.raises(ObjectMissing):
        await copies.get("gone", 64)
