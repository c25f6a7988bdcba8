"""Finds faces with RetinaFace-MobileNet0.25 (Deng et al. 2019, arXiv:1905.00641)."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from igemoji_inference.vision.decode import Pixels

Floats = NDArray[np.float32]

MAX_FACES = 200
LONG_SIDE = 1024
"""Pixels of the longer side that the network sees."""
MIN_SCORE = 0.6
MIN_TURNED_SCORE = 0.8
ON_ITS_SIDE = 40.0
"""Degrees of roll from which on the network, trained on upright faces, misses many."""
UPRIGHT = 50.0
"""Degrees of roll up to which a turned view is believed."""
SAME_FACE = 0.4
"""Two boxes that overlap more than this (intersection over union) are one face."""

# The network as it was trained: BGR means, anchors in pixels by stride, and the variances that scale its offsets.
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


@dataclass(frozen=True)
class Detections:
    """Faces of one photo, row by row, in pixels of that photo."""

    boxes: Floats
    """`(N, 4)`: x, y, width, height."""
    landmarks: Floats
    """`(N, 5, 2)`: eyes, nose, corners of the mouth."""
    scores: Floats
    """`(N,)`, 0 to 1."""

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: NDArray[np.intp]) -> "Detections":
        return Detections(self.boxes[rows], self.landmarks[rows], self.scores[rows])


def join(parts: list[Detections]) -> Detections:
    """Several views of one photo as one list, every face once: the best-scored box of those that overlap."""
    whole = Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )
    if not len(whole):
        return whole
    kept = cv2.dnn.NMSBoxes(whole.boxes.tolist(), whole.scores.tolist(), 0.0, SAME_FACE)
    return whole.take(np.asarray(kept, np.intp))


class Detector:
    """Finds the faces of a photo. Not thread-safe: one detector a process."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def find(self, pixels: Pixels) -> tuple[Detections, bool]:
        """Faces in `(H, W, 3)` uint8 RGB, the largest first, and whether there were more than MAX_FACES."""
        found = self.look(pixels, LONG_SIDE)
        if not len(found) or any(abs(roll(points)) > ON_ITS_SIDE for points in found.landmarks):
            found = self._in_all_turns(pixels, found)
        order = np.argsort(-found.boxes[:, 2] * found.boxes[:, 3], kind="stable")
        return found.take(order[:MAX_FACES]), len(found) > MAX_FACES

    def _in_all_turns(self, pixels: Pixels, as_stored: Detections) -> Detections:
        """Perhaps the camera lay on its side: the four quarter turns vote, and the winner is believed most."""
        views = [as_stored, *(self._turned(pixels, turns) for turns in (1, 2, 3))]
        standing = [_standing(view, turns) for turns, view in enumerate(views)]
        winner = int(np.argmax([view.scores[rows].sum() for view, rows in zip(views, standing, strict=True)]))
        return join(
            [
                # What lies on its side in one view stands upright in another one, which sees it better.
                view if turns == winner else view.take(rows[view.scores[rows] >= MIN_TURNED_SCORE])
                for turns, (view, rows) in enumerate(zip(views, standing, strict=True))
            ]
        )

    def look(self, pixels: Pixels, long_side: int) -> Detections:
        """One pass over the whole of `pixels`, scaled so that the longer side has `long_side` pixels."""
        height, width = pixels.shape[:2]
        scale = long_side / max(height, width)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        blob = cv2.dnn.blobFromImage(small, mean=MEAN_BGR, swapRB=True)
        offsets, confidences, points = self._session.run(None, {"input": blob})
        scores = confidences[0, :, 1]
        rows = np.flatnonzero(scores >= MIN_SCORE)
        anchors = _anchors(size[0], size[1])[rows]
        boxes, landmarks = _decode(offsets[0, rows], points[0, rows], anchors)
        factors = np.array([width / size[0], height / size[1]], np.float32)
        return join([Detections(boxes * np.tile(factors, 2), landmarks * factors, scores[rows])])

    def _turned(self, pixels: Pixels, turns: int) -> Detections:
        """What is seen when the photo is turned counterclockwise by quarter turns, in its own pixels."""
        height, width = pixels.shape[:2]
        found = self.look(np.ascontiguousarray(np.rot90(pixels, turns)), LONG_SIDE)
        for turn in range(turns, 0, -1):
            found = _clockwise(found, width if turn % 2 else height)
        return found


def _standing(found: Detections, turns: int) -> NDArray[np.intp]:
    """The rows of faces that stand upright once the photo is turned counterclockwise by quarter turns."""
    return np.flatnonzero([abs((roll(points) - 90 * turns + 180) % 360 - 180) <= UPRIGHT for points in found.landmarks])


def _clockwise(found: Detections, height: float) -> Detections:
    """Turns detections in a picture of this height by a quarter turn clockwise: (x, y) goes to (height - y, x)."""
    x, y, w, h = found.boxes.T
    boxes = np.stack([height - y - h, x, h, w], axis=1)
    points = np.stack([height - found.landmarks[..., 1], found.landmarks[..., 0]], axis=-1)
    return Detections(boxes, points, found.scores)


def _decode(offsets: Floats, points: Floats, anchors: Floats) -> tuple[Floats, Floats]:
    """Boxes `(N, 4)` and landmarks `(N, 5, 2)` from what the network says about anchors `(N, 3)`: centre and side."""
    centers, sides = anchors[:, :2], anchors[:, 2:]
    middle = centers + offsets[:, :2] * CENTER_VARIANCE * sides
    extent = sides * np.exp(offsets[:, 2:] * SIZE_VARIANCE)
    boxes = np.concatenate([middle - extent / 2, extent], axis=1)
    landmarks = centers[:, None] + points.reshape(-1, 5, 2) * CENTER_VARIANCE * sides[:, None]
    return boxes, landmarks


@lru_cache(maxsize=8)
def _anchors(width: int, height: int) -> Floats:
    """Centre x, centre y and side of every anchor, in the order of the network's output."""
    rows = []
    for stride, sides in ANCHORS:
        ys, xs, chosen = np.meshgrid(
            (np.arange(math.ceil(height / stride)) + 0.5) * stride,
            (np.arange(math.ceil(width / stride)) + 0.5) * stride,
            sides,
            indexing="ij",
        )
        rows.append(np.stack([xs.ravel(), ys.ravel(), chosen.ravel()], axis=1))
    return np.concatenate(rows).astype(np.float32)


def roll(landmarks: Floats) -> float:
    """Degrees, clockwise positive, by which a face with these landmarks `(5, 2)` is turned in the picture's plane.

    The line of the eyes, the line of the mouth and what runs square to both, from eyes to mouth, vote by their lengths:
    in a profile the first two are short, and the third one knows.
    """
    eye, other_eye, _, mouth, other_mouth = landmarks
    down = (mouth + other_mouth - eye - other_eye) / 2
    across = (other_eye - eye) + (other_mouth - mouth) + np.array([down[1], -down[0]])
    return math.degrees(math.atan2(float(across[1]), float(across[0])))
