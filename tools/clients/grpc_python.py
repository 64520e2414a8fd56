"""A plugin of buf: runs the generator of Python's gRPC stubs, which is built into the protoc of
grpcio-tools and cannot be run as a plugin by itself.
"""

import pathlib
import sys
import tempfile

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    response = plugin_pb2.CodeGeneratorResponse()
    response.supported_features = plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        descriptors = folder / "descriptors.bin"
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = folder / "out"
        out.mkdir()
        command = ["protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={out}"]
        if protoc.main([*command, *request.file_to_generate]) != 0:
            sys.exit("grpc_python: protoc failed")
        for path in sorted(out.rglob("*.py")):
            response.file.add(name=str(path.relative_to(out)), content=path.read_text())
    sys.stdout.buffer.write(response.SerializeToString())


main()
