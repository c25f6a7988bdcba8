"""Pictures of templates: normalized, or refused with the reason."""

import contextlib
import io
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from igemoji_vision.errors import PictureUnfit
from igemoji_vision.pictures import MAX_SCANS, normalize

from .conftest import endless, face

SIDE = 512


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def stored(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(normalize(data)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (SIDE, SIDE))
    return image


def fault(data: bytes) -> str:
    with pytest.raises(PictureUnfit) as caught:
        normalize(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_png_jpeg_and_webp_become_one_form(kind):
    pixel = stored(face("red", (300, 300), kind)).getpixel((256, 256))
    assert pixel == pytest.approx((255, 0, 0, 255), abs=16)


@pytest.mark.parametrize("size", [(40, 20), (1000, 500)])
def test_a_wide_picture_is_whole_and_centered_on_transparent(size):
    image = stored(saved(Image.new("RGB", size, "blue")))
    assert image.getchannel("A").getbbox() == (0, 128, 512, 384)
    assert image.getpixel((256, 256)) == (0, 0, 255, 255)


def test_a_picture_of_one_row_keeps_one_row():
    assert stored(saved(Image.new("RGB", (3000, 1), "blue"))).getchannel("A").getbbox() == (0, 255, 512, 256)


def test_no_color_bleeds_in_from_transparent_pixels():
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))  # invisible red
    image.paste((0, 0, 255, 255), (16, 16, 48, 48))
    on_black = Image.alpha_composite(Image.new("RGBA", (SIDE, SIDE), "black"), stored(saved(image)))
    assert on_black.getchannel("B").getextrema() == (0, 255)
    assert not any(on_black.getchannel("R").histogram()[9:])


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "nw"), (2, "ne"), (3, "se"), (4, "sw"), (5, "nw"), (6, "ne"), (7, "se"), (8, "sw")],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_upright_as_its_exif_says(orientation, corner, kind):
    image = Image.new("RGB", (64, 64), "white")
    image.paste((0, 0, 0), (0, 0, 32, 32))  # the upper left quarter, as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = stored(saved(image, kind, exif=exif)).convert("1")
    spots = {"nw": (128, 128), "ne": (384, 128), "sw": (128, 384), "se": (384, 384)}
    assert [name for name, spot in spots.items() if upright.getpixel(spot) == 0] == [corner]


def test_only_pixels_are_kept():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    text = PngInfo()
    text.add_text("Comment", "SecretComment")
    data = saved(Image.new("RGB", (64, 64)), exif=exif, pnginfo=text, icc_profile=b"SecretProfile", dpi=(72, 72))
    for kept in (normalize(data), normalize(normalize(data))):
        assert [kind for kind, _ in png_chunks(kept) if kind != b"IDAT"] == [b"IHDR", b"IEND"]


def test_normalizing_twice_changes_nothing():
    once = normalize(face("red", (200, 100)))
    assert normalize(once) == once


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(kind):
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue", "green")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    assert stored(data).getpixel((256, 256)) == (255, 0, 0, 255)


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (Image.new("1", (9, 9), 1), "PNG", (255, 255, 255, 255)),
        (Image.new("L", (9, 9), 128), "PNG", (128, 128, 128, 255)),
        (Image.new("I;16", (9, 9), 0x8000), "PNG", (128, 128, 128, 255)),
        (Image.new("LA", (9, 9), (128, 255)), "PNG", (128, 128, 128, 255)),
        (Image.new("RGB", (9, 9), "red").quantize(4), "PNG", (255, 0, 0, 255)),
        (Image.new("CMYK", (9, 9), (0, 0, 0, 127)), "JPEG", (128, 128, 128, 255)),
    ],
    ids=["1 bit", "gray", "16 bit gray", "gray and alpha", "palette", "CMYK"],
)
def test_every_color_mode_is_read(image, kind, expected):
    assert stored(saved(image, kind)).getpixel((256, 256)) == pytest.approx(expected, abs=2)


def test_a_transparent_palette_color_stays_transparent():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 4, 8))
    found = stored(saved(image, transparency=0))
    assert found.getpixel((64, 256)) == (255, 0, 0, 255)
    assert found.getchannel("A").crop((448, 0, 512, 512)).getbbox() is None


def test_a_missing_picture_is_refused():
    assert fault(b"") == "is missing: all seven pictures are needed"


@pytest.mark.parametrize(
    "data",
    [b"just some text", saved(Image.new("P", (9, 9)), "GIF"), saved(Image.new("RGB", (9, 9)), "TIFF"), b"%PDF-1.7\n"],
    ids=["text", "GIF", "TIFF", "PDF"],
)
def test_other_formats_are_refused(data):
    assert fault(data) == "is not a PNG, JPEG or WebP picture"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_picture_is_refused(kind, share):
    data = saved(Image.effect_noise((200, 200), 80).convert("RGB"), kind)
    assert fault(data[: int(len(data) * share)]) == "is damaged or cut off"
    assert fault(data[:-1]) == "is damaged or cut off"


def test_a_picture_with_broken_exif_is_read():
    data = saved(Image.new("RGB", (9, 9), "red"), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert stored(data).getpixel((256, 256)) == (255, 0, 0, 255)


def test_more_than_four_megapixels_are_refused():
    assert stored(saved(Image.new("1", (2000, 2000))))
    assert fault(saved(Image.new("1", (2001, 2000)))) == "has more than 4 megapixels"


@pytest.mark.parametrize("side", [3_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    nothing_to_decode = png(b"IHDR", header) + png(b"IDAT", b"") + png(b"IEND", b"")
    assert fault(b"\x89PNG\r\n\x1a\n" + nothing_to_decode) == "has more than 4 megapixels"


def test_a_webp_bomb_is_refused_by_its_header():
    sixteen_thousand_squared = "5249464620000000574542505650384c140000002ffebfff0f075081540820000a9afec78888fe07"
    assert fault(bytes.fromhex(sixteen_thousand_squared)) == "has more than 4 megapixels"


def test_more_than_a_mebibyte_is_refused():
    assert fault(face("red") + bytes(1024 * 1024)) == "is larger than 1 MiB"


def test_a_jpeg_with_very_many_scans_is_refused_before_it_is_decoded():
    started = time.process_time()
    assert "more than 100 scans" in fault(endless(3_000))
    assert time.process_time() - started < 1
    assert stored(endless(MAX_SCANS, side=64))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 400), st.binary(max_size=12))
def test_any_bytes_are_normalized_or_refused(kind, position, garbage):
    data = face("red", (16, 16), kind)
    with contextlib.suppress(PictureUnfit):
        stored(data[:position] + garbage + data[position + len(garbage) :])


def png(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks
