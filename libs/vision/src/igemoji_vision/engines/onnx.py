"""Default engine: RetinaFace, two expression networks and their stack, on onnxruntime."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort

from igemoji_vision.classify import Classifier, Floats, Stack
from igemoji_vision.decode import Pixels
from igemoji_vision.detect import Detections, Detector
from igemoji_vision.errors import ModelDamaged
from igemoji_vision.faces import Box


class OnnxEngine:
    """Detector and classifier on the models that assets/build.py builds."""

    def __init__(self, models: Path) -> None:
        """Load the models. Raises ModelDamaged."""
        files = verified(models)
        self._detector = Detector(session(files["retinaface.onnx"]))
        self._classifier = Classifier(
            session(files["fer.onnx"]), session(files["face_api.onnx"]), Stack.from_json(files["stack.json"])
        )

    def find(self, pixels: Pixels) -> tuple[Detections, bool]:
        """Detect faces, see `Engine`."""
        return self._detector.find(pixels)

    def classify(self, pixels: Pixels, boxes: Sequence[Box], rolls: Sequence[float]) -> tuple[Floats, list[bool]]:
        """Classify expressions, see `Engine`."""
        return self._classifier.classify(pixels, boxes, rolls)


def verified(models: Path) -> dict[str, bytes]:
    """Return the content of every model file after comparing it with the manifest. Raises ModelDamaged."""
    try:
        wanted: dict[str, str] = json.loads((models / "manifest.json").read_text())["sha256"]
        files = {name: (models / name).read_bytes() for name in wanted}
    except (OSError, ValueError, KeyError) as error:
        raise ModelDamaged(f"The models in {models} are not complete ({error}): run `make assets`.") from error
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != wanted[name]:
            raise ModelDamaged(f"The model {models / name} is damaged: run `make assets`.")
    return files


def session(model: bytes) -> ort.InferenceSession:
    """Create a session with one thread: there is one process per core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
