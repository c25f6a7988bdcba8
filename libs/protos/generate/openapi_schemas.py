"""JSON Schemas of the contract's messages, in the JSON form that the gateway's transcoder reads and writes.

Field names are those of the contract, 64-bit integers are strings, bytes are base64, enums are their names. Responses
have every field that is not a message.
"""

import math
import re
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from openapi_types import ContractTypes

Json = dict[str, Any]

BINARY: Json = {"type": "string", "format": "binary"}

INT64: Json = {"type": "string", "format": "int64"}
SCALARS: dict[int, Json] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: INT64,
    FieldDescriptor.CPPTYPE_UINT64: INT64,
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}

WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Empty": {"type": "object"},
    "google.api.HttpBody": BINARY,
}

STATUS: Json = {
    "type": "object",
    "description": "An error, as google.rpc.Status.",
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "A google.rpc.Code."},
        "message": {"type": "string", "description": "Message for people."},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "@type": {"type": "string", "description": "Type of the error detail (google.rpc)."},
                    "reason": {
                        "type": "string",
                        "description": "ErrorInfo: reason for programs, such as `EMOJI_NOT_FOUND`.",
                    },
                    "domain": {"type": "string", "description": "ErrorInfo: always `igemoji`."},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    "field_violations": {
                        "type": "array",
                        "description": "BadRequest: the invalid fields.",
                        "items": {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
                        },
                    },
                },
                "required": ["@type"],
            },
        },
    },
    "required": ["code", "message", "details"],
}


class Schemas:
    """Schemas of messages and enums, collected as the components that operations refer to."""

    def __init__(self, types: ContractTypes) -> None:
        self._types = types
        self._owners: dict[str, str] = {"Status": ""}
        self._components: dict[str, Json] = {"Status": STATUS}

    def components(self) -> dict[str, Json]:
        """Return the collected components by name."""
        return dict(sorted(self._components.items()))

    def message(self, message: Descriptor, *, request: bool = False) -> Json:
        """Return a reference to the schema of a message, or the JSON form of a well-known type."""
        if message.full_name in WELL_KNOWN:
            return dict(WELL_KNOWN[message.full_name])
        name = self._name(message)
        if name not in self._components:
            self._components[name] = {}  # before its fields: a message may contain itself
            self._components[name].update(
                _with_description(self.object_of(list(message.fields), request=request), self._types.comment(message))
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def object_of(self, fields: list[FieldDescriptor], *, request: bool) -> Json:
        """Return an object schema of some fields; required are those of a request, or those always in a response."""
        schema: Json = {
            "type": "object",
            "properties": {field.name: self.field(field, request=request) for field in fields},
        }
        required = [field.name for field in fields if (self.is_required(field) if request else _always_present(field))]
        return {**schema, "required": required} if required else schema

    def field(self, field: FieldDescriptor, *, request: bool = False) -> Json:
        """Return the schema of a field."""
        schema = self._field(field, request=request)
        return {**schema, "deprecated": True} if field.GetOptions().deprecated else schema

    def _field(self, field: FieldDescriptor, *, request: bool) -> Json:
        rules = self._types.extension(field, "buf.validate.field")
        comment = self._types.comment(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = self._one(field.message_type.fields_by_name["value"], None, request)
            return _with_description({"type": "object", "additionalProperties": value}, comment)
        if not field.is_repeated:
            return _with_description(self._one(field, rules, request), comment)
        of_items = rules.repeated.items if rules and rules.repeated.HasField("items") else None
        schema: Json = {"type": "array", "items": self._one(field, of_items, request)}
        if rules and rules.repeated.HasField("min_items"):
            schema["minItems"] = rules.repeated.min_items
        if rules and rules.repeated.HasField("max_items"):
            schema["maxItems"] = rules.repeated.max_items
        return _with_description(schema, comment)

    def is_required(self, field: FieldDescriptor) -> bool:
        """Return whether a request without the field is refused, because its rules exclude the zero value."""
        rules = self._types.extension(field, "buf.validate.field")
        if rules is None:
            return False
        ignore = rules.DESCRIPTOR.fields_by_name["ignore"].enum_type.values_by_number[rules.ignore].name
        if rules.required or ignore in ("IGNORE_IF_ZERO_VALUE", "IGNORE_ALWAYS"):
            return bool(rules.required)
        if field.is_repeated:
            return bool(rules.repeated.min_items > 0)
        if field.has_presence:
            return False  # rules apply only if it is present
        return not _zero_holds(self._one(field, rules, request=True))

    def _one(self, field: FieldDescriptor, rules: Any, request: bool) -> Json:
        if field.message_type is not None:
            return self.message(field.message_type, request=request)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64", **_bytes_rules(rules)}
        schema = dict(SCALARS[field.cpp_type])
        kind = rules.WhichOneof("type") if rules else None
        if kind == "string":
            schema.update(_string_rules(rules.string))
        elif kind and schema["type"] in ("integer", "number"):
            schema.update(_number_rules(getattr(rules, kind)))
        return schema

    def _enum(self, enum: EnumDescriptor) -> Json:
        name = self._name(enum)
        if name not in self._components:
            lines = [f"- `{value}`: {comment}" for value, comment in self._types.value_comments(enum)]
            description = "\n".join(filter(None, [self._types.comment(enum), *lines]))
            values = [value.name for value in enum.values]
            self._components[name] = _with_description({"type": "string", "enum": values}, description)
        return {"$ref": f"#/components/schemas/{name}"}

    def _name(self, type_: Descriptor | EnumDescriptor) -> str:
        """Return the short name of a type. Raises ValueError if two types share it."""
        owner = self._owners.setdefault(type_.name, type_.full_name)
        if owner != type_.full_name:
            raise ValueError(f"{owner} and {type_.full_name} have the same name in the API document")
        name: str = type_.name
        return name


def _with_description(schema: Json, text: str) -> Json:
    return {**schema, "description": text} if text else schema


def _always_present(field: FieldDescriptor) -> bool:
    if field.is_repeated:
        return True
    return field.message_type is None and field.containing_oneof is None


def _string_rules(rules: Any) -> Json:
    schema: Json = {}
    longest = [getattr(rules, name) for name in ("max_len", "max_bytes", "len") if rules.HasField(name)]
    shortest = [getattr(rules, name) for name in ("min_len", "len") if rules.HasField(name)]
    if shortest:
        schema["minLength"] = max(shortest)
    if longest:
        schema["maxLength"] = min(longest)
    if rules.HasField("pattern"):
        schema["pattern"] = rules.pattern
    if getattr(rules, "in"):
        schema["enum"] = list(getattr(rules, "in"))
    if rules.HasField("const"):
        schema["const"] = rules.const
    well_known = rules.WhichOneof("well_known")
    if well_known in ("uuid", "email", "hostname", "uri", "ipv4", "ipv6"):
        schema["format"] = well_known
    return schema


def _number_rules(rules: Any) -> Json:
    names = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "const": "const"}
    schema: Json = {key: getattr(rules, name) for name, key in names.items() if rules.HasField(name)}
    if getattr(rules, "in"):
        schema["enum"] = list(getattr(rules, "in"))
    return schema


def _bytes_rules(rules: Any) -> Json:
    """Return the length limits in characters of base64."""
    if not rules or not rules.HasField("bytes"):
        return {}
    names = {"min_len": "minLength", "max_len": "maxLength"}
    return {
        key: math.ceil(getattr(rules.bytes, name) / 3) * 4 for name, key in names.items() if rules.bytes.HasField(name)
    }


def _zero_holds(schema: Json) -> bool:
    """Return whether the zero value of a string or number satisfies its rules."""
    if schema.get("type") == "string":
        return (
            not schema.get("minLength")
            and schema.get("format") not in ("uuid", "email", "hostname", "uri", "ipv4", "ipv6")
            and "" in schema.get("enum", [""])
            and schema.get("const", "") == ""
            and re.search(schema.get("pattern", ""), "") is not None
        )
    return bool(
        schema.get("minimum", 0) <= 0 <= schema.get("maximum", 0)
        and 0 in schema.get("enum", [0])
        and not schema.get("const")
        and schema.get("exclusiveMinimum", -1) < 0 < schema.get("exclusiveMaximum", 1)
    )
