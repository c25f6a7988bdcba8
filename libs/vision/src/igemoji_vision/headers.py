"""Inspect the header of an uploaded file: its format and the size of the photo.

Pure Python: no pixel is decoded, no C library parses hostile bytes, no memory is allocated by sizes in a header.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from igemoji_vision import errors, heif

MAX_PIXELS = 40_000_000
"""Width times height of a photo."""
MAX_SEGMENTS = 5_000
"""Chunks or segments that are read before a file is called damaged; real photos have less than a hundred."""
ORIENTATION_TAG = 0x0112


class Format(StrEnum):
    """Supported formats of photos."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    HEIC = "HEIC"


@dataclass(frozen=True)
class PhotoInfo:
    """Format and size, from the header."""

    format: Format
    width: int
    """In pixels, of the upright photo."""
    height: int
    orientation: int = 1
    """EXIF orientation of the stored pixels, 1 to 8."""
    lossless: bool = False
    """Lossless coding: the result is stored without loss, too."""


def inspect(data: bytes) -> PhotoInfo:
    """Read the header of a photo.

    Raises PhotoError: empty, unsupported, too many pixels, truncated or damaged.
    """
    if not data:
        raise errors.PhotoEmpty
    try:
        info = _read(data)
    except (struct.error, IndexError):
        raise errors.PhotoTruncated from None
    if info.width <= 0 or info.height <= 0:
        raise errors.PhotoDamaged
    if info.width * info.height > MAX_PIXELS:
        raise errors.PhotoTooManyPixels(
            f"The photo has {info.width} x {info.height} pixels: "
            f"at most {MAX_PIXELS // 1_000_000} megapixels are allowed."
        )
    return info


def _read(data: bytes) -> PhotoInfo:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:8] == b"ftyp":
        width, height = heif.size(data)
        return PhotoInfo(Format.HEIC, width, height)
    raise errors.PhotoNotRecognized


def _upright(kind: Format, width: int, height: int, exif: bytes, lossless: bool = False) -> PhotoInfo:
    orientation = exif_orientation(exif)
    if orientation >= 5:
        width, height = height, width
    return PhotoInfo(kind, width, height, orientation, lossless)


def _jpeg(data: bytes) -> PhotoInfo:
    exif = b""
    for marker, start, end in _jpeg_segments(data):
        # Baseline, extended and progressive, Huffman or arithmetic; no decoder reads lossless and hierarchical ones.
        if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
            precision, height, width = struct.unpack_from(">BHH", data, start)
            if precision != 8 or height == 0:
                raise errors.PhotoKindUnsupported
            return _upright(Format.JPEG, width, height, exif)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise errors.PhotoKindUnsupported
        if marker == 0xE1 and not exif and data[start : start + 6] == b"Exif\0\0":
            exif = data[start + 6 : end]
    raise errors.PhotoDamaged


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Iterate over `(marker, start, end)` of the segments before the first scan."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0:
            raise errors.PhotoTruncated
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, at + 4, at + 2 + length
        at += 2 + max(length, 2)
    raise errors.PhotoDamaged


def _png(data: bytes) -> PhotoInfo:
    width = height = 0
    exif = b""
    at = 8
    for _ in range(MAX_SEGMENTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at == 8:
            if kind != b"IHDR":
                raise errors.PhotoDamaged
            width, height = struct.unpack_from(">II", data, 16)
        elif kind == b"eXIf":
            exif = data[at + 8 : at + 8 + length]
        elif kind == b"IDAT":
            return _upright(Format.PNG, width, height, exif, lossless=True)
        elif kind == b"IEND":
            break
        at += 12 + length
    raise errors.PhotoDamaged


def _webp(data: bytes) -> PhotoInfo:
    size: tuple[int, int] | None = None
    exif, lossless = b"", False
    for kind, start, end in _webp_chunks(data):
        if kind == b"VP8X":
            size = _uint24(data, start + 4) + 1, _uint24(data, start + 7) + 1
        elif kind == b"ANMF":
            # A frame has its own chunks; the first one tells how the pixels are stored.
            lossless = lossless or data[start + 16 : start + 20] == b"VP8L"
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, start + 1)
            size = size or ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
            lossless = True
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", data, start + 6)
            size = size or (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"EXIF":
            exif = data[start:end].removeprefix(b"Exif\0\0")
    if size is None:
        raise errors.PhotoDamaged
    return _upright(Format.WEBP, *size, exif, lossless)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    # Data after the RIFF is not part of it.
    end = min(8 + struct.unpack_from("<I", data, 4)[0], len(data))
    for _ in range(MAX_SEGMENTS):
        if at + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, at + 8, at + 8 + length
        at += 8 + length + length % 2
    raise errors.PhotoDamaged


def _uint24(data: bytes, at: int) -> int:
    low, high = struct.unpack_from("<HB", data, at)
    return int(low) | int(high) << 16


def exif_orientation(exif: bytes) -> int:
    """Return the orientation tag of a TIFF block; 1 if it is missing or invalid."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(count, 1000), 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if tag == ORIENTATION_TAG:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
