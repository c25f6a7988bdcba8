"""How much a service takes on at once: what could only wait is refused at once, and what is begun is finished soon.

A queue that grows makes everybody wait until nobody waits any longer; a bound keeps the time of those who are let in.
The gateway bounds its calls in the same way and answers sooner: this is what holds where many gateways meet.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from igemoji_mesh.access import NotAllowed, peer_service
from igemoji_mesh.errors import Exhausted
from igemoji_mesh.interceptors import CallInterceptor, Context

GATEWAY = "gateway"
INSIDE_FACTOR = 4
"""Calls of other services have so much more room: they are part of what was let in already."""


class Overloaded(Exhausted):
    """More comes in than is done.

    Not UNAVAILABLE: the gateway would ask again, another replica too, and take this one for broken.
    """

    def __init__(self) -> None:
        super().__init__("Too many people ask at this moment. Try again in a second.", retry_after_seconds=1)


class AdmissionInterceptor(CallInterceptor):
    """Counts what is being answered: unary calls and streams apart, since a stream mostly waits."""

    def __init__(self, max_calls: int, max_streams: int, streaming_methods: frozenset[str]) -> None:
        self._max_calls = max_calls
        self._max_streams = max_streams
        self._streaming_methods = streaming_methods
        self._calls = 0
        self._streams = 0

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        streaming = method in self._streaming_methods
        if self._is_full(streaming, context):
            raise Overloaded
        self._calls += not streaming
        self._streams += streaming
        try:
            yield
        finally:
            self._calls -= not streaming
            self._streams -= streaming

    def _is_full(self, streaming: bool, context: Context) -> bool:
        if streaming:
            return self._streams >= self._max_streams
        if self._calls < self._max_calls:
            return False
        return self._calls >= self._max_calls * INSIDE_FACTOR or not _comes_from_inside(context)


def _comes_from_inside(context: Context) -> bool:
    try:
        return peer_service(context) != GATEWAY
    except NotAllowed:
        return False
