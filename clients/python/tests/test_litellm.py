"""The LiteLLM callback with the real package: its SDK, its router and its proxy."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from conftest import LONG, PYTHONPATH, Server, Workspace, free_port
from provider import WORDS, Provider

from tollgate_grpc import AsyncClient, Blocked, Client, Usage
from tollgate_grpc import v1 as pb

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # No look-up on the network.
litellm = pytest.importorskip("litellm", reason="runs in the environment of requirements-litellm")

TEXT = "".join(WORDS)
ASK = [{"role": "user", "content": "x" * 4000}]
USED = Usage(input_tokens=600, cache_read_tokens=400, output_tokens=150, reasoning_tokens=50)


@pytest.fixture
async def logger(server: Server, workspace: Workspace) -> AsyncIterator[Any]:
    from tollgate_grpc.litellm import TollgateLogger

    async with AsyncClient(server.address, timeout=LONG, flush_timeout=LONG) as client:
        logger = TollgateLogger(workspace.id, client=client, project="p1")
        litellm.callbacks = [logger]
        yield logger
        assert logger._open == {}
        litellm.callbacks = []
        litellm.logging_callback_manager._reset_all_callbacks()


async def records(workspace: Workspace, count: int) -> list[pb.UsageRecord]:
    found = await asyncio.to_thread(workspace.wait_for, count)
    assert await asyncio.to_thread(workspace.no_holds)
    return found


def real(provider: Provider, **more: Any) -> dict[str, Any]:
    """A call that goes over HTTP, to the fake of the provider."""
    ask = {"model": "openai/gpt-4.1", "messages": ASK, "api_key": "k", "num_retries": 0}
    return {**ask, "api_base": f"{provider.url}/v1", **more}


async def test_a_mocked_call_is_recorded(logger: Any, workspace: Workspace) -> None:
    answer = await litellm.acompletion(
        model="gpt-4.1",
        messages=ASK,
        mock_response="hello",
        metadata={"tollgate": {"user": "ada"}},
    )
    (record,) = await records(workspace, 1)
    assert record.outcome == pb.OUTCOME_SUCCESS
    assert record.priced_model_id == "gpt-4.1"
    assert record.usage.input_token_count == answer.usage.prompt_tokens
    assert record.usage.output_token_count == answer.usage.completion_tokens
    assert (record.attribution.user_id, record.attribution.project_id) == ("ada", "p1")


async def test_a_cap_reroutes(logger: Any, workspace: Workspace, provider: Provider) -> None:
    workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini")
    answer = await litellm.acompletion(
        model="gpt-4.1", messages=ASK, max_tokens=500, mock_response="hello"
    )
    assert answer.model == "gpt-4.1-mini"
    await litellm.acompletion(**real(provider, max_tokens=500))
    assert provider.requests[-1]["model"] == "gpt-4.1-mini"
    found = await records(workspace, 2)
    assert [record.priced_model_id for record in found] == ["gpt-4.1-mini"] * 2
    assert Usage.from_proto(found[1].usage) == USED


@pytest.mark.parametrize(
    ("model", "cost"),
    [("gemini/gemini-2.5-flash", "0.30"), ("azure/eu/gpt-4o-2024-08-06", "2.75")],
)
async def test_models_have_the_ids_of_litellm(
    logger: Any, workspace: Workspace, model: str, cost: str
) -> None:
    workspace.enable(model)
    mocked = litellm.ModelResponse(
        choices=[{"message": {"role": "assistant", "content": "hello"}}],
        model=model,
        usage=litellm.Usage(prompt_tokens=1_000_000, completion_tokens=0, total_tokens=1_000_000),
    )
    await litellm.acompletion(model=model, messages=ASK, api_key="k", mock_response=mocked)
    (record,) = await records(workspace, 1)
    assert record.priced_model_id == model
    assert not record.unpriced
    assert record.cost.amount == cost


def test_another_model_is_called_at_its_own_provider() -> None:
    from tollgate_grpc.litellm_models import _to_call

    for decided, asked, called in [
        ("gpt-4.1-mini", "openai/gpt-4.1", "openai/gpt-4.1-mini"),
        ("claude-haiku-4-5", "openai/gpt-4.1", "anthropic/claude-haiku-4-5"),
        ("gpt-4.1-mini", "azure/gpt-4.1", "openai/gpt-4.1-mini"),
        ("azure/gpt-4.1-mini", "openai/gpt-4.1", "azure/gpt-4.1-mini"),
        ("gemini/gemini-2.5-flash", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"),
        ("groq/openai/gpt-oss-120b", "openai/gpt-4.1", "groq/openai/gpt-oss-120b"),
        # Served by the same house: LiteLLM knows neither.
        ("house-8b", "hosted_vllm/house-70b", "hosted_vllm/house-8b"),
        # Names of the router's callers.
        ("gpt-4.1-mini", "gpt-4.1", "gpt-4.1-mini"),
    ]:
        assert _to_call(decided, asked) == called


@pytest.mark.parametrize("apart", [False, True])
async def test_ids_with_a_provider_reach_the_server_whole(
    logger: Any, workspace: Workspace, apart: bool
) -> None:
    workspace.enable("gemini/gemini-2.5-flash")
    ask: dict[str, Any] = {"messages": ASK, "api_key": "k", "mock_response": "hello"}
    if apart:
        ask["custom_llm_provider"] = "gemini"
        await litellm.acompletion(model="gemini-2.5-flash", **ask)
    else:
        await litellm.acompletion("gemini/gemini-2.5-flash", **ask)
    (record,) = await records(workspace, 1)
    assert record.priced_model_id == "gemini/gemini-2.5-flash"


async def test_another_provider_never_gets_the_key_of_the_first(
    logger: Any, workspace: Workspace, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_BASE", provider.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of-anthropic")
    workspace.enable("claude-haiku-4-5")
    workspace.cap("gpt-4.1", "0", "claude-haiku-4-5")
    answer = await litellm.acompletion(**real(provider, max_tokens=500, api_key="of-openai"))
    assert answer.choices[0].message.content == TEXT
    assert provider.requests[-1]["model"] == "claude-haiku-4-5"
    assert provider.keys[-1] == "of-anthropic"
    (record,) = await records(workspace, 1)
    assert record.priced_model_id == "claude-haiku-4-5"
    used = Usage(600, 400, 10, 20, 200)
    assert Usage.from_proto(record.usage) == used


def test_names_of_the_proxy() -> None:
    from tollgate_grpc.litellm_models import _group, _ids, _send_to

    def deployed(name: str, model: str, **params: str) -> dict[str, Any]:
        return {"model_name": name, "litellm_params": {"model": model, "api_key": "k", **params}}

    router = litellm.Router(
        model_list=[
            deployed("fast", "openai/gpt-4.1-mini"),
            deployed("fast", "gpt-4.1-mini", custom_llm_provider="openai"),
            deployed("mixed", "openai/gpt-4.1"),
            deployed("mixed", "azure/eu-gpt-4.1", api_base="https://azure.example"),
            deployed("anthropic/*", "anthropic/*"),
        ]
    )
    assert _ids(router, "fast") == ["openai/gpt-4.1-mini", "fast"]
    assert _ids(router, "mixed") == ["mixed"]
    assert _ids(router, "gizmo") == _ids(None, "gizmo") == ["gizmo"]
    assert _group(router, "gpt-4.1-mini") == "fast"
    assert _group(router, "claude-haiku-4-5") == "anthropic/claude-haiku-4-5"
    assert _group(router, "gizmo") == _group(None, "gizmo") == "gizmo"

    given = {"model": "openai/gpt-4.1", "api_key": "of-openai", "api_base": "b", "max_tokens": 5}
    same = dict(given)
    _send_to("gpt-4.1-mini", "openai/gpt-4.1", same)
    assert same == {**given, "model": "openai/gpt-4.1-mini"}
    other = dict(given)
    _send_to("claude-haiku-4-5", "openai/gpt-4.1", other)
    assert other == {"model": "anthropic/claude-haiku-4-5", "max_tokens": 5}
    apart = {**given, "model": "gpt-4.1", "custom_llm_provider": "openai"}
    _send_to("gpt-4.1-mini", "openai/gpt-4.1", apart)
    assert (apart["model"], apart["custom_llm_provider"]) == ("gpt-4.1-mini", "openai")


async def test_a_block_stops_the_call(
    logger: Any, workspace: Workspace, provider: Provider
) -> None:
    workspace.cap("gpt-4.1", "0.001")
    workspace.fallback(False)
    before = len(provider.requests)
    with pytest.raises(Blocked):
        await litellm.acompletion(**real(provider, max_tokens=500))
    assert len(provider.requests) == before
    assert await records(workspace, 0) == []


async def test_an_error_is_recorded(logger: Any, workspace: Workspace, provider: Provider) -> None:
    with pytest.raises(litellm.InternalServerError):
        await litellm.acompletion(**real(provider, messages=[{"role": "user", "content": "fail"}]))
    with pytest.raises(litellm.RateLimitError):
        await litellm.acompletion(
            model="gpt-4.1", messages=ASK, mock_response="litellm.RateLimitError", num_retries=0
        )
    found = await records(workspace, 2)
    assert [record.outcome for record in found] == [pb.OUTCOME_ERROR] * 2


@pytest.mark.parametrize("mocked", [True, False])
async def test_a_stream(
    logger: Any, workspace: Workspace, provider: Provider, mocked: bool
) -> None:
    more = {"mock_response": TEXT} if mocked else {}
    stream = await litellm.acompletion(**real(provider, stream=True, **more))
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == TEXT
    (record,) = await records(workspace, 1)
    assert record.outcome == pb.OUTCOME_SUCCESS
    assert record.usage.output_token_count > 0
    if not mocked:
        assert Usage.from_proto(record.usage) == USED


async def test_a_job_in_the_background_is_recorded_when_it_ends(
    logger: Any, workspace: Workspace, provider: Provider
) -> None:
    ask = {"api_key": "k", "api_base": f"{provider.url}/v1"}
    job = await litellm.aresponses(model="openai/gpt-4.1", input="hi", background=True, **ask)
    assert job.status == "queued"
    states = []
    while "completed" not in states:
        states.append((await litellm.aget_responses(response_id=job.id, **ask)).status)
    assert states == ["in_progress", "completed"]
    (record,) = await records(workspace, 1)
    assert Usage.from_proto(record.usage) == USED
    assert (record.outcome, record.attribution.project_id) == (pb.OUTCOME_SUCCESS, "p1")


async def test_a_stream_that_is_dropped_or_cancelled(
    logger: Any, workspace: Workspace, provider: Provider
) -> None:
    slow = real(provider, stream=True, messages=[{"role": "user", "content": "slow"}])
    stream = await litellm.acompletion(**slow)
    assert (await anext(stream)).choices[0].delta.content == WORDS[0]
    del stream
    gc.collect()

    begun = asyncio.Event()

    async def read() -> None:
        async for _ in await litellm.acompletion(**slow):
            begun.set()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(begun.wait(), LONG)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    del reading
    gc.collect()
    found = await records(workspace, 2)
    assert [record.outcome for record in found] == [pb.OUTCOME_CANCELLED] * 2
    assert all(record.usage.output_token_count > 0 for record in found)


async def test_a_stream_that_breaks(logger: Any, workspace: Workspace, provider: Provider) -> None:
    cut = real(provider, stream=True, messages=[{"role": "user", "content": "cut"}])
    with pytest.raises(Exception, match="(?i)incomplete|connection|payload"):
        async for _ in await litellm.acompletion(**cut):
            pass
    (record,) = await records(workspace, 1)
    assert record.outcome == pb.OUTCOME_ERROR
    assert record.usage.output_token_count > 0


async def test_what_a_cache_answers_costs_nothing(
    logger: Any, workspace: Workspace, provider: Provider
) -> None:
    litellm.cache = litellm.Cache(type="local")
    try:
        for _ in range(2):
            await litellm.acompletion(**real(provider, caching=True))
        # LiteLLM tells of what it answered in the background.
        end = time.monotonic() + LONG
        while logger._open and time.monotonic() < end:
            await asyncio.sleep(0.01)
        assert await logger._client.flush(LONG) == 0
        assert len(await records(workspace, 1)) == 1
    finally:
        litellm.cache = None


async def test_the_router_retries_and_each_attempt_is_checked(
    logger: Any, workspace: Workspace
) -> None:
    good = {"model": "openai/gpt-4.1", "api_key": "k", "mock_response": "fine"}
    bad = {"model": "openai/gpt-4.1-mini", "api_key": "k"}
    bad["mock_response"] = "litellm.InternalServerError"
    router = litellm.Router(
        model_list=[
            {"model_name": "bad", "litellm_params": bad},
            {"model_name": "good", "litellm_params": good},
        ],
        fallbacks=[{"bad": ["good"]}],
        num_retries=0,
    )
    answer = await router.acompletion(model="bad", messages=ASK)
    assert answer.choices[0].message.content == "fine"
    found = await records(workspace, 2)
    assert [record.outcome for record in found] == [pb.OUTCOME_ERROR, pb.OUTCOME_SUCCESS]


def test_without_asyncio(server: Server, workspace: Workspace, provider: Provider) -> None:
    from tollgate_grpc.litellm import TollgateLogger

    with Client(server.address, timeout=LONG, flush_timeout=LONG) as client:
        logger = TollgateLogger(workspace.id, sync_client=client)
        answer = logger.completion(**real(provider))
        assert answer.choices[0].message.content == TEXT
        chunks = list(logger.completion(**real(provider, stream=True)))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
        stream = logger.completion(**real(provider, stream=True))
        next(stream)
        del stream
        gc.collect()
        workspace.cap("gpt-4.1", "0")
        workspace.fallback(False)
        with pytest.raises(Blocked):
            logger.completion(**real(provider))
    found = workspace.records()
    outcomes = [record.outcome for record in found]
    assert outcomes == [pb.OUTCOME_SUCCESS, pb.OUTCOME_SUCCESS, pb.OUTCOME_CANCELLED]
    assert Usage.from_proto(found[0].usage) == USED


def test_synchronous_functions(
    server: Server, workspace: Workspace, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tollgate_grpc.litellm import TollgateLogger

    monkeypatch.setenv("TOLLGATE_ADDRESS", server.address)
    with Client(server.address, timeout=LONG, flush_timeout=LONG) as client:
        logger = TollgateLogger(workspace.id, sync_client=client)
        litellm.callbacks = [logger]
        try:
            ask = real(provider)
            ask["input"] = ask.pop("messages")
            assert litellm.responses(**ask).usage.total_tokens == 1200
            workspace.wait_for(1)
            assert workspace.no_holds()
            # Nothing can stop this one, but it counts.
            litellm.completion(**real(provider))
            counted = {"include_usage": True}
            list(litellm.completion(**real(provider, stream=True, stream_options=counted)))
            workspace.wait_for(3)
            # This one is recorded once.
            logger.completion(**real(provider))
            workspace.wait_for(4)

            workspace.cap("gpt-4.1", "0")
            workspace.fallback(False)
            before = len(provider.requests)
            with pytest.raises(Exception, match="model limit of model gpt-4.1"):
                litellm.responses(**ask)
            with pytest.raises(Blocked):
                logger.completion(**real(provider))
            assert len(provider.requests) == before
        finally:
            litellm.callbacks = []
            litellm.logging_callback_manager._reset_all_callbacks()
        time.sleep(0.2)
        assert client.flush(LONG) == 0
        assert logger._open == {}
    found = workspace.records()
    assert [Usage.from_proto(record.usage) for record in found] == [USED] * 4


CONFIG = """\
model_list:
  - model_name: gpt-4.1
    litellm_params: {{model: openai/gpt-4.1, api_base: "{url}/v1", api_key: k}}
  - model_name: gpt-4.1-mini
    litellm_params: {{model: openai/gpt-4.1-mini, api_base: "{url}/v1", api_key: k}}
  - model_name: large
    litellm_params: {{model: openai/gpt-4.1, api_base: "{url}/v1", api_key: of-openai}}
  - model_name: small
    litellm_params: {{model: anthropic/claude-haiku-4-5, api_base: "{url}", api_key: of-anthropic}}
litellm_settings:
  callbacks: tollgate_grpc.litellm.handler
router_settings: {{num_retries: 0}}
general_settings: {{master_key: sk-test}}
"""


@pytest.fixture
def proxy(
    server: Server, workspace: Workspace, provider: Provider, tmp_path: pathlib.Path
) -> Iterator[str]:
    """The proxy as its users start it, with two lines more in its configuration."""
    pytest.importorskip("litellm.proxy.proxy_server", exc_type=ImportError)
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=provider.url))
    port, kept = free_port()
    environment = {
        **os.environ,
        "TOLLGATE_ADDRESS": server.address,
        "TOLLGATE_WORKSPACE": workspace.id,
        "PYTHONPATH": PYTHONPATH,
    }
    command = [str(pathlib.Path(sys.executable).with_name("litellm")), "--config", "config.yaml"]
    with (tmp_path / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 10 * LONG
        while True:
            try:
                urllib.request.urlopen(f"{url}/health/liveliness", timeout=LONG).close()
                break
            except OSError:
                running = process.poll() is None and time.monotonic() < end
                assert running, (tmp_path / "proxy.log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(LONG)
        if kept:
            kept.close()


def ask_proxy(url: str, **body: Any) -> Any:
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps({"model": "gpt-4.1", "messages": ASK, **body}).encode(),
        {"authorization": "Bearer sk-test", "content-type": "application/json"},
    )
    return urllib.request.urlopen(request, timeout=5 * LONG)


def test_the_proxy(proxy: str, workspace: Workspace, provider: Provider) -> None:
    answer = json.load(ask_proxy(proxy, user="ada"))
    assert answer["choices"][0]["message"]["content"] == TEXT
    (record,) = workspace.wait_for(1)
    assert Usage.from_proto(record.usage) == USED
    assert record.attribution.user_id == "ada"

    with ask_proxy(proxy, stream=True) as stream:
        assert b"inside." in stream.read()
    assert Usage.from_proto(workspace.wait_for(2)[1].usage) == USED

    slow = [{"role": "user", "content": "slow"}]
    with ask_proxy(proxy, stream=True, messages=slow) as stream:
        stream.readline()
    assert workspace.wait_for(3)[2].outcome == pb.OUTCOME_CANCELLED

    with pytest.raises(urllib.error.HTTPError) as failed:
        ask_proxy(proxy, messages=[{"role": "user", "content": "fail"}])
    assert failed.value.code == 500
    assert workspace.wait_for(4)[3].outcome == pb.OUTCOME_ERROR

    # Names of the proxy that no catalog knows, and a fallback to another provider.
    json.load(ask_proxy(proxy, model="large"))
    assert provider.keys[-1] == "of-openai"
    workspace.enable("claude-haiku-4-5")
    workspace.cap("gpt-4.1", "0.001", "claude-haiku-4-5")
    answer = json.load(ask_proxy(proxy, model="large", max_tokens=500))
    assert answer["choices"][0]["message"]["content"] == TEXT
    assert (provider.requests[-1]["model"], provider.keys[-1]) == (
        "claude-haiku-4-5",
        "of-anthropic",
    )
    found = workspace.wait_for(6)[4:]
    assert [one.priced_model_id for one in found] == ["gpt-4.1", "claude-haiku-4-5"]
    assert Usage.from_proto(found[1].usage) == Usage(600, 400, 10, 20, 200)
    with pytest.raises(urllib.error.HTTPError) as unknown:
        ask_proxy(proxy, model="gizmo")
    assert unknown.value.code in (400, 402)

    workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini")
    json.load(ask_proxy(proxy, max_tokens=500))
    assert provider.requests[-1]["model"] == "gpt-4.1-mini"
    assert workspace.wait_for(7)[6].priced_model_id == "gpt-4.1-mini"

    workspace.fallback(False)
    before = len(provider.requests)
    with pytest.raises(urllib.error.HTTPError) as blocked:
        ask_proxy(proxy, max_tokens=500)
    assert blocked.value.code == 402
    assert "model limit of model gpt-4.1" in blocked.value.read().decode()
    assert len(provider.requests) == before
    assert workspace.no_holds()
