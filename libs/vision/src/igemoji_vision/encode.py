"""Encode pixels in the format of the upload. EXIF is never written: it may hold a place or a name."""

import struct
from io import BytesIO

import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from PIL import Image

from igemoji_vision.decode import Photo
from igemoji_vision.headers import Format

CONTENT_TYPES = {Format.JPEG: "image/jpeg", Format.PNG: "image/png", Format.WEBP: "image/webp"}

MIN_QUALITY, MAX_QUALITY = 88, 95
FULL_COLOR_PIXELS = 1_500_000
"""Up to this size chroma is not subsampled: the edges of small emojis would bleed."""
PROFILE_PIECE = 65_519
"""Bytes of a color profile that fit into one JPEG segment (ICC.1:2010, B.4)."""


def encode(photo: Photo) -> tuple[bytes, str]:
    """Return the file and its content type: JPEG, PNG or WebP as uploaded, JPEG for HEIC; with the color profile."""
    if photo.format is Format.PNG:
        return _pillow(photo, "PNG", compress_level=1), CONTENT_TYPES[Format.PNG]
    if photo.format is Format.WEBP:
        options = {"lossless": True, "quality": 20, "exact": True} if photo.lossless else {"quality": 90}
        return _pillow(photo, "WEBP", method=2, **options), CONTENT_TYPES[Format.WEBP]
    return _jpeg(photo), CONTENT_TYPES[Format.JPEG]


def _pillow(photo: Photo, kind: str, **options: int) -> bytes:
    out = BytesIO()
    profile = {"icc_profile": photo.icc_profile} if photo.icc_profile else {}
    Image.fromarray(photo.pixels).save(out, kind, **profile, **options)
    return out.getvalue()


def _jpeg(photo: Photo) -> bytes:
    pixels = np.ascontiguousarray(photo.pixels[:, :, :3])
    large = photo.width * photo.height > FULL_COLOR_PIXELS
    quality = min(max(photo.quality, MIN_QUALITY), MAX_QUALITY)
    data: bytes = simplejpeg.encode_jpeg(pixels, quality, "RGB", photo.subsampling if large else "444")
    return _with_profile(data, photo.icc_profile) if photo.icc_profile else data


def _with_profile(data: bytes, profile: bytes) -> bytes:
    """Insert a color profile after the first segment (JFIF) of a JPEG, in numbered pieces."""
    (length,) = struct.unpack_from(">H", data, 4)
    pieces = [profile[at : at + PROFILE_PIECE] for at in range(0, len(profile), PROFILE_PIECE)]
    segments = b"".join(
        struct.pack(">HH12sBB", 0xFFE2, len(piece) + 16, b"ICC_PROFILE\0", number, len(pieces)) + piece
        for number, piece in enumerate(pieces, 1)
    )
    return data[: 4 + length] + segments + data[4 + length :]
