"""Engines: detect faces and classify expressions, behind one port. Imports nothing heavy."""

from enum import StrEnum


class EngineName(StrEnum):
    """Values of the setting VISION_ENGINE."""

    ONNX = "onnx"
    """Detector, two expression networks and their stack, all as ONNX: the default."""
    FER_HAAR = "fer-haar"
    """The fer package, with its Haar cascade."""
    FER_MTCNN = "fer-mtcnn"
    """The fer package, on the faces that the mtcnn package detects."""
