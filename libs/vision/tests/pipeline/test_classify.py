import math

import numpy as np
import pytest

from igemoji_vision.classify import FACE_API_SIDE, FRAME_SIDE, FRAME_UP, Stack, crop
from igemoji_vision.decode import Pixels
from igemoji_vision.faces import EXPRESSIONS, Box


def target(x: float, y: float, side: float, roll: float) -> Pixels:
    """Draw a square rotated clockwise around (x, y), its upper half red, its lower half blue, on 600 x 500 of gray."""
    ys, xs = np.mgrid[0:500, 0:600] + 0.5
    angle = math.radians(roll)
    across = (xs - x) * math.cos(angle) + (ys - y) * math.sin(angle)
    down = -(xs - x) * math.sin(angle) + (ys - y) * math.cos(angle)
    pixels = np.full((500, 600, 3), 128, np.uint8)
    inside = (np.abs(across) < side / 2) & (np.abs(down) < side / 2)
    pixels[inside & (down < 0)] = (255, 0, 0)
    pixels[inside & (down >= 0)] = (0, 0, 255)
    return pixels


@pytest.mark.parametrize("roll", [0, 20, -35, 90, 180])
@pytest.mark.parametrize("side", [60, 150, 260])
def test_a_rolled_face_is_cropped_upright_and_whole(side: float, roll: float) -> None:
    framed = side * FRAME_SIDE
    angle, lift = math.radians(roll), FRAME_UP * framed
    x, y = 300.0, 250.0

    cut = crop(
        target(x + lift * math.sin(angle), y - lift * math.cos(angle), framed, roll),
        Box(x - side / 2, y - side / 2, side, side),
        roll,
    )

    assert cut.shape == (FACE_API_SIDE, FACE_API_SIDE, 3)
    assert (cut[4:52, 4:-4] == (255, 0, 0)).all(axis=2).mean() > 0.98
    assert (cut[60:-4, 4:-4] == (0, 0, 255)).all(axis=2).mean() > 0.98


@pytest.mark.parametrize(
    "box", [Box(-80, -90, 120, 120), Box(590, 490, 300, 300), Box(900, 900, 50, 50), Box(5, 5, 0, 0)]
)
def test_a_face_at_the_border_or_beyond_is_cropped(box: Box) -> None:
    assert crop(target(100, 100, 50, 0), box, 30).shape == (FACE_API_SIDE, FACE_API_SIDE, 3)


def test_scores_sum_to_one_however_sure_the_networks_are() -> None:
    stack = Stack(np.ones((14, 7), np.float32) * 50, np.zeros(7, np.float32), 0.5)

    scores = stack.scores(np.array([[-13.0] * 14, [0.0] * 14], np.float32))

    assert scores.shape == (2, len(EXPRESSIONS))
    assert np.allclose(scores.sum(axis=1), 1)
