"""Errors: the class has the status, its name is the reason that clients see.

    class EmojiNotFound(NotFound): ...      →  NOT_FOUND, reason EMOJI_NOT_FOUND

One interceptor turns them into google.rpc.Status. Renaming a class changes the contract.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "igemoji"


@dataclass(frozen=True)
class Violation:
    """Field of a request that breaks a rule."""

    field: str
    """Path as in the contract, such as `images.happy`."""
    description: str
    """The rule, with its limit."""


class MeshError(Exception):
    """Base of the errors that callers see. Raise one of the kinds below, or a subclass that names the fact."""

    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http_code: ClassVar[int] = 0
    """HTTP status of REST, such as 413; 0: the usual one of the gRPC status."""

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after_seconds = retry_after_seconds

    @property
    def reason(self) -> str:
        """The class name in UPPER_SNAKE_CASE."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).upper()


class InvalidInput(MeshError):
    """The request breaks a rule."""

    status = grpc.StatusCode.INVALID_ARGUMENT


class Unauthenticated(MeshError):
    """The caller is not known."""

    status = grpc.StatusCode.UNAUTHENTICATED


class Forbidden(MeshError):
    """The caller has no right to do this."""

    status = grpc.StatusCode.PERMISSION_DENIED


class NotFound(MeshError):
    """The resource does not exist."""

    status = grpc.StatusCode.NOT_FOUND


class AlreadyExists(MeshError):
    """The resource exists, or the name is taken."""

    status = grpc.StatusCode.ALREADY_EXISTS


class Conflict(MeshError):
    """A concurrent change came first; reading again and retrying may work."""

    status = grpc.StatusCode.ABORTED


class FailedPrecondition(MeshError):
    """The resource is in the wrong state."""

    status = grpc.StatusCode.FAILED_PRECONDITION


class Exhausted(MeshError):
    """A limit of rate or quantity is reached. Give `retry_after_seconds`."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(MeshError):
    """Transient error: the same call may work later."""

    status = grpc.StatusCode.UNAVAILABLE


class DataLoss(MeshError):
    """Stored data is missing or damaged; a retry does not help."""

    status = grpc.StatusCode.DATA_LOSS


class DeadlineExceeded(MeshError):
    """The call took too long."""

    status = grpc.StatusCode.DEADLINE_EXCEEDED


class StartError(Exception):
    """A service can't start; the message is one sentence for the operator."""


def to_status(error: MeshError) -> status_pb2.Status:
    """Return google.rpc.Status with an ErrorInfo, and BadRequest and RetryInfo if they apply."""
    status = status_pb2.Status(code=error.status.value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.add().Pack(info)
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        status.details.add().Pack(bad)
    if error.retry_after_seconds is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after_seconds * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status
