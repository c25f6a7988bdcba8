"""What finds faces and tells their expressions: engines behind one port. Nothing heavy is imported here."""

from enum import StrEnum


class EngineName(StrEnum):
    """What the setting VISION_ENGINE can say."""

    ONNX = "onnx"
    """Detector, two expression networks and their stack, all as ONNX: the default."""
    FER_HAAR = "fer-haar"
    """The fer package as it is, with its Haar cascade."""
    FER_MTCNN = "fer-mtcnn"
    """The fer package on the faces that the mtcnn package finds."""
