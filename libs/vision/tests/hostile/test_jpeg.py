"""Hostile and unusual JPEGs."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BAD = ("PHOTO_DAMAGED", "PHOTO_TRUNCATED", "PHOTO_KIND_UNSUPPORTED")


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def after_start(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def frame_at(data: bytes) -> int:
    """Return the offset of the SOF segment."""
    return next(at for at in range(2, len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC2))


def put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def sized(data: bytes, width: int, height: int) -> bytes:
    return put(data, frame_at(data) + 5, struct.pack(">HH", height, width))


def tiff(*entries: bytes, order: str = "<", next_at: int = 0) -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + struct.pack(f"{order}I", next_at)
    return head + struct.pack(f"{order}I", 8) + body


def entry(tag: int, kind: int, count: int, value: int, order: str = "<") -> bytes:
    packed = struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
    return struct.pack(f"{order}HHI", tag, kind, count) + packed


def with_exif(data: bytes, exif: bytes) -> bytes:
    return after_start(data, segment(0xE1, b"Exif\0\0" + exif))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": "4:2:0"}),
        ("RGB", {"subsampling": "4:2:2"}),
        ("RGB", {"quality": 1}),
        ("RGB", {"quality": 100, "subsampling": "4:4:4"}),
        ("RGB", {"restart_marker_blocks": 1}),
        ("RGB", {"keep_rgb": True}),
        ("L", {}),
        ("L", {"progressive": True}),
        ("CMYK", {}),
        ("CMYK", {"progressive": True}),
        ("CMYK", {"icc_profile": b"no profile at all"}),
        # A profile says when it was made: by its bytes a test would have another name each time.
        pytest.param("CMYK", {"icc_profile": SRGB}, id="CMYK-sRGB"),
    ],
    ids=str,
)
def test_every_ordinary_jpeg_is_read(workbench, save, face, mode, options):
    done = workbench.work(save("JPEG", Image.fromarray(face).convert(mode), **options))

    assert done.content_type == "image/jpeg"
    if options.get("quality") != 1:
        assert len(done.faces) == 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 60_000), (60_000, 1), (7, 5), (9, 4_000)])
def test_any_shape_is_a_photo(outcome, save, width, height):
    assert outcome(save("JPEG", Image.new("RGB", (width, height), (200, 150, 120)))) == "DONE"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (65_535, 65_535, ["PHOTO_TOO_MANY_PIXELS"]),
        (65_535, 611, ["PHOTO_TOO_MANY_PIXELS"]),
        # libjpeg fills what is missing with gray and calls it a warning.
        (65_500, 600, ["PHOTO_TRUNCATED", "DONE"]),
        (0, 200, ["PHOTO_DAMAGED"]),
        (160, 0, ["PHOTO_KIND_UNSUPPORTED"]),
    ],
)
def test_a_false_size_is_detected(outcome, save, width, height, expected):
    assert outcome(sized(save("JPEG"), width, height)) in expected


@pytest.mark.parametrize("orientation", [0, *range(1, 9), 9, 255, 65_535])
def test_every_orientation_is_applied_or_ignored(workbench, save, face, orientation):
    stored = {6: np.rot90(face), 8: np.rot90(face, 3), 3: np.rot90(face, 2)}.get(orientation, face)
    data = with_exif(save("JPEG", np.ascontiguousarray(stored)), tiff(entry(0x0112, 3, 1, orientation)))

    done = workbench.work(data)

    assert len(done.faces) == 1
    if orientation in (0, 1, 3, 6, 8, 9, 255, 65_535):
        assert (done.width, done.height) == (160, 200)
        assert abs(done.faces[0].roll) < 20


EXIFS = {
    "of nothing": b"",
    "cut off": b"II*\0",
    "of another order": b"XX*\0" + bytes(20),
    "that points outside": b"II*\0\xff\xff\xff\x7f",
    "that points at itself": tiff(entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8), next_at=8),
    "with a huge count": b"II*\0\x08\0\0\0\xff\xff" + entry(0x0112, 3, 2**32 - 1, 6) * 3,
    "with a huge value": tiff(entry(0x010F, 2, 2**31 - 1, 4)),
    "with a wide orientation": tiff(entry(0x0112, 4, 1, 6)),
    "in Motorola's order": tiff(entry(0x0112, 3, 1, 1, ">"), order=">"),
    "of garbage": np.random.default_rng(4).integers(0, 256, 60_000).astype(np.uint8).tobytes(),
    "with thousands of tags": tiff(*[entry(tag, 3, 1, tag) for tag in range(5_000)]),
}


@pytest.mark.parametrize("name", EXIFS)
def test_hostile_exif_does_no_harm(outcome, save, name):
    assert outcome(with_exif(save("JPEG"), EXIFS[name])) == "DONE"


def profile_segments(profile: bytes, numbers: list[int], count: int) -> list[bytes]:
    pieces = [profile[at : at + 60_000] for at in range(0, len(profile), 60_000)]
    return [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number % 256, count % 256]) + piece)
        for number, piece in zip(numbers, pieces, strict=False)
    ]


PROFILES = {
    "garbage": profile_segments(b"garbage" * 100, [1], 1),
    "five megabytes": profile_segments(SRGB + bytes(5 << 20), list(range(1, 100)), 88),
    "pieces that are missing": profile_segments(SRGB * 100, [1, 3, 9], 12),
    "pieces in disorder": profile_segments(SRGB * 200, [3, 2, 1], 2),
    "piece number zero": profile_segments(SRGB, [0], 0),
    "gray": profile_segments(SRGB[:16] + b"GRAY" + SRGB[20:], [1], 1),
    "a length of its own": profile_segments(b"\xff\xff\xff\xff" + SRGB[4:], [1], 1),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_hostile_color_profile_does_no_harm(outcome, save, name):
    assert outcome(after_start(save("JPEG"), *PROFILES[name])) == "DONE"


def test_thousands_of_comments_are_refused_before_anything_is_decoded(outcome, save):
    assert outcome(after_start(save("JPEG"), *[segment(0xFE, b"")] * 6_000)) == "PHOTO_DAMAGED"


def test_a_hundred_comments_are_ignored(outcome, save):
    assert outcome(after_start(save("JPEG"), *[segment(0xFE, b"x" * 60_000)] * 100)) == "DONE"


@pytest.mark.parametrize("marker", [0xC1, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCF])
def test_another_kind_of_coding_is_refused_or_read(outcome, save, marker):
    data = save("JPEG")
    assert outcome(put(data, frame_at(data) + 1, bytes([marker]))) in ("DONE", *BAD)


FRAMES = {
    "of 12 bits": (4, b"\x0c"),
    "without components": (9, b"\x00"),
    "of 255 components": (9, b"\xff"),
    "of two components": (9, b"\x02"),
    "sampled by nothing": (11, b"\x00"),
    "sampled by fours": (11, b"\x44"),
    "sampled by threes": (11, b"\x31"),
    "sampled by fifteens": (11, b"\xff"),
    "with a table that is not there": (12, b"\x03"),
    "of a wrong length": (2, b"\x00\x00"),
    "longer than the file": (2, b"\xff\xff"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_an_invalid_frame_header_is_refused_or_read(outcome, save, name):
    data = save("JPEG")
    at, value = FRAMES[name]
    assert outcome(put(data, frame_at(data) + at, value)) in ("DONE", *BAD)


@pytest.mark.parametrize("marker", [0xDB, 0xC4], ids=["quantization", "Huffman"])
def test_a_photo_without_its_tables_is_refused(outcome, save, marker):
    data = save("JPEG")
    while (at := data.find(bytes([0xFF, marker]))) > 0:
        (length,) = struct.unpack_from(">H", data, at + 2)
        data = data[:at] + data[at + 2 + length :]
    # libjpeg takes the standard Huffman tables where none are given.
    assert outcome(data) in (BAD if marker == 0xDB else ("DONE", *BAD))


@pytest.mark.parametrize("damage", ["lost", "swapped", "repeated"])
def test_damaged_restart_markers_are_read_or_refused(outcome, save, damage):
    data = bytearray(save("JPEG", restart_marker_blocks=4))
    marks = [at for at in range(len(data) - 1) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    for at in marks[5::3]:
        data[at + 1] = {"lost": 0x00, "swapped": data[at + 1] ^ 3, "repeated": 0xD0}[damage]
    assert len(marks) > 20
    assert outcome(bytes(data)) in ("DONE", *BAD)


def test_a_photo_without_its_end_is_refused_or_read(outcome, save):
    assert outcome(save("JPEG")[:-2]) in ("DONE", "PHOTO_TRUNCATED")


def test_repeated_start_markers_are_refused(outcome):
    assert outcome(b"\xff\xd8" * 5_000 + b"\xff") in BAD


def test_a_megabyte_of_padding_is_skipped_quickly(outcome, save):
    data = save("JPEG")
    assert outcome(data[:2] + b"\xff" * (1 << 20) + data[2:]) in ("DONE", *BAD)
