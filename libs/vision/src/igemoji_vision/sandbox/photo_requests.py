"""Requests of the photo program: cover the faces of a photo."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from igemoji_vision.engines import EngineName
from igemoji_vision.faces import Face
from igemoji_vision.memory import keep_freed_memory
from igemoji_vision.pipeline import Pipeline, Stage
from igemoji_vision.sandbox.protocol import Frame, Report, Work, face_from_json, face_to_json


def load(models: Path, engine: EngineName) -> Work:
    """Load all that a photo needs, so that memory can be limited afterwards. Raises ModelDamaged, EngineMissing."""
    cv2.setNumThreads(1)
    keep_freed_memory()
    pipeline = Pipeline(models, engine)
    # OpenBLAS takes its buffer when it is first used, and ends the process where it gets none.
    np.ones((256, 256), np.float32) @ np.ones((256, 256), np.float32)
    return partial(cover, pipeline)


def cover(pipeline: Pipeline, frame: Frame, send: Report) -> tuple[Frame, bytes]:
    """Do a `cover` request: from the photo to its result. Raises PhotoError, Cancelled."""
    photo, *pngs = frame["blobs"]
    pictures = dict(zip(frame["expressions"], pngs, strict=True))

    def report(stage: Stage, percent: float, faces: Sequence[Face]) -> None:
        if frame["progress"]:
            known = [face_to_json(face) for face in faces]
            send({"state": stage.value, "percent": round(percent), "faces": known})

    if frame["marked"] is None:
        result = pipeline.run(photo, pictures, report)
    else:
        faces = [face_from_json(face) for face, _ in frame["marked"]]
        covered = [bool(covered) for _, covered in frame["marked"]]
        result = pipeline.revise(photo, faces, covered, pictures, report)
    done = {
        "width": result.width,
        "height": result.height,
        "faces": [face_to_json(face) for face in result.faces],
        "more_faces": result.more_faces,
        "content_type": result.content_type,
    }
    return done, result.image
