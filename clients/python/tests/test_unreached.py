"""What happens where the server cannot be reached: wrong addresses, and the circuit breaker."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import signal
import time
from decimal import Decimal

import grpc
import pytest
from conftest import LONG, ROOT, Server, Workspace

from tollgate_grpc import AsyncClient, Client, TollgateUnavailable, Usage
from tollgate_grpc import v1 as pb
from tollgate_grpc.address import parse_address
from tollgate_grpc.breaker import Breaker, CircuitOpen

NOWHERE = "127.0.0.1:1"
ADDRESSES = json.loads((ROOT / "clients/conformance/address.json").read_text())


class Refusal(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "as the test wants it"


def fail(code: grpc.StatusCode) -> object:
    def method(_: object) -> object:
        raise Refusal(code)

    return method


@pytest.mark.parametrize("case", ADDRESSES["dialled"], ids=lambda case: case["address"])
def test_an_address_leads_to_one_place(case: dict[str, object]) -> None:
    address = str(case["address"])
    assert parse_address(address, False) == (case["target"], case["tls"])
    client = Client(address)
    assert client._address == case["target"]
    assert (client._credentials is not None) == case["tls"]
    client.close()


@pytest.mark.parametrize("address", ADDRESSES["refused"])
def test_what_cannot_be_dialled_is_refused_at_once(address: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="the address cannot be dialled") as refused:
            kind(address, on_unavailable="open")
        assert "secret" not in str(refused.value)


def test_what_contradicts_tls_is_refused() -> None:
    for address in ("http://127.0.0.1:1", "unix:/run/a"):
        with pytest.raises(ValueError, match="plaintext"):
            Client(address, tls=True)
    client = Client("dns:localhost:1", tls=True)
    assert client._credentials is not None
    client.close()


def test_a_breaker_lets_one_call_find_out() -> None:
    breaker, calls = Breaker("here", pause=0.2, timeout=0.2), list[object]()
    down = fail(grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(Refusal):
        breaker.call(down, None)  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(CircuitOpen, match="as the test wants it"):
            breaker.call(calls.append, None)
    assert not calls, "nobody else waits"
    time.sleep(0.25)

    def probe(_: object) -> None:
        with pytest.raises(CircuitOpen):
            breaker.call(calls.append, None)

    breaker.call(probe, None)
    breaker.call(calls.append, None)
    assert len(calls) == 1, "it was answered, and all may pass"


def test_a_breaker_knows_judgement_from_silence() -> None:
    breaker, calls = Breaker("here", pause=60, timeout=60), list[object]()
    for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED):
        with pytest.raises(Refusal):
            breaker.call(fail(code), None)  # type: ignore[arg-type]
        breaker.call(calls.append, None)
    with pytest.raises(KeyboardInterrupt):
        breaker.call(lambda _: (_ for _ in ()).throw(KeyboardInterrupt), None)
    breaker.call(calls.append, None)
    never = Breaker("here", pause=0, timeout=60)
    for _ in range(2):
        with pytest.raises(Refusal):
            never.call(fail(grpc.StatusCode.DEADLINE_EXCEEDED), None)  # type: ignore[arg-type]


def test_who_gives_up_leaves_it_to_the_next_to_find_out() -> None:
    breaker, calls = Breaker("here", pause=0.1, timeout=60), list[object]()
    with pytest.raises(Refusal):
        breaker.call(fail(grpc.StatusCode.UNAVAILABLE), None)  # type: ignore[arg-type]
    time.sleep(0.15)

    async def cancelled() -> None:
        async def hang(_: object) -> None:
            await asyncio.sleep(LONG)

        await asyncio.wait_for(breaker.call_async(hang, None), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(cancelled())
    breaker.call(calls.append, None)
    assert len(calls) == 1


def test_while_a_server_hangs_one_call_waits_and_it_is_found_again(own_server: Server) -> None:
    with (
        Client(own_server.address, timeout=LONG) as admin,
        Client(own_server.address, timeout=1.0) as client,
        Client(own_server.address, timeout=1.0, break_duration=60) as patient,
    ):
        workspace = Workspace(admin, "acme", budget="100")

        def unchecked(of: Client, **options: str) -> bool:
            with of.guard("acme", "gpt-4.1", input_tokens=1, **options) as call:  # type: ignore[arg-type]
                call.record(Usage(input_tokens=1))
            return call.unchecked

        assert not unchecked(client) and not unchecked(patient)
        assert patient.flush(LONG) == client.flush(LONG) == 0
        own_server.pause()
        assert unchecked(patient)
        begin = time.monotonic()
        assert all(unchecked(patient) for _ in range(50))
        with pytest.raises(TollgateUnavailable, match="earlier call"):
            unchecked(patient, on_unavailable="closed")
        with (
            pytest.raises(TollgateUnavailable, match="queued"),
            patient.guard("acme", "gpt-4.1", input_tokens=1, wait=True) as call,
        ):
            call.record(Usage(input_tokens=1))
        assert time.monotonic() - begin < 1.0, "each would have waited as long as that"
        assert unchecked(client)
        own_server.go_on()
        for restarted in (False, True):
            if restarted:
                own_server.stop(signal.SIGKILL)
                assert unchecked(client)
                own_server.start()
            begin = time.monotonic()
            while unchecked(client):
                assert time.monotonic() - begin < LONG
                time.sleep(0.05)
            print(f"checks again after {time.monotonic() - begin:.2f} s")
        assert client.flush(LONG) == 0 and workspace.spent() > Decimal(0)
        assert patient.flush(LONG) == 0


def test_a_closed_client_says_so_also_while_nobody_answers() -> None:
    client = Client(NOWHERE)
    with client.guard("w", "m", input_tokens=1) as call:
        assert call.unchecked
    client.close(0)
    with pytest.raises(ValueError, match="closed"), client.guard("w", "m", input_tokens=1):
        pass


def test_who_never_reached_a_server_says_so_loudly(
    caplog: pytest.LogCaptureFixture, own_server: Server
) -> None:
    client = Client(NOWHERE, break_duration=0)
    for _ in range(2):
        with client.guard("w", "m", input_tokens=1) as call:
            assert call.unchecked
    loud = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(loud) == 2
    assert NOWHERE in loud[0].getMessage() and "NEVER" in loud[0].getMessage()
    client.close(0)
    caplog.clear()
    with Client(own_server.address, timeout=LONG) as client:
        client.ready(LONG)
        own_server.stop(signal.SIGKILL)
        with client.guard("w", "m", input_tokens=1) as call:
            assert call.unchecked
        assert "running unchecked" in caplog.text and "NEVER" not in caplog.text


def test_ready_lets_a_program_fail_at_its_start(server: Server) -> None:
    with Client(server.address) as client:
        client.ready(LONG)
    client = Client(NOWHERE)
    begin = time.monotonic()
    with pytest.raises(TollgateUnavailable, match=f"{NOWHERE} within 0.3 s"):
        client.ready(0.3)
    assert 0.3 <= time.monotonic() - begin < LONG
    client.close(0)

    async def both() -> None:
        async with AsyncClient(server.address) as client:
            await client.ready(LONG)
        async with AsyncClient(NOWHERE) as client:
            with pytest.raises(TollgateUnavailable):
                await client.ready(0.2)

    asyncio.run(both())


@pytest.mark.parametrize(
    "count", [1e30, math.nan, math.inf, -1, 2**53 + 1, 2**63, 10**30, 1.5, "many", None], ids=repr
)
def test_a_count_that_can_be_none_is_refused_and_counted(
    count: object, client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    for usage in (Usage(output_tokens=count), Usage(units={"WEB_SEARCH": count or -1})):  # type: ignore[arg-type, dict-item]
        with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
            assert call.model
            call.record(usage)
        assert f"{call.request_id} is refused" in caplog.text
        assert "expected a whole number from 0 to 2^53" in caplog.text
        with (
            pytest.raises(ValueError, match="whole number"),
            client.guard(workspace.id, "gpt-4.1", input_tokens=1, wait=True) as call,
        ):
            call.record(usage)
    assert client.stats() == (0, 0, 0, 4)
    assert workspace.spent() == 0


def test_whole_counts_may_be_written_as_fractions() -> None:
    assert Usage(input_tokens=1000.0).to_proto() == pb.Usage(input_token_count=1000)  # type: ignore[arg-type]


def test_what_the_server_refuses_at_once_is_counted_too(
    client: Client, workspace: Workspace
) -> None:
    with (
        pytest.raises(grpc.RpcError),
        client.guard(workspace.id, "gpt-4.1", input_tokens=1, wait=True) as call,
    ):
        call.record(Usage(input_tokens=10**12))
    assert client.stats() == (0, 0, 0, 1)
