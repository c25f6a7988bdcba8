"""OpenAPI 3.1 document of the REST API, derived from the descriptor set alone.

Paths come from google.api.http, limits from buf.validate, security from igemoji.common.v1.access and descriptions from
the comments.
"""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from openapi_schemas import BINARY, Json, Schemas
from openapi_types import ContractTypes

HTTP_BODY = "google.api.HttpBody"
BINARY_KINDS = ("image/*", "application/octet-stream")
METHODS = ("get", "put", "post", "delete", "patch")

LEVELS_WITH_TOKEN = {"LEVEL_USER", "LEVEL_OPERATOR"}
OPTIONAL_USER = "LEVEL_OPTIONAL_USER"
COOKIE = "LEVEL_COOKIE"

SECURITY_SCHEMES = {
    "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "refresh_cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "igemoji_refresh",
        "description": "Requires a header `X-Requested-With` with any value.",
    },
}

IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes the call idempotent for 24 hours: the same caller, key and request have one effect and the same answer, "
        "repeated with the header `Idempotent-Replayed: true`. With another request it is a conflict (409, "
        "`IDEMPOTENCY_KEY_REUSED`), and so it is while the first call is still running (409, "
        "`IDEMPOTENT_CALL_UNDER_WAY`, with `Retry-After`). Errors are not stored. Choose a random UUID: anyone who "
        "knows the key can read the answer."
    ),
    "schema": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"},
}

INFO = {
    "title": "IGE MOJI",
    "version": "1",
    "summary": "Every face in a photo, covered by the emoji for its expression.",
    "description": (
        "Every path also accepts a trailing slash. An error is a google.rpc.Status: its ErrorInfo has a `reason` for "
        "programs, and a BadRequest names each invalid field. gRPC and gRPC-Web clients can make the same calls on "
        "the same port."
    ),
    "license": {"name": "MIT", "identifier": "MIT"},
}

ERRORS: dict[int | str, str] = {
    400: "The request is invalid; `details` names the fields.",
    401: "The access token is missing, expired or invalid.",
    403: "The caller may not do this.",
    404: "Not found, or not visible to the caller.",
    409: "It exists already, or was changed by another call.",
    413: "The request is too large.",
    429: "Too many calls.",
    "default": "Any other error.",
}


def openapi_document(descriptors: FileDescriptorSet) -> Json:
    """Return the document of every RPC with a REST path.

    Args:
        descriptors: Our files with all their imports and with source information.
    """
    types = ContractTypes(descriptors)
    schemas = Schemas(types)
    paths: dict[str, Json] = {}
    tags: list[Json] = []
    for service in types.services("igemoji."):
        operations = list(_operations(service, types, schemas))
        if operations:
            tags.append(_tag(service, types))
        for path, method, operation in operations:
            paths.setdefault(path, {})[method] = operation
    _refuse_duplicates(paths)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY},
            "responses": {str(code): _error(text) for code, text in ERRORS.items()},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operations(service: ServiceDescriptor, types: ContractTypes, schemas: Schemas) -> Iterator[tuple[str, str, Json]]:
    for rpc in service.methods:
        rule = types.extension(rpc, "google.api.http")
        for number, binding in enumerate([rule, *rule.additional_bindings] if rule else []):
            method = next(name for name in METHODS if getattr(binding, name))
            path = re.sub(r"\{(\w+)=[^}]*\}", r"{\1}", getattr(binding, method))
            operation = _operation(rpc, binding, path, types, schemas)
            operation["operationId"] = rpc.name + (f"_{number + 1}" if number else "")
            yield path, method, operation


def _operation(rpc: MethodDescriptor, binding: Any, path: str, types: ContractTypes, schemas: Schemas) -> Json:
    access = types.extension(rpc, "igemoji.common.v1.access")
    level = access.DESCRIPTOR.fields_by_name["level"].enum_type.values_by_number[access.level].name
    comment = types.comment(rpc)
    operation: Json = {
        "operationId": "",
        "tags": [_tag_name(rpc.containing_service)],
        "summary": re.split(r"(?<=[.;])\s", comment, maxsplit=1)[0].rstrip(".;"),
        "description": comment,
    }
    in_path = re.findall(r"\{(\w+)\}", path)
    fields = {field.name: field for field in rpc.input_type.fields}
    parameters = [_parameter(fields.pop(name), "path", schemas) for name in in_path]
    body = _request_body(rpc, binding.body, fields, in_path, schemas)
    if body and access.multipart:
        form = schemas.object_of(list(fields.values()), request=True)
        body["content"]["multipart/form-data"] = {"schema": form}
    if body:
        fields.clear() if binding.body == "*" else fields.pop(binding.body)
    parameters += [_parameter(field, "query", schemas) for field in fields.values()]
    if access.idempotency_key:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if rpc.GetOptions().deprecated:
        operation["deprecated"] = True
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = body
    operation["responses"] = {
        str(access.http_code or 200): _success(rpc, binding.response_body, access, schemas),
        **_errors(level, access, has_input=bool(parameters or body), has_body=bool(body), path=in_path),
    }
    operation["security"] = _security(level)
    return operation


def _parameter(field: FieldDescriptor, place: str, schemas: Schemas) -> Json:
    schema = schemas.field(field)
    parameter: Json = {"name": field.name, "in": place}
    if description := schema.pop("description", ""):
        parameter["description"] = description
    if place == "path" or schemas.is_required(field):
        parameter["required"] = True
    if schema.pop("deprecated", False):
        parameter["deprecated"] = True
    return {**parameter, "schema": schema}


def _request_body(
    rpc: MethodDescriptor, body: str, fields: dict[str, FieldDescriptor], in_path: list[str], schemas: Schemas
) -> Json | None:
    if not body:
        return None
    if body != "*":
        message = fields[body].message_type
        if message is not None and message.full_name == HTTP_BODY:
            return {
                "description": schemas.field(fields[body]).get("description", ""),
                "content": {kind: {"schema": BINARY} for kind in BINARY_KINDS},
                "required": True,
            }
        schema = schemas.field(fields[body])
    elif in_path:
        schema = schemas.object_of(list(fields.values()), request=True)
    else:
        schema = schemas.message(rpc.input_type, request=True)
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def _success(rpc: MethodDescriptor, response_body: str, access: Any, schemas: Schemas) -> Json:
    code = access.http_code
    response: Json = {"description": {201: "Created.", 202: "Accepted; the work continues."}.get(code, "Success.")}
    if code in (201, 202):
        description = "Path of the created resource."
        response["headers"] = {"Location": {"description": description, "schema": {"type": "string"}}}
    if rpc.output_type.full_name == HTTP_BODY:
        kinds = [access.content_type] if access.content_type else BINARY_KINDS
        return {**response, "content": {kind: {"schema": BINARY} for kind in kinds}}
    fields = rpc.output_type.fields_by_name
    schema = schemas.field(fields[response_body]) if response_body else schemas.message(rpc.output_type)
    if rpc.server_streaming:
        events = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
        response["description"] = "Server-sent events; the `data` of each event is one message."
        return {**response, "content": {"text/event-stream": {"schema": events}}}
    return {**response, "content": {"application/json": {"schema": schema}}}


def _errors(level: str, access: Any, *, has_input: bool, has_body: bool, path: list[str]) -> Json:
    codes = {
        400: has_input,
        401: level in {*LEVELS_WITH_TOKEN, OPTIONAL_USER, COOKIE},
        403: level in {*LEVELS_WITH_TOKEN, OPTIONAL_USER, COOKIE},
        404: bool(path),
        409: has_body,
        413: has_body,
    }
    found = sorted({*(code for code, holds in codes.items() if holds), *access.errors})
    errors: Json = {str(code): {"$ref": f"#/components/responses/{code}"} for code in found}
    many = _error(
        f"More than {access.per_minute or 600} calls per minute from one IP address, or another limit of the caller."
    )
    many["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    errors["429"] = many
    return {**dict(sorted(errors.items())), "default": {"$ref": "#/components/responses/default"}}


def _error(text: str) -> Json:
    schema = {"$ref": "#/components/schemas/Status"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _security(level: str) -> list[Json]:
    if level in LEVELS_WITH_TOKEN:
        return [{"access_token": []}]
    if level == COOKIE:
        return [{"refresh_cookie": []}, {}]
    return [{}, {"access_token": []}] if level == OPTIONAL_USER else []


def _tag(service: ServiceDescriptor, types: ContractTypes) -> Json:
    return {"name": _tag_name(service), "description": types.package_comment(service.file.name)}


def _tag_name(service: ServiceDescriptor) -> str:
    """Return the tag of a service, such as `emoji-catalog` for igemoji.emoji_catalog.v1."""
    name: str = service.file.package.split(".")[1]
    return name.replace("_", "-")


def _refuse_duplicates(paths: dict[str, Json]) -> None:
    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"Two RPCs have the same name: {', '.join(twice)}")
