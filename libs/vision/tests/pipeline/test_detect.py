from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from igemoji_vision.decode import Photo, Pixels, decode
from igemoji_vision.faces import Face
from igemoji_vision.headers import Format
from igemoji_vision.pipeline import Pipeline, Stage


def ignore(stage: Stage, percent: float, faces: object) -> None:
    pass


def find(pipeline: Pipeline, pixels: Pixels) -> tuple[Face, ...]:
    faces, _ = pipeline.find(Photo(np.ascontiguousarray(pixels), Format.PNG), ignore)
    return faces


def test_a_face_is_detected_at_its_place(pipeline: Pipeline, astronaut: Pixels) -> None:
    (face,) = find(pipeline, astronaut)

    assert np.hypot(face.box.center[0] - 224, face.box.center[1] - 120) < 15
    assert 80 < face.box.side < 160
    assert abs(face.roll) < 15
    assert face.detection_score > 0.9


def test_the_landmarks_are_eyes_nose_and_mouth(pipeline: Pipeline, astronaut: Pixels) -> None:
    (face,) = find(pipeline, astronaut)

    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_mouth[0] < right_mouth[0]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photo_on_its_side_has_its_face_found_with_the_roll(
    pipeline: Pipeline, astronaut: Pixels, turns: int
) -> None:
    (upright,) = find(pipeline, astronaut)

    (face,) = find(pipeline, np.rot90(astronaut, turns))

    # np.rot90 turns counterclockwise: a point (x, y) of 512 goes to (y, 512 - x).
    x, y = upright.box.center
    for _ in range(turns):
        x, y = y, 512 - x
    assert np.hypot(face.box.center[0] - x, face.box.center[1] - y) < 10
    assert abs((face.roll - upright.roll + 90 * turns + 180) % 360 - 180) < 12


@pytest.mark.parametrize("degrees", [-30, 25])
def test_the_roll_is_measured_clockwise(pipeline: Pipeline, astronaut: Pixels, degrees: float) -> None:
    (upright,) = find(pipeline, astronaut)
    # Pillow turns counterclockwise.
    turned = np.asarray(Image.fromarray(astronaut).rotate(-degrees, Image.Resampling.BICUBIC))

    faces = find(pipeline, turned)

    assert abs(faces[0].roll - upright.roll - degrees) < 12


def test_five_people_are_five_faces_the_largest_first(pipeline: Pipeline, group: bytes) -> None:
    faces, more = pipeline.find(decode(group), ignore)

    areas = [face.box.width * face.box.height for face in faces]
    assert len(faces) == 5
    assert areas == sorted(areas, reverse=True)
    assert not more


def test_a_photo_without_a_face_has_none(pipeline: Pipeline, scene: Pixels) -> None:
    assert find(pipeline, scene) == ()


def test_a_photo_of_one_pixel_has_no_face(pipeline: Pipeline) -> None:
    assert find(pipeline, np.zeros((1, 1, 3), np.uint8)) == ()


def test_a_very_long_photo_is_searched(pipeline: Pipeline) -> None:
    assert find(pipeline, np.zeros((3, 4000, 3), np.uint8)) == ()


def test_a_smile_is_happy_at_every_size_and_roll(pipeline: Pipeline, astronaut: Pixels) -> None:
    out = BytesIO()
    Image.fromarray(astronaut).resize((300, 300)).save(out, "JPEG", quality=85)

    for pixels in (astronaut, astronaut[:, ::-1], decode(out.getvalue()).pixels, np.rot90(astronaut)):
        (face,) = find(pipeline, pixels)
        assert face.expression == "happy"
        assert abs(sum(face.scores.values()) - 1) < 1e-5
        assert not face.uncertain


def test_many_faces_are_cut_to_the_largest_two_hundred(pipeline: Pipeline, astronaut: Pixels) -> None:
    head = np.asarray(Image.fromarray(astronaut[50:210, 144:304]).resize((56, 56), Image.Resampling.BOX))
    crowd = np.tile(head, (16, 16, 1))

    faces, more = pipeline.find(Photo(crowd, Format.PNG), ignore)

    assert len(faces) == 200
    assert more
