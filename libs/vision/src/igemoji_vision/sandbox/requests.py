"""What the two programs of a sandbox have in common: how they take a request."""

import importlib
from collections.abc import Callable
from typing import Protocol

from igemoji_vision.sandbox.protocol import Frame


class Context(Protocol):
    """What the work on a request can do besides returning its answer."""

    def report(self, frame: Frame) -> None:
        """Send a progress frame. Raises Cancelled."""


Work = Callable[[Frame, Context], tuple[Frame, bytes]]
"""Does a request: takes its frame, returns the `done` frame without its kind, and the result."""

PLUGINS = ("Jpeg", "Mpo", "Png", "Tiff", "WebP")
"""Modules that Pillow imports with the first file of a format (TIFF: the form of EXIF)."""


def load_decoders() -> None:
    """Import what Pillow imports lazily: once memory is limited, an import could fail, and with it a whole format."""
    for plugin in PLUGINS:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
