"""Pipeline: decode, detect, classify, compose, encode; reports each step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from igemoji_vision.compose import Emojis, compose, cover
from igemoji_vision.decode import Photo, decode
from igemoji_vision.detect import Detections, roll
from igemoji_vision.encode import encode
from igemoji_vision.engines import EngineName
from igemoji_vision.engines.port import load
from igemoji_vision.faces import EXPRESSIONS, Box, Face, Point


class Stage(StrEnum):
    """Step of the pipeline, in this order."""

    DECODING = "DECODING"
    DETECTING = "DETECTING"
    CLASSIFYING = "CLASSIFYING"
    COMPOSING = "COMPOSING"


Report = Callable[[Stage, float, Sequence[Face]], None]
"""Called when a step begins: the step, percent of the whole task, and the faces known so far."""

# Percent of a task's time that has passed when a step begins, measured at 2 MP with five faces.
BEGINS = {Stage.DECODING: 0.0, Stage.DETECTING: 10.0, Stage.CLASSIFYING: 70.0, Stage.COMPOSING: 85.0}


@dataclass(frozen=True)
class Result:
    """Finished photo."""

    image: bytes
    content_type: str
    width: int
    height: int
    faces: tuple[Face, ...]
    """The largest first."""
    more_faces: bool
    """More faces than the limit were found; the smallest are not in `faces` and not covered."""


class Pipeline:
    """Loads the models once, then processes photo after photo. Not thread-safe: one per process."""

    def __init__(self, models: Path, engine: EngineName = EngineName.ONNX) -> None:
        """Load the models from the folder that assets/build.py fills. Raises ModelDamaged or EngineMissing."""
        self._engine = load(engine, models)
        self._emojis = Emojis()

    def run(self, photo: bytes, pictures: Mapping[str, bytes], report: Report) -> Result:
        """Find and cover all faces; `pictures` maps every expression to a PNG. Raises PhotoError."""
        report(Stage.DECODING, BEGINS[Stage.DECODING], ())
        decoded = decode(photo)
        faces, more_faces = self.find(decoded, report)
        report(Stage.COMPOSING, BEGINS[Stage.COMPOSING], faces)
        # In place: a copy of 12 megapixels would cost more time than the emojis do.
        cover(decoded.pixels, faces, pictures, None, self._emojis)
        image, content_type = encode(decoded)
        return Result(image, content_type, decoded.width, decoded.height, faces, more_faces)

    def revise(
        self,
        photo: bytes,
        faces: Sequence[Face],
        covered: Sequence[bool],
        pictures: Mapping[str, bytes],
        report: Report,
    ) -> Result:
        """Compose a photo again with given faces, without detection.

        A face without an expression was marked by a person and is classified, see `face_in`. Raises PhotoError.
        """
        decoded = decode(photo)
        seen = tuple(face if face.expression else self.face_in(decoded, face.box) for face in faces)
        report(Stage.COMPOSING, BEGINS[Stage.COMPOSING], seen)
        cover(decoded.pixels, seen, pictures, covered, self._emojis)
        image, content_type = encode(decoded)
        return Result(image, content_type, decoded.width, decoded.height, seen, more_faces=False)

    def find(self, photo: Photo, report: Report) -> tuple[tuple[Face, ...], bool]:
        """Return the faces of a photo, the largest first, and whether there were more than the limit."""
        pixels = np.ascontiguousarray(photo.pixels[:, :, :3])
        report(Stage.DETECTING, BEGINS[Stage.DETECTING], ())
        found, more_faces = self._engine.find(pixels)
        boxes = [Box(*map(float, row)) for row in found.boxes]
        rolls = [roll(points) for points in found.landmarks]
        report(Stage.CLASSIFYING, BEGINS[Stage.CLASSIFYING], _unclassified(found, boxes, rolls))
        scores, weak = self._engine.classify(pixels, boxes, rolls)
        return tuple(
            _face(box, face_roll, points, score, row, uncertain)
            for box, face_roll, points, score, row, uncertain in zip(
                boxes, rolls, found.landmarks, found.scores, scores, weak, strict=True
            )
        ), more_faces

    def face_in(self, photo: Photo, box: Box) -> Face:
        """Return the face that a person marked: the box as drawn, roll and expression from the photo."""
        width, height = max(box.width, 1.0), max(box.height, 1.0)
        left, top = max(int(box.x - width / 2), 0), max(int(box.y - height / 2), 0)
        right, bottom = max(int(box.x + 1.5 * width), 0), max(int(box.y + 1.5 * height), 0)
        part = np.ascontiguousarray(photo.pixels[top:bottom, left:right, :3])
        face_roll, points = 0.0, np.zeros((0, 2), np.float32)
        if part.size:
            found, _ = self._engine.find(part)
            inside = [abs(x + w / 2 + left - box.center[0]) < width / 3 for x, _, w, _ in found.boxes]
            level = [abs(y + h / 2 + top - box.center[1]) < height / 3 for _, y, _, h in found.boxes]
            rows = np.flatnonzero(np.logical_and(inside, level))
            if len(rows):
                points = found.landmarks[rows[0]]
                face_roll, points = roll(points), points + np.array([left, top], np.float32)
        scores, weak = self._engine.classify(np.ascontiguousarray(photo.pixels[:, :, :3]), [box], [face_roll])
        return _face(box, face_roll, points, 1.0, scores[0], weak[0])

    def compose(
        self,
        photo: Photo,
        faces: Sequence[Face],
        pictures: Mapping[str, bytes],
        covered: Sequence[bool] | None = None,
    ) -> Photo:
        """Cover faces, all if `covered` is None; see `compose.compose`."""
        return compose(photo, faces, pictures, covered, self._emojis)


def _face(box: Box, face_roll: float, points: np.ndarray, score: float, row: np.ndarray, uncertain: bool) -> Face:
    scores = dict(zip(EXPRESSIONS, map(float, row), strict=True))
    best = max(scores, key=scores.__getitem__)
    return Face(box, face_roll, _points(points), float(score), best, scores, uncertain)


def _unclassified(found: Detections, boxes: Sequence[Box], rolls: Sequence[float]) -> tuple[Face, ...]:
    """Return detected faces without an expression."""
    return tuple(
        Face(box, face_roll, _points(points), float(score), "", {}, True)
        for box, face_roll, points, score in zip(boxes, rolls, found.landmarks, found.scores, strict=True)
    )


def _points(points: np.ndarray) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in points)
