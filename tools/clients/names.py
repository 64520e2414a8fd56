"""A plugin of buf: writes the names of enums that clients hand out as texts, without their prefix:
constants for Go, and unions for Python. Those of the other languages follow from their stubs.
"""

import sys
import textwrap

from google.protobuf.compiler import plugin_pb2

FILE_ENUM, ENUM_VALUE = 5, 2
WIDTH = 99
GENERATED = "Generated from proto/tollgate/v1 by tools/clients/generate: do not edit."
# What there is a name for at an edge of a client: in a refusal, a call, a record, or an error.
ENUMS = [
    "BudgetState",
    "Decision",
    "Enforcement",
    "ErrorReason",
    "LimitKind",
    "LimitPeriod",
    "LimitUnit",
    "Reason",
    "ServiceTier",
    "SubjectType",
    "UnitKind",
]


class Enum:
    """One enum with its comments."""

    def __init__(self, file, index: int) -> None:
        enum, self.name = file.enum_type[index], file.enum_type[index].name
        comments = {tuple(one.path): one.leading_comments for one in file.source_code_info.location}
        self.comment = words(comments.get((FILE_ENUM, index), ""))
        prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
        self.members = [
            (value.name.removeprefix(prefix), words(comments.get((FILE_ENUM, index, ENUM_VALUE, at), "")))
            for at, value in enumerate(enum.value)
            if value.number
        ]


def words(comment: str) -> str:
    return " ".join(comment.split())


def go(enums: list[Enum]) -> str:
    text = f"// Code generated from the protos. DO NOT EDIT.\n// {GENERATED}\n\npackage tollgate\n"
    for enum in enums:
        says = f"{enum.name} is a name of the API without its prefix: {enum.comment} A newer server may say others."
        text += f"\n{comment('// ', says)}type {enum.name} string\n\nconst (\n"
        for name, about in enum.members:
            constant = enum.name + "".join(word.capitalize() for word in name.split("_"))
            text += comment("\t// ", f"{constant}: {about}")
            text += f'\t{constant} {enum.name} = "{name}"\n'
        text += ")\n"
    return text


def python(enums: list[Enum]) -> str:
    text = f'"""Names of the API without their prefix. A newer server may say others.\n\n{GENERATED}\n"""\n'
    text += "\nfrom typing import Literal\n"
    for enum in enums:
        members = "".join(f'    "{name}",\n' for name, _ in enum.members)
        text += f"\n{enum.name} = Literal[\n{members}]\n" + python_comment(enum.comment)
    return text


def python_comment(about: str) -> str:
    return "\n".join(textwrap.wrap(f'"""{about}"""', WIDTH)) + "\n"


def comment(start: str, text: str) -> str:
    lines = textwrap.wrap(text, WIDTH - len(start.expandtabs(4)), break_on_hyphens=False)
    return "".join(f"{start}{line}\n" for line in lines)


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    found = {
        enum.name: Enum(file, index)
        for file in request.proto_file
        if file.name in request.file_to_generate
        for index, enum in enumerate(file.enum_type)
    }
    enums = [found[name] for name in ENUMS]
    response = plugin_pb2.CodeGeneratorResponse()
    response.supported_features = plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    response.file.add(name="clients/go/names.go", content=go(enums))
    response.file.add(name="clients/python/src/tollgate_grpc/names.py", content=python(enums))
    sys.stdout.buffer.write(response.SerializeToString())


main()
