"""A real Tollgate server, a workspace in it for each test, and a fake of the providers' APIs."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal

import grpc
import pytest
from provider import Provider

from tollgate_grpc import Client, Money
from tollgate_grpc import v1 as pb

ROOT = pathlib.Path(__file__).resolve().parents[3]
# More than anything takes on a busy machine, in seconds.
LONG = 60


def free_port() -> tuple[int, socket.socket | None]:
    """A port where nobody listens yet.

    On Linux one that is bound can be listened on by a server all the same, and is given to nobody
    else as long as the socket is kept: before the server starts, or while it is down.
    """
    port = socket.socket()
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind(("127.0.0.1", 0))
    number = port.getsockname()[1]
    if sys.platform == "linux":
        return number, port
    port.close()
    return number, None


# For programs of their own: our package, and time for clients with the default deadlines.
PYTHONPATH = os.pathsep.join(
    str(ROOT / "clients/python" / folder) for folder in ("tests/patient", "src")
)


class Server:
    """The binary on a port of its own with a SQLite file of its own; can be killed and started."""

    def __init__(self, folder: pathlib.Path) -> None:
        binary = os.environ.get("TOLLGATE_TEST_BINARY") or ROOT / "target/debug/tollgate"
        self._binary = pathlib.Path(binary).resolve(strict=True)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        port, self._port = free_port()
        self.address = f"127.0.0.1:{port}"

    def start(self) -> None:
        database = f"sqlite:{self._folder / 'tollgate.db'}"
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binary,
                    "serve",
                    "--create",
                    "--listen",
                    self.address,
                    "--database",
                    database,
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        soon = [(f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "max")]
        with grpc.insecure_channel(self.address, soon) as channel:
            ready = grpc.channel_ready_future(channel)
            try:
                ready.result(timeout=LONG)
            except grpc.FutureTimeoutError:
                raise AssertionError((self._folder / "server.log").read_text()) from None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(timeout=LONG)
            self._process = None

    def pause(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        # All of its threads, some of which may just be answering.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class Workspace:
    """A workspace with two enabled models, and what the server says of it."""

    def __init__(self, client: Client, name: str, budget: str) -> None:
        self.client, self.id = client, name
        workspace = pb.Workspace(workspace_id=name, currency_code="USD", time_zone="UTC")
        client.workspace.CreateWorkspace(pb.CreateWorkspaceRequest(workspace=workspace))
        plan = pb.Plan(
            budget=usd(budget), overage_limit=usd("0"), start_date=time.strftime("%Y-%m-01")
        )
        client.budget.SetPlan(pb.SetPlanRequest(workspace_id=name, plan=plan))
        self.enable("gpt-4.1", "gpt-4.1-mini")

    def enable(self, *models: str) -> None:
        for model in models:
            self.client.model_limit.EnableModel(
                pb.EnableModelRequest(workspace_id=self.id, model_id=model)
            )

    def cap(self, model: str, amount: str, *fallbacks: str) -> None:
        """Sets the cap of a model, and its fallback chain; an empty chain is any cheaper model."""
        self.client.model_limit.SetModelLimit(
            pb.SetModelLimitRequest(
                workspace_id=self.id,
                model_id=model,
                limit=usd(amount),
                fallback_model_ids=fallbacks,
            )
        )

    def fallback(self, enabled: bool) -> None:
        self.client.budget.SetAutomaticFallback(
            pb.SetAutomaticFallbackRequest(workspace_id=self.id, enabled=enabled)
        )

    def records(self) -> list[pb.UsageRecord]:
        """The usage log, oldest first."""
        answer = self.client.usage.ListUsageRecords(
            pb.ListUsageRecordsRequest(workspace_id=self.id, page_size=1000)
        )
        return list(reversed(answer.records))

    def holds(self) -> int:
        answer = self.client.usage.ListHolds(
            pb.ListHoldsRequest(workspace_id=self.id, state=pb.HOLD_STATE_LIVE)
        )
        return len(answer.holds)

    def no_holds(self) -> bool:
        """Whether the holds end of those whose records were found in the log.

        A record is in the log a moment before its hold is gone; who was told by the server that
        it is recorded need not wait.
        """
        end = time.monotonic() + LONG
        while (count := self.holds()) and time.monotonic() < end:
            time.sleep(0.02)
        return count == 0

    def spent(self) -> Decimal:
        answer = self.client.budget.GetBudget(pb.GetBudgetRequest(workspace_id=self.id))
        return Money.from_proto(answer.budget.spent).amount

    def wait_for(self, count: int) -> list[pb.UsageRecord]:
        """The usage log once it has so many entries."""
        end = time.monotonic() + LONG
        while len(records := self.records()) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(records) == count, records
        return records


def usd(amount: str) -> pb.Money:
    return Money(Decimal(amount), "USD").to_proto()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it alone."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server for a test that kills it."""
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator[Client]:
    with Client(server.address, timeout=LONG) as client:
        yield client


@pytest.fixture
def workspace(admin: Client) -> Workspace:
    return Workspace(admin, f"w{uuid.uuid4().hex[:12]}", budget="1000")


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, timeout=LONG, flush_timeout=LONG) as client:
        yield client


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()
