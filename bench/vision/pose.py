"""Pose of faces, estimated from their landmarks, for photos that are labeled with boxes only.

The estimate is good enough for three classes. It uses the product's own detector: a face that is not detected even in a
close-up has no pose, so hard faces are overrepresented there.
"""

import math

import numpy as np
from boxes import SAME, Boxes, overlaps
from numpy.typing import ArrayLike

from igemoji_vision.decode import Pixels
from igemoji_vision.detect import roll
from igemoji_vision.engines.port import Engine

UNKNOWN = "unknown"
POSES = {"frontal": 0.0, "half turned": 30.0, "profile": 55.0, UNKNOWN: math.inf}
"""Minimum yaw in degrees, in this order."""
NOSE = 0.3
"""Protrusion of the nose, in distances between the eyes: 0.5 on a real head. The network's landmarks underestimate
turns; with 0.3 the angles agree with the photos."""
SURROUNDINGS = 6.4
"""Side of a close-up in sides of the face: the detector scales the close-up to 640 px, so the face to 100 px."""


def yaw(landmarks: ArrayLike) -> float:
    """Return how far a head with these five landmarks `(5, 2)` is turned to either side, in degrees, 0 to 90.

    When the head turns, the nose moves away from the middle of the eyes with the sine of the angle and the distance of
    the eyes shrinks with its cosine, both along the line of the eyes. A nod changes neither.
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
    """Return the pose of each face of a photo, from close-ups of the faces of `min_size` or more."""
    return [_close_up_pose(engine, pixels, box) if box[2:].min() >= min_size else UNKNOWN for box in boxes]


def _close_up_pose(engine: Engine, pixels: Pixels, box: Boxes) -> str:
    reach = SURROUNDINGS / 2 * box[2:].max()
    middle = box[:2] + box[2:] / 2
    left, top = np.clip(middle - reach, 0, None).astype(int)
    right, bottom = np.ceil(middle + reach).astype(int)
    seen, _ = engine.find(np.ascontiguousarray(pixels[top:bottom, left:right]))
    alike = overlaps(seen.boxes + np.array([left, top, 0, 0]), box[None])[:, 0]
    return pose(seen.landmarks[alike.argmax()]) if alike.max(initial=0) >= SAME else UNKNOWN
