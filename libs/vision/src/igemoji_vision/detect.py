"""Finds faces with RetinaFace-MobileNet0.25 (Deng et al. 2019, arXiv:1905.00641).

A first look at a small copy of the photo finds the faces that matter in most photos and says what is worth more time:
when the faces it saw do not look like upright faces, eight turns vote on which way is up; where it saw or
suspected small faces, a second look takes that part of the photo at a higher resolution, in tiles.
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
"""Below it, a candidate is no face but a hint."""
SAME_FACE = 0.4
"""Two boxes that overlap more than this (intersection over union) are one face."""

FIRST_SIDE, FIRST_SIDE_LARGE = 640, 800
"""Pixels of the longer side that the first look sees, of ordinary photos and of large ones."""
LARGE_PIXELS = 4_000_000

# Upright faces of a usable size score .97 and more on average, with their eyes level. Faces on their side or upside
# down score lower, even those that the network takes for upright.
SURE_MEAN_SCORE = 0.965
SURE_ROLL = 45.0
TURNS = (45, 90, 135, 180, 225, 270, 315)
"""Degrees by which a doubtful photo is turned."""
STANDING_ROLL = 40.0
"""Degrees of roll up to which a face counts as upright in a vote."""
MIN_TURNED_SCORE = 0.85
"""What a face must score that stands upright only in a turn that lost the vote."""

HINT_SCORE = 0.15
SMALL_SIDE = 18.0
"""Candidates with a shorter side, in pixels of the first look, ask for a second look."""
WEAK_SCORE = 0.35
SMALL_FACE = 48.0
"""The second look is believed about faces up to this size, in pixels of the first look."""
SECOND_MIN_SCORE = 0.55
WANTED_SIDE = 20.0
"""Pixels that the smallest hints get in the second look."""
MIN_ZOOM, MAX_ZOOM = 1.6, 4.0
MAX_SCALE = 2.0
"""The second look never enlarges the photo more than this."""
NEIGHBOURHOOD = 4.0
"""How far around small faces others are looked for, in sizes of the largest of them."""
TILE_WIDTH, TILE_HEIGHT, TILE_OVERLAP = 1024, 768, 96

# The network as it was trained: BGR means, anchors in pixels by stride, and the variances that scale its offsets.
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


@dataclass(frozen=True)
class Detections:
    """Faces, row by row, in pixels of the picture that they were found in."""

    boxes: Floats
    """`(N, 4)`: x, y, width, height."""
    landmarks: Floats
    """`(N, 5, 2)`: eyes, nose, corners of the mouth."""
    scores: Floats
    """`(N,)`, 0 to 1."""

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: Rows | NDArray[np.bool_]) -> "Detections":
        return Detections(self.boxes[rows], self.landmarks[rows], self.scores[rows])

    def moved(self, factor: float, left: float = 0.0, top: float = 0.0) -> "Detections":
        """Scaled by `factor` and then shifted."""
        shift = np.array([left, top], np.float32)
        boxes = self.boxes * np.float32(factor)
        boxes[:, :2] += shift
        return Detections(boxes, self.landmarks * np.float32(factor) + shift, self.scores)

    def mapped(self, turn: Floats) -> "Detections":
        """Turned by an affine map `(2, 3)` without scale; a box becomes the bounds of the ellipse that fills it."""
        extent = np.sqrt(self.boxes[:, 2:] ** 2 @ (turn[:, :2] ** 2).T)
        middles = (self.boxes[:, :2] + self.boxes[:, 2:] / 2) @ turn[:, :2].T + turn[:, 2]
        boxes = np.concatenate([middles - extent / 2, extent], axis=1)
        return Detections(boxes, self.landmarks @ turn[:, :2].T + turn[:, 2], self.scores)

    @property
    def sides(self) -> Floats:
        """The shorter side of each box."""
        return np.asarray(self.boxes[:, 2:].min(axis=1), np.float32)

    @property
    def areas(self) -> Floats:
        return np.asarray(self.boxes[:, 2] * self.boxes[:, 3], np.float32)

    @property
    def rolls(self) -> Floats:
        """See roll()."""
        return np.array([roll(points) for points in self.landmarks], np.float32)


def join(parts: list[Detections]) -> Detections:
    """Several views as one list, every face once: the best-scored box of those that overlap."""
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
        height, width = pixels.shape[:2]
        side = FIRST_SIDE if height * width <= LARGE_PIXELS else FIRST_SIDE_LARGE
        scale = side / max(height, width)
        small = _resized(pixels, scale)
        views = {0: self._turned_look(small, 0)}
        if _doubtful(views[0]):
            views |= {degrees: self._turned_look(small, degrees) for degrees in TURNS}
        up = max(views, key=lambda degrees: _votes(views[degrees], degrees))
        parts = [_believed(view, degrees, degrees == up).moved(1 / scale) for degrees, view in views.items()]
        found = join([*parts, self._second_look(pixels, views[up], up, scale)])
        # When there are too many, the largest stay, and of two alike the one that is more surely a face.
        kept = found.take(np.argsort(-found.sides * found.scores, kind="stable")[:MAX_FACES])
        return kept.take(np.argsort(-kept.areas, kind="stable")), len(found) > MAX_FACES

    def _turned_look(self, small: Pixels, degrees: int) -> Detections:
        """What is seen when the picture is turned counterclockwise, hints included, in pixels of the picture."""
        view, back = _turned(small, degrees)
        return self._look(view, HINT_SCORE).mapped(back)

    def _second_look(self, pixels: Pixels, first: Detections, degrees: int, scale: float) -> Detections:
        """Small faces around the small faces and hints of the first look, in pixels of the photo."""
        weak = (first.scores < MIN_SCORE) & (first.scores >= WEAK_SCORE) & (first.sides < SMALL_FACE)
        small = first.take((first.sides < SMALL_SIDE) | weak)
        if not len(small):
            return small
        wanted = WANTED_SIDE / float(np.percentile(small.sides, 10))
        zoomed = min(scale * min(max(wanted, MIN_ZOOM), MAX_ZOOM), MAX_SCALE)
        left, top, right, bottom = _surroundings(small.moved(1 / scale), pixels)
        view, back = _turned(_resized(pixels[top:bottom, left:right], zoomed), degrees)
        seen = join(list(self._tiles(view)))
        seen = seen.take(seen.sides < SMALL_FACE * zoomed / scale)
        return seen.mapped(back).moved(1 / zoomed, left, top)

    def _tiles(self, view: Pixels) -> Iterator[Detections]:
        """Looks at tiles, one after the other; what is cut by the edge of a tile is seen whole in the next one."""
        height, width = view.shape[:2]
        for top, bottom in _spans(height, TILE_HEIGHT):
            for left, right in _spans(width, TILE_WIDTH):
                found = self._look(np.ascontiguousarray(view[top:bottom, left:right]), SECOND_MIN_SCORE)
                x, y, w, h = found.boxes.T
                cut = (
                    ((x < 2) & (left > 0))
                    | ((y < 2) & (top > 0))
                    | ((x + w > right - left - 2) & (right < width))
                    | ((y + h > bottom - top - 2) & (bottom < height))
                )
                yield found.take(~cut).moved(1.0, left, top)

    def _look(self, view: Pixels, min_score: float) -> Detections:
        """One pass over `(H, W, 3)` uint8 RGB at its own size."""
        height, width = view.shape[:2]
        blob = cv2.dnn.blobFromImage(view, mean=MEAN_BGR, swapRB=True)
        offsets, confidences, points = self._session.run(None, {"input": blob})
        scores = confidences[0, :, 1]
        rows = np.flatnonzero(scores >= min_score)
        boxes, landmarks = _decode(offsets[0, rows], points[0, rows], _anchors(width, height)[rows])
        return join([Detections(boxes, landmarks, scores[rows])])


def _doubtful(view: Detections) -> bool:
    """Whether these do not look like the faces of an upright photo (or there are none)."""
    faces = view.take(view.scores >= MIN_SCORE)
    if not len(faces):
        return True
    return bool(faces.scores.mean() < SURE_MEAN_SCORE or np.abs(faces.rolls).max() > SURE_ROLL)


def _standing(view: Detections, degrees: int) -> NDArray[np.bool_]:
    """Which faces stand upright when the picture is turned counterclockwise by so much."""
    return np.asarray(np.abs((view.rolls - degrees + 180) % 360 - 180) <= STANDING_ROLL)


def _votes(view: Detections, degrees: int) -> float:
    """How strongly a view looks like the right way up."""
    return float(view.scores[_standing(view, degrees)].sum())


def _believed(view: Detections, degrees: int, is_up: bool) -> Detections:
    """All faces of the view that won the vote; of another one those that stand upright in it and are surely faces."""
    if is_up:
        return view.take(view.scores >= MIN_SCORE)
    return view.take((view.scores >= MIN_TURNED_SCORE) & _standing(view, degrees))


def _turned(pixels: Pixels, degrees: int) -> tuple[Pixels, Floats]:
    """The picture turned counterclockwise on a canvas that holds all of it, and the map `(2, 3)` back."""
    height, width = pixels.shape[:2]
    if degrees == 0:
        return pixels, np.eye(2, 3, dtype=np.float32)
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    size = np.round(np.abs(turn) @ [width, height])
    # Between the middles of both, in coordinates in which a pixel's centre lies at a half.
    there = np.column_stack([turn, size / 2 - turn @ [width / 2, height / 2]])
    back = np.column_stack([turn.T, [width / 2, height / 2] - turn.T @ (size / 2)])
    centers = there.copy()
    centers[:, 2] += turn @ [0.5, 0.5] - 0.5
    view = cv2.warpAffine(pixels, centers, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
    return np.asarray(view, np.uint8), back.astype(np.float32)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    """Scaled without aliasing: halved as often as possible, then blurred a little and sampled.

    That costs a quarter of INTER_AREA's time and finds as many faces.
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
    """Left, top, right and bottom of the part of the photo in which these faces may have neighbours."""
    height, width = pixels.shape[:2]
    margin = NEIGHBOURHOOD * found.boxes[:, 2:].max()
    left, top = np.clip(found.boxes[:, :2].min(axis=0) - margin, 0, [width - 1, height - 1])
    right, bottom = np.clip((found.boxes[:, :2] + found.boxes[:, 2:]).max(axis=0) + margin, 0, [width, height])
    return int(left), int(top), max(math.ceil(right), int(left) + 1), max(math.ceil(bottom), int(top) + 1)


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """Overlapping stretches of at most `tile` pixels, equally long, that cover `length` pixels."""
    count = max(math.ceil((length - TILE_OVERLAP) / (tile - TILE_OVERLAP)), 1)
    step = (length - TILE_OVERLAP) / count
    return [(round(at * step), min(round((at + 1) * step) + TILE_OVERLAP, length)) for at in range(count)]


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
    in a profile the first two are short, and the third one knows. 0 where there are no landmarks.
    """
    if not len(landmarks):
        return 0.0
    eye, other_eye, _, mouth, other_mouth = landmarks
    down = (mouth + other_mouth - eye - other_eye) / 2
    across = (other_eye - eye) + (other_mouth - mouth) + np.array([down[1], -down[0]])
    return math.degrees(math.atan2(float(across[1]), float(across[0])))
