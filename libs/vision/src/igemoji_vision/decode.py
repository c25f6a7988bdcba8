"""Decode an uploaded file to upright pixels."""

import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pillow_heif
import simplejpeg  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from igemoji_vision.errors import PhotoDamaged, PhotoError, PhotoTooManyPixels, PhotoTruncated
from igemoji_vision.headers import MAX_PIXELS, Format, PhotoInfo, inspect
from igemoji_vision.memory import is_out_of_memory

Pixels = NDArray[np.uint8]

MAX_PROFILE_BYTES = 4 << 20
"""Bytes of a color profile; a larger one is dropped."""

# The header check comes first and is stricter; Pillow's own limit would only warn.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
pillow_heif.options.DECODE_THREADS = 1


@dataclass(frozen=True)
class Photo:
    """Decoded photo."""

    pixels: Pixels
    """`(H, W, 3)` or, with alpha (not premultiplied), `(H, W, 4)` uint8 RGB, upright, writable."""
    format: Format
    icc_profile: bytes | None = None
    """Color profile of the pixels."""
    lossless: bool = False
    quality: int = 90
    """JPEG quality of the file, estimated, 1 to 100; 90 when unknown."""
    subsampling: str = "444"
    """Chroma subsampling of a JPEG: `444`, `422` or `420`."""

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


def decode(data: bytes) -> Photo:
    """Decode a photo: the first frame, upright, 8 bits a channel, RGB or RGBA for every color mode.

    Raises PhotoError, and MemoryError where memory runs out.
    """
    info = inspect(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            photo = _heic(data) if info.format is Format.HEIC else _stored(data, info)
    except (PhotoError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise PhotoTooManyPixels from None
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        # Decoders raise nearly anything for a damaged file, IndexError and struct.error among it.
        raise (PhotoTruncated if "truncated" in str(error).lower() else PhotoDamaged) from error
    return photo


def _stored(data: bytes, info: PhotoInfo) -> Photo:
    """Decode with Pillow; ordinary JPEGs with simplejpeg, which takes half the time."""
    try:
        image = Image.open(BytesIO(data), formats=[info.format.value.upper()])
    except UnidentifiedImageError:
        raise PhotoDamaged from None
    with image:
        quality, subsampling = 90, "444"
        if info.format is Format.JPEG:
            quality, subsampling = _jpeg_quality(image), _jpeg_subsampling(image)
        pixels = _jpeg(data) if info.format is Format.JPEG and image.mode in ("RGB", "L") else None
        profile = image.info.get("icc_profile")
        if pixels is None:
            pixels, profile = _rgb(image, profile)
    return Photo(
        upright(pixels, info.orientation),
        info.format,
        _rgb_profile(profile),
        info.lossless,
        quality,
        subsampling,
    )


def _jpeg(data: bytes) -> Pixels | None:
    """Decode to RGB; None for files that only Pillow reads: rare subsampling, a broken color profile."""
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "RGB"), np.uint8)
    except ValueError as error:
        message = str(error).lower()
        if "premature end of jpeg file" in message:
            raise PhotoTruncated from None
        if "subsampling" in message or "icc marker" in message:
            return None
    # Other errors are warnings about data that can be decoded (cameras write such files), or fatal.
    return np.asarray(simplejpeg.decode_jpeg(data, "RGB", strict=False), np.uint8)


def _rgb(image: Image.Image, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Convert any mode of Pillow to RGB or RGBA; return the pixels and their color profile."""
    if image.mode == "CMYK" and profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return np.asarray(converted), None
        except (ImageCms.PyCMSError, OSError):
            profile = None
    if image.mode.startswith("I"):
        # 16-bit gray; Pillow would clip it to 255 instead of scaling it.
        gray = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2), profile
    has_alpha = image.has_transparency_data
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB")), profile


def _heic(data: bytes) -> Photo:
    """Libheif turns the pixels upright itself."""
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    if file.size[0] * file.size[1] > MAX_PIXELS:
        raise PhotoTooManyPixels
    image = file.to_pillow()
    pixels, profile = _rgb(image, image.info.get("icc_profile"))
    return Photo(upright(pixels, 1), Format.HEIC, _rgb_profile(profile))


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Rotate and mirror stored pixels `(H, W, C)` by an EXIF orientation, 1 to 8 (TIFF 6.0, tag 274); writable."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.require(pixels, requirements=["C", "W"])


def _rgb_profile(profile: bytes | None) -> bytes | None:
    """Return the profile if it is for RGB (color space: bytes 16 to 20, ICC.1:2010 7.2)."""
    if profile and len(profile) <= MAX_PROFILE_BYTES and profile[16:20] == b"RGB ":
        return profile
    return None


def _jpeg_quality(image: Image.Image) -> int:
    """Estimate the quality on libjpeg's scale from the luminance table (ITU T.81, table K.1)."""
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if 0 not in tables:
        return 90
    # The sum of table K.1 is 3688; libjpeg scales it by 200 - 2q percent from q = 50 on, by 5000 / q percent below.
    percent = 100 * sum(tables[0]) / 3688
    quality = (200 - percent) / 2 if percent <= 100 else 5000 / percent
    return round(min(max(quality, 1), 100))


def _jpeg_subsampling(image: Image.Image) -> str:
    layers = getattr(image, "layer", [])
    if len(layers) != 3:
        return "444"
    horizontal, vertical = layers[0][1], layers[0][2]
    return {(2, 2): "420", (2, 1): "422"}.get((horizontal, vertical), "444")
