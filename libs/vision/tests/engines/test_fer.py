"""Engine of the fer package. `make test-fer` installs it in an environment of its own and runs these tests."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from igemoji_vision.classify import FER_SIDE, Floats, crop
from igemoji_vision.decode import Pixels
from igemoji_vision.engines import EngineName
from igemoji_vision.engines.fer import FerEngine
from igemoji_vision.engines.onnx import OnnxEngine, session, verified
from igemoji_vision.errors import EngineMissing
from igemoji_vision.faces import EXPRESSIONS, Box

SAME = 1e-4
INSTALLED = find_spec("tensorflow") is not None and find_spec("mtcnn") is not None

needs_fer = pytest.mark.skipif(not INSTALLED, reason="the group `fer` is not installed: run `make test-fer`")


@pytest.fixture(scope="module")
def engines() -> dict[EngineName, FerEngine]:
    return {name: FerEngine(name) for name in (EngineName.FER_HAAR, EngineName.FER_MTCNN)}


def boxes_of(engine: FerEngine | OnnxEngine, pixels: Pixels) -> list[Box]:
    return [Box(*map(float, row)) for row in engine.find(pixels)[0].boxes]


def fer_onnx(models: Path, faces: Floats) -> Floats:
    """Return the output of our copy of fer's network for `(N, 64, 64)`, -1 to 1."""
    return np.asarray(session(verified(models)["fer.onnx"]).run(None, {"faces": faces[:, None]})[0])


@needs_fer
def test_our_network_and_fers_give_the_same_probabilities(
    engines: dict[EngineName, FerEngine], models: Path, astronaut: Pixels, group: Pixels
) -> None:
    ours = OnnxEngine(models)
    rng = np.random.default_rng(11)
    crops = [
        crop(pixels, Box(box.x + dx * box.side, box.y + dy * box.side, box.width, box.height), roll)
        for pixels in (astronaut, group)
        for box in boxes_of(ours, pixels)
        for dx, dy, roll in rng.normal(0, (0.05, 0.05, 12), (30, 3))
    ]
    grays = [cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (FER_SIDE, FER_SIDE)) for face in crops]
    noise = rng.integers(0, 256, (20, FER_SIDE, FER_SIDE))
    faces = (np.concatenate([grays, noise]) / 127.5 - 1).astype(np.float32)

    theirs = engines[EngineName.FER_HAAR].probabilities(faces)

    assert len(faces) == 200
    assert np.ptp(theirs[:180], axis=0).max() > 0.5
    assert np.abs(theirs - fer_onnx(models, faces)).max() < SAME


@needs_fer
@pytest.mark.parametrize("name", [EngineName.FER_HAAR, EngineName.FER_MTCNN])
def test_engine_and_our_network_agree_on_faces_framed_like_fer(
    engines: dict[EngineName, FerEngine], models: Path, group: Pixels, name: EngineName
) -> None:
    boxes = [Box(*map(round, row)) for row in engines[name].find(group)[0].boxes]

    scores, _ = engines[name].classify(group, boxes, [0.0] * len(boxes))

    assert np.abs(scores - fer_onnx(models, np.stack([framed_by_fer(group, box) for box in boxes]))).max() < SAME


def framed_by_fer(pixels: Pixels, box: Box) -> Floats:
    """Crop like fer: square by the longer side plus ten pixels, padded with the mean of the last two rows."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    x, y, width, height, side = map(int, (box.x, box.y, box.width, box.height, box.side))
    left, top = x - (side - width) // 2 - 10, y - (side - height) // 2 - 10
    padded = np.pad(gray, 40, constant_values=round(float(gray[-2:].mean())))
    cut = padded[max(top + 40, 0) : top + 60 + side, max(left + 40, 0) : left + 60 + side]
    return np.asarray(cv2.resize(cut, (FER_SIDE, FER_SIDE)) / 127.5 - 1, np.float32)


@needs_fer
@pytest.mark.parametrize("name", [EngineName.FER_HAAR, EngineName.FER_MTCNN])
def test_a_smile_is_detected_at_its_place(
    engines: dict[EngineName, FerEngine], astronaut: Pixels, name: EngineName
) -> None:
    found, more = engines[name].find(astronaut)
    (box,) = [Box(*map(float, row)) for row in found.boxes]
    (scores,), (weak,) = engines[name].classify(astronaut, [box], [0.0])

    assert np.hypot(box.center[0] - 224, box.center[1] - 120) < 20
    assert EXPRESSIONS[int(scores.argmax())] == "happy"
    assert scores.sum() == pytest.approx(1, abs=1e-4)
    assert not weak
    assert not more


@needs_fer
def test_mtcnn_landmarks_are_ordered_from_left_to_right(
    engines: dict[EngineName, FerEngine], astronaut: Pixels
) -> None:
    eye, other_eye, nose, mouth, other_mouth = engines[EngineName.FER_MTCNN].find(astronaut)[0].landmarks[0]

    assert eye[0] < nose[0] < other_eye[0]
    assert mouth[0] < other_mouth[0]
    assert eye[1] < nose[1] < mouth[1]


@needs_fer
def test_faces_in_a_large_photo_are_in_place_and_sorted_by_size(
    engines: dict[EngineName, FerEngine], group: Pixels
) -> None:
    small = engines[EngineName.FER_MTCNN].find(group)[0]
    large = engines[EngineName.FER_MTCNN].find(group.repeat(4, axis=0).repeat(4, axis=1))[0]

    assert len(small) == len(large) == 5
    assert (np.diff(large.areas) <= 0).all()
    for row in small.boxes:
        assert np.abs(large.boxes / 4 - row).max(axis=1).min() < 20


@needs_fer
@pytest.mark.parametrize("name", [EngineName.FER_HAAR, EngineName.FER_MTCNN])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (11, 12), (1, 4000), (24, 24)])
def test_a_tiny_photo_has_no_face_and_any_box_gets_scores(
    engines: dict[EngineName, FerEngine], name: EngineName, size: tuple[int, int]
) -> None:
    pixels = np.full((*size, 3), 90, np.uint8)

    found, _ = engines[name].find(pixels)
    scores, _ = engines[name].classify(pixels, [Box(-5, -5, 3, 3), Box(0, 0, 9000, 9000)], [0.0, 0.0])

    assert len(found) == 0
    assert scores.shape == (2, 7)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-4)


@pytest.mark.skipif(INSTALLED, reason="the group `fer` is installed")
def test_a_missing_package_group_is_reported_with_the_command() -> None:
    with pytest.raises(EngineMissing, match=r"VISION_ENGINE=fer-haar .* `uv sync --all-packages --group fer`"):
        FerEngine(EngineName.FER_HAAR)
