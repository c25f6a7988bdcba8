"""An event loop in a thread, for tests and fixtures that are not asynchronous."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

RUN_SECONDS = 120


class LoopThread:
    """An event loop in a thread of its own, in which meshes and backends are started, harmed and stopped."""

    def __init__(self, name: str = "loop") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = RUN_SECONDS) -> T:
        """Run a coroutine and block until it is done; in an async test, call it in a thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
