"""What the two programs of a sandbox have in common: how they take a request."""

from collections.abc import Callable
from typing import Protocol

from igemoji_vision.sandbox.protocol import Frame


class Context(Protocol):
    """What the work on a request can do besides returning its answer."""

    def report(self, frame: Frame) -> None:
        """Send a progress frame. Raises Cancelled."""


Work = Callable[[Frame, Context], tuple[Frame, bytes]]
"""Does a request: takes its frame, returns the `done` frame without its kind, and the result."""
