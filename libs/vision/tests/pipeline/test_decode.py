from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from igemoji_vision import errors
from igemoji_vision.decode import Pixels, decode

Save = Callable[..., bytes]

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_becomes_pixels(save: Save, scene: Pixels, kind: str, orientation: int) -> None:
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene),
        7: np.rot90(scene, 2).transpose(1, 0, 2),
        8: np.rot90(scene, 3),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation

    photo = decode(save(np.ascontiguousarray(stored), kind, exif=exif))

    assert (photo.width, photo.height) == (160, 120)
    assert np.abs(photo.pixels.astype(int) - scene).mean() < 6


def test_a_png_keeps_its_alpha(save: Save, scene: Pixels) -> None:
    alpha = np.full((120, 160, 1), 77, np.uint8)

    photo = decode(save(np.concatenate([scene, alpha], axis=2), "PNG"))

    assert photo.pixels.shape == (120, 160, 4)
    assert (photo.pixels[:, :, 3] == 77).all()


def test_a_palette_with_transparency_becomes_rgba(save: Save, scene: Pixels) -> None:
    image = Image.fromarray(scene).quantize(16)

    photo = decode(save(image, "PNG", transparency=0))

    assert photo.pixels.shape == (120, 160, 4)
    assert photo.pixels[:, :, 3].min() == 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA"])
def test_any_kind_of_png_becomes_rgb(save: Save, scene: Pixels, mode: str) -> None:
    photo = decode(save(Image.fromarray(scene).convert(mode), "PNG"))

    assert photo.pixels.shape[2] == (4 if mode == "LA" else 3)


def test_sixteen_bit_gray_is_scaled_and_not_clipped(save: Save) -> None:
    ramp = np.linspace(0, 65535, 160).astype(np.uint16)[None].repeat(20, axis=0)

    photo = decode(save(Image.fromarray(ramp), "PNG"))

    assert abs(int(photo.pixels[0, 80, 0]) - 128) < 3


def test_a_gray_jpeg_becomes_rgb(save: Save, scene: Pixels) -> None:
    assert decode(save(Image.fromarray(scene).convert("L"), "JPEG")).pixels.shape == (120, 160, 3)


def test_a_cmyk_jpeg_keeps_its_colors(save: Save) -> None:
    red = Image.new("RGB", (32, 32), (220, 30, 40)).convert("CMYK")

    photo = decode(save(red, "JPEG", quality=95))

    assert np.abs(photo.pixels.reshape(-1, 3).mean(axis=0) - (220, 30, 40)).max() < 20


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(save: Save, kind: str) -> None:
    first, second = Image.new("RGB", (40, 30), (250, 0, 0)), Image.new("RGB", (40, 30), (0, 0, 250))

    photo = decode(save(first, kind, save_all=True, append_images=[second], duration=100))

    assert photo.pixels[15, 20, 0] > 200
    assert photo.pixels[15, 20, 2] < 60


def test_a_heic_is_decoded(save: Save, scene: Pixels) -> None:
    photo = decode(save(scene, "HEIF", quality=95))

    assert photo.pixels.shape == scene.shape
    assert np.abs(photo.pixels.astype(int) - scene).mean() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_color_profile_is_returned(save: Save, scene: Pixels, kind: str) -> None:
    assert decode(save(scene, kind, icc_profile=SRGB)).icc_profile == SRGB


def test_a_profile_that_is_not_for_rgb_is_dropped(save: Save, scene: Pixels) -> None:
    gray = SRGB[:16] + b"GRAY" + SRGB[20:]

    assert decode(save(scene, "PNG", icc_profile=gray)).icc_profile is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_truncated_photo_is_refused(save: Save, scene: Pixels, kind: str) -> None:
    data = save(scene, kind)

    for share in (0.3, 0.6, 0.9):
        with pytest.raises(errors.PhotoError) as refusal:
            decode(data[: int(len(data) * share)])
        assert isinstance(refusal.value, errors.PhotoTruncated | errors.PhotoDamaged)


def test_a_truncated_jpeg_is_called_truncated(save: Save, scene: Pixels) -> None:
    data = save(scene, "JPEG")

    with pytest.raises(errors.PhotoTruncated):
        decode(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_estimated(save: Save, scene: Pixels, quality: int) -> None:
    photo = decode(save(scene, "JPEG", quality=quality, subsampling="4:2:0"))

    assert abs(photo.quality - quality) <= 1
    assert photo.subsampling == "420"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_damaged_file_ends_in_a_photo_or_a_photo_error(save: Save, scene: Pixels, kind: str) -> None:
    data = bytearray(save(scene, kind))
    rng = np.random.default_rng(5)
    for _ in range(60):
        broken = data.copy()
        for at in rng.integers(0, len(data), 4):
            broken[at] = rng.integers(0, 256)
        try:
            photo = decode(bytes(broken))
        except errors.PhotoError:
            continue
        assert photo.pixels.dtype == np.uint8
