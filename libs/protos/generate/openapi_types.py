"""Types of a descriptor set with their options and comments, read without generated stubs."""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

Position = tuple[int, ...]
"""Path of an element in source information; the numbers are field numbers of descriptor.proto."""


class ContractTypes:
    """Lookup of services, options and comments by full name."""

    def __init__(self, descriptors: FileDescriptorSet) -> None:
        self._files = list(descriptors.file)
        self._pool = DescriptorPool()
        for file in self._files:
            self._pool.Add(file)
        self._comments: dict[str, str] = {}
        for file in self._files:
            self._read(file)

    def services(self, prefix: str) -> Iterator[ServiceDescriptor]:
        """Iterate over the services of packages that begin with `prefix`."""
        for file in self._files:
            for service in file.service if file.package.startswith(prefix) else []:
                yield self._pool.FindServiceByName(f"{file.package}.{service.name}")

    def extension(self, of: MethodDescriptor | FieldDescriptor, name: str) -> Any:
        """Return an extension option by its full name, or None if it is not set."""
        kind = "MethodOptions" if isinstance(of, MethodDescriptor) else "FieldOptions"
        options = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"google.protobuf.{kind}"))
        found: Any = options.FromString(of.GetOptions().SerializeToString())
        extension = self._pool.FindExtensionByName(name)
        return found.Extensions[extension] if found.HasExtension(extension) else None

    def comment(self, of: MethodDescriptor | FieldDescriptor | Descriptor | EnumDescriptor) -> str:
        """Return the comment of an element."""
        return self._comments.get(of.full_name, "")

    def package_comment(self, file: str) -> str:
        """Return the comment of a file's package."""
        return self._comments.get(file, "")

    def value_comments(self, enum: EnumDescriptor) -> Iterator[tuple[str, str]]:
        """Iterate over the values of an enum that have a comment."""
        for value in enum.values:
            if comment := self._comments.get(f"{enum.full_name}.{value.name}", ""):
                yield value.name, comment

    def _read(self, file: FileDescriptorProto) -> None:
        """Index the comments of a file, which source information has by position, by full name."""
        at = {tuple(place.path): _text(place.leading_comments) for place in file.source_code_info.location}
        self._comments[file.name] = at.get((2,), "")
        for i, message in enumerate(file.message_type):
            self._read_message(at, (4, i), file.package, message)
        for i, enum in enumerate(file.enum_type):
            self._read_enum(at, (5, i), file.package, enum)
        for i, service in enumerate(file.service):
            for j, method in enumerate(service.method):
                self._comments[f"{file.package}.{service.name}.{method.name}"] = at.get((6, i, 2, j), "")

    def _read_message(self, at: dict[Position, str], path: Position, scope: str, message: DescriptorProto) -> None:
        name = f"{scope}.{message.name}"
        self._comments[name] = at.get(path, "")
        for i, field in enumerate(message.field):
            self._comments[f"{name}.{field.name}"] = at.get((*path, 2, i), "")
        for i, nested in enumerate(message.nested_type):
            self._read_message(at, (*path, 3, i), name, nested)
        for i, enum in enumerate(message.enum_type):
            self._read_enum(at, (*path, 4, i), name, enum)

    def _read_enum(self, at: dict[Position, str], path: Position, scope: str, enum: EnumDescriptorProto) -> None:
        name = f"{scope}.{enum.name}"
        self._comments[name] = at.get(path, "")
        for i, value in enumerate(enum.value):
            self._comments[f"{name}.{value.name}"] = at.get((*path, 2, i), "")


def _text(comment: str) -> str:
    """Return a comment with one line per paragraph."""
    paragraphs = re.split(r"\n\s*\n", comment.strip())
    return "\n\n".join(" ".join(line.strip() for line in paragraph.splitlines()) for paragraph in paragraphs)
