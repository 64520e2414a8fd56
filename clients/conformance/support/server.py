"""The real server, and calls to it in JSON. Knows the protos by their descriptors only.

In plaintext and open to everybody on loopback, or on all addresses with TLS and authentication.
"""

import contextlib
import datetime
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from support.forward import forward

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


class Authority:
    """A private CA, its certificates for servers, and another CA that has signed nothing."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Makes the files. `names` are the files of a server by its kind, and a name of it."""
        self.names = {
            "tls": (folder / "server.pem", folder / "server.key", "127.0.0.1"),
            "other_name": (folder / "other_name.pem", folder / "other_name.key", OTHER_NAME),
        }
        for name in ("ca", "other"):
            openssl(
                folder, "req", "-x509", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-days", "2", "-subj", f"/CN=conformance {name}",
                "-addext", "basicConstraints=critical,CA:TRUE",
            )
        certify(folder, "server", "IP:127.0.0.1,DNS:localhost")
        certify(folder, "other_name", f"DNS:{OTHER_NAME}")
        self.roots = (folder / "ca.pem").read_text()
        self.other_roots = (folder / "other.pem").read_text()


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# Not one of loopback.
OTHER_NAME = "tollgate.example"


def certify(folder: pathlib.Path, name: str, names: str) -> None:
    """A key, and a certificate of the CA for these names."""
    request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=tollgate"]
    openssl(folder, "req", *NEW_KEY, *request)
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext",
    )


def openssl(folder: pathlib.Path, *arguments: str) -> None:
    ran = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if ran.returncode != 0:
        raise OSError(f"openssl {' '.join(arguments)}: {ran.stderr}")


class Server:
    """One server on a port and a database of its own, which can be killed, paused and started."""

    def __init__(self, binary: str, folder: pathlib.Path, pool, authority: Authority, kind: str) -> None:
        """If it is not `plaintext` it has TLS, requires authentication, and listens beyond loopback."""
        self.binary, self.folder, self.pool = binary, folder, pool
        self.authority = None if kind == "plaintext" else authority
        self.kind = kind
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None
        # Where `forward` takes connections for it.
        self.socket_path = folder / "socket"
        forward(self.socket_path, self.port)
        # The operator's; printed by the server at its first start.
        self.secret = ""

    def command(self) -> list:
        listen = ["--listen", f"{'0.0.0.0' if self.authority else '127.0.0.1'}:{self.port}"]
        command = [self.binary, "serve", *listen, "--database", "sqlite:tollgate.db"]
        if not self.authority:
            command += ["--webhooks-allow-loopback"]
        if self.authority:
            certificate, key, _ = self.authority.names[self.kind]
            command += ["--auth", "required", "--tls-certificate", certificate, "--tls-key", key]
        return command

    def start(self) -> None:
        if self.process is not None:
            return
        log = (self.folder / "server.log").open("ab")
        printed = (self.folder / "printed.txt").open("ab")
        self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=printed, stderr=log)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.read_secret()
                self.call("WorkspaceService/ListWorkspaces", {})
                return
            except grpc.RpcError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    text = (self.folder / "server.log").read_text()
                    raise OSError(f"the server does not start: {error.code()}\n{text}") from None
            time.sleep(0.05)

    def read_secret(self) -> None:
        found = re.search(r"tg_\w+", (self.folder / "printed.txt").read_text())
        self.secret = found[0] if found else ""

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
        if "workspace_id" not in described.input_type.fields_by_name:
            request = {key: value for key, value in request.items() if key != "workspace_id"}
        message = message_factory.GetMessageClass(described.input_type)()
        json_format.ParseDict(request, message, descriptor_pool=self.pool)
        answer = message_factory.GetMessageClass(described.output_type)
        with self.channel() as channel:
            unary = channel.unary_unary(
                f"/tollgate.v1.{service}/{name}",
                request_serializer=type(message).SerializeToString,
                response_deserializer=answer.FromString,
            )
            metadata = [("authorization", f"Bearer {self.secret}")] if self.secret else []
            response = unary(message, timeout=CALL_SECONDS, metadata=metadata)
        return json_format.MessageToDict(
            response,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=self.pool,
        )

    def channel(self) -> grpc.Channel:
        if self.authority is None:
            return grpc.insecure_channel(self.address)
        roots = grpc.ssl_channel_credentials(self.authority.roots.encode())
        name = ("grpc.ssl_target_name_override", self.authority.names[self.kind][2])
        return grpc.secure_channel(self.address, roots, [name])

    def token(self, role: str, workspaces: list[str], lifetime_s: int = 0) -> dict:
        """A new token: its id and its secret, which is empty where the server asks for none."""
        if self.authority is None:
            return {"token_id": "", "secret": ""}
        token = {"role": f"ROLE_{role}", "workspace_ids": workspaces}
        if lifetime_s:
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=lifetime_s)
            token["expire_time"] = end.isoformat()
        made = self.call("AccessService/CreateToken", {"token": token})
        return {"token_id": made["token"]["token_id"], "secret": made["secret"]}

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
