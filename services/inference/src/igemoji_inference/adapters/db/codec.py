"""JSON of findings, for rows."""

from typing import Any

from igemoji_inference.domain.model import Findings
from igemoji_vision.sandbox.protocol import face_from_json, face_to_json


def findings_to_json(findings: Findings) -> dict[str, Any]:
    """Return findings as JSON."""
    return {
        "width": findings.width,
        "height": findings.height,
        "more_faces": findings.more_faces,
        "uncovered": sorted(findings.uncovered),
        "faces": [face_to_json(face) for face in findings.faces],
    }


def findings_from_json(value: dict[str, Any]) -> Findings:
    """Return findings from what `findings_to_json` returned."""
    faces = tuple(face_from_json(face) for face in value["faces"])
    return Findings(value["width"], value["height"], faces, value["more_faces"], frozenset(value["uncovered"]))
