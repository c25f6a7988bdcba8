"""Files of other formats, and files that are several formats at once."""

import gzip
import io
import zipfile

import pytest
from PIL import Image

NOT_RECOGNIZED = "PHOTO_NOT_RECOGNIZED"


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def as_kind(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, kind)
    return out.getvalue()


OTHER_FILES = {
    "one byte": b"\xff",
    "text": "이건 사진이 아니에요".encode(),
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "xml with entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "json": b'{"image": "/9j/4AAQ"}',
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n(id) system",
    "zip": zipped("photo.jpg", b"\xff\xd8\xff"),
    "gzip": gzip.compress(b"\xff\xd8\xff" * 100),
    "program": b"\x7fELF\x02\x01\x01" + bytes(60),
    "gif": as_kind("GIF"),
    "bmp": as_kind("BMP"),
    "tiff": as_kind("TIFF"),
    "ico": as_kind("ICO"),
    "ppm": b"P6 99999 99999 255\n",
    "psd": b"8BPS\0\1" + bytes(40),
    "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40),
    "jpeg xl": b"\xff\x0a" + bytes(40),
    "flv": b"FLV\x01" + bytes(40),
    "avi": b"RIFF\x40\x00\x00\x00AVI " + bytes(56),
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + bytes(40),
    "avif": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(40),
    "a megabyte of zeros": bytes(1 << 20),
    "base64 of a jpeg": b"/9j/4AAQSkZJRgABAQEASABIAAD",
    "gif that is javascript": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "byte order mark before a jpeg": b"\xef\xbb\xbf\xff\xd8\xff\xe0",
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_other_files_are_not_recognized(outcome, name):
    assert outcome(OTHER_FILES[name]) == NOT_RECOGNIZED


def test_an_empty_file_is_refused(outcome):
    assert outcome(b"") == "PHOTO_EMPTY"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_first_bytes_alone_are_truncated(outcome, save, kind):
    assert outcome(save(kind)[:12]) in ("PHOTO_TRUNCATED", "PHOTO_DAMAGED")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize(
    "tail", [b"<script>alert(1)</script>", zipped("a.html", b"<b>hi</b>"), bytes(300_000)], ids=["html", "zip", "zeros"]
)
def test_data_behind_a_photo_is_not_in_the_result(outcome, save, workbench, kind, tail):
    assert outcome(save(kind) + tail) == "DONE"
    assert tail not in workbench.work(save(kind) + tail).image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_of_two_photos_in_one_file_the_first_is_used(outcome, save, kind):
    assert outcome(save(kind) + save("JPEG")) == "DONE"


@pytest.mark.parametrize("first", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("rest", ["JPEG", "PNG", "HEIF"])
def test_spliced_formats_are_refused(outcome, save, first, rest):
    if first != rest:
        assert outcome(save(first)[:24] + save(rest)[24:]) in (
            "PHOTO_DAMAGED",
            "PHOTO_TRUNCATED",
            "PHOTO_KIND_UNSUPPORTED",
            "PHOTO_TOO_MANY_PIXELS",
        )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97])
def test_a_photo_truncated_anywhere_is_refused(outcome, save, kind, share):
    data = save(kind)
    ended = outcome(data[: int(len(data) * share)])
    assert ended in ("PHOTO_TRUNCATED", "PHOTO_DAMAGED")
