"""How far faces look to the side, told from their landmarks: for photos on which only boxes are marked.

A guess, good for three heaps and no more. It comes from the product's own detector: who was not seen even from close by
has no pose, so faces that are hard to find gather there.
"""

import math

import numpy as np
from boxes import SAME, Boxes, overlaps
from numpy.typing import ArrayLike

from igemoji_vision.decode import Pixels
from igemoji_vision.detect import roll
from igemoji_vision.engines.port import Engine

NOT_TOLD = "not told"
POSES = {"frontal": 0.0, "half turned": 30.0, "profile": 55.0, NOT_TOLD: math.inf}
"""From how many degrees on, in this order."""
NOSE = 0.3
"""How far a nose stands out, in distances between the eyes. Half of one on a head; the network's landmarks are timid
about turns, and with 0.3 the angles of photos agree with what one sees."""
SURROUNDINGS = 6.4
"""Sides of a face that a close look takes in: the detector scales them to 640 px, so the face to 100 px."""


def yaw(landmarks: ArrayLike) -> float:
    """About how far a head with these five landmarks `(5, 2)` is turned to either side, in degrees, 0 to 90.

    Turned by an angle, the nose leaves the middle of the eyes by its sine and the eyes draw together by its cosine,
    both along the line of the eyes. A nod changes neither.
    """
    points = np.asarray(landmarks, np.float32)
    eye, other_eye, nose = points[:3]
    angle = math.radians(roll(points))
    across = np.array([math.cos(angle), math.sin(angle)])
    off = (nose - (eye + other_eye) / 2) @ across
    apart = (other_eye - eye) @ across
    return math.degrees(math.atan2(abs(off), NOSE * max(apart, 0.0)))


def pose(landmarks: ArrayLike) -> str:
    degrees = yaw(landmarks)
    return next(name for name, least in reversed(POSES.items()) if degrees >= least)


def poses(engine: Engine, pixels: Pixels, boxes: Boxes, min_size: float) -> list[str]:
    """The pose of each face of a photo, from a close look at every one of that size."""
    return [_close(engine, pixels, box) if box[2:].min() >= min_size else NOT_TOLD for box in boxes]


def _close(engine: Engine, pixels: Pixels, box: Boxes) -> str:
    reach = SURROUNDINGS / 2 * box[2:].max()
    middle = box[:2] + box[2:] / 2
    left, top = np.clip(middle - reach, 0, None).astype(int)
    right, bottom = np.ceil(middle + reach).astype(int)
    seen, _ = engine.find(np.ascontiguousarray(pixels[top:bottom, left:right]))
    alike = overlaps(seen.boxes + np.array([left, top, 0, 0]), box[None])[:, 0]
    return pose(seen.landmarks[alike.argmax()]) if alike.max(initial=0) >= SAME else NOT_TOLD
