"""Counting of detections and estimation of poses in the vision benchmarks."""

import math

import numpy as np
import pytest
from boxes import Boxes, Change, overlaps, rolling, turning
from detection import IGNORED, NOTHING, Found, Labeled, Row, matches
from pose import yaw

from igemoji_vision.faces import Point

NO_BOXES: Boxes = np.zeros((0, 4))


def landmarks(yawed: float, roll: float = 0.0, pitch: float = 0.0) -> list[Point]:
    """Return eyes, nose and corners of the mouth of a head with a yaw, roll and pitch in degrees."""
    points = np.array([[-30, -35, 0], [30, -35, 0], [0, 0, 18], [-22, 30, 0], [22, 30, 0]], float)
    a, b, c = map(math.radians, (yawed, pitch, roll))
    aside = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    down = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    lean = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return [(float(x), float(y)) for x, y, _ in points @ (lean @ down @ aside).T]


@pytest.mark.parametrize("roll", [0, 40, 180])
@pytest.mark.parametrize("yawed", [-80, -45, 0, 20, 60, 90])
def test_yaw_does_not_depend_on_roll(yawed: float, roll: float) -> None:
    assert yaw(landmarks(yawed, roll)) == pytest.approx(abs(yawed), abs=0.1)


def test_yaw_does_not_depend_on_pitch() -> None:
    assert yaw(landmarks(0, pitch=25)) == pytest.approx(0, abs=0.1)


def test_second_box_on_a_face_is_a_false_positive() -> None:
    faces = np.array([[10.0, 10, 20, 20], [100, 100, 20, 20]])
    found = np.array([[11.0, 11, 20, 20], [9, 9, 20, 20], [100, 100, 20, 30], [200, 200, 20, 20]])

    assert matches(found, faces, NO_BOXES).tolist() == [0, NOTHING, 1, NOTHING]


def test_box_on_an_ignored_area_does_not_count() -> None:
    ignore = np.array([[10.0, 10, 20, 20]])

    assert matches(np.array([[12.0, 10, 20, 20], [50, 50, 9, 9]]), NO_BOXES, ignore).tolist() == [IGNORED, NOTHING]


def test_small_faces_do_not_count_and_false_positives_do() -> None:
    faces = [Labeled(15, "frontal", True), Labeled(16, "frontal", True), Labeled(40, "profile", False)]
    boxes = [Found(17, "frontal", on=15), Found(15, "frontal", on=16), Found(5, "frontal", on=0)]

    counted = Row("all", faces, boxes).of_size(16)

    assert (counted.recall, counted.precision) == (0.5, 0.5)


@pytest.mark.parametrize("change", [*map(turning, range(4)), rolling(30)])
def test_annotations_follow_a_rotated_photo(change: Change) -> None:
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[10:30, 50:70] = 255

    turned, faces, ignore = change(pixels, np.array([[50.0, 10, 20, 20]]), NO_BOXES)

    ys, xs = np.nonzero(turned[:, :, 0] > 127)
    seen = np.array([[xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]], float)
    assert faces[0, :2] + faces[0, 2:] / 2 == pytest.approx(seen[0, :2] + seen[0, 2:] / 2, abs=1)
    assert overlaps(faces, seen)[0, 0] > 0.5
    assert not len(ignore)
