"""Faces and findings as JSON, for rows and for the pipe between the service and its workers."""

from typing import Any

from igemoji_inference.domain.model import Findings
from igemoji_vision.faces import Box, Face


def findings_to_json(findings: Findings) -> dict[str, Any]:
    return {
        "width": findings.width,
        "height": findings.height,
        "more_faces": findings.more_faces,
        "uncovered": sorted(findings.uncovered),
        "faces": [_face_to_json(face) for face in findings.faces],
    }


def findings_from_json(value: dict[str, Any]) -> Findings:
    faces = tuple(_face_from_json(face) for face in value["faces"])
    return Findings(value["width"], value["height"], faces, value["more_faces"], frozenset(value["uncovered"]))


def _face_to_json(face: Face) -> dict[str, Any]:
    return {
        "box": [round(side, 2) for side in (face.box.x, face.box.y, face.box.width, face.box.height)],
        "roll": round(face.roll, 2),
        "landmarks": [[round(x, 2), round(y, 2)] for x, y in face.landmarks],
        "detection_score": round(face.detection_score, 4),
        "expression": face.expression,
        "scores": {expression: round(score, 5) for expression, score in face.scores.items()},
        "uncertain": face.uncertain,
    }


def _face_from_json(value: dict[str, Any]) -> Face:
    return Face(
        box=Box(*value["box"]),
        roll=value["roll"],
        landmarks=tuple((x, y) for x, y in value["landmarks"]),
        detection_score=value["detection_score"],
        expression=value["expression"],
        scores=value["scores"],
        uncertain=value["uncertain"],
    )
