"""A mesh as `igemoji up` starts it, for a whole suite, and waiting for what happens in it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from igemoji_stack.mesh.mesh import Mesh

from .loops import LoopThread

T = TypeVar("T")
MeshT = TypeVar("MeshT", bound=Mesh)

START_SECONDS = 240
STOP_SECONDS = 60


@contextmanager
def running(mesh: MeshT) -> Iterator[MeshT]:
    """Run a mesh in an event loop and a thread of its own."""
    with LoopThread("mesh") as loop:
        try:
            loop.run(mesh.start(), START_SECONDS)
            yield mesh
        finally:
            loop.run(mesh.stop(), STOP_SECONDS)


def eventually(check: Callable[[], T], seconds: float = 30) -> T:
    """Return the first true value of `check`; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := check():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{check} returned nothing true within {seconds:g} s")
