"""A plugin of buf: writes `tollgate/v1/__init__.py`, so that every message, enum and stub can be
imported from `tollgate.v1` itself. Beside the files that protoc writes; generates nothing else.
"""

import sys

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto

HEADER = '''"""Generated from proto/tollgate/v1 by tools/clients/generate: do not edit.

Every message, enum and stub of the API.
"""

'''


def names_of(file: FileDescriptorProto) -> list[str]:
    names = [message.name for message in file.message_type]
    for enum in file.enum_type:
        names.append(enum.name)
        names.extend(value.name for value in enum.value)
    return sorted(names)


def imports(module: str, names: list[str]) -> str:
    lines = "".join(f"    {name} as {name},\n" for name in names)
    return f"from tollgate.v1.{module} import (\n{lines})\n"


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    ours = set(request.file_to_generate)
    text = HEADER
    for file in sorted(request.proto_file, key=lambda file: file.name):
        if file.name not in ours:
            continue
        stem = file.name.removeprefix("tollgate/v1/").removesuffix(".proto")
        text += imports(f"{stem}_pb2", names_of(file))
        if file.service:
            stubs = [f"{service.name}Stub" for service in file.service]
            text += imports(f"{stem}_pb2_grpc", sorted(stubs))

    response = plugin_pb2.CodeGeneratorResponse()
    response.supported_features = plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    response.file.add(name="tollgate/v1/__init__.py", content=text)
    sys.stdout.buffer.write(response.SerializeToString())


main()
