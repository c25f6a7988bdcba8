"""Engine of the fer package: for comparison, and for exactly its scores.

It needs the dependency group `fer` (tensorflow, mtcnn and what fer imports; no torch).
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from igemoji_vision.classify import Floats
from igemoji_vision.decode import Pixels
from igemoji_vision.detect import MAX_FACES, Detections
from igemoji_vision.engines import EngineName
from igemoji_vision.errors import EngineMissing
from igemoji_vision.faces import EXPRESSIONS, Box

UNCERTAIN_BELOW = 0.5
MTCNN_SIDE = 1280
"""Pixels of the longer side for MTCNN: its pyramid of a 12 megapixel photo takes gigabytes."""
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")

Finder = Callable[[Pixels], Detections]
"""Returns the faces in `(H, W, 3)` uint8 RGB, in any order."""


class FerEngine:
    """fer's classifier (the full-precision Keras model) on the faces of its Haar cascade or of MTCNN."""

    def __init__(self, name: EngineName) -> None:
        """Import fer, and mtcnn if `name` says so. Raises EngineMissing where the packages are not installed."""
        try:
            with _quiet():
                self._fer = _fer()
                self._find: Finder = _mtcnn() if name is EngineName.FER_MTCNN else partial(_haar, self._fer)
        except ImportError as error:
            raise EngineMissing(
                f"VISION_ENGINE={name} needs packages that are not installed ({error}): run "
                "`uv sync --all-packages --group fer`, or leave VISION_ENGINE at onnx."
            ) from error

    def find(self, pixels: Pixels) -> tuple[Detections, bool]:
        """Detect faces, see `Engine`."""
        with _quiet():
            found = self._find(pixels)
        largest_first = found.take(np.argsort(-found.areas, kind="stable"))
        return largest_first.take(np.arange(len(found)) < MAX_FACES), len(found) > MAX_FACES

    def classify(
        self,
        pixels: Pixels,
        boxes: Sequence[Box],
        rolls: Sequence[float],  # noqa: ARG002 - fer has no roll
    ) -> tuple[Floats, list[bool]]:
        """Classify expressions, see `Engine`."""
        scores = np.zeros((0, len(EXPRESSIONS)), np.float32)
        if boxes:
            rectangles = [_rectangle(box, pixels.shape[1], pixels.shape[0]) for box in boxes]
            with _quiet():
                self._fer.detect_emotions(_bgr(pixels), face_rectangles=rectangles)
            scores = self._fer.scores
        return scores, [bool(best < UNCERTAIN_BELOW) for best in scores.max(axis=1, initial=0)]

    def probabilities(self, faces: Floats) -> Floats:
        """Return the output `(N, 7)` of fer's network for gray faces `(N, 64, 64)`, -1 to 1."""
        with _quiet():
            return np.asarray(self._fer._classify_emotions(faces), np.float32)


def _haar(fer: Any, pixels: Pixels) -> Detections:
    """Detect faces with the Haar cascade of fer. It has no scores and no landmarks."""
    boxes = np.asarray(fer.find_faces(_bgr(pixels)), np.float32).reshape(-1, 4)
    return Detections(boxes, np.zeros((len(boxes), 0, 2), np.float32), np.ones(len(boxes), np.float32))


def _mtcnn() -> Finder:
    """MTCNN of the mtcnn package. It gets RGB; fer passes BGR to its own, which loses a fifth of the faces."""
    from mtcnn import MTCNN

    network = MTCNN()

    def find(pixels: Pixels) -> Detections:
        height, width = pixels.shape[:2]
        scale = min(MTCNN_SIDE / max(height, width), 1.0)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        seen = network.detect_faces(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        faces = [face for face in seen if min(face["box"][2:]) > 0]
        found = Detections(
            np.array([face["box"] for face in faces], np.float32).reshape(-1, 4),
            np.array([[face["keypoints"][name] for name in LANDMARKS] for face in faces], np.float32).reshape(-1, 5, 2),
            np.array([face["confidence"] for face in faces], np.float32),
        )
        return found.moved(1 / scale)

    return find


def _fer() -> Any:
    """Fer's FER, which rounds scores to two digits, with the scores that it rounded kept aside."""
    from fer.fer import FER

    class Exact(FER):  # type: ignore[misc]
        scores: Floats

        def _classify_emotions(self, gray_faces: NDArray[np.float32]) -> Floats:
            self.scores = np.asarray(super()._classify_emotions(gray_faces), np.float32)
            return self.scores

    return Exact(use_tflite=False)


def _rectangle(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a box in whole pixels of the photo, at least one: fer ignores a face with an empty crop."""
    left, top = min(max(int(box.x), 0), width - 1), min(max(int(box.y), 0), height - 1)
    right = max(min(int(box.x + box.width), width), left + 1)
    bottom = max(min(int(box.y + box.height), height), top + 1)
    return left, top, right - left, bottom - top


def _bgr(pixels: Pixels) -> Pixels:
    """Convert RGB to BGR."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep these packages from printing, warning and setting up logging."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    root.handlers[:] = handlers
    root.setLevel(level)
