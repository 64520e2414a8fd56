"""The fake for tests of users: what it answers, and what it keeps."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from conftest import LONG

from tollgate_grpc import Blocked, Client, Money, TollgateUnavailable, Usage
from tollgate_grpc import v1 as pb
from tollgate_grpc.testing import FakeTollgate

USED = Usage(input_tokens=1000, output_tokens=100)


def run(client: Client, **options: object) -> str:
    with client.guard("acme", "gpt-4.1", input_tokens=1000, **options) as call:  # type: ignore[arg-type]
        call.record(USED)
        return call.model


def test_it_answers_as_it_is_told_and_keeps_what_it_is_given() -> None:
    with FakeTollgate() as tollgate, tollgate.client(timeout=LONG) as client:
        client.ready(LONG)
        assert run(client, user="ada") == "gpt-4.1"
        assert client.flush(LONG) == 0
        assert Usage.from_proto(tollgate.records[0].usage) == USED
        assert tollgate.checks[0].attribution.user_id == "ada"

        tollgate.route("gpt-4.1-mini")
        with client.guard("acme", "gpt-4.1", prompt="hello", wait=True) as call:
            call.record(USED)
        assert call.routed and call.reason
        assert call.recorded is not None and call.recorded.usage == USED
        assert call.recorded.cost == Money.from_proto(pb.Money(currency_code="USD"))
        assert tollgate.records[1].model_id == "gpt-4.1-mini"

        tollgate.block("RATE_LIMITED", retry_after=timedelta(seconds=9))
        with pytest.raises(Blocked) as blocked:
            run(client)
        assert blocked.value.reason == blocked.value.verdicts[0].reason == "RATE_LIMITED"
        assert blocked.value.retry_after == timedelta(seconds=9)
        with pytest.raises(ValueError, match="LAZY"):
            tollgate.block("LAZY")  # type: ignore[arg-type]

        tollgate.allow()
        with client.guard("acme", "gpt-4.1", input_tokens=1, request_id="idle"):
            pass
        assert client.flush(LONG) == 0
        assert tollgate.releases[0].request_id == "idle"
        with pytest.raises(grpc.RpcError) as missing:
            client.budget.GetBudget(pb.GetBudgetRequest())
        assert missing.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_it_fails_as_it_is_told() -> None:
    with (
        FakeTollgate() as tollgate,
        tollgate.client(on_unavailable="closed", break_duration=0) as client,
    ):
        tollgate.fail()
        with pytest.raises(TollgateUnavailable):
            run(client)
        assert run(client, on_unavailable="open") == "gpt-4.1"
        assert (tollgate.records, client.stats().queued) == ([], 1)
        tollgate.fail(grpc.StatusCode.NOT_FOUND)
        with pytest.raises(grpc.RpcError) as refused:
            run(client)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        tollgate.allow()
        assert client.flush(LONG) == 0


async def test_it_has_asynchronous_clients() -> None:
    with FakeTollgate() as tollgate:
        async with tollgate.async_client(timeout=LONG) as client:
            async with client.guard("acme", "gpt-4.1", input_tokens=1) as call:
                call.record(USED)
            assert await client.flush(LONG) == 0
        assert len(tollgate.records) == 1
