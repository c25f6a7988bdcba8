"""Duration of operations of the object store. Keys never become labels."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from igemoji_mesh.observability import metrics

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = metrics.histogram(metrics.OBJECT_STORE_SECONDS)


def timed(method: Callable[P, T]) -> Callable[P, T]:
    """Measure the duration of a method of a store, also of one that fails; for `stream` up to the first byte."""
    operation = method.__name__

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with SECONDS.labels(operation).time():
            return method(*args, **kwargs)

    return call
