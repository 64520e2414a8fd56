"""What is recorded arrives exactly once: through outages, full queues, files, and exits."""

from __future__ import annotations

import asyncio
import io
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, cast

import grpc
import pytest
from conftest import LONG, PYTHONPATH, Server, Workspace

from tollgate_grpc import AsyncClient, Client, TollgateUnavailable, Usage
from tollgate_grpc import v1 as pb
from tollgate_grpc.client import VERSION
from tollgate_grpc.delivery import UNAUTHORIZED, Delivery, Item
from tollgate_grpc.queue_file import QueueFile

USED = Usage(input_tokens=1000, output_tokens=100)
COST = Decimal("0.0028")
NOWHERE = "127.0.0.1:1"


def run(client: Client, workspace: str, count: int = 1, **options: str) -> list[str]:
    ids = []
    for _ in range(count):
        with client.guard(workspace, "gpt-4.1", input_tokens=1000, **options) as call:  # type: ignore[arg-type]
            call.record(USED, model=call.model)
        ids.append(call.request_id)
    return ids


def test_open_runs_and_delivers_later_exactly_once(own_server: Server) -> None:
    address = own_server.address
    with Client(address, timeout=LONG) as admin, Client(address, timeout=LONG) as client:
        workspace = Workspace(admin, "acme", budget="100")
        with client.guard("acme", "gpt-4.1", input_tokens=1000) as call:
            own_server.stop(signal.SIGKILL)
            call.record(USED, model=call.model)
        with client.guard("acme", "gpt-4.1", input_tokens=1000, user="ada") as unchecked:
            assert (unchecked.unchecked, unchecked.decision) == (True, None)
            assert unchecked.model == "gpt-4.1"
            unchecked.record(USED)
        assert client.flush(0.2) == 2
        assert client.stats() == (2, 0, 0, 0)
        own_server.start()
        assert client.flush(LONG) == 0
        assert client.stats() == (0, 2, 0, 0)
        records = workspace.records()
        assert {record.request_id for record in records} == {call.request_id, unchecked.request_id}
        assert records[-1].attribution.user_id == "ada"
        assert workspace.spent() == 2 * COST


def test_closed_raises(own_server: Server) -> None:
    own_server.stop(signal.SIGKILL)
    with Client(own_server.address, on_unavailable="closed") as client:
        with (
            pytest.raises(TollgateUnavailable) as raised,
            client.guard("acme", "gpt-4.1", input_tokens=1),
        ):
            raise AssertionError("the block must not run")
        assert isinstance(raised.value.__cause__, grpc.RpcError)
        with client.guard("acme", "gpt-4.1", input_tokens=1, on_unavailable="open") as call:
            assert call.unchecked
        assert client.stats().queued == 0, "a call that never ran has nothing to say"


def test_a_server_that_hangs_costs_the_deadline(own_server: Server) -> None:
    with Client(own_server.address, timeout=LONG) as admin:
        workspace = Workspace(admin, "acme", budget="100")
        with Client(own_server.address, timeout=0.5) as client:
            run(client, "acme")
            assert client.flush(LONG) == 0
            own_server.pause()
            begin = time.monotonic()
            run(client, "acme")
            # It would never have answered.
            assert 0.4 < time.monotonic() - begin < LONG
            own_server.go_on()
            assert client.flush(LONG) == 0
        assert workspace.spent() == 2 * COST


def test_wait_raises_if_nobody_answers_and_queues_all_the_same() -> None:
    client = Client(NOWHERE)
    with (
        pytest.raises(TollgateUnavailable, match="queued"),
        client.guard("w", "m", input_tokens=1, wait=True) as call,
    ):
        call.record(USED)
    with (
        pytest.raises(ZeroDivisionError),
        client.guard("w", "m", input_tokens=1, wait=True) as call,
    ):
        assert call.model
        raise ZeroDivisionError
    assert client.stats().queued == 2
    assert client.close(0) == 2


def test_a_full_queue_drops_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(NOWHERE, queue_max=3)
    run(client, "w", 5)
    assert client.stats() == (3, 0, 2, 0)
    assert "3 are waiting already" in caplog.text
    assert client.close(0) == 3
    assert "3 usage records were not delivered" in caplog.text


def test_a_refused_record_is_logged_and_not_tried_again(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
        call.record(Usage(input_tokens=10**12))
    run(client, workspace.id)
    assert client.flush(LONG) == 0
    assert client.stats() == (0, 1, 0, 1)
    assert call.request_id in caplog.text


def test_a_queue_file_survives_the_process_and_overflows_memory(
    own_server: Server, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "queue.jsonl"
    with Client(own_server.address, timeout=LONG) as admin:
        workspace = Workspace(admin, "acme", budget="100")
        own_server.stop(signal.SIGKILL)
        script = f"""
            import os
            from concurrent.futures import ThreadPoolExecutor
            from tollgate_grpc import Client, Usage
            client = Client({own_server.address!r}, queue_max=30, queue_path={str(path)!r})
            def one(n):
                with client.guard("acme", "gpt-4.1", input_tokens=1, request_id=f"r{{n}}") as call:
                    call.record(Usage(input_tokens=1000, output_tokens=100), model=call.model)
            with ThreadPoolExecutor(50) as pool:
                list(pool.map(one, range(250)))
            assert client.stats() == (250, 0, 0, 0), client.stats()
            os.kill(os.getpid(), 9)
        """
        assert python(script).returncode == -9
        assert len(path.read_text().splitlines()) == 250
        with path.open("a") as file:
            file.write('{"workspaceId": "ac')  # As a process that is killed while it writes.
        own_server.start()
        with Client(own_server.address, timeout=LONG, queue_max=30, queue_path=path) as client:
            with pytest.raises(OSError, match="another client uses"):
                Client(own_server.address, queue_path=path)
            run(client, "acme", 20)
            assert client.flush(LONG) == 0
            assert client.stats() == (0, 270, 0, 0)
            assert path.read_text() == ""
        assert workspace.spent() == 270 * COST
        assert len(workspace.records()) == 270


def test_nothing_is_lost_at_normal_exit(server: Server, workspace: Workspace) -> None:
    script = f"""
        import asyncio
        from tollgate_grpc import AsyncClient, Client, Usage
        client, aclient = Client({server.address!r}), AsyncClient({server.address!r})

        async def main():
            for n in range(150):
                async with aclient.guard({workspace.id!r}, "gpt-4.1", input_tokens=1) as call:
                    call.record(Usage(input_tokens=1000, output_tokens=100), model=call.model)

        asyncio.run(main())
        for n in range(150):
            with client.guard({workspace.id!r}, "gpt-4.1", input_tokens=1) as call:
                call.record(Usage(input_tokens=1000, output_tokens=100), model=call.model)
    """
    result = python(script)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(workspace.records()) == 300
    assert workspace.spent() == 300 * COST


def test_exit_is_not_held_up_for_longer_than_the_flush_timeout() -> None:
    script = f"""
        import atexit
        import threading
        from tollgate_grpc import Client, Usage

        client = Client({NOWHERE!r}, flush_timeout=0.5)
        changed, main = client._delivery._changed, threading.current_thread()
        wait_for, waits = changed.wait_for, []

        def watched(condition, timeout=None):
            if threading.current_thread() is main:
                waits.append(timeout)
            return wait_for(condition, timeout)

        changed.wait_for = watched
        atexit.register(lambda: print(waits))
        with client.guard("w", "m", input_tokens=1) as call:
            call.record(Usage(input_tokens=1))
    """
    result = python(script)
    assert (result.returncode, result.stdout) == (0, "[0.5]\n")
    assert "1 usage records were not delivered" in result.stderr


def test_a_thousand_guards_in_parallel_spend_exactly(server: Server, workspace: Workspace) -> None:
    with Client(server.address, timeout=5 * LONG) as client:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda _: run(client, workspace.id), range(1000)))
        assert client.flush(5 * LONG) == 0
        assert client.stats() == (0, 1000, 0, 0)
    assert workspace.spent() == 1000 * COST
    assert workspace.holds() == 0


async def test_a_thousand_tasks_too(server: Server, workspace: Workspace) -> None:
    async with AsyncClient(server.address, timeout=5 * LONG) as client:

        async def one() -> None:
            async with client.guard(workspace.id, "gpt-4.1", input_tokens=1000) as call:
                call.record(USED, model=call.model)

        await asyncio.gather(*(one() for _ in range(1000)))
        assert await client.flush(5 * LONG) == 0
    assert workspace.spent() == 1000 * COST


def test_what_was_recorded_outlives_a_wrong_token(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "queue.jsonl"
    denial: grpc.StatusCode | None = None
    asked: list[tuple[grpc.StatusCode | None, list[str]]] = []

    def batch(
        request: pb.RecordUsageBatchRequest, context: grpc.ServicerContext
    ) -> pb.RecordUsageBatchResponse:
        code = denial
        asked.append((code, [record.request_id for record in request.records]))
        if code:
            context.abort(code, "no such token")
        result = pb.RecordUsageResult(record=pb.RecordUsageResponse())
        return pb.RecordUsageBatchResponse(results=[result for _ in request.records])

    def one(_: bytes, context: grpc.ServicerContext) -> None:
        assert denial
        context.abort(denial, "no such token")

    class Handler(grpc.GenericRpcHandler):
        def service(
            self, details: grpc.HandlerCallDetails
        ) -> grpc.RpcMethodHandler[Any, Any] | None:
            if details.method.endswith("CheckAndRoute"):
                return grpc.unary_unary_rpc_method_handler(lambda *_: b"")
            if details.method.endswith("/RecordUsage"):
                return grpc.unary_unary_rpc_method_handler(one)
            return grpc.unary_unary_rpc_method_handler(
                batch,
                pb.RecordUsageBatchRequest.FromString,
                pb.RecordUsageBatchResponse.SerializeToString,
            )

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with Client(address, token="secret", timeout=LONG, queue_path=path) as client:
        denial = grpc.StatusCode.UNAUTHENTICATED
        # Who waits is told, and the record is kept all the same.
        ids = ["kept"]
        with (
            pytest.raises(grpc.RpcError, match="no such token"),
            client.guard("w", "m", input_tokens=1, request_id="kept", wait=True) as call,
        ):
            call.record(USED)
        for denial in UNAUTHORIZED:
            end = time.monotonic() + LONG
            # With the second the first has been answered.
            while asked.count((denial, ids)) < 2:
                assert client.flush(0.01) == 1
                assert time.monotonic() < end, asked
            assert client.stats() == (1, 0, 0, 0)
            assert ids[0] in path.read_text()
            said = f"denied and will be tried again: {denial.name}: no such token"
            assert said in caplog.text
        denial = None
        assert client.flush(LONG) == 0
        assert client.stats() == (0, 1, 0, 0)
        assert path.read_text() == ""
        assert asked[-1] == (None, ids)
        assert all(recorded == ids for _, recorded in asked)
    assert "secret" not in caplog.text
    server.stop(None).wait()


def test_the_token_is_asked_for_before_each_call() -> None:
    sent: list[str | bytes] = []

    class Handler(grpc.GenericRpcHandler):
        def service(
            self, details: grpc.HandlerCallDetails
        ) -> grpc.RpcMethodHandler[Any, Any] | None:
            metadata = [(str(name), value) for name, value in details.invocation_metadata or ()]
            sent.extend(value for name, value in metadata if name == "authorization")
            return grpc.unary_unary_rpc_method_handler(lambda *_: b"")

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    tokens = ["first", " second\n", "two words", "third"]
    own = (("authorization", "Bearer own"),)

    async def ask() -> None:
        async with AsyncClient(address, token=lambda: tokens.pop(0), timeout=LONG) as client:
            for _ in range(2):
                await client.access.WhoAmI(pb.WhoAmIRequest())
            with pytest.raises(grpc.RpcError, match="header can carry") as refused:
                await client.access.WhoAmI(pb.WhoAmIRequest())
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            await client.access.WhoAmI(pb.WhoAmIRequest(), metadata=own)
            await client.access.WhoAmI(pb.WhoAmIRequest())
            with pytest.raises(grpc.RpcError, match="cannot be had: IndexError"):
                await client.access.WhoAmI(pb.WhoAmIRequest())

    asyncio.run(ask())
    with Client(address, token="fixed", timeout=LONG) as client:
        client.access.WhoAmI(pb.WhoAmIRequest())
        assert "fixed" not in f"{client!r} {client} {client.access!r}"
    said = ["first", "second", "own", "third", "fixed"]
    assert sent == [f"Bearer {token}" for token in said]
    server.stop(None).wait()


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.DEADLINE_EXCEEDED,
        *UNAUTHORIZED,
    ],
)
def test_while_nobody_lets_it_in_one_release_waits_for_the_answer(code: grpc.StatusCode) -> None:
    asked = []

    class Unanswered(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return code

        def details(self) -> str:
            return "no such token"

    class Stub:
        def RecordUsageBatch(self, _: object) -> None:
            asked.append("batch")
            raise Unanswered

        def ReleaseHold(self, release: pb.ReleaseHoldRequest) -> None:
            asked.append(release.request_id)
            raise Unanswered

    stub = cast("pb.UsageServiceStub", Stub())
    releases: list[Item] = [pb.ReleaseHoldRequest(request_id=str(n)) for n in range(5)]
    delivery = Delivery(lambda: (stub, lambda: None), 10, None, 0)
    assert delivery._send(stub, releases) == releases
    assert asked == ["0"]
    asked.clear()
    items = [pb.RecordUsageRequest(request_id="r"), *releases]
    assert delivery._send(stub, items) == items
    assert asked == ["batch"]


def test_a_line_that_found_no_room_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "queue.jsonl"
    queue = QueueFile(str(path))
    records = [pb.RecordUsageRequest(request_id=f"r{n}") for n in range(3)]
    assert queue.append(records[0], in_memory=True)
    file = queue._file

    class Full:
        def write(self, line: bytes) -> int:
            return file.write(line[:5])

    queue._file = cast("io.FileIO", Full())
    assert not queue.append(records[1], in_memory=True)
    queue._file = file
    assert queue.append(records[2], in_memory=True)
    queue.close()
    queue = QueueFile(str(path))
    assert queue.load(10) == [records[0], records[2]]
    queue.close()


def test_a_closed_client_leaves_its_file_to_the_next(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "queue.jsonl"
    begun, answer, gone = threading.Event(), threading.Event(), threading.Event()

    class Stub:
        def RecordUsageBatch(self, _: object) -> pb.RecordUsageBatchResponse:
            begun.set()
            assert answer.wait(LONG)
            return pb.RecordUsageBatchResponse(results=[pb.RecordUsageResult()])

    stub = cast("pb.UsageServiceStub", Stub())
    delivery = Delivery(lambda: (stub, gone.set), 10, str(path), 0)
    delivery.put(pb.RecordUsageRequest(request_id="r1"))
    assert begun.wait(LONG)
    assert delivery.close(0) == 1
    kept = path.read_bytes()
    assert b"r1" in kept
    answer.set()
    assert gone.wait(LONG), "the sender ends, with what is the next client's untouched"
    assert path.read_bytes() == kept


def test_a_token_is_kept_off_the_open_network(server: Server) -> None:
    for there in ("tollgate.example:1", "localhost.example:1", "127.example:443", "127.0.0.1.a"):
        with pytest.raises(ValueError, match="without TLS"):
            Client(there, token="secret")
    for here in ("localhost:1", "127.0.0.1:1", "[::1]:1", "unix:/tmp/tollgate.sock"):
        Client(here, token="secret").close()
    with pytest.raises(ValueError, match="'open' or 'closed'"):
        Client(on_unavailable="ajar")  # type: ignore[arg-type]
    Client("tollgate.example:443", token="secret", tls=True).close()
    with Client(server.address, token="secret", timeout=LONG) as client:
        answer = client.workspace.ListWorkspaces(
            pb.ListWorkspacesRequest(), metadata=(("tollgate-actor", "grace"),)
        )
        assert answer is not None


def test_calls_say_who_they_are_and_have_a_deadline() -> None:
    seen: list[tuple[dict[str, str], float]] = []
    answered = threading.Event()

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
            def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
                headers = {str(key): str(value) for key, value in context.invocation_metadata()}
                seen.append((headers, context.time_remaining()))
                if len(seen) < 3:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
                answered.set()
                return b""

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Client(f"127.0.0.1:{port}", token="secret", timeout=600) as client:
        client.usage.CheckAndRoute(pb.CheckAndRouteRequest())
        assert answered.is_set(), "the third try was answered"
        assert [headers["authorization"] for headers, _ in seen] == ["Bearer secret"] * 3
        assert all(500 < left < 610 for _, left in seen), seen
        assert seen[0][0]["user-agent"].startswith(f"tollgate-python/{VERSION} ")
        seen.clear()
        with pytest.raises(grpc.RpcError, match="busy"):
            client.budget.GetBudget(pb.GetBudgetRequest())
        assert len(seen) == 1, "a call that is not idempotent by its id is not repeated"
    server.stop(None).wait()


def python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=5 * LONG,
        check=False,
    )
