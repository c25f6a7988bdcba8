"""Hostile and unusual WebPs and HEICs."""

import struct
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image

BAD = ("PHOTO_DAMAGED", "PHOTO_TRUNCATED", "PHOTO_KIND_UNSUPPORTED", "PHOTO_NOT_RECOGNIZED")


def webp(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def chunk(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    return kind + struct.pack("<I", len(body) if size is None else size) + body + bytes(len(body) % 2)


def uint24(value: int) -> bytes:
    return struct.pack("<I", value)[:3]


def extended(width: int, height: int, flags: int = 0) -> bytes:
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + uint24(width - 1) + uint24(height - 1))


def lossless(width: int, height: int) -> bytes:
    return chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(20))


def lossy(width: int, height: int) -> bytes:
    return chunk(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(20))


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {"quality": 1}), ("RGB", {"lossless": True}), ("RGBA", {}), ("RGBA", {"lossless": True}), ("L", {})],
    ids=str,
)
def test_every_kind_of_webp_is_read(workbench, save, face, mode, options):
    done = workbench.work(save("WEBP", Image.fromarray(face).convert(mode), **options))

    assert done.content_type == "image/webp"
    assert options.get("quality") == 1 or len(done.faces) == 1


def test_an_animated_webp_is_its_first_frame(workbench, save, face):
    other = Image.new("RGB", (160, 200))
    done = workbench.work(save("WEBP", Image.fromarray(face), save_all=True, append_images=[other] * 3, duration=50))
    assert len(done.faces) == 1


@pytest.mark.parametrize("data", [extended(16_384, 16_384), lossless(16_384, 16_384), lossy(16_383, 16_383)])
def test_a_webp_that_would_be_too_large_is_refused(outcome, data):
    assert outcome(webp(data, bytes(100))) == "PHOTO_TOO_MANY_PIXELS"


ODD_WEBPS = {
    "nothing inside": webp(),
    "a size of zero": webp(lossless(8, 8), size=0),
    "a size of four gigabytes": webp(lossless(8, 8), size=2**32 - 1),
    "a chunk of four gigabytes": webp(chunk(b"VP8 ", bytes(30), size=2**32 - 1)),
    "a canvas that the picture does not fill": webp(extended(300, 300), lossless(8, 8)),
    "a canvas smaller than the picture": webp(extended(8, 8), lossless(300, 300)),
    "alpha of garbage": webp(extended(8, 8, 0x10), chunk(b"ALPH", b"\xff" * 30), lossy(8, 8)),
    "pixels of zeros": webp(lossy(200, 200)),
    "a frame outside of its canvas": webp(
        extended(8, 8, 2),
        chunk(b"ANIM", bytes(6)),
        chunk(b"ANMF", uint24(99_999) * 2 + uint24(7) * 2 + bytes(4) + lossless(8, 8)),
    ),
    "an animation without frames": webp(extended(8, 8, 2), chunk(b"ANIM", bytes(6))),
    "EXIF of garbage": webp(extended(8, 8, 8), lossless(8, 8), chunk(b"EXIF", b"\xff" * 999)),
    "a hundred thousand chunks": webp(extended(8, 8), *[chunk(b"JUNK", b"")] * 100_000, lossless(8, 8)),
}


@pytest.mark.parametrize("name", ODD_WEBPS)
def test_an_invalid_webp_is_read_or_refused(outcome, name):
    assert outcome(ODD_WEBPS[name]) in ("DONE", *BAD)


def test_a_webp_with_a_wrong_size_is_read_or_refused(outcome, save):
    data = save("WEBP")
    for size in (0, 12, len(data) // 2, len(data) * 2, 2**32 - 1):
        assert outcome(data[:4] + struct.pack("<I", size) + data[8:]) in ("DONE", *BAD)


def heif(*pictures: Image.Image, **options: object) -> bytes:
    file = pillow_heif.from_pillow(pictures[0])
    for picture in pictures[1:]:
        file.add_from_pillow(picture)
    out = BytesIO()
    file.save(out, **options)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_kind_of_heic_becomes_jpeg(workbench, face, mode):
    done = workbench.work(heif(Image.fromarray(face).convert(mode), quality=80))

    assert done.content_type == "image/jpeg"
    assert len(done.faces) == 1


def test_ten_bits_are_reduced_to_eight(workbench, face):
    file = pillow_heif.from_bytes("RGB;16", (160, 200), (face.astype(np.uint16) * 257).tobytes())
    out = BytesIO()
    file.save(out, quality=80, bit_depth=10)
    assert len(workbench.work(out.getvalue()).faces) == 1


def test_of_several_images_the_primary_one_is_used(workbench, face):
    done = workbench.work(heif(Image.new("RGB", (64, 64)), Image.fromarray(face), primary_index=1))
    assert (done.width, done.height) == (160, 200)


@pytest.fixture(scope="module")
def heic(face) -> bytes:
    return heif(Image.fromarray(face), quality=60)


def patched(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """With bytes changed at an offset behind the name of a box."""
    at = data.index(box) + 4 + offset
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("side", [7_000, 30_000, 2**31, 2**32 - 1])
def test_a_heic_that_would_be_too_large_is_refused(outcome, heic, side):
    assert outcome(patched(heic, b"ispe", 4, struct.pack(">II", side, side))) == "PHOTO_TOO_MANY_PIXELS"


ODD_HEICS = {
    "a size of zero": (b"ispe", 4, bytes(8)),
    "a size smaller than its picture": (b"ispe", 4, struct.pack(">II", 16, 16)),
    "a size larger than its picture": (b"ispe", 4, struct.pack(">II", 6_000, 6_000)),
    "a box of seven bytes": (b"meta", -8, struct.pack(">I", 7)),
    "a box of four gigabytes": (b"meta", -8, struct.pack(">I", 2**32 - 1)),
    "a box until the end": (b"meta", -8, bytes(4)),
    "a box of a wide length": (b"iinf", -8, struct.pack(">I", 1)),
    "no meta box": (b"meta", -4, b"skip"),
    "no primary item": (b"pitm", -4, b"skip"),
    "a primary item that is not there": (b"pitm", 4, b"\xff\xff"),
    "an item of another kind": (b"hvc1", -4, b"jpeg"),
    "an item of AV1": (b"hvc1", -4, b"av01"),
    "an item made of others that are not there": (b"hvc1", -4, b"grid"),
    "thousands of items": (b"iinf", 4, b"\xff\xff"),
    "no properties": (b"iprp", -4, b"skip"),
    "four billion associations": (b"ipma", 4, b"\xff\xff\xff\xff"),
    "associations with nothing": (b"ipma", 10, b"\xff\xff\xff"),
    "a place outside of the file": (b"iloc", 4, b"\xff" * 12),
    "no decoder configuration": (b"hvcC", -4, b"skip"),
    "a decoder configuration of garbage": (b"hvcC", 0, b"\xff" * 40),
    "pixels of zeros": (b"mdat", 0, bytes(400)),
    "pixels of ones": (b"mdat", 0, b"\xff" * 400),
}


@pytest.mark.parametrize("name", ODD_HEICS)
def test_an_invalid_heic_is_read_or_refused(outcome, heic, name):
    box, offset, value = ODD_HEICS[name]
    # `hvc1` stands in the brands first: there it is only a name.
    start = heic.index(b"meta") - 4
    assert outcome(heic[:start] + patched(heic[start:], box, offset, value)) in ("DONE", *BAD)
