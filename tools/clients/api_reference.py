"""A plugin of buf: writes `api.md`, a reference of the API, from the comments of the protos.

Services first, each RPC with its comment; then what each file declares, a table for each message
and enum. Invents no text of its own beyond the page's first lines.
"""

import sys

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)

HEADER = """<!-- Generated from proto/tollgate/v1 by tools/clients/generate: do not edit. -->

# API reference

Every service, message and enum of `tollgate.v1`, in the words of the protos in \
[`proto/tollgate/v1`](../proto/tollgate/v1). How to call them from a shell: \
[grpcurl.md](grpcurl.md). From a program: [clients.md](clients.md).
"""

# Numbers of the fields of descriptor.proto by which a source location names what it is about.
FILE_SYNTAX, FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 12, 4, 5, 6
MESSAGE_FIELD, ENUM_VALUE, SERVICE_METHOD = 2, 2, 2

SCALARS = {
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
    FieldDescriptorProto.TYPE_DOUBLE: "double",
    FieldDescriptorProto.TYPE_FLOAT: "float",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_STRING: "string",
}


class Page:
    """One file's part of the reference."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self.comments = {
            tuple(location.path): location.leading_comments
            for location in file.source_code_info.location
        }

    def comment(self, *path: int) -> str:
        lines = self.comments.get(path, "").strip().split("\n")
        return " ".join(line.strip() for line in lines)

    def title(self) -> str:
        return self.file.name.rsplit("/", 1)[-1]

    def text(self) -> str:
        text = f"\n## {self.title()}\n\n{self.comment(FILE_SYNTAX)}\n"
        for index, service in enumerate(self.file.service):
            text += self.service(index, service)
        for index, message in enumerate(self.file.message_type):
            text += self.message(index, message)
        for index, enum in enumerate(self.file.enum_type):
            text += self.enum(index, enum)
        return text

    def service(self, index: int, service: ServiceDescriptorProto) -> str:
        text = f"\n### {service.name}\n\n{self.comment(FILE_SERVICE, index)}\n"
        for number, method in enumerate(service.method):
            asked = link(method.input_type, method.client_streaming)
            answered = link(method.output_type, method.server_streaming)
            comment = self.comment(FILE_SERVICE, index, SERVICE_METHOD, number)
            text += f"\n#### {service.name}/{method.name}\n\n{asked} → {answered}\n\n{comment}\n"
        return text

    def message(self, index: int, message: DescriptorProto) -> str:
        text = f"\n### {message.name}\n\n{self.comment(FILE_MESSAGE, index)}\n"
        if not message.field:
            return text
        maps = {nested.name: nested for nested in message.nested_type}
        text += "\n| field | type | |\n| --- | --- | --- |\n"
        for number, field in enumerate(message.field):
            comment = self.comment(FILE_MESSAGE, index, MESSAGE_FIELD, number)
            if field.HasField("oneof_index") and not field.proto3_optional:
                choice = message.oneof_decl[field.oneof_index].name
                comment = f"*One of `{choice}`.* {comment}"
            text += f"| `{field.name}` | {type_of(field, maps)} | {cell(comment)} |\n"
        return text

    def enum(self, index: int, enum: EnumDescriptorProto) -> str:
        text = f"\n### {enum.name}\n\n{self.comment(FILE_ENUM, index)}\n"
        text += "\n| value | number | |\n| --- | --- | --- |\n"
        for number, value in enumerate(enum.value):
            comment = self.comment(FILE_ENUM, index, ENUM_VALUE, number)
            text += f"| `{value.name}` | {value.number} | {cell(comment)} |\n"
        return text


def cell(comment: str) -> str:
    return comment.replace("|", "\\|")


def link(type_name: str, stream: bool = False) -> str:
    package, _, name = type_name.lstrip(".").rpartition(".")
    linked = f"[{name}](#{name.lower()})" if package == "tollgate.v1" else f"`{package}.{name}`"
    return f"stream of {linked}" if stream else linked


def type_of(field: FieldDescriptorProto, maps: dict[str, DescriptorProto]) -> str:
    entry = maps.get(field.type_name.rsplit(".", 1)[-1])
    if entry is not None and entry.options.map_entry:
        key, value = (type_of(part, {}) for part in entry.field)
        return f"map of {key} to {value}"
    name = SCALARS.get(field.type) or link(field.type_name)
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    return f"optional {name}" if field.proto3_optional else name


def contents(pages: list[Page]) -> str:
    text = "\n| service | RPCs |\n| --- | --- |\n"
    for page in pages:
        for service in page.file.service:
            calls = ", ".join(
                f"[{method.name}](#{(service.name + method.name).lower()})"
                for method in service.method
            )
            text += f"| [{service.name}](#{service.name.lower()}) | {calls} |\n"
    return text


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    ours = set(request.file_to_generate)
    files = [file for file in request.proto_file if file.name in ours]
    # Services by name, then what they share.
    pages = [Page(file) for file in sorted(files, key=lambda file: (not file.service, file.name))]
    text = HEADER + contents(pages) + "".join(page.text() for page in pages)

    response = plugin_pb2.CodeGeneratorResponse()
    response.supported_features = plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    response.file.add(name="api.md", content=text)
    sys.stdout.buffer.write(response.SerializeToString())


main()
