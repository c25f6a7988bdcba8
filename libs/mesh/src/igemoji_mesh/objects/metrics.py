"""What an object store takes its time for, whichever it is. No key gets into a label."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from igemoji_mesh.observability.metrics import histogram

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = histogram("igemoji_object_store_seconds")


def timed(method: Callable[P, T]) -> Callable[P, T]:
    """Times a method of a store, whether it succeeds or not; of `stream`, what passes until there is a first byte."""
    operation = method.__name__

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with SECONDS.labels(operation).time():
            return method(*args, **kwargs)

    return call
