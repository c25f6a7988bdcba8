"""Pipeline: decode, detect, classify, compose, encode; reports each step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from igemoji_vision.compose import Emojis, cover
from igemoji_vision.decode import Photo, Pixels, decode
from igemoji_vision.detect import roll
from igemoji_vision.encode import encode
from igemoji_vision.engines import EngineName
from igemoji_vision.engines.port import load
from igemoji_vision.faces import EXPRESSIONS, Box, Face


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
        faces = [
            _unclassified(Box(*map(float, row)), points, float(score))
            for row, points, score in zip(found.boxes, found.landmarks, found.scores, strict=True)
        ]
        report(Stage.CLASSIFYING, BEGINS[Stage.CLASSIFYING], faces)
        return self._classified(pixels, faces), more_faces

    def face_in(self, photo: Photo, box: Box) -> Face:
        """Return the face that a person marked: the box as drawn, roll and expression from the photo."""
        width, height = max(box.width, 1.0), max(box.height, 1.0)
        left, top = max(int(box.x - width / 2), 0), max(int(box.y - height / 2), 0)
        right, bottom = max(int(box.x + 1.5 * width), 0), max(int(box.y + 1.5 * height), 0)
        part = np.ascontiguousarray(photo.pixels[top:bottom, left:right, :3])
        face = _unclassified(box, np.zeros((0, 2), np.float32), 1.0)
        if part.size:
            found, _ = self._engine.find(part)
            inside = [abs(x + w / 2 + left - box.center[0]) < width / 3 for x, _, w, _ in found.boxes]
            level = [abs(y + h / 2 + top - box.center[1]) < height / 3 for _, y, _, h in found.boxes]
            rows = np.flatnonzero(np.logical_and(inside, level))
            if len(rows):
                points = found.landmarks[rows[0]]
                # The roll of the landmarks before the shift, which costs float32 some digits.
                face = replace(_unclassified(box, points + np.array([left, top], np.float32), 1.0), roll=roll(points))
        (face,) = self._classified(np.ascontiguousarray(photo.pixels[:, :, :3]), [face])
        return face

    def _classified(self, pixels: Pixels, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Return the faces with their expressions."""
        rows, weak = self._engine.classify(pixels, [face.box for face in faces], [face.roll for face in faces])
        scores = [dict(zip(EXPRESSIONS, map(float, row), strict=True)) for row in rows]
        return tuple(
            replace(face, expression=max(known, key=known.__getitem__), scores=known, uncertain=uncertain)
            for face, known, uncertain in zip(faces, scores, weak, strict=True)
        )


def _unclassified(box: Box, points: np.ndarray, score: float) -> Face:
    """Return a face without an expression; `points`: its landmarks."""
    return Face(box, roll(points), tuple((float(x), float(y)) for x, y in points), score, "", {}, True)
