"""The context of the call that is being answered: one ContextVar for everything that interceptors keep for later."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Caller:
    """Caller of an RPC, as checked."""

    service: str
    """The service that opened the connection, by its certificate; `gateway` for calls from outside."""
    user_id: str | None = None
    """None if the call has no access token."""
    alias: str = ""
    role: str = ""
    token: str = ""
    """The user's access token, for further calls on behalf of the user."""


@dataclass(frozen=True)
class CallContext:
    """State of one call. Code outside of calls, such as a background job, sees the defaults."""

    request_id: str = ""
    """Set by the gateway; propagated to downstream calls and written to logs."""
    caller: Caller | None = None
    deadline: float | None = None
    """On the clock of `time.monotonic`; propagated to downstream calls."""
    unsent_headers: Mapping[str, str] = field(default_factory=dict)
    """Response headers that go out with the initial metadata."""
    save_answer: Callable[[Any, Any], None] | None = None
    """Stores an answer in the transaction of a connection; set if the call has an idempotency key."""


_NO_CALL = CallContext()
_current: ContextVar[CallContext] = ContextVar("call_context", default=_NO_CALL)


def current() -> CallContext:
    """Return the context of the call that is being answered."""
    return _current.get()


def begin(request_id: str) -> None:
    """Start a new context for the rest of this asyncio task."""
    _current.set(CallContext(request_id))


def update(**changes: Any) -> None:
    """Change fields of the current context for the rest of this asyncio task."""
    _current.set(replace(_current.get(), **changes))


def caller() -> Caller:
    """Return the caller of the RPC that is being answered. Raises LookupError outside of RPCs."""
    found = _current.get().caller
    if found is None:
        raise LookupError("No RPC is being answered.")
    return found
