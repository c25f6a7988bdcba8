"""Boxes `(N, 4)` of x, y, width, height in pixels: their overlap, and their transformation with a turned photo."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from igemoji_vision.decode import Pixels

SAME = 0.4
"""Two boxes that overlap by this (intersection over union) show the same face."""

Boxes = NDArray[np.float64]

Change = Callable[[Pixels, Boxes, Boxes], tuple[Pixels, Boxes, Boxes]]
"""Transformation of a photo and of two lists of boxes: its faces, and the regions to ignore."""


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """Return the intersection over union of boxes `(N, 4)` and `(M, 4)`: `(N, M)`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None]
    return np.asarray(common / np.maximum(areas - common, 1e-9))


def quarter_turns(boxes: Boxes, turns: int, width: int, height: int) -> Boxes:
    """Return the boxes after np.rot90(photo, turns)."""
    for turn in range(turns):
        across = height if turn % 2 else width
        x, y, w, h = boxes.T
        boxes = np.stack([y, across - x - w, h, w], axis=1)
    return boxes


def rolled(pixels: Pixels, boxes: Boxes, degrees: float) -> tuple[Pixels, Boxes]:
    """Return the photo rotated clockwise on a canvas that contains it; boxes keep their size, their centers move."""
    height, width = pixels.shape[:2]
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    size = np.ceil(np.abs(turn) @ [width, height]).astype(int)
    shift = size / 2 - turn @ [width / 2, height / 2]
    canvas = cv2.warpAffine(pixels, np.column_stack([turn, shift]), (int(size[0]), int(size[1])))
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ turn.T + shift
    return np.asarray(canvas, np.uint8), np.concatenate([middles - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def turning(turns: int) -> Change:
    def change(pixels: Pixels, faces: Boxes, ignore: Boxes) -> tuple[Pixels, Boxes, Boxes]:
        height, width = pixels.shape[:2]
        both = [quarter_turns(boxes, turns, width, height) for boxes in (faces, ignore)]
        return np.ascontiguousarray(np.rot90(pixels, turns)), both[0], both[1]

    return change


def rolling(degrees: float) -> Change:
    def change(pixels: Pixels, faces: Boxes, ignore: Boxes) -> tuple[Pixels, Boxes, Boxes]:
        canvas, placed = rolled(pixels, faces, degrees)
        return canvas, placed, rolled(pixels, ignore, degrees)[1]

    return change
