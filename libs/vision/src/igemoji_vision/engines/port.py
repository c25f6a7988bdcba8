"""Port of the engines, and their loader."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from igemoji_vision.classify import Floats
from igemoji_vision.decode import Pixels
from igemoji_vision.detect import Detections
from igemoji_vision.engines import EngineName
from igemoji_vision.faces import Box


class Engine(Protocol):
    """Detects faces and classifies expressions. Not thread-safe: one per process."""

    def find(self, pixels: Pixels) -> tuple[Detections, bool]:
        """Return faces in upright `(H, W, 3)` uint8 RGB, the largest first, and whether there are more than MAX_FACES.

        Landmarks are `(N, 0, 2)` if the engine has none.
        """

    def classify(self, pixels: Pixels, boxes: Sequence[Box], rolls: Sequence[float]) -> tuple[Floats, list[bool]]:
        """Return scores `(N, 7)` in the order of EXPRESSIONS that sum to 1, and which faces are uncertain."""


def load(name: EngineName, models: Path) -> Engine:
    """Load an engine; `models` is the folder that assets/build.py fills. Raises ModelDamaged or EngineMissing."""
    if name is EngineName.ONNX:
        from igemoji_vision.engines.onnx import OnnxEngine

        return OnnxEngine(models)
    # tensorflow takes seconds and hundreds of megabytes: it is imported only when it is used.
    from igemoji_vision.engines.fer import FerEngine

    return FerEngine(name)
