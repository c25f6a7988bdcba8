"""Requests of the picture program: normalize a picture of a template, or make a thumbnail of it."""

from igemoji_vision.pictures import normalize, thumbnail
from igemoji_vision.sandbox.protocol import Frame
from igemoji_vision.sandbox.requests import Context


def work(frame: Frame, context: Context) -> tuple[Frame, bytes]:  # noqa: ARG001 - it has no steps
    """Do a `normalize` or `thumbnail` request. Raises PictureUnfit."""
    (picture,) = frame["blobs"]
    if frame["kind"] == "thumbnail":
        return {}, thumbnail(picture, frame["width"])
    return {}, normalize(picture, frame["keep_background"])
