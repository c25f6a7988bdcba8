"""Send a message of the contract by REST or by gRPC, and compare the outcomes."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from google.api.http_pb2 import HttpRule
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from igemoji.auth.v1 import auth_pb2
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji.inference.v1 import inference_pb2
from igemoji.ranking.v1 import ranking_pb2
from igemoji_mesh.testing.mesh import error_reason
from igemoji_protos import Rpc, rpcs

STUBS = (auth_pb2, emoji_catalog_pb2, inference_pb2, ranking_pb2)
"""Imported so that the messages of every service are in protobuf's pool."""

RPCS = {f"{rpc.package.split('.')[1]}.{rpc.name}": rpc for rpc in rpcs()}
"""RPCs by the name that the tables of these tests use: `auth.Login`."""

REST_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}
"""HTTP status of each gRPC status (docs/api.md)."""


@dataclass(frozen=True)
class Outcome:
    """Result of a call."""

    status: int
    """HTTP status; a successful gRPC call has the status that REST would give."""
    reason: str = ""
    fields: tuple[str, ...] = ()
    """Fields that the error names."""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Response headers of REST, by name in lower case."""


def message(rpc: Rpc, **fields: Any) -> Message:
    """Return the request of an RPC."""
    return message_factory.GetMessageClass(Default().FindMessageTypeByName(rpc.request))(**fields)


def by_rest(
    http: httpx.Client, rpc: Rpc, request: Message, headers: dict[str, str], binding: HttpRule | None = None
) -> Outcome:
    """Call an RPC by REST: its first binding, or another one."""
    binding = binding or rpc.bindings[0]
    method = next(name for name in ("get", "put", "post", "delete", "patch") if getattr(binding, name))
    fields = MessageToDict(request, preserving_proto_field_name=True)

    def from_request(found: re.Match[str]) -> str:
        return str(fields.pop(found[1], 0))

    path = re.sub(r"\{(\w+)\}", from_request, getattr(binding, method))
    options: dict[str, Any] = {"headers": headers}
    if binding.body == "*":
        options["json"] = fields
    elif binding.body:
        options["content"] = base64.b64decode(fields.pop(binding.body)["data"])
        options["params"] = fields
    else:
        options["params"] = {name: str(value).lower() if value is True else value for name, value in fields.items()}
    with http.stream(method, path, **options) as answer:
        answer.read()
    return outcome_of(answer)


def outcome_of(answer: httpx.Response) -> Outcome:
    """Return the outcome of a response; fail if an error does not have the form of the contract."""
    is_json = answer.headers.get("content-type", "") == "application/json"
    body: Any = answer.json() if is_json else answer.content
    if answer.status_code < 400:
        return Outcome(answer.status_code, body=body, headers=dict(answer.headers))
    assert set(body) == {"code", "message", "details"}, answer.text
    info = next(detail for detail in body["details"] if detail["@type"].endswith("ErrorInfo"))
    fields = tuple(violation["field"] for detail in body["details"] for violation in detail.get("field_violations", ()))
    return Outcome(answer.status_code, info["reason"], fields, body, dict(answer.headers))


def by_grpc(channel: grpc.Channel, rpc: Rpc, request: Message, headers: dict[str, str]) -> Outcome:
    """Call an RPC by gRPC."""
    kind = message_factory.GetMessageClass(Default().FindMessageTypeByName(rpc.response))
    options: Any = {"request_serializer": type(request).SerializeToString, "response_deserializer": kind.FromString}
    metadata = tuple((name.lower(), value) for name, value in headers.items())
    body: Any
    try:
        if rpc.server_streaming:
            body = list(channel.unary_stream(rpc.path, **options)(request, metadata=metadata, timeout=60))
        else:
            body = channel.unary_unary(rpc.path, **options)(request, metadata=metadata, timeout=60)
    except grpc.RpcError as failed:
        error: Any = failed
        return Outcome(REST_STATUS.get(error.code(), 500), error_reason(error), body=error.details())
    return Outcome((rpc.access and rpc.access.http_code) or 200, body=body)
