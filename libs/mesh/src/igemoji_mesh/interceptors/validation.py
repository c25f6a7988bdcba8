"""Validation of requests against the buf.validate rules of the contract."""

from collections.abc import Callable
from typing import Any

import protovalidate
from google.protobuf.message import DecodeError

from igemoji_mesh.errors import InvalidInput, Violation
from igemoji_mesh.interceptors.base import CallInterceptor


class InvalidRequest(InvalidInput):
    """A field breaks a rule of the contract."""


class UndecodableRequest:
    """Placeholder for bytes that are not a valid protobuf message."""


class ValidationInterceptor(CallInterceptor):
    """Refuses requests that are no messages or break a rule of the contract."""

    def inspect(self, request: Any) -> None:
        """Raise InvalidRequest if the request is not valid."""
        if isinstance(request, UndecodableRequest):
            raise InvalidRequest("The request can't be decoded: it is damaged, or a text in it is not UTF-8.")
        validate(request)

    def deserializer(self, deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Return a function that never raises: gRPC would answer with a Python error, outside of all interceptors."""

        def parse(data: bytes) -> Any:
            try:
                return deserialize(data)
            except DecodeError:
                return UndecodableRequest()

        return parse


def validate(request: Any) -> None:
    """Check a message against its buf.validate rules. Raises InvalidRequest."""
    try:
        protovalidate.validate(request)
    except protovalidate.ValidationError as error:
        violations = [
            Violation(_field_path(violation.proto), violation.proto.message) for violation in error.violations
        ]
        first = violations[0]
        message = f"{first.field}: {first.description}" if first.field else first.description
        raise InvalidRequest(message, violations=violations) from None


def _field_path(violation: Any) -> str:
    return ".".join(element.field_name for element in violation.field.elements)
