import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from igemoji_vision import errors
from igemoji_vision.decode import Pixels
from igemoji_vision.headers import MAX_PIXELS, Format, inspect

Save = Callable[..., bytes]


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    pixels = b"IDAT" + zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", len(pixels) - 4) + pixels + bytes(4)


def jpeg_header(width: int, height: int, marker: int = 0xC0, precision: int = 8) -> bytes:
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 17, precision, height, width, 3) + bytes(9)
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08"


@pytest.mark.parametrize(
    ("kind", "options", "expected", "lossless"),
    [
        ("JPEG", {}, Format.JPEG, False),
        ("JPEG", {"progressive": True}, Format.JPEG, False),
        ("PNG", {}, Format.PNG, True),
        ("WEBP", {}, Format.WEBP, False),
        ("WEBP", {"lossless": True}, Format.WEBP, True),
        ("HEIF", {}, Format.HEIC, False),
    ],
)
def test_the_header_tells_format_and_size(
    save: Save, scene: Pixels, kind: str, options: dict[str, bool], expected: Format, lossless: bool
) -> None:
    info = inspect(save(scene, kind, **options))

    assert (info.format, info.width, info.height, info.lossless) == (expected, 160, 120, lossless)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_on_its_side_is_measured_upright(save: Save, scene: Pixels, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    info = inspect(save(scene, kind, exif=exif))

    assert (info.width, info.height, info.orientation) == (120, 160, 6)


def test_a_webp_with_alpha_is_measured(save: Save, scene: Pixels) -> None:
    info = inspect(save(Image.fromarray(scene).convert("RGBA"), "WEBP", lossless=True))

    assert (info.width, info.height, info.lossless) == (160, 120, True)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.PhotoEmpty),
        (b"this is a text file named photo.jpg", errors.PhotoNotRecognized),
        (b"GIF89a" + bytes(100), errors.PhotoNotRecognized),
        (b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(50), errors.PhotoNotRecognized),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + bytes(50), errors.PhotoNotRecognized),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50), errors.PhotoDamaged),
        (b"\xff\xd8\xff", errors.PhotoTruncated),
        (b"\x89PNG\r\n\x1a\n", errors.PhotoTruncated),
        (b"RIFF\x00\x00\x00\x00WEBP", errors.PhotoDamaged),
        (png_header(30_000, 30_000), errors.PhotoTooManyPixels),
        (png_header(2**31 - 1, 1), errors.PhotoTooManyPixels),
        (png_header(0, 10), errors.PhotoDamaged),
        (jpeg_header(65_000, 65_000), errors.PhotoTooManyPixels),
        (jpeg_header(100, 100, marker=0xC3), errors.PhotoKindUnsupported),
        (jpeg_header(100, 100, precision=12), errors.PhotoKindUnsupported),
        (jpeg_header(100, 0), errors.PhotoKindUnsupported),
    ],
)
def test_unusable_files_are_refused_with_their_reason(data: bytes, error: type[errors.PhotoError]) -> None:
    with pytest.raises(error) as refusal:
        inspect(data)

    assert refusal.type is error
    assert str(refusal.value).endswith(".")
    assert refusal.value.reason.isupper()


def test_a_photo_that_is_too_large_is_refused_with_the_limit() -> None:
    with pytest.raises(errors.PhotoTooManyPixels, match=r"8000 x 6000.*40 megapixels"):
        inspect(png_header(8000, 6000))


def test_exactly_the_limit_is_allowed() -> None:
    assert inspect(png_header(8000, MAX_PIXELS // 8000)).height == MAX_PIXELS // 8000


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heic_header(item: bytes = b"hvc1", turns: int = 0) -> bytes:
    """Return the boxes of a HEIC of 160 x 120 pixels, rotated by quarters, without its pixels."""
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), struct.pack(">H", 7)),
        box(
            b"iinf", bytes(4), struct.pack(">H", 1), box(b"infe", b"\2\0\0\0", struct.pack(">HH4s", 7, 0, item), b"\0")
        ),
        box(
            b"iprp",
            box(b"ipco", box(b"ispe", bytes(4), struct.pack(">II", 160, 120)), box(b"irot", bytes([turns]))),
            box(b"ipma", bytes(4), struct.pack(">IHBBB", 1, 7, 2, 0x81, 0x82)),
        ),
    )
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta


@pytest.mark.parametrize(("turns", "size"), [(0, (160, 120)), (1, (120, 160)), (2, (160, 120)), (3, (120, 160))])
def test_a_rotated_heic_is_measured_upright(turns: int, size: tuple[int, int]) -> None:
    info = inspect(heic_header(turns=turns))

    assert (info.width, info.height) == size


def test_other_formats_in_a_heif_container_are_refused() -> None:
    with pytest.raises(errors.PhotoKindUnsupported):
        inspect(heic_header(item=b"av01"))


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\x00\x00\x00WEBP", b"\x00\x00\x00\x18ftypheic"]
    ),
    rest=st.binary(max_size=400),
)
def test_broken_headers_raise_only_photo_errors(start: bytes, rest: bytes) -> None:
    try:
        info = inspect(start + rest)
    except errors.PhotoError:
        return
    assert 0 < info.width * info.height <= MAX_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_damaged_byte_of_a_header_ends_in_an_answer(save: Save, scene: Pixels, kind: str) -> None:
    data = save(scene, kind)
    for at in range(min(len(data), 700)):
        for value in (0x00, 0xFF):
            try:
                inspect(data[:at] + bytes([value]) + data[at + 1 :])
            except errors.PhotoError:
                continue


def test_a_header_is_read_without_taking_memory() -> None:
    bomb = png_header(30_000, 30_000)
    tracemalloc.start()
    with pytest.raises(errors.PhotoTooManyPixels):
        inspect(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000


def test_the_header_check_loads_no_imaging_library() -> None:
    code = (
        "import sys; import igemoji_vision.headers, igemoji_vision.faces;"
        "print([name for name in ('numpy', 'PIL', 'cv2', 'onnxruntime') if name in sys.modules])"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
