"""Exceptions, by what a program can do about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from igemoji_client.models import Task


class IgemojiError(Exception):
    """Base of all exceptions of this package."""


class ConnectionFailed(IgemojiError):
    """The server was not reached, or the connection was lost before it answered."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent
        """Whether the server may have received the request."""


class DeadlineExceeded(IgemojiError):
    """The deadline has passed; the outcome on the server is unknown."""


class TaskFailed(IgemojiError):
    """A task ended without a result."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"{task.error.reason}: {task.error.message}" if task.error else "The task failed.")
        self.task = task

    @property
    def reason(self) -> str:
        """Return the reason, such as `PHOTO_TRUNCATED`."""
        return self.task.error.reason if self.task.error else ""


@dataclass(frozen=True)
class FieldViolation:
    """An invalid field of a request."""

    field: str
    """Its path in the contract, such as `images.happy`."""
    description: str


class ApiError(IgemojiError):
    """The server refused a call; subclasses group the refusals."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status."""
        self.message = message
        """Message for people."""
        self.code = 0
        """gRPC status code (google.rpc.Code)."""
        self.reason = ""
        """Reason for programs, such as `EMOJI_NOT_FOUND`."""
        self.violations: tuple[FieldViolation, ...] = ()
        self.retry_after: float | None = None
        """Seconds to wait before a retry."""
        self.request_id = ""
        """Id of the call in the server's logs."""

    def __str__(self) -> str:
        fields = "; ".join(f"{violation.field} {violation.description}" for violation in self.violations)
        text = f"{self.message} ({fields})" if fields else self.message
        return f"{self.reason}: {text}" if self.reason else f"HTTP {self.status}: {text}"


class InvalidRequest(ApiError):
    """400, 413 and the like: the request is invalid; `violations` names the fields."""


class NotAuthenticated(ApiError):
    """401: not logged in, or the login has ended."""


class NotAllowed(ApiError):
    """403: the caller may not do this."""


class NotFound(ApiError):
    """404: there is no such thing, or the caller may not see it."""


class Conflict(ApiError):
    """409: taken, or changed by another call."""


class TooManyRequests(ApiError):
    """429: a limit is reached; `retry_after` says when to retry."""


class ServerTrouble(ApiError):
    """5xx: an error of the server."""

    @property
    def transient(self) -> bool:
        """Return whether a retry may succeed: 502, 503 and 504."""
        return self.status in (502, 503, 504)


_KINDS: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}


def error_of(response: httpx.Response) -> ApiError:
    """Return the exception for a refusal whose body has been read."""
    answer = _object(response.content)
    usual = ServerTrouble if response.status_code >= 500 else InvalidRequest
    kind = _KINDS.get(response.status_code, usual)
    error = kind(response.status_code, str(answer.get("message") or response.reason_phrase or "The call was refused."))
    code = answer.get("code")
    error.code = code if isinstance(code, int) else 0
    details = answer.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            error.reason = str(detail.get("reason") or error.reason)
            error.violations += tuple(_violations(detail))
    error.retry_after = _seconds(response.headers.get("retry-after"))
    error.request_id = response.headers.get("x-request-id", "")
    return error


def _object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; a proxy in between may have sent something else."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _violations(detail: dict[str, Any]) -> list[FieldViolation]:
    fields = detail.get("field_violations") or detail.get("fieldViolations") or []
    return [
        FieldViolation(str(each.get("field", "")), str(each.get("description", "")))
        for each in fields
        if isinstance(each, dict)
    ]


def _seconds(header: str | None) -> float | None:
    """Parse Retry-After in seconds; this API does not use its date form."""
    return float(header) if header is not None and header.isdecimal() else None
