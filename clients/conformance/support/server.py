"""The real server, and calls to it in JSON. Knows the protos by their descriptors only."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

START_SECONDS = 60
CALL_SECONDS = 20


def descriptors(root: pathlib.Path, folder: pathlib.Path) -> descriptor_pool.DescriptorPool:
    """The protos of the tree, compiled by buf."""
    compiled = folder / "descriptors.binpb"
    command = [root / "tools/node_modules/.bin/buf", "build", "--as-file-descriptor-set"]
    subprocess.run([*command, "-o", compiled], cwd=root, check=True)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file:
        pool.Add(file)
    return pool


def free_port() -> int:
    """A port that stays free while the server is killed and started again: systems give none of
    these to connections (from 32768 on Linux)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    """One server on a port and a database of its own, which can be killed, paused and started."""

    def __init__(self, binary: str, folder: pathlib.Path, pool) -> None:
        self.binary, self.folder, self.pool = binary, folder, pool
        self.address = f"127.0.0.1:{free_port()}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        if self.process is not None:
            return
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--listen", self.address, "--database", "sqlite:tollgate.db"],
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.call("WorkspaceService/ListWorkspaces", {})
                return
            except grpc.RpcError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    text = (self.folder / "server.log").read_text()
                    raise OSError(f"the server does not start: {error.code()}\n{text}") from None
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        # All of its threads, some of which may just be answering.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def resume(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def call(self, method: str, request: dict) -> dict:
        """One call, on a channel of its own: a server that was killed leaves nothing behind."""
        service, name = method.split("/")
        described = self.pool.FindServiceByName(f"tollgate.v1.{service}").methods_by_name[name]
        message = message_factory.GetMessageClass(described.input_type)()
        json_format.ParseDict(request, message, descriptor_pool=self.pool)
        answer = message_factory.GetMessageClass(described.output_type)
        with grpc.insecure_channel(self.address) as channel:
            unary = channel.unary_unary(
                f"/tollgate.v1.{service}/{name}",
                request_serializer=type(message).SerializeToString,
                response_deserializer=answer.FromString,
            )
            response = unary(message, timeout=CALL_SECONDS)
        return json_format.MessageToDict(
            response,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=self.pool,
        )

    def prepare(self, models: dict) -> None:
        for model_id, rates in models.items():
            self.call("CatalogService/UpsertModel", {"model": {"model_id": model_id}})
            price = {"currency_code": "EUR", "effective_time": "2020-01-01T00:00:00Z", **rates}
            self.call("CatalogService/SetModelPrice", {"model_id": model_id, "price": price})

    def workspace(self, workspace_id: str, models: dict, plan: dict | None) -> None:
        workspace = {"workspace_id": workspace_id}
        self.call("WorkspaceService/CreateWorkspace", {"workspace": workspace})
        if plan is not None:
            amounts = {name: {"currency_code": "EUR", "amount": plan[name]} for name in plan}
            plan = {"start_date": "2026-01-01", **amounts}
            self.call("BudgetService/SetPlan", {"workspace_id": workspace_id, "plan": plan})
        for model_id in models:
            enable = {"workspace_id": workspace_id, "model_id": model_id}
            self.call("ModelLimitService/EnableModel", enable)
