"""What can go wrong, by what a program does about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from igemoji_client.models import Task


class IgemojiError(Exception):
    """Base of everything that this package raises on purpose."""


class ConnectionFailed(IgemojiError):
    """The server was not reached, or the connection was lost before it had answered."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent
        """Whether the server may have got the request."""


class DeadlineExceeded(IgemojiError):
    """It took longer than it may; what the server made of it is not known."""


class TaskFailed(IgemojiError):
    """A task ended without a result."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"{task.error.reason}: {task.error.message}" if task.error else "The task failed.")
        self.task = task

    @property
    def reason(self) -> str:
        """Such as `PHOTO_TRUNCATED`."""
        return self.task.error.reason if self.task.error else ""


@dataclass(frozen=True)
class FieldViolation:
    """One field of a request that is not as it should be."""

    field: str
    """As in the contract, such as `images.happy`."""
    description: str


class ApiError(IgemojiError):
    """The server refused a call; the subclasses say what kind of refusal it is."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP."""
        self.message = message
        """For people."""
        self.code = 0
        """Of gRPC (google.rpc.Code)."""
        self.reason = ""
        """For programs: UPPER_SNAKE, such as `EMOJI_NOT_FOUND`."""
        self.violations: tuple[FieldViolation, ...] = ()
        self.retry_after: float | None = None
        """Seconds to wait before it is worth another try."""
        self.request_id = ""
        """Under which the server's logs have the call."""

    def __str__(self) -> str:
        fields = "; ".join(f"{violation.field} {violation.description}" for violation in self.violations)
        told = f"{self.message} ({fields})" if fields else self.message
        return f"{self.reason}: {told}" if self.reason else f"HTTP {self.status}: {told}"


class InvalidRequest(ApiError):
    """400, 413 and the like: what was sent can't be taken; `violations` names the fields."""


class NotAuthenticated(ApiError):
    """401: no login, or none that counts any more."""


class NotAllowed(ApiError):
    """403."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409: taken, or changed by somebody else meanwhile."""


class TooManyRequests(ApiError):
    """429: a limit is reached; `retry_after` says for how long."""


class ServerTrouble(ApiError):
    """5xx: the server's fault. 502, 503 and 504 pass."""

    @property
    def passing(self) -> bool:
        return self.status in (502, 503, 504)


_KINDS: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}


def error_of(response: httpx.Response) -> ApiError:
    """The exception that says what a refusal (its body read) says."""
    told = _object(response.content)
    usual = ServerTrouble if response.status_code >= 500 else InvalidRequest
    kind = _KINDS.get(response.status_code, usual)
    error = kind(response.status_code, str(told.get("message") or response.reason_phrase or "The call was refused."))
    code = told.get("code")
    error.code = code if isinstance(code, int) else 0
    details = told.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            error.reason = str(detail.get("reason") or error.reason)
            error.violations += tuple(_violations(detail))
    error.retry_after = _seconds(response.headers.get("retry-after"))
    error.request_id = response.headers.get("x-request-id", "")
    return error


def _object(body: bytes) -> dict[str, Any]:
    """What a proxy in between says may be no JSON."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _violations(detail: dict[str, Any]) -> list[FieldViolation]:
    told = detail.get("field_violations") or detail.get("fieldViolations") or []
    return [
        FieldViolation(str(each.get("field", "")), str(each.get("description", "")))
        for each in told
        if isinstance(each, dict)
    ]


def _seconds(header: str | None) -> float | None:
    """Of Retry-After in seconds; the other form of the header, a date, is not one of this API."""
    return float(header) if header is not None and header.isdecimal() else None
