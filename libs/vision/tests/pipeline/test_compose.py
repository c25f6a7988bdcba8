from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from igemoji_vision.compose import EMOJI_SIDE, MOSAIC_CELLS, MOSAIC_REACH, compose
from igemoji_vision.decode import Photo, Pixels
from igemoji_vision.errors import PictureUnusable
from igemoji_vision.faces import EXPRESSIONS, Box, Face
from igemoji_vision.headers import Format

Save = Callable[..., bytes]


def face(x: float, y: float, side: float, roll: float = 0.0, expression: str = "happy", height: float = 0) -> Face:
    """Return a face whose box has its middle at (x, y)."""
    height = height or side
    scores = {name: float(name == expression) for name in EXPRESSIONS}
    return Face(Box(x - side / 2, y - height / 2, side, height), roll, (), 1.0, expression, scores, False)


def noise(height: int = 200, width: int = 300, channels: int = 3) -> Photo:
    """Return a photo in which every detail would show through."""
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, channels)).astype(np.uint8)
    return Photo(pixels, Format.PNG, lossless=True)


def solid(save: Save, color: tuple[int, int, int, int], size: tuple[int, int] = (64, 64)) -> bytes:
    return save(Image.new("RGBA", size, color), "PNG")


def all_the_same(picture: bytes) -> dict[str, bytes]:
    return dict.fromkeys(EXPRESSIONS, picture)


def changed(before: Photo, after: Photo) -> Pixels:
    return np.asarray((before.pixels != after.pixels).any(axis=2))


def test_the_emoji_lies_in_the_middle_of_the_face(save: Save) -> None:
    photo = noise()

    result = compose(photo, [face(150, 100, 40)], all_the_same(solid(save, (255, 0, 0, 255))))

    rows, columns = np.nonzero((result.pixels == (255, 0, 0)).all(axis=2))
    assert abs(columns.mean() + 0.5 - 150) < 0.6
    assert abs(rows.mean() + 0.5 - 100) < 0.6
    assert abs(np.ptp(columns) - EMOJI_SIDE * 40) <= 2


def test_the_given_photo_is_not_changed(save: Save) -> None:
    photo = noise()
    before = photo.pixels.copy()

    compose(photo, [face(150, 100, 40)], all_the_same(solid(save, (255, 0, 0, 255))))

    assert (photo.pixels == before).all()


def test_the_emoji_has_the_roll_of_the_head(save: Save) -> None:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[:16] = (0, 255, 0, 255)
    picture[16:] = (255, 0, 0, 255)

    result = compose(noise(), [face(150, 100, 60, roll=90)], all_the_same(save(picture, "PNG")))

    # What was on top points to the right when the head is turned clockwise by a quarter.
    _, columns = np.nonzero((result.pixels == (0, 255, 0)).all(axis=2))
    assert columns.min() > 160


@pytest.mark.parametrize("side", [20, 60, 150])
@pytest.mark.parametrize("roll", [0, 45, 200])
def test_a_square_picture_is_drawn_with_its_corners(save: Save, side: int, roll: int) -> None:
    art = np.zeros((64, 64, 4), np.uint8)
    art[[0, 0, -1, -1], [0, -1, 0, -1]] = (255, 0, 0, 255)
    photo = replace(noise(400, 400), pixels=np.zeros((400, 400, 3), np.uint8))

    result = compose(photo, [face(200, 200, side, roll)], all_the_same(save(Image.fromarray(art), "PNG")))

    rows, columns = np.nonzero(result.pixels[:, :, 0])
    distances = np.hypot(rows - 199.5, columns - 199.5)
    assert distances.max() == pytest.approx(EMOJI_SIDE * side * 0.5**0.5, abs=EMOJI_SIDE * side / 32 + 1)
    assert len(np.unique(np.digitize(np.arctan2(rows - 199.5, columns - 199.5), [-np.pi / 2, 0, np.pi / 2]))) == 4


def test_an_uncovered_face_is_not_touched(save: Save) -> None:
    photo = noise()
    picture = all_the_same(solid(save, (255, 0, 0, 255)))

    result = compose(photo, [face(60, 100, 40), face(220, 100, 40)], picture, covered=[True, False])

    touched = changed(photo, result)
    assert touched[:, :150].any()
    assert not touched[:, 150:].any()


def test_the_emoji_of_the_larger_face_is_on_top(save: Save) -> None:
    pictures = {"happy": solid(save, (255, 0, 0, 255)), "sad": solid(save, (0, 0, 255, 255))}
    large, small = face(140, 100, 80, expression="happy"), face(180, 100, 30, expression="sad")

    for faces in ([large, small], [small, large]):
        result = compose(noise(), faces, pictures)
        assert tuple(result.pixels[100, 180]) == (255, 0, 0)


def test_a_face_that_leaves_the_photo_is_covered_up_to_the_border_and_not_squashed(save: Save) -> None:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[:, :32] = (0, 255, 0, 255)
    picture[:, 32:] = (255, 0, 0, 255)

    result = compose(noise(), [face(0, 100, 60)], all_the_same(save(picture, "PNG")))

    # The left half of the emoji is outside, and the right half has not become wider.
    assert tuple(result.pixels[100, 3]) == (255, 0, 0)
    assert not (result.pixels[:, :40] == (0, 255, 0)).all(axis=2).any()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_transparent_emoji_reveals_nothing_of_the_face(save: Save, channels: int) -> None:
    photo = noise(channels=channels)
    other = replace(photo, pixels=photo.pixels.copy())
    # The same averages, other details: each pixel is swapped with its neighbor.
    inside = other.pixels[70:130, 130:170]
    inside[:, 0::2], inside[:, 1::2] = inside[:, 1::2].copy(), inside[:, 0::2].copy()
    invisible = all_the_same(solid(save, (0, 0, 0, 0)))

    one = compose(photo, [face(150, 100, 60, height=80)], invisible).pixels
    two = compose(other, [face(150, 100, 60, height=80)], invisible).pixels

    y, x = np.mgrid[0:200, 0:300] + 0.5
    oval = ((x - 150) / 30) ** 2 + ((y - 100) / 40) ** 2 <= 1
    seen = one[oval]
    assert len(np.unique(seen, axis=0)) <= 60
    assert np.abs(one.astype(int) - two)[70:130, 130:170].mean() < 12


@settings(max_examples=60, deadline=None)
@given(
    side=st.floats(20, 170),
    roll=st.floats(-180, 180),
    radius=st.integers(0, 32),
    size=st.sampled_from([64, 512]),
    channels=st.sampled_from([3, 4]),
)
def test_no_picture_reveals_more_of_the_face_than_the_mosaic(
    side: float, roll: float, radius: int, size: int, channels: int
) -> None:
    photo = noise(channels=channels)
    art = np.zeros((size, size, 4), np.uint8)
    off = np.abs(np.arange(size) + 0.5 - size / 2)
    art[off[:, None] ** 2 + off[None, :] ** 2 <= (radius * size / 64) ** 2] = (255, 0, 0, 255)
    y, x = np.mgrid[0:200, 0:300] + 0.5
    oval = (x - 150) ** 2 + (y - 100) ** 2 <= (side / 2) ** 2

    result = compose(photo, [face(150, 100, side, roll)], all_the_same(_png(Image.fromarray(art))))
    cells = compose(photo, [face(150, 100, side, roll)], all_the_same(_png(Image.new("RGBA", (size, size)))))

    # Every pixel is the mosaic's, the emoji's, or lies on the line from one to the other.
    low, high = (pick(cells.pixels[:, :, :3].astype(int), [255, 0, 0]) for pick in (np.minimum, np.maximum))
    seen = result.pixels[:, :, :3].astype(int)
    assert (seen >= low - 2)[oval].all()
    assert (seen <= high + 2)[oval].all()
    assert (seen != photo.pixels[:, :, :3])[oval].any(axis=1).mean() > 0.98


@pytest.mark.parametrize("channels", [3, 4])
def test_opaque_parts_are_drawn_like_the_general_case(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    art = np.zeros((512, 512, 4), np.uint8)
    y, x = np.mgrid[0:512, 0:512] - 255.5
    art[np.hypot(x, y) < 240] = (255, 200, 0, 255)
    art[np.hypot(x, y - 60) < 70] = (90, 30, 10, 255)
    faces = [face(150, 100, 120, 20), face(40, 30, 70, -70)]

    result = compose(noise(channels=channels), faces, all_the_same(_png(Image.fromarray(art))))
    monkeypatch.setattr("igemoji_vision.compose._solid_radius", lambda *_: 0.0)
    slow = compose(noise(channels=channels), faces, all_the_same(_png(Image.fromarray(art))))

    assert np.abs(result.pixels.astype(int) - slow.pixels).max() <= 1


def test_a_translucent_emoji_is_blended_with_the_photo(save: Save) -> None:
    photo = Photo(np.full((100, 100, 3), 200, np.uint8), Format.PNG)

    result = compose(photo, [face(50, 50, 40)], all_the_same(solid(save, (100, 0, 0, 128))))

    assert np.abs(result.pixels[50, 50].astype(int) - (150, 100, 100)).max() <= 2


def test_on_a_transparent_photo_the_emoji_keeps_its_own_alpha(save: Save) -> None:
    photo = Photo(np.zeros((100, 100, 4), np.uint8), Format.PNG)

    result = compose(photo, [face(50, 50, 40)], all_the_same(solid(save, (250, 20, 30, 128))))

    assert np.abs(result.pixels[50, 50].astype(int) - (250, 20, 30, 128)).max() <= 2
    assert (result.pixels[:15] == 0).all()


def test_an_emoji_without_transparency_hides_the_alpha_of_the_photo(save: Save) -> None:
    result = compose(noise(channels=4), [face(150, 100, 60)], all_the_same(solid(save, (10, 20, 30, 255))))

    assert tuple(result.pixels[100, 150]) == (10, 20, 30, 255)


def test_the_edge_of_an_emoji_has_no_dark_fringe(save: Save) -> None:
    picture = np.zeros((256, 256, 4), np.uint8)
    y, x = np.mgrid[0:256, 0:256]
    picture[(x - 128) ** 2 + (y - 128) ** 2 < 120**2] = (255, 255, 255, 255)
    white = Photo(np.full((200, 200, 3), 255, np.uint8), Format.PNG)

    result = compose(white, [face(100, 100, 51.3, roll=17)], all_the_same(save(picture, "PNG")))

    assert result.pixels.min() >= 253


def test_a_wide_picture_is_not_squashed(save: Save) -> None:
    result = compose(noise(), [face(150, 100, 64)], all_the_same(solid(save, (255, 0, 0, 255), size=(64, 32))))

    rows, columns = np.nonzero((result.pixels == (255, 0, 0)).all(axis=2))
    assert abs(np.ptp(columns) / np.ptp(rows) - 2) < 0.15


def test_a_broken_picture_is_reported_as_the_picture_and_not_the_photo() -> None:
    with pytest.raises(PictureUnusable):
        compose(noise(), [face(150, 100, 64)], all_the_same(b"not a picture"))


@settings(max_examples=150, deadline=None)
@given(
    x=st.floats(-400, 700),
    y=st.floats(-400, 600),
    side=st.floats(0.01, 900),
    height=st.floats(0.01, 900),
    roll=st.floats(-360, 360),
    size=st.integers(1, 90),
    channels=st.sampled_from([3, 4]),
)
def test_pixels_away_from_the_face_are_not_changed(
    x: float, y: float, side: float, height: float, roll: float, size: int, channels: int
) -> None:
    photo = noise(60, 80, channels)
    picture = Image.new("RGBA", (size, size), (255, 0, 0, 255))
    hidden = face(x, y, side, roll, height=height)

    result = compose(photo, [hidden], all_the_same(_png(picture)))

    assert result.pixels.shape == photo.pixels.shape
    emoji = EMOJI_SIDE * max(hidden.box.side, 1)
    mosaic = max(hidden.box.side, 2) * (MOSAIC_REACH / 2 + 1 / MOSAIC_CELLS)
    rows, columns = np.nonzero(changed(photo, result))
    far = np.hypot(columns + 0.5 - x, rows + 0.5 - y)
    assert not len(far) or far.max() <= max(emoji, mosaic) + 3


def _png(image: Image.Image) -> bytes:
    from io import BytesIO

    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
