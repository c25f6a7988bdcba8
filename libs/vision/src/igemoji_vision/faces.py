"""Faces and expressions. Imports nothing heavy: every process needs them."""

from dataclasses import dataclass

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Axis-aligned rectangle in pixels of the upright photo; may extend beyond the border."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> Point:
        """Center, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def side(self) -> float:
        """The longer side, in pixels."""
        return max(self.width, self.height)


@dataclass(frozen=True)
class Face:
    """Face in the upright photo, with its expression."""

    box: Box
    roll: float
    """Rotation of the head in the plane of the photo, in degrees, clockwise positive, -180 to 180."""
    landmarks: tuple[Point, ...]
    """In pixels: the eye, then the other eye, the nose, both corners of the mouth, each pair from the viewer's left to
    right on an upright face. Empty when a person drew the box and no landmark was found in it."""
    detection_score: float
    """0 to 1; 1 for a box that a person drew."""
    expression: str
    """One of EXPRESSIONS: the one with the best score. Empty until classified."""
    scores: dict[str, float]
    """Estimated probability of each of EXPRESSIONS; they sum to 1. Empty until classified."""
    uncertain: bool
    """The best score is low: another expression may be right."""
