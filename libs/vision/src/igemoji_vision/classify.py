"""Classify expressions: two small networks, and a logistic regression (the stack) on their outputs."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from igemoji_vision.decode import Pixels
from igemoji_vision.faces import EXPRESSIONS, Box

Floats = NDArray[np.float32]

# Frame of faces in the photos that the networks were trained on, relative to RetinaFace's boxes.
FRAME_SIDE = 0.95
FRAME_UP = 0.02

FER_SIDE = 64
FER_TRAINED_SIDE = 48
"""Pixels of the faces that fer's network was trained on, before they were enlarged; it reads sharper ones worse."""
FACE_API_SIDE = 112
FACE_API_MEAN = (122.782, 117.001, 104.298)
SMALLEST = 1e-6
"""Probabilities are kept this far from 0, so that their logarithms stay finite."""


@dataclass(frozen=True)
class Stack:
    """Multinomial logistic regression on the logarithms of both networks' probabilities."""

    weights: Floats
    """`(14, 7)`: fer's seven, then face-api's seven, to EXPRESSIONS."""
    bias: Floats
    """`(7,)`."""
    uncertain_below: float
    """A best score below this is uncertain."""

    @classmethod
    def from_json(cls, text: str | bytes) -> "Stack":
        """Load `weights`, `bias` and `uncertain_below`."""
        values = json.loads(text)
        return cls(
            np.asarray(values["weights"], np.float32),
            np.asarray(values["bias"], np.float32),
            float(values["uncertain_below"]),
        )

    def scores(self, features: Floats) -> Floats:
        """Return probabilities `(N, 7)` for log-probabilities `(N, 14)`."""
        logits = features @ self.weights + self.bias
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float32)


class Classifier:
    """Classifies the expressions of faces. Not thread-safe: one per process."""

    def __init__(self, fer: ort.InferenceSession, face_api: ort.InferenceSession, stack: Stack) -> None:
        self._fer = fer
        self._face_api = face_api
        self._stack = stack

    def classify(self, pixels: Pixels, boxes: Sequence[Box], rolls: Sequence[float]) -> tuple[Floats, list[bool]]:
        """Return scores `(N, 7)` that sum to 1 for faces in `(H, W, 3)` uint8 RGB, and which are uncertain."""
        if not boxes:
            return np.zeros((0, len(EXPRESSIONS)), np.float32), []
        # One by one: a face with its mirror image fits into the L2 cache; batches take a sixth longer.
        crops = (crop(pixels, box, roll) for box, roll in zip(boxes, rolls, strict=True))
        scores = self._stack.scores(np.concatenate([self.features(cut[None]) for cut in crops]))
        return scores, [bool(best < self._stack.uncertain_below) for best in scores.max(axis=1)]

    def features(self, crops: Pixels) -> Floats:
        """Return log-probabilities `(N, 14)`: means over crops `(N, 112, 112, 3)` and their mirror images."""
        seen = np.concatenate(
            [
                self._fer.run(None, {"faces": _with_mirrored(_fer_input(crops))})[0],
                self._face_api.run(None, {"faces": _with_mirrored(_face_api_input(crops))})[0],
            ],
            axis=1,
        )
        mean = (seen[: len(crops)] + seen[len(crops) :]) / 2
        return np.asarray(np.log(np.maximum(mean, SMALLEST)), np.float32)


def _with_mirrored(inputs: Floats) -> Floats:
    """Append the mirror images: `(N, C, H, W)` to `(2 N, C, H, W)`."""
    return np.concatenate([inputs, inputs[:, :, :, ::-1]])


def _fer_input(crops: Pixels) -> Floats:
    """Convert crops to the input of fer's network: gray, -1 to 1, `(N, 1, 64, 64)`."""
    grays = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]
    small = [cv2.resize(gray, (FER_TRAINED_SIDE,) * 2, interpolation=cv2.INTER_AREA) for gray in grays]
    grown = [cv2.resize(gray, (FER_SIDE,) * 2, interpolation=cv2.INTER_LINEAR) for gray in small]
    return np.asarray(cv2.dnn.blobFromImages(grown, 1 / 127.5, mean=(127.5,)), np.float32)


def _face_api_input(crops: Pixels) -> Floats:
    """Convert crops to the input of face-api's network: RGB minus the mean, `(N, 3, 112, 112)`."""
    return np.asarray(cv2.dnn.blobFromImages(list(crops), 1 / 255, mean=FACE_API_MEAN), np.float32)


def crop(pixels: Pixels, box: Box, roll: float) -> Pixels:
    """Cut out a face, upright and framed as in training: `(112, 112, 3)` from `(H, W, 3)` uint8; clockwise `roll`."""
    angle = math.radians(roll)
    cos, sin = math.cos(angle), math.sin(angle)
    side = max(FRAME_SIDE * box.side, 1.0)
    lift = FRAME_UP * side
    x, y = box.center
    x, y = x + lift * sin, y - lift * cos

    region, left, top, shrunk = _region(pixels, x, y, side * (abs(cos) + abs(sin)) / 2, side / FACE_API_SIDE)
    scale = FACE_API_SIDE / side * shrunk
    # From the region's pixel centers to the crop's: rotate by minus the roll around the face's center.
    rotation = np.array([[cos, sin], [-sin, cos]]) * scale
    origin = np.array([(left - x) / shrunk + 0.5, (top - y) / shrunk + 0.5])
    shift = rotation @ origin + FACE_API_SIDE / 2 - 0.5
    matrix = np.column_stack([rotation, shift])
    size = (FACE_API_SIDE, FACE_API_SIDE)
    return np.asarray(
        cv2.warpAffine(region, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _region(pixels: Pixels, x: float, y: float, reach: float, shrinking: float) -> tuple[Pixels, int, int, int]:
    """Cut out the part of the photo within `reach` of a point, halved as often as `shrinking` allows without loss.

    Returns the region, its left and top in the photo, and the number of pixels of the photo per pixel of the region.
    """
    height, width = pixels.shape[:2]
    factor = 1 << int(math.log2(max(shrinking, 1.0)))
    # The warp interpolates with the next pixel.
    reach += factor + 1
    left, right = (min(max(round(value), 0), width) for value in (x - reach, x + reach))
    top, bottom = (min(max(round(value), 0), height) for value in (y - reach, y + reach))
    # A box may lie outside of the photo: then the nearest pixel is used.
    left, top = min(left, width - 1), min(top, height - 1)
    region = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    # Whole cells only, so that one pixel of the result is exactly `factor` pixels of the photo.
    rows, columns = region.shape[0] // factor, region.shape[1] // factor
    if not rows or not columns:
        return region, left, top, 1
    shrunk = region[: rows * factor, : columns * factor]
    while shrunk.shape[0] > rows:
        half = (shrunk.shape[1] // 2, shrunk.shape[0] // 2)
        shrunk = np.asarray(cv2.resize(shrunk, half, interpolation=cv2.INTER_AREA), np.uint8)
    return shrunk, left, top, factor
