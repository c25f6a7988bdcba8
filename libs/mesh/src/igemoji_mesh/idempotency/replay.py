"""Values that use cases store for replays of a call.

This module imports no SQL, so that use cases may depend on it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Replay(Generic[T]):
    """Stores the value of a call that has an idempotency key, in the transaction of its effect."""

    _save: Callable[[Any, T], None]

    def save(self, connection: Any, value: T) -> None:
        """Store `value` in the transaction of `connection`.

        Raises IdempotentCallUnderWay, which rolls the transaction back, if another call holds the key by now.
        """
        self._save(connection, value)


NO_REPLAY: Replay[Any] = Replay(lambda _connection, _value: None)
"""Replay of a call without an idempotency key: stores nothing."""
