from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from igemoji_vision.decode import Photo, Pixels, decode
from igemoji_vision.encode import encode
from igemoji_vision.headers import Format

Save = Callable[..., bytes]

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/jpeg")],
)
def test_the_result_has_the_format_of_the_upload_and_heic_becomes_jpeg(
    save: Save, scene: Pixels, kind: str, content_type: str
) -> None:
    image, announced = encode(decode(save(scene, kind)))

    assert announced == content_type
    assert Image.open(BytesIO(image)).get_format_mimetype() == content_type


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_color_profile_is_written(save: Save, scene: Pixels, kind: str) -> None:
    image, _ = encode(decode(save(scene, kind, icc_profile=SRGB)))

    assert Image.open(BytesIO(image)).info["icc_profile"] == SRGB


def test_a_profile_longer_than_one_jpeg_segment_is_kept_whole(scene: Pixels) -> None:
    profile = SRGB[:16] + b"RGB " + SRGB[20:] + bytes(200_000)

    image, _ = encode(Photo(scene, Format.JPEG, profile))

    assert Image.open(BytesIO(image)).info["icc_profile"] == profile


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_no_exif_is_written(save: Save, scene: Pixels, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"

    image, _ = encode(decode(save(scene, kind, exif=exif)))

    assert not Image.open(BytesIO(image)).getexif()
    assert b"a camera" not in image


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_formats_keep_every_pixel(save: Save, kind: str, options: dict[str, bool], channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, channels)).astype(np.uint8)
    pixels[:20, :, 3:] = 255

    photo = decode(save(pixels, kind, **options, **({"exact": True} if kind == "WEBP" else {})))

    assert (decode(encode(photo)[0]).pixels == pixels).all()


def test_a_jpeg_loses_little(save: Save, scene: Pixels) -> None:
    photo = decode(save(scene, "JPEG", quality=90))

    again = decode(encode(photo)[0])

    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 1.5
