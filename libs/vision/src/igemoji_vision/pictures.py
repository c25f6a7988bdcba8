"""Pictures of templates: checked at upload and brought into the form that is stored; thumbnails of them.

Only a sandbox process calls this with files of strangers.
"""

import contextlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base as ExifTag

from igemoji_vision.background import without_background
from igemoji_vision.errors import PictureUnfit
from igemoji_vision.memory import is_out_of_memory

SIDE = 512
"""Width and height of a stored picture, in pixels."""
MAX_BYTES = 1024 * 1024
MAX_PIXELS = 4_000_000
MAX_SCANS = 100
"""Scans of a progressive JPEG. Encoders write about ten; each takes as long as all pixels of a baseline JPEG."""

_WEBP_QUALITY = 85
_FORMATS = ("PNG", "JPEG", "WEBP")
_ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Operation that turns a picture upright, by its EXIF orientation (Exif 2.32, tag 0x0112)."""


def normalize(data: bytes, keep_background: bool = False) -> bytes:
    """Return a picture as it is stored: 512x512 RGBA PNG, upright, whole and centered on transparent, without metadata.

    Args:
        data: PNG, JPEG or WebP, recognized by its content; of an animation the first frame is taken.
        keep_background: Otherwise a plain background becomes transparent (see `background`).

    Raises:
        PictureUnfit: It is none of these, damaged, cut off, or too large.
    """
    if not data:
        raise PictureUnfit("is missing: all seven pictures are needed")
    if len(data) > MAX_BYTES:
        raise PictureUnfit("is larger than 1 MiB")
    image = _opened(data)
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    if _ENDS.get(image.format or "", b"") not in data:  # the decoder is content once all rows are there
        raise _damaged()
    if image.format == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise PictureUnfit(f"is a JPEG with more than {MAX_SCANS} scans: save it as an ordinary picture")
    try:
        return _encoded(_fitted(_upright(image), keep_background))
    except Exception as error:  # decoders fail in many ways on hostile bytes, and each of them means the same
        if is_out_of_memory(error):
            raise MemoryError from error
        raise _damaged() from None


def thumbnail(png: bytes, width: int) -> bytes:
    """Return a stored picture `width` pixels wide and high, as WebP with its transparency."""
    image = Image.open(BytesIO(png), formats=("PNG",)).resize((width, width), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "WEBP", quality=_WEBP_QUALITY)
    return out.getvalue()


def _opened(data: bytes) -> Image.Image:
    """Open a picture without reading more than its header."""
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise PictureUnfit("is not a PNG, JPEG or WebP picture") from None
    except Exception:  # as above
        raise _damaged() from None


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    orientation = 1
    with contextlib.suppress(Exception):  # a picture with broken metadata is still a picture
        orientation = image.getexif().get(ExifTag.Orientation, 1)
    operation = _UPRIGHT.get(orientation)
    return image.transpose(operation) if operation is not None else image


def _fitted(image: Image.Image, keep_background: bool) -> Image.Image:
    rgba = _to_rgba(image)
    scale = SIDE / max(rgba.size)
    size = (max(1, round(rgba.width * scale)), max(1, round(rgba.height * scale)))
    # Pillow resizes RGBA with premultiplied alpha, so no color bleeds in from transparent pixels.
    resized = rgba.resize(size, Image.Resampling.LANCZOS)
    if not keep_background:
        resized = without_background(resized)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(resized, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return canvas


def _to_rgba(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of gray, which a plain conversion would clip to white
        to_8_bits: Callable[[float], float] = lambda value: value * (1 / 256)  # noqa: E731 - typed for Pillow
        image = image.convert("I").point(to_8_bits).convert("L")
    return image.convert("RGBA")


def _encoded(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _too_many_pixels() -> PictureUnfit:
    return PictureUnfit("has more than 4 megapixels")


def _damaged() -> PictureUnfit:
    return PictureUnfit("is damaged or cut off")
