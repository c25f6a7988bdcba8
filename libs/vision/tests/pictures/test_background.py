"""Plain backgrounds of uploaded pictures."""

import io

import pytest
from PIL import Image, ImageDraw

from igemoji_vision.pictures import normalize


def disc(background: str, kind: str = "PNG", hole: str | None = None) -> bytes:
    image = Image.new("RGB", (400, 400), background)
    draw = ImageDraw.Draw(image)
    draw.ellipse((50, 50, 350, 350), fill="rgb(240,60,30)")
    if hole is not None:
        draw.ellipse((150, 150, 250, 250), fill=hole)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def alpha(data: bytes, keep_background: bool = False) -> Image.Image:
    return Image.open(io.BytesIO(normalize(data, keep_background))).getchannel("A")


@pytest.mark.parametrize("background", ["white", "black", "rgb(20,200,90)"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_plain_background_becomes_transparent_and_the_rest_stays(background, kind):
    cut = alpha(disc(background, kind))
    assert [cut.getpixel(spot) for spot in ((0, 0), (511, 511), (256, 20), (100, 100))] == [0, 0, 0, 0]
    assert [cut.getpixel(spot) for spot in ((256, 256), (80, 256), (256, 430))] == [255, 255, 255]
    share = sum(cut.histogram()[128:]) / 512**2
    assert share == pytest.approx(3.1416 * 150**2 / 400**2, rel=0.03)


def test_enclosed_pixels_of_the_background_color_stay():
    cut = alpha(disc("white", hole="white"))
    assert (cut.getpixel((0, 0)), cut.getpixel((256, 256))) == (0, 255)


def test_a_winding_background_is_followed():
    image = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 40, 260, 260), fill="blue")
    draw.line([(150, 260), (150, 100), (200, 100), (200, 200), (230, 200)], fill="white", width=20)
    out = io.BytesIO()
    image.save(out, "PNG")
    cut = alpha(out.getvalue())
    assert [
        cut.getpixel((int(x * 512 / 300), int(y * 512 / 300))) for x, y in ((150, 180), (200, 150), (225, 200))
    ] == [
        0,
        0,
        0,
    ]
    assert cut.getpixel((int(80 * 512 / 300), int(80 * 512 / 300))) == 255


def test_a_background_that_is_not_plain_stays():
    image = Image.linear_gradient("L").resize((400, 400)).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG")
    assert alpha(out.getvalue()).getextrema() == (255, 255)


def test_a_plain_picture_stays():
    out = io.BytesIO()
    Image.new("RGB", (100, 100), "blue").save(out, "PNG")
    assert alpha(out.getvalue()).getextrema() == (255, 255)


def test_a_picture_with_transparency_keeps_its_background():
    image = Image.open(io.BytesIO(disc("white"))).convert("RGBA")
    image.putpixel((200, 200), (0, 0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    assert alpha(out.getvalue()).getpixel((0, 0)) == 255


def test_keep_background_keeps_it_and_results_are_reproducible():
    assert alpha(disc("white"), keep_background=True).getextrema() == (255, 255)
    assert normalize(disc("white", "JPEG")) == normalize(disc("white", "JPEG"))
