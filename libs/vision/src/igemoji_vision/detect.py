"""Detect faces with RetinaFace-MobileNet0.25 (Deng et al. 2019, arXiv:1905.00641).

A first pass over a small copy of the photo finds the faces in most photos. If they do not look upright, eight rotations
of the copy vote on which way is up. Where small faces were found or suspected, a second pass looks at that part of the
photo at a higher resolution, in tiles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from igemoji_vision.decode import Pixels

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

MAX_FACES = 200
MIN_SCORE = 0.5
"""Candidates with a lower score are not faces but hints."""
SAME_FACE = 0.4
"""Intersection over union from which two boxes are one face."""

FIRST_SIDE, FIRST_SIDE_LARGE = 640, 800
"""Pixels of the longer side in the first pass, for ordinary photos and for large ones."""
LARGE_PIXELS = 4_000_000

# Upright faces of a usable size score .97 and more on average, with their eyes level. Faces on their side or upside
# down score lower, even those that the network detects as upright.
SURE_MEAN_SCORE = 0.965
SURE_ROLL = 45.0
ROTATIONS = (45, 90, 135, 180, 225, 270, 315)
"""Degrees by which a doubtful photo is rotated."""
UPRIGHT_ROLL = 40.0
"""Degrees of roll up to which a face counts as upright in a vote."""
MIN_ROTATED_SCORE = 0.85
"""Score from which a face counts that is upright only in a rotation that lost the vote."""

HINT_SCORE = 0.15
SMALL_SIDE = 18.0
"""Candidates with a shorter side, in pixels of the first pass, cause a second pass."""
WEAK_SCORE = 0.35
SMALL_FACE = 48.0
"""Faces of the second pass count up to this size, in pixels of the first pass."""
SECOND_MIN_SCORE = 0.55
WANTED_SIDE = 20.0
"""Pixels of the smallest hints in the second pass."""
MIN_ZOOM, MAX_ZOOM = 1.6, 4.0
MAX_SCALE = 2.0
"""Largest factor by which the second pass enlarges the photo."""
NEIGHBORHOOD = 4.0
"""Margin around small faces in which others are searched, in sizes of the largest of them."""
TILE_WIDTH, TILE_HEIGHT, TILE_OVERLAP = 1024, 768, 96

# The network as it was trained: BGR means, anchors in pixels by stride, and the variances that scale its offsets.
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


@dataclass(frozen=True)
class Detections:
    """Faces, row by row, in pixels of the image that they were found in."""

    boxes: Floats
    """`(N, 4)`: x, y, width, height."""
    landmarks: Floats
    """`(N, 5, 2)`: eyes, nose, corners of the mouth."""
    scores: Floats
    """`(N,)`, 0 to 1."""

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: Rows | NDArray[np.bool_]) -> "Detections":
        """Select faces by index or mask."""
        return Detections(self.boxes[rows], self.landmarks[rows], self.scores[rows])

    def moved(self, factor: float, left: float = 0.0, top: float = 0.0) -> "Detections":
        """Scale by `factor` and then shift."""
        shift = np.array([left, top], np.float32)
        boxes = self.boxes * np.float32(factor)
        boxes[:, :2] += shift
        return Detections(boxes, self.landmarks * np.float32(factor) + shift, self.scores)

    def mapped(self, rotation: Floats) -> "Detections":
        """Rotate by an affine map `(2, 3)` without scale; a box becomes the bounds of the ellipse inscribed in it."""
        extent = np.sqrt(self.boxes[:, 2:] ** 2 @ (rotation[:, :2] ** 2).T)
        middles = (self.boxes[:, :2] + self.boxes[:, 2:] / 2) @ rotation[:, :2].T + rotation[:, 2]
        boxes = np.concatenate([middles - extent / 2, extent], axis=1)
        return Detections(boxes, self.landmarks @ rotation[:, :2].T + rotation[:, 2], self.scores)

    @property
    def sides(self) -> Floats:
        """Shorter side of each box."""
        return np.asarray(self.boxes[:, 2:].min(axis=1), np.float32)

    @property
    def areas(self) -> Floats:
        """Area of each box."""
        return np.asarray(self.boxes[:, 2] * self.boxes[:, 3], np.float32)

    @property
    def rolls(self) -> Floats:
        """Roll of each face, see `roll`."""
        return np.array([roll(points) for points in self.landmarks], np.float32)


def join(parts: list[Detections]) -> Detections:
    """Join detections; of overlapping boxes keep the one with the best score (non-maximum suppression)."""
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
    """Detects the faces of a photo. Not thread-safe: one per process."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def find(self, pixels: Pixels) -> tuple[Detections, bool]:
        """Return the faces in `(H, W, 3)` uint8 RGB, the largest first, and whether there were more than MAX_FACES."""
        height, width = pixels.shape[:2]
        side = FIRST_SIDE if height * width <= LARGE_PIXELS else FIRST_SIDE_LARGE
        scale = side / max(height, width)
        small = _resized(pixels, scale)
        views = {0: self._rotated_pass(small, 0)}
        if _doubtful(views[0]):
            views |= {degrees: self._rotated_pass(small, degrees) for degrees in ROTATIONS}
        up = max(views, key=lambda degrees: _votes(views[degrees], degrees))
        parts = [_counted(view, degrees, degrees == up).moved(1 / scale) for degrees, view in views.items()]
        found = join([*parts, self._second_pass(pixels, views[up], up, scale)])
        # Of too many faces, keep the largest; of equal ones, those with the better score.
        kept = found.take(np.argsort(-found.sides * found.scores, kind="stable")[:MAX_FACES])
        return kept.take(np.argsort(-kept.areas, kind="stable")), len(found) > MAX_FACES

    def _rotated_pass(self, small: Pixels, degrees: int) -> Detections:
        """Detect faces and hints in the image rotated counterclockwise; return them in pixels of the image."""
        view, back = _rotated(small, degrees)
        return self._pass(view, HINT_SCORE).mapped(back)

    def _second_pass(self, pixels: Pixels, first: Detections, degrees: int, scale: float) -> Detections:
        """Detect small faces around the small faces and hints of the first pass, in pixels of the photo."""
        weak = (first.scores < MIN_SCORE) & (first.scores >= WEAK_SCORE) & (first.sides < SMALL_FACE)
        small = first.take((first.sides < SMALL_SIDE) | weak)
        if not len(small):
            return small
        wanted = WANTED_SIDE / float(np.percentile(small.sides, 10))
        zoomed = min(scale * min(max(wanted, MIN_ZOOM), MAX_ZOOM), MAX_SCALE)
        left, top, right, bottom = _surroundings(small.moved(1 / scale), pixels)
        view, back = _rotated(_resized(pixels[top:bottom, left:right], zoomed), degrees)
        seen = join(list(self._tiles(view)))
        seen = seen.take(seen.sides < SMALL_FACE * zoomed / scale)
        return seen.mapped(back).moved(1 / zoomed, left, top)

    def _tiles(self, view: Pixels) -> Iterator[Detections]:
        """Detect faces tile by tile; one that is cut by the edge of a tile is whole in the next one."""
        height, width = view.shape[:2]
        for top, bottom in _spans(height, TILE_HEIGHT):
            for left, right in _spans(width, TILE_WIDTH):
                found = self._pass(np.ascontiguousarray(view[top:bottom, left:right]), SECOND_MIN_SCORE)
                x, y, w, h = found.boxes.T
                cut = (
                    ((x < 2) & (left > 0))
                    | ((y < 2) & (top > 0))
                    | ((x + w > right - left - 2) & (right < width))
                    | ((y + h > bottom - top - 2) & (bottom < height))
                )
                yield found.take(~cut).moved(1.0, left, top)

    def _pass(self, view: Pixels, min_score: float) -> Detections:
        """Run the network on `(H, W, 3)` uint8 RGB at its own size."""
        height, width = view.shape[:2]
        blob = cv2.dnn.blobFromImage(view, mean=MEAN_BGR, swapRB=True)
        offsets, confidences, points = self._session.run(None, {"input": blob})
        scores = confidences[0, :, 1]
        rows = np.flatnonzero(scores >= min_score)
        boxes, landmarks = _decode(offsets[0, rows], points[0, rows], _anchors(width, height)[rows])
        return join([Detections(boxes, landmarks, scores[rows])])


def _doubtful(view: Detections) -> bool:
    """Return whether the faces do not look upright, or there are none."""
    faces = view.take(view.scores >= MIN_SCORE)
    if not len(faces):
        return True
    return bool(faces.scores.mean() < SURE_MEAN_SCORE or np.abs(faces.rolls).max() > SURE_ROLL)


def _upright(view: Detections, degrees: int) -> NDArray[np.bool_]:
    """Return which faces are upright when the image is rotated counterclockwise by `degrees`."""
    return np.asarray(np.abs((view.rolls - degrees + 180) % 360 - 180) <= UPRIGHT_ROLL)


def _votes(view: Detections, degrees: int) -> float:
    """Return the sum of the scores of upright faces."""
    return float(view.scores[_upright(view, degrees)].sum())


def _counted(view: Detections, degrees: int, is_up: bool) -> Detections:
    """Select the faces that count: all of the view that won the vote, sure and upright ones of the others."""
    if is_up:
        return view.take(view.scores >= MIN_SCORE)
    return view.take((view.scores >= MIN_ROTATED_SCORE) & _upright(view, degrees))


def _rotated(pixels: Pixels, degrees: int) -> tuple[Pixels, Floats]:
    """Rotate the image counterclockwise on a canvas that holds all of it; return it and the map `(2, 3)` back."""
    height, width = pixels.shape[:2]
    if degrees == 0:
        return pixels, np.eye(2, 3, dtype=np.float32)
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    size = np.round(np.abs(rotation) @ [width, height])
    # From middle to middle, in coordinates in which a pixel's center lies at a half.
    there = np.column_stack([rotation, size / 2 - rotation @ [width / 2, height / 2]])
    back = np.column_stack([rotation.T, [width / 2, height / 2] - rotation.T @ (size / 2)])
    centers = there.copy()
    centers[:, 2] += rotation @ [0.5, 0.5] - 0.5
    view = cv2.warpAffine(pixels, centers, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
    return np.asarray(view, np.uint8), back.astype(np.float32)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    """Scale without aliasing: halve as often as possible, then blur a little and sample.

    Takes a quarter of INTER_AREA's time, and as many faces are found.
    """
    height, width = pixels.shape[:2]
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    while pixels.shape[0] >= 2 * size[1] and pixels.shape[1] >= 2 * size[0]:
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_LINEAR), np.uint8)
    shrinking = pixels.shape[1] / size[0]
    if shrinking > 1.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0.45 * shrinking), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _surroundings(found: Detections, pixels: Pixels) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the part of the photo in which these faces may have neighbors."""
    height, width = pixels.shape[:2]
    margin = NEIGHBORHOOD * found.boxes[:, 2:].max()
    left, top = np.clip(found.boxes[:, :2].min(axis=0) - margin, 0, [width - 1, height - 1])
    right, bottom = np.clip((found.boxes[:, :2] + found.boxes[:, 2:]).max(axis=0) + margin, 0, [width, height])
    return int(left), int(top), max(math.ceil(right), int(left) + 1), max(math.ceil(bottom), int(top) + 1)


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """Return overlapping spans of equal length, `tile` pixels at most, that cover `length` pixels."""
    count = max(math.ceil((length - TILE_OVERLAP) / (tile - TILE_OVERLAP)), 1)
    step = (length - TILE_OVERLAP) / count
    return [(round(at * step), min(round((at + 1) * step) + TILE_OVERLAP, length)) for at in range(count)]


def _decode(offsets: Floats, points: Floats, anchors: Floats) -> tuple[Floats, Floats]:
    """Return boxes `(N, 4)` and landmarks `(N, 5, 2)` from the output for anchors `(N, 3)`: center and side."""
    centers, sides = anchors[:, :2], anchors[:, 2:]
    middle = centers + offsets[:, :2] * CENTER_VARIANCE * sides
    extent = sides * np.exp(offsets[:, 2:] * SIZE_VARIANCE)
    boxes = np.concatenate([middle - extent / 2, extent], axis=1)
    landmarks = centers[:, None] + points.reshape(-1, 5, 2) * CENTER_VARIANCE * sides[:, None]
    return boxes, landmarks


@lru_cache(maxsize=8)
def _anchors(width: int, height: int) -> Floats:
    """Return center x, center y and side of every anchor, in the order of the network's output."""
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
    """Return the roll of a face with landmarks `(5, 2)`: degrees in the plane of the image, clockwise positive.

    Sum of the line of the eyes, the line of the mouth and the perpendicular of the line from eyes to mouth, weighted by
    their lengths: in a profile the first two are short and the third decides. 0 without landmarks.
    """
    if not len(landmarks):
        return 0.0
    eye, other_eye, _, mouth, other_mouth = landmarks
    down = (mouth + other_mouth - eye - other_eye) / 2
    across = (other_eye - eye) + (other_mouth - mouth) + np.array([down[1], -down[0]])
    return math.degrees(math.atan2(float(across[1]), float(across[0])))
