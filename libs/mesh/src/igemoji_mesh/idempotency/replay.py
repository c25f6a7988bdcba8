"""Port through which a use case stores its value for replays of the call, in the transaction of the effect.

This module imports no SQL, so that use cases may depend on it.
"""

from typing import Any, Protocol, TypeVar

ValueT_contra = TypeVar("ValueT_contra", contravariant=True)


class Replay(Protocol[ValueT_contra]):
    """Stores the value of a call that has an idempotency key."""

    def save(self, connection: Any, value: ValueT_contra) -> None:
        """Store `value` in the transaction of `connection`.

        Raises IdempotentCallUnderWay, which rolls the transaction back, if another call holds the key by now.
        """


class NoReplay:
    """Replay of a call without an idempotency key: stores nothing."""

    def save(self, connection: Any, value: object) -> None:
        """Store nothing."""


NO_REPLAY = NoReplay()
