"""Hostile and unusual PNGs."""

import struct
import zlib
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageCms

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BAD = ("PHOTO_DAMAGED", "PHOTO_TRUNCATED")
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, bits: int = 8, color: int = RGB, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlace))


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND")


def pixels(size: int, level: int = 9) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes(size), level))


def rows(values: np.ndarray) -> bytes:
    """Return scan lines without a filter, from `(H, bytes a row)`."""
    return b"".join(b"\0" + row.tobytes() for row in values)


def stored(face: np.ndarray, bits: int, color: int) -> bytes:
    """Encode the face with any bit depth and color type."""
    gray = np.asarray(Image.fromarray(face).convert("L"))
    planes = {GRAY: gray[:, :, None], GRAY_ALPHA: gray[:, :, None], PALETTE: gray[:, :, None]}.get(color, face)
    if color in (GRAY_ALPHA, RGBA):
        planes = np.dstack([planes, np.full_like(gray, 255)])
    extra = b""
    if color == PALETTE:
        extra = chunk(b"PLTE", b"".join(bytes([value * 255 // (2**bits - 1)] * 3) for value in range(2**bits)))
    flat = planes.reshape(len(face), -1)
    if bits == 16:
        lines = flat.astype(">u2") * 257
        lines = np.ascontiguousarray(lines.astype(">u2")).view(np.uint8)
    elif bits == 8:
        lines = flat
    else:
        deep = (flat >> (8 - bits)).astype(np.uint8)
        lines = np.packbits((deep[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1, axis=None).reshape(len(face), -1)
    return png(header(face.shape[1], len(face), bits, color), extra, chunk(b"IDAT", zlib.compress(rows(lines))))


KINDS = [
    *product((1, 2, 4, 8, 16), (GRAY,)),
    *product((8, 16), (RGB, GRAY_ALPHA, RGBA)),
    *product((1, 2, 4, 8), (PALETTE,)),
]


@pytest.mark.parametrize(("bits", "color"), KINDS)
def test_every_kind_of_png_is_read(workbench, face, bits, color):
    done = workbench.work(stored(face, bits, color))

    assert done.content_type == "image/png"
    if bits >= 4:
        assert len(done.faces) == 1


@pytest.mark.parametrize("transparency", [b"\0" * 3, bytes(range(256)), b""], ids=["3", "256", "0"])
def test_a_palette_with_transparency_is_read(workbench, face, transparency):
    data = stored(face, 8, PALETTE)
    at = data.index(b"IDAT") - 4
    done = workbench.work(data[:at] + chunk(b"tRNS", transparency) + data[at:])
    assert done.content_type == "image/png"


def test_an_animation_is_its_first_frame(workbench, save, face):
    other = Image.new("RGB", (160, 200))
    done = workbench.work(save("PNG", Image.fromarray(face), save_all=True, append_images=[other], duration=50))
    assert len(done.faces) == 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 60_000), (60_000, 1), (33, 1_000), (3, 3)])
def test_any_shape_is_a_photo(outcome, width, height):
    assert outcome(png(header(width, height), pixels((3 * width + 1) * height))) == "DONE"


def test_the_largest_photo_that_is_allowed_is_done(outcome):
    assert outcome(png(header(8_000, 5_000, 1, GRAY), pixels(1_001 * 5_000))) == "DONE"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (30_000, 30_000, "PHOTO_TOO_MANY_PIXELS"),
        (2**31 - 1, 1, "PHOTO_TOO_MANY_PIXELS"),
        (2**31 - 1, 2**31 - 1, "PHOTO_TOO_MANY_PIXELS"),
        (2**32 - 1, 2**32 - 1, "PHOTO_TOO_MANY_PIXELS"),
        (40_000_001, 1, "PHOTO_TOO_MANY_PIXELS"),
        (0, 10, "PHOTO_DAMAGED"),
        (10, 0, "PHOTO_DAMAGED"),
    ],
)
def test_a_size_is_checked_before_anything_is_decoded(outcome, width, height, expected):
    assert outcome(png(header(width, height), pixels(1_000))) == expected


def test_a_bomb_of_900_megapixels_in_100_kilobytes_is_refused(outcome):
    bomb = png(header(30_000, 30_000, 1, GRAY), pixels(3_751 * 30_000))
    assert len(bomb) < 150_000
    assert outcome(bomb) == "PHOTO_TOO_MANY_PIXELS"


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_chunk_that_inflates_to_a_hundred_megabytes_takes_no_memory(outcome, workbench, kind):
    inflated = zlib.compress(bytes(100 << 20), 9)
    body = b"name\0\0" + (b"\1\0\0\0" if kind == b"iTXt" else b"") + inflated
    idle = outcome(png(header(8, 8), pixels(25 * 8)))
    workbench.forget_peak()
    before = workbench.peak_bytes()

    ended = outcome(png(header(8, 8), chunk(kind, body), pixels(25 * 8)))

    assert idle == "DONE"
    assert ended in ("DONE", *BAD)
    assert workbench.peak_bytes() - before < 60 << 20


def test_pixels_beyond_the_last_row_are_not_read(outcome):
    assert outcome(png(header(10, 10), pixels(100 << 20))) == "DONE"


ODD = {
    "a hundred thousand chunks": [header(8, 8), *[chunk(b"tEXt", b"a\0b")] * 100_000, pixels(200)],
    "no pixels": [header(8, 8)],
    "pixels that are no zlib stream": [header(8, 8), chunk(b"IDAT", b"garbage" * 30)],
    "pixels that are too few": [header(80, 80), pixels(100)],
    "pixels in empty pieces": [header(8, 8), *[chunk(b"IDAT")] * 3_000, pixels(200)],
    "two headers": [header(8, 8), header(9_000, 4_000), pixels(200)],
    "no header": [pixels(200)],
    "three bits": [header(8, 8, 3), pixels(200)],
    "color type 7": [header(8, 8, 8, 7), pixels(200)],
    "interlace 7": [header(8, 8, interlace=7), pixels(200)],
    "interlaced but empty": [header(8, 8, interlace=1), pixels(8)],
    "a palette that is missing": [header(8, 8, 8, PALETTE), pixels(72)],
    "a palette of nothing": [header(8, 8, 8, PALETTE), chunk(b"PLTE"), pixels(72)],
    "a palette of thousands": [header(8, 8, 8, PALETTE), chunk(b"PLTE", bytes(60_000)), pixels(72)],
    "a filter that is not there": [header(8, 8), chunk(b"IDAT", zlib.compress(b"\x63" * 200))],
    "an animation of four billion frames": [
        header(8, 8),
        chunk(b"acTL", struct.pack(">II", 2**32 - 1, 0)),
        pixels(200),
    ],
    "an animation frame outside": [
        header(8, 8),
        chunk(b"acTL", struct.pack(">II", 1, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 9_000, 9_000, 2**31, 2**31, 1, 1, 0, 0)),
        pixels(200),
    ],
    "a chunk of an unknown critical kind": [header(8, 8), chunk(b"ABCD", b"x"), pixels(200)],
    "EXIF that points at itself": [
        header(8, 8),
        chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"),
        pixels(200),
    ],
    "a gamma of zero": [header(8, 8), chunk(b"gAMA", bytes(4)), pixels(200)],
    "a resolution of zero": [header(8, 8), chunk(b"pHYs", bytes(9)), pixels(200)],
    "a profile of garbage": [header(8, 8), chunk(b"iCCP", b"x\0\0" + zlib.compress(b"garbage" * 99)), pixels(200)],
    "a profile that is no zlib stream": [header(8, 8), chunk(b"iCCP", b"x\0\0garbage"), pixels(200)],
    "a profile without a name": [header(8, 8), chunk(b"iCCP"), pixels(200)],
    "a short header": [chunk(b"IHDR", b"\0\0\0\x08\0\0\0\x08"), pixels(200)],
}


@pytest.mark.parametrize("name", ODD)
def test_invalid_chunks_are_read_or_refused(outcome, name):
    assert outcome(png(*ODD[name])) in ("DONE", *BAD)


@pytest.mark.parametrize("length", [2**31 - 1, 2**32 - 1])
def test_a_chunk_longer_than_the_file_is_truncated(outcome, length):
    data = SIGNATURE + header(8, 8) + struct.pack(">I", length) + b"tEXtabc"
    assert outcome(data) in BAD


def test_a_png_without_its_end_is_read_or_truncated(outcome, save):
    assert outcome(save("PNG")[:-12]) in ("DONE", *BAD)


def test_a_wrong_crc_is_read_or_refused(outcome, save):
    data = bytearray(save("PNG"))
    data[29] ^= 0xFF
    assert outcome(bytes(data)) in ("DONE", *BAD)
