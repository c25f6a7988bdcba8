"""Every RPC of the contract with the options that others derive from: access, REST bindings, idempotency."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

from igemoji.common.v1 import access_pb2

DESCRIPTORS = Path(__file__).parent / "data" / "descriptors.binpb"
"""A FileDescriptorSet of our files, their imports, and google.rpc's error details."""

OPENAPI = Path(__file__).parent / "data" / "openapi.json"
"""The OpenAPI 3.1 document of the REST API."""


@dataclass(frozen=True)
class Rpc:
    """An RPC of the contract."""

    package: str
    service: str
    name: str
    access: access_pb2.Access | None
    """None if the contract lacks it; readers must refuse such an RPC."""
    http: http_pb2.HttpRule | None
    """None for INTERNAL RPCs."""
    client_streaming: bool
    server_streaming: bool
    retryable: bool
    """Whether it only reads, so that it can be retried."""
    request: str
    """Full name of the request message."""
    response: str
    """Full name of the response message."""

    @property
    def path(self) -> str:
        """Return the gRPC path, such as `/igemoji.auth.v1.AuthService/Login`."""
        return f"/{self.package}.{self.service}/{self.name}"

    @property
    def bindings(self) -> list[http_pb2.HttpRule]:
        """Return its REST bindings, the main one first."""
        return [self.http, *self.http.additional_bindings] if self.http else []


def load_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """Read the generated descriptor set."""
    return descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())


def rpcs(descriptors: descriptor_pb2.FileDescriptorSet | None = None) -> Iterator[Rpc]:
    """Iterate over all RPCs of the packages `igemoji.*`, in the order of the files."""
    for file in (descriptors or load_descriptors()).file:
        if not file.package.startswith("igemoji."):
            continue
        for service in file.service:
            for method in service.method:
                yield _rpc(file.package, service.name, method)


def _rpc(package: str, service: str, method: descriptor_pb2.MethodDescriptorProto) -> Rpc:
    options = method.options
    has_access = options.HasExtension(access_pb2.access)
    has_http = options.HasExtension(annotations_pb2.http)
    return Rpc(
        package=package,
        service=service,
        name=method.name,
        access=options.Extensions[access_pb2.access] if has_access else None,
        http=options.Extensions[annotations_pb2.http] if has_http else None,
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        retryable=options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS,
        request=method.input_type.lstrip("."),
        response=method.output_type.lstrip("."),
    )
