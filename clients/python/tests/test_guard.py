"""The guard against the real server: what it lets pass, and what is in the log afterwards."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import grpc
import pytest
from conftest import LONG, Server, Workspace

from tollgate_grpc import (
    AsyncClient,
    Blocked,
    Client,
    Money,
    ProviderAnswer,
    TollgateUnavailable,
    Usage,
    time_of,
)
from tollgate_grpc import v1 as pb

USED = Usage(input_tokens=1000, output_tokens=100)
CHAT = {
    "object": "chat.completion",
    "model": "gpt-4.1-2025-04-14",
    "service_tier": "flex",
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
}


def test_success_is_recorded_with_all_that_is_known(client: Client, workspace: Workspace) -> None:
    before, begin = datetime.now(timezone.utc), time.monotonic()
    with client.guard(
        workspace.id,
        "gpt-4.1",
        input_tokens=1000,
        max_output_tokens=500,
        user="ada",
        department="research",
        project="p1",
        tags={"team": "x"},
    ) as call:
        assert (call.model, call.decision, call.routed) == ("gpt-4.1", "ALLOWED", False)
        assert call.held is not None and call.held.amount == Decimal("0.006")
        assert call.expire_time is not None and call.expire_time > before
        call.record(CHAT)
    took, after = timedelta(seconds=time.monotonic() - begin), datetime.now(timezone.utc)
    assert client.flush(LONG) == 0
    (record,) = workspace.records()
    assert record.request_id == call.request_id
    assert record.model_id == "gpt-4.1-2025-04-14"
    assert record.service_tier == pb.SERVICE_TIER_FLEX
    assert record.outcome == pb.OUTCOME_SUCCESS
    assert record.usage_source == pb.USAGE_SOURCE_PROVIDER
    assert Usage.from_proto(record.usage) == USED
    assert record.attribution.user_id == "ada"
    assert record.attribution.department_id == "research"
    assert record.attribution.tags == {"team": "x"}
    assert before - timedelta(seconds=1) <= time_of(record.start_time) <= after
    assert record.latency.ToTimedelta() <= took
    assert workspace.holds() == 0
    assert client.stats().delivered == 1


def test_wait_tells_the_cost(client: Client, workspace: Workspace) -> None:
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1000, wait=True) as call:
        call.record(USED, model=call.model)
    assert call.recorded is not None and call.recorded.cost == Money(Decimal("0.0028"), "USD")
    assert (call.recorded.model, call.recorded.usage) == ("gpt-4.1", USED)
    assert not call.recorded.duplicate and not call.recorded.unread
    assert client.stats().delivered == 1
    assert workspace.spent() == Decimal("0.0028")


def test_an_error_is_recorded_and_goes_on(client: Client, workspace: Workspace) -> None:
    error = RuntimeError("provider is down")
    with (
        pytest.raises(RuntimeError) as raised,
        client.guard(workspace.id, "gpt-4.1", input_tokens=10) as call,
    ):
        assert call.model
        raise error
    assert raised.value is error
    (record,) = workspace.wait_for(1)
    assert record.outcome == pb.OUTCOME_ERROR
    assert record.usage == pb.Usage()
    assert workspace.no_holds()


def test_an_error_keeps_what_was_used(client: Client, workspace: Workspace) -> None:
    with (
        pytest.raises(RuntimeError),
        client.guard(workspace.id, "gpt-4.1", input_tokens=10) as call,
    ):
        call.record({"usage": {"prompt_tokens": 7, "completion_tokens": 3}})
        raise RuntimeError
    (record,) = workspace.wait_for(1)
    assert record.outcome == pb.OUTCOME_ERROR
    assert record.usage.output_token_count == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_who_gives_up_is_recorded_as_cancelled(
    client: Client, workspace: Workspace, error: type[BaseException]
) -> None:
    with pytest.raises(error), client.guard(workspace.id, "gpt-4.1", input_tokens=10) as call:
        assert call.model
        call.output_text = "x" * 400
        raise error
    (record,) = workspace.wait_for(1)
    assert record.outcome == pb.OUTCOME_CANCELLED
    assert record.usage_source == pb.USAGE_SOURCE_ESTIMATED
    assert (record.usage.input_token_count, record.usage.output_token_count) == (10, 100)


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_a_call_that_never_started_gives_its_hold_back(
    client: Client, workspace: Workspace, error: type[Exception] | None
) -> None:
    try:
        with client.guard(workspace.id, "gpt-4.1", input_tokens=10):
            assert workspace.holds() == 1
            if error:
                raise error
    except RuntimeError:
        assert error
    assert client.flush(LONG) == 0
    assert (workspace.holds(), workspace.records()) == (0, [])


def test_what_was_used_is_recorded_though_nobody_asked_for_the_model(
    client: Client, workspace: Workspace
) -> None:
    begin = {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}}
    with client.guard(workspace.id, "gpt-4.1", input_tokens=10) as call:
        call.record(begin)
        call.output_text = "four" * 9
    (record,) = workspace.wait_for(1)
    assert (record.usage.input_token_count, record.usage.output_token_count) == (7, 9)


def test_a_call_without_usage_is_estimated(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with client.guard(workspace.id, "gpt-4.1", prompt="x" * 41) as call:
        assert call.model
        call.output_text = "four"
    (record,) = workspace.wait_for(1)
    assert record.outcome == pb.OUTCOME_SUCCESS
    assert record.usage_source == pb.USAGE_SOURCE_ESTIMATED
    assert (record.usage.input_token_count, record.usage.output_token_count) == (11, 1)
    assert "no usage was recorded" in caplog.text


def test_a_cap_routes_and_says_why(client: Client, workspace: Workspace) -> None:
    workspace.cap("gpt-4.1", "0.001")
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1000, max_output_tokens=500) as call:
        assert (call.routed, call.model) == (True, "gpt-4.1-mini")
        assert call.verdicts[0].limit_kind == "MODEL_LIMIT"
        call.record(USED)
    (record,) = workspace.wait_for(1)
    assert record.model_id == "gpt-4.1-mini"


def test_blocked_names_the_limit_and_its_figures(client: Client, workspace: Workspace) -> None:
    workspace.cap("gpt-4.1", "0.001")
    workspace.fallback(False)
    with (
        pytest.raises(Blocked) as raised,
        client.guard(
            workspace.id, "gpt-4.1", input_tokens=1000, max_output_tokens=500, request_id="r1"
        ),
    ):
        raise AssertionError("the block must not run")
    blocked = raised.value
    assert (blocked.request_id, blocked.retry_after) == ("r1", None)
    verdict = blocked.verdicts[0]
    assert verdict.limit is not None and verdict.limit.amount == Decimal("0.001")
    assert verdict.need is not None and verdict.need.amount == Decimal("0.006")
    assert verdict.reset_time is not None and verdict.reset_time.tzinfo is timezone.utc
    assert "model limit of model gpt-4.1" in str(blocked)
    assert "limit 0.001 USD, spent 0.00, held 0.00, need 0.006" in str(blocked), str(blocked)
    assert (workspace.records(), workspace.holds()) == ([], 0)


def test_a_workspace_without_a_plan_runs_what_is_free(client: Client) -> None:
    name = f"w{uuid.uuid4().hex[:12]}"
    client.workspace.CreateWorkspace(
        pb.CreateWorkspaceRequest(workspace=pb.Workspace(workspace_id=name, currency_code="USD"))
    )
    client.catalog.UpsertModel(pb.UpsertModelRequest(model=pb.Model(model_id="free")))
    price = pb.Price(currency_code="USD", input_per_million="0", output_per_million="0")
    client.catalog.SetModelPrice(pb.SetModelPriceRequest(model_id="free", price=price))
    for model in ("free", "gpt-4.1"):
        client.model_limit.EnableModel(pb.EnableModelRequest(workspace_id=name, model_id=model))
    client.api_key.RegisterApiKey(
        pb.RegisterApiKeyRequest(workspace_id=name, api_key=pb.ApiKey(api_key_id="web"))
    )
    with client.guard(name, "free", input_tokens=1, api_key="web") as call:
        assert call.budget_state == "NO_PLAN"
        call.record(USED)
    with (
        pytest.raises(Blocked) as raised,
        client.guard(name, "gpt-4.1", input_tokens=1, api_key="web"),
    ):
        pass
    assert raised.value.verdicts[0].limit_kind == "ENVELOPE"


def test_the_stubs_of_asyncio_reach_every_service(server: Server) -> None:
    async def run() -> None:
        async with AsyncClient(server.address, timeout=LONG) as client:
            name = f"w{uuid.uuid4().hex[:12]}"
            created = pb.Workspace(workspace_id=name, currency_code="USD")
            await client.workspace.CreateWorkspace(pb.CreateWorkspaceRequest(workspace=created))
            budget = await client.budget.GetBudget(pb.GetBudgetRequest(workspace_id=name))
            assert budget.budget.state == pb.BUDGET_STATE_NO_PLAN
            models = await client.catalog.ListModels(pb.ListModelsRequest(provider="openai"))
            assert models.models
            keys = await client.api_key.ListApiKeys(pb.ListApiKeysRequest(workspace_id=name))
            assert not keys.api_keys

    asyncio.run(run())


def test_a_rate_limit_says_when_to_retry(client: Client, workspace: Workspace) -> None:
    workspace.client.quota.CreateRateLimit(
        pb.CreateRateLimitRequest(
            workspace_id=workspace.id,
            rate_limit=pb.RateLimit(
                subject=pb.Subject(type=pb.SUBJECT_TYPE_USER, id="ada"),
                bounds=[
                    pb.RateLimitBound(
                        unit=pb.LIMIT_UNIT_REQUESTS,
                        period=pb.LIMIT_PERIOD_SLIDING_DAY,
                        amount=1,
                    )
                ],
            ),
        )
    )
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1, user="ada") as call:
        call.record(USED)
    with (
        pytest.raises(Blocked, match="RATE_LIMITED") as raised,
        client.guard(workspace.id, "gpt-4.1", input_tokens=1, user="ada"),
    ):
        pass
    assert raised.value.retry_after is not None
    assert timedelta(0) < raised.value.retry_after <= timedelta(hours=25)


def test_defects_of_the_caller_are_raised_under_both_policies(client: Client) -> None:
    for policy in ("open", "closed"):
        with (
            pytest.raises(grpc.RpcError) as raised,
            client.guard("nobody", "gpt-4.1", input_tokens=1, on_unavailable=policy),
        ):
            raise AssertionError("the block must not run")
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(TypeError, match="input_tokens, prompt or messages"):
        client.guard("w", "m")
    with pytest.raises(TypeError, match="no option usr"):
        client.guard("w", "m", input_tokens=1, usr="ada")  # type: ignore[call-arg]


def test_a_hold_can_be_extended(client: Client, workspace: Workspace) -> None:
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1, hold=timedelta(minutes=30)) as call:
        call.extend(timedelta(hours=2))
        (hold,) = client.usage.ListHolds(pb.ListHoldsRequest(workspace_id=workspace.id)).holds
        assert time_of(hold.expire_time) > datetime.now(timezone.utc) + timedelta(hours=1)


def test_record_never_raises(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
        for nonsense in (None, 42, "not json", object(), {}, {"usage": "many"}, [[]]):
            call.record(nonsense)
        call.record(CHAT)
    (record,) = workspace.wait_for(1)
    assert record.usage.output_token_count == 100
    assert "cannot be read" in caplog.text or "can be read" in caplog.text


def test_the_last_answer_replaces_the_one_before(client: Client, workspace: Workspace) -> None:
    cached = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}}
    with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
        call.record({"object": "chat.completion", "usage": cached})
        call.record(CHAT)
    (record,) = workspace.wait_for(1)
    assert Usage.from_proto(record.usage) == USED


def test_an_answer_that_cannot_be_read_costs_what_was_held(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    strange: list[object] = ["<html>", {"model": "gpt-4.1", "usage": {"gizmo_tokens": 1}}, {}]
    strange.append({"usage": {f"tokens{number}": 1 for number in range(10_000)}})
    for answer in strange:
        with client.guard(
            workspace.id, "gpt-4.1", input_tokens=1000, max_output_tokens=500, wait=True
        ) as call:
            call.record(answer)
        assert call.recorded is not None and call.recorded.unread
        assert call.recorded.cost.amount == Decimal("0.006")
    assert "<html>" not in caplog.text
    assert client.stats().refused == 0


def test_the_hint_and_the_tier_go_with_the_answer(client: Client, workspace: Workspace) -> None:
    used = {"usage": {"prompt_tokens": 5, "completion_tokens": 7}}
    for tier, answer in [("FLEX", used), ("STANDARD", {**used, "service_tier": "default"})]:
        with client.guard(
            workspace.id, "gpt-4.1", input_tokens=5, service_tier="FLEX", wait=True
        ) as call:
            call.record(ProviderAnswer(answer, provider="OpenAI"))
        record = workspace.records()[-1]
        assert pb.ServiceTier.Name(record.service_tier) == f"SERVICE_TIER_{tier}"
        assert (record.model_id, record.provider_answer.provider) == ("gpt-4.1", "openai")


def job(status: str, usage: object = None) -> dict[str, object]:
    return {"id": "r1", "object": "response", "status": status, "model": "gpt-4.1", "usage": usage}


DONE = job("completed", {"input_tokens": 1000, "output_tokens": 100})


def test_a_block_that_waits_for_a_job_keeps_its_hold(client: Client, workspace: Workspace) -> None:
    short = timedelta(seconds=1.5)
    with client.guard(workspace.id, "gpt-4.1", input_tokens=5, hold=short, wait=True) as call:
        call.record(job("queued"))
        assert call.unfinished
        time.sleep(3)
        assert workspace.holds() == 1
        call.record(DONE)
        assert not call.unfinished
    assert call.recorded is not None and not call.recorded.duplicate
    assert [record.usage.output_token_count for record in workspace.records()] == [100]


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_a_job_that_was_left_can_be_resumed_anywhere(
    client: Client, server: Server, workspace: Workspace, error: type[Exception] | None
) -> None:
    try:
        with client.guard(workspace.id, "gpt-4.1", input_tokens=5) as call:
            call.record(job("queued"))
            if error:
                raise error
    except RuntimeError:
        assert error
    assert client.flush(LONG) == 0
    (hold,) = client.usage.ListHolds(pb.ListHoldsRequest(workspace_id=workspace.id)).holds
    assert time_of(hold.expire_time) > datetime.now(timezone.utc) + timedelta(hours=23)

    with Client(server.address, timeout=LONG, flush_timeout=LONG) as other:
        with other.resume(workspace.id, call.request_id) as resumed:
            pass
        with pytest.raises(RuntimeError), other.resume(workspace.id, call.request_id):
            raise RuntimeError
        for answer in (job("in_progress"), DONE, DONE):
            with other.resume(workspace.id, call.request_id) as resumed:
                resumed.record(answer)
        assert other.flush(LONG) == 0
        assert (other.stats().delivered, other.stats().refused) == (2, 0)
    (record,) = workspace.records()
    assert (record.usage.output_token_count, record.outcome) == (100, pb.OUTCOME_SUCCESS)
    assert workspace.holds() == 0


def test_a_job_of_a_later_attempt_is_recorded_as_that(client: Client, workspace: Workspace) -> None:
    for attempt in range(2):
        with client.guard(workspace.id, "gpt-4.1", input_tokens=5, request_id="again") as call:
            call.record(job("queued"))
        assert call.attempt == attempt
        with client.resume(workspace.id, "again") as resumed:
            resumed.record(job("completed", {"input_tokens": 1, "output_tokens": attempt}))
        assert client.flush(LONG) == 0
    assert [record.attempt for record in workspace.records()] == [0, 1]


def test_an_exception_that_carries_the_answer_is_billed(
    client: Client, workspace: Workspace
) -> None:
    class LengthError(Exception):
        completion = CHAT

    with (
        pytest.raises(LengthError),
        client.guard(workspace.id, "gpt-4.1", input_tokens=5) as call,
    ):
        assert call.model
        raise LengthError
    (record,) = workspace.wait_for(1)
    assert (record.outcome, Usage.from_proto(record.usage)) == (pb.OUTCOME_ERROR, USED)


# asyncio


async def test_async_success_error_and_cancellation(server: Server, workspace: Workspace) -> None:
    async with AsyncClient(server.address, timeout=LONG, flush_timeout=LONG) as client:
        async with client.guard(workspace.id, "gpt-4.1", input_tokens=1, wait=True) as call:
            call.record(CHAT)
        assert call.recorded is not None and call.recorded.cost.amount

        with pytest.raises(RuntimeError):
            async with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
                assert call.model
                raise RuntimeError

        begun = asyncio.Event()

        async def long_call() -> None:
            async with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
                assert call.model
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(long_call())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
            await call.extend(timedelta(minutes=30))
        assert await client.flush(LONG) == 0
        budget = await client.budget.GetBudget(pb.GetBudgetRequest(workspace_id=workspace.id))
        assert budget.budget.spent.amount != "0"
    outcomes = sorted(record.outcome for record in workspace.records())
    assert outcomes == [pb.OUTCOME_SUCCESS, pb.OUTCOME_ERROR, pb.OUTCOME_CANCELLED]
    assert workspace.holds() == 0


async def test_async_blocked_and_unavailable(workspace: Workspace, server: Server) -> None:
    workspace.cap("gpt-4.1", "0")
    workspace.fallback(False)
    client = AsyncClient(server.address, timeout=LONG, flush_timeout=LONG)
    with pytest.raises(Blocked):
        async with client.guard(workspace.id, "gpt-4.1", input_tokens=1):
            raise AssertionError
    await client.close()
    closed = AsyncClient("127.0.0.1:1", on_unavailable="closed")
    with pytest.raises(TollgateUnavailable):
        async with closed.guard(workspace.id, "gpt-4.1", input_tokens=1):
            raise AssertionError
    await closed.close(0)


def test_an_async_client_lives_longer_than_a_loop(server: Server, workspace: Workspace) -> None:
    client = AsyncClient(server.address, timeout=LONG, flush_timeout=LONG)

    async def one() -> None:
        async with client.guard(workspace.id, "gpt-4.1", input_tokens=1) as call:
            call.record(CHAT)

    asyncio.run(one())
    asyncio.run(one())
    asyncio.run(client.close())
    assert len(workspace.records()) == 2


async def test_async_jobs(server: Server, workspace: Workspace) -> None:
    async with AsyncClient(server.address, timeout=LONG, flush_timeout=LONG) as client:
        short = timedelta(seconds=1.5)
        async with client.guard(workspace.id, "gpt-4.1", input_tokens=5, hold=short) as call:
            call.record(job("queued"))
            await asyncio.sleep(3)
            assert await asyncio.to_thread(workspace.holds) == 1
        assert await client.flush(LONG) == 0
        assert workspace.records() == []
        async with client.resume(workspace.id, call.request_id) as resumed:
            resumed.record(DONE)
        assert await client.flush(LONG) == 0
    (record,) = workspace.records()
    assert record.usage.output_token_count == 100
