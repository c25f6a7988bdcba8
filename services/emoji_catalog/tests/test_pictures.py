"""Uploaded pictures: previews, and files that are made to harm."""

import asyncio
import io
import time

import pytest
from PIL import Image, ImageDraw

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji_mesh.testing.mesh import error_reason, violated_fields

from .conftest import faces, refusal


def disc(background: str) -> bytes:
    image = Image.new("RGB", (400, 400), background)
    ImageDraw.Draw(image).ellipse((50, 50, 350, 350), fill="rgb(240,60,30)")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def progressive(scans: int) -> bytes:
    """Make a progressive JPEG of 4 megapixels that repeats its last scan."""
    out = io.BytesIO()
    Image.new("L", (2_000, 2_000), 90).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * (scans - data.count(b"\xff\xda")) + data[-2:]


async def preview(catalog, user, picture, keep_background=False):
    request = pb.PreviewEmojiImageRequest(image=picture, keep_background=keep_background)
    return await catalog.stub.PreviewEmojiImage(request, metadata=catalog.as_(user))


@pytest.mark.parametrize("keep", [False, True])
async def test_preview_equals_the_stored_picture(catalog, anna, keep):
    picture = disc("white")
    answer = await preview(catalog, anna, picture, keep)
    made = await catalog.create(anna, images=faces() | {"happy": picture}, keep_background=keep)
    assert answer.content_type == "image/png"
    assert answer.data == await catalog.image(made, "happy")
    updated = await catalog.update(made.id, anna, images=pb.Images(sad=picture), keep_background=keep)
    assert answer.data == await catalog.image(updated, "sad")


@pytest.mark.parametrize("picture", [b"no picture", disc("white")[:200], b""], ids=["text", "truncated", "empty"])
async def test_preview_reports_the_fault(catalog, anna, picture):
    assert violated_fields(await refusal(preview(catalog, anna, picture))) == ["image"]


async def test_jpeg_with_too_many_scans_is_refused_and_delays_no_call(catalog, anna, ben):
    bomb = progressive(3_000)
    started = time.monotonic()
    bombs = [asyncio.create_task(refusal(preview(catalog, ben, bomb))) for _ in range(4)]
    assert (await preview(catalog, anna, disc("white"))).data
    error = await refusal(catalog.create(ben, images=faces() | {"fear": bomb}))
    assert (error_reason(error), violated_fields(error)) == ("INVALID_TEMPLATE", ["images.fear"])
    assert {error_reason(error) for error in await asyncio.gather(*bombs)} == {"INVALID_TEMPLATE"}
    assert time.monotonic() - started < 10


async def test_slow_picture_delays_no_other_call(catalog, anna, ben):
    slow = [asyncio.create_task(preview(catalog, ben, progressive(100))) for _ in range(2)]
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await catalog.page()
    assert time.monotonic() - started < 1
    await asyncio.gather(*slow)
