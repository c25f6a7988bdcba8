"""Errors as domain facts: a class knows its status, its name is the reason that programs see.

    class EmojiNotFound(NotFound): ...      →  NOT_FOUND, reason EMOJI_NOT_FOUND

One interceptor turns them into google.rpc.Status; nothing else does.
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
    """One field of a request that is not as it should be."""

    field: str
    """The path of the field as in the contract, such as `images.happy`."""
    description: str
    """What is wrong, and the limit."""


class MeshError(Exception):
    """Base of every error that a caller may see. Raise one of the kinds below, or a subclass that names the fact."""

    status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http_code: ClassVar[int] = 0
    """What REST clients get where the status's usual code says too little, such as 413. 0: the usual code."""

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
        """UPPER_SNAKE of the class name."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).upper()


class InvalidInput(MeshError):
    status = grpc.StatusCode.INVALID_ARGUMENT


class Unauthenticated(MeshError):
    status = grpc.StatusCode.UNAUTHENTICATED


class Forbidden(MeshError):
    status = grpc.StatusCode.PERMISSION_DENIED


class NotFound(MeshError):
    status = grpc.StatusCode.NOT_FOUND


class AlreadyExists(MeshError):
    status = grpc.StatusCode.ALREADY_EXISTS


class Conflict(MeshError):
    """Somebody else was first; reading again and trying again may work."""

    status = grpc.StatusCode.ABORTED


class FailedPrecondition(MeshError):
    status = grpc.StatusCode.FAILED_PRECONDITION


class Exhausted(MeshError):
    """A limit of rate or quantity is reached. Give `retry_after_seconds`."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(MeshError):
    """Passing trouble: the same call may work later."""

    status = grpc.StatusCode.UNAVAILABLE


class DataLoss(MeshError):
    """What was stored is not there any more as it was: to try again does not help."""

    status = grpc.StatusCode.DATA_LOSS


class DeadlineExceeded(MeshError):
    status = grpc.StatusCode.DEADLINE_EXCEEDED


class StartError(Exception):
    """A service can't start; the message is one sentence for the operator."""


def to_status(error: MeshError) -> status_pb2.Status:
    """google.rpc.Status with one ErrorInfo, and BadRequest and RetryInfo where they apply."""
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
