"""What is known about a face. Nothing heavy is imported here, so that every process can speak of faces."""

from dataclasses import dataclass

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle in pixels of the upright photo; it may reach over the border."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def side(self) -> float:
        """The longer side, in pixels."""
        return max(self.width, self.height)


@dataclass(frozen=True)
class Face:
    """A face in the upright photo and what the AI saw in it."""

    box: Box
    roll: float
    """How far the head is turned in the picture's plane, in degrees, clockwise positive, -180 to 180."""
    landmarks: tuple[Point, ...]
    """In pixels: the eye, then the other eye, the nose, both corners of the mouth, each pair from the viewer's left to
    right on an upright face. Empty when a person drew the box and no landmark was seen in it."""
    detection_score: float
    """0 to 1; 1 for a box that a person drew."""
    expression: str
    """One of EXPRESSIONS: the one with the best score. Empty until it is classified."""
    scores: dict[str, float]
    """Estimated probability of each of EXPRESSIONS; they sum to 1. Empty until it is classified."""
    uncertain: bool
    """The best score is weak: another expression may well be right."""
