"""`wrap` with the real SDK packages against a fake of the providers' HTTP APIs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from conftest import LONG, Server, Workspace
from provider import WORDS, Provider

from tollgate_grpc import AsyncClient, Blocked, Client, Usage, wrap
from tollgate_grpc import v1 as pb

TEXT = "".join(WORDS)
ASK: Any = [{"role": "user", "content": "x" * 4000}]
USED = Usage(input_tokens=600, cache_read_tokens=400, output_tokens=150, reasoning_tokens=50)
CLAUDE_USED = Usage(600, 400, 10, 20, 200)
SUCCESS, ERROR, CANCELLED = pb.OUTCOME_SUCCESS, pb.OUTCOME_ERROR, pb.OUTCOME_CANCELLED


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.enable("claude-sonnet-4-5", "claude-haiku-4-5")
    workspace.cap("gpt-4.1", "100", "gpt-4.1-mini")
    workspace.cap("claude-sonnet-4-5", "100", "claude-haiku-4-5")
    return workspace


@pytest.fixture
def gpt(client: Client, workspace: Workspace, provider: Provider) -> Iterator[Any]:
    with openai.OpenAI(
        api_key="k", base_url=f"{provider.url}/v1", max_retries=0, timeout=LONG
    ) as sdk:
        yield wrap(sdk, workspace.id, client=client, user="ada")


@pytest.fixture
def claude(client: Client, workspace: Workspace, provider: Provider) -> Iterator[Any]:
    with anthropic.Anthropic(
        api_key="k", base_url=provider.url, max_retries=0, timeout=LONG
    ) as sdk:
        yield wrap(sdk, workspace.id, client=client)


@pytest.fixture
async def aclient(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address, timeout=LONG, flush_timeout=LONG) as client:
        yield client


@pytest.fixture
async def agpt(
    aclient: AsyncClient, workspace: Workspace, provider: Provider
) -> AsyncIterator[Any]:
    async with openai.AsyncOpenAI(
        api_key="k", base_url=f"{provider.url}/v1", max_retries=0, timeout=LONG
    ) as sdk:
        yield wrap(sdk, workspace.id, client=aclient)


@pytest.fixture
async def aclaude(
    aclient: AsyncClient, workspace: Workspace, provider: Provider
) -> AsyncIterator[Any]:
    async with anthropic.AsyncAnthropic(
        api_key="k", base_url=provider.url, max_retries=0, timeout=LONG
    ) as sdk:
        yield wrap(sdk, workspace.id, client=aclient)


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def only(workspace: Workspace) -> pb.UsageRecord:
    (record,) = workspace.wait_for(1)
    assert workspace.no_holds()
    return record


def test_a_chat_completion(gpt: Any, workspace: Workspace) -> None:
    answer = gpt.chat.completions.create(
        model="gpt-4.1", messages=ASK, max_completion_tokens=500, service_tier="flex"
    )
    assert answer.choices[0].message.content == TEXT
    record = only(workspace)
    assert record.model_id == "gpt-4.1-2025-04-14"
    assert record.service_tier == pb.SERVICE_TIER_FLEX
    assert record.attribution.user_id == "ada"
    assert Usage.from_proto(record.usage) == USED
    assert record.outcome == SUCCESS


def test_it_is_the_sdk_client_in_every_other_way(gpt: Any, workspace: Workspace) -> None:
    assert type(gpt).__name__ == "OpenAI"
    answer = gpt.with_options(timeout=LONG).chat.completions.create(model="gpt-4.1", messages=ASK)
    assert answer.usage.total_tokens == 1200
    raw = gpt.chat.completions.with_raw_response.create(model="gpt-4.1", messages=ASK)
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().usage.total_tokens == 1200
    parsed = gpt.chat.completions.parse(model="gpt-4.1", messages=ASK, response_format=_city())
    assert parsed.choices[0].message.parsed.city == "Bonn"
    records = workspace.wait_for(3)
    assert {Usage.from_proto(record.usage) == USED for record in records} == {True}
    with (
        pytest.raises(TypeError, match="with_streaming_response"),
        gpt.chat.completions.with_streaming_response.create(model="gpt-4.1", messages=ASK),
    ):
        pass
    assert workspace.no_holds()


def _city() -> Any:
    import pydantic

    class City(pydantic.BaseModel):
        city: str

    return City


def test_the_model_is_the_routed_one(gpt: Any, workspace: Workspace, provider: Provider) -> None:
    workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini")
    answer = gpt.chat.completions.create(model="gpt-4.1", messages=ASK, max_tokens=500)
    assert answer.model == "gpt-4.1-mini-2025-04-14"
    assert provider.requests[-1]["model"] == "gpt-4.1-mini"
    assert only(workspace).priced_model_id == "gpt-4.1-mini"


def test_a_blocked_call_never_reaches_the_provider(
    gpt: Any, workspace: Workspace, provider: Provider
) -> None:
    workspace.cap("gpt-4.1", "0.001")
    workspace.fallback(False)
    before = len(provider.requests)
    with pytest.raises(Blocked):
        gpt.chat.completions.create(model="gpt-4.1", messages=ASK, max_tokens=500)
    assert len(provider.requests) == before


def test_what_is_checked_is_what_the_body_says(gpt: Any, workspace: Workspace) -> None:
    workspace.cap("gpt-4.1", "0.0059")
    workspace.fallback(False)
    # 1,000 tokens of input at 2 dollars a million, twice 250 of output at 8.
    with pytest.raises(Blocked, match="need 0.006"):
        gpt.chat.completions.create(model="gpt-4.1", messages=ASK, max_tokens=250, n=2)


def test_an_error_of_the_provider(gpt: Any, workspace: Workspace) -> None:
    with pytest.raises(openai.InternalServerError):
        gpt.chat.completions.create(model="gpt-4.1", messages=said("fail"))
    record = only(workspace)
    assert (record.outcome, record.usage) == (ERROR, pb.Usage())


def test_a_chat_stream(gpt: Any, workspace: Workspace, provider: Provider) -> None:
    stream = gpt.chat.completions.create(model="gpt-4.1", messages=ASK, stream=True)
    assert isinstance(stream, openai.Stream)
    chunks = list(stream)
    assert provider.requests[-1]["stream_options"] == {"include_usage": True}
    assert all(chunk.choices for chunk in chunks), "the chunk that was not asked for is hidden"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    record = only(workspace)
    assert Usage.from_proto(record.usage) == USED
    assert (record.outcome, record.usage_source) == (SUCCESS, pb.USAGE_SOURCE_PROVIDER)


def test_the_usage_chunk_stays_where_it_was_asked_for(gpt: Any, workspace: Workspace) -> None:
    options = {"include_usage": True}
    with gpt.chat.completions.create(
        model="gpt-4.1", messages=ASK, stream=True, stream_options=options
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].usage.total_tokens == 1200
    assert only(workspace).outcome == SUCCESS


def test_the_stream_helper(gpt: Any, workspace: Workspace) -> None:
    with gpt.chat.completions.stream(model="gpt-4.1", messages=ASK) as stream:
        texts = [event.delta for event in stream if event.type == "content.delta"]
    assert "".join(texts) == TEXT
    assert Usage.from_proto(only(workspace).usage) == USED


@pytest.mark.parametrize("how", ["close", "with", "drop"])
def test_an_abandoned_stream_is_cancelled(gpt: Any, workspace: Workspace, how: str) -> None:
    stream = gpt.chat.completions.create(model="gpt-4.1", messages=ASK, stream=True)
    assert next(stream).choices[0].delta.content == WORDS[0]
    if how == "close":
        stream.close()
    elif how == "with":
        with stream:
            pass
    else:
        del stream
        gc.collect()
    record = only(workspace)
    assert (record.outcome, record.usage_source) == (CANCELLED, pb.USAGE_SOURCE_ESTIMATED)
    assert record.usage.input_token_count == 1000
    assert record.usage.output_token_count == 3, "nine characters"
    assert record.model_id == "gpt-4.1-2025-04-14"


def test_who_stops_at_the_last_word_has_had_an_answer(gpt: Any, workspace: Workspace) -> None:
    stream = gpt.chat.completions.create(model="gpt-4.1", messages=ASK, stream=True)
    for chunk in stream:
        if chunk.choices[0].finish_reason:
            break
    stream.close()
    record = only(workspace)
    assert (record.outcome, record.usage_source) == (SUCCESS, pb.USAGE_SOURCE_ESTIMATED)


def test_a_stream_that_breaks_is_an_error(gpt: Any, workspace: Workspace) -> None:
    stream = gpt.chat.completions.create(model="gpt-4.1", messages=said("cut"), stream=True)
    with pytest.raises(Exception, match="(?i)incomplete|connection"):
        list(stream)
    record = only(workspace)
    assert (record.outcome, record.usage_source) == (ERROR, pb.USAGE_SOURCE_ESTIMATED)
    assert record.usage.output_token_count == 6, "three words"


def test_responses(gpt: Any, workspace: Workspace, provider: Provider) -> None:
    answer = gpt.responses.create(
        model="gpt-4.1", instructions="be brief", input="hello", max_output_tokens=500
    )
    assert answer.output_text == TEXT
    stream = gpt.responses.create(model="gpt-4.1", input="hello", stream=True)
    assert [event.type for event in stream][-1] == "response.completed"
    with gpt.responses.stream(model="gpt-4.1", input="hello") as events:
        events.until_done()
    assert "stream_options" not in provider.requests[-1]
    gpt.responses.create(model="gpt-4.1", input="hello", stream=True).close()
    records = workspace.wait_for(4)
    assert [record.outcome for record in records] == [SUCCESS] * 3 + [CANCELLED]
    assert [Usage.from_proto(record.usage) for record in records[:3]] == [USED] * 3


@pytest.mark.parametrize(
    ("how", "error"),
    [("length", "length limit"), ("broken", "(?i)json")],
)
def test_an_answer_that_the_sdk_cannot_parse_is_billed(
    gpt: Any, workspace: Workspace, how: str, error: str
) -> None:
    with pytest.raises(Exception, match=error):
        gpt.chat.completions.parse(model="gpt-4.1", messages=said(how), response_format=_city())
    record = only(workspace)
    assert (record.outcome, Usage.from_proto(record.usage)) == (ERROR, USED)


def test_an_answer_that_a_strict_sdk_refuses_is_billed(gpt: Any, workspace: Workspace) -> None:
    gpt._strict_response_validation = True
    with pytest.raises(openai.APIResponseValidationError):
        gpt.chat.completions.create(model="gpt-4.1", messages=said("strange"))
    raw = gpt.chat.completions.with_raw_response.create(model="gpt-4.1", messages=said("strange"))
    with pytest.raises(openai.APIResponseValidationError):
        raw.parse()
    for record in workspace.wait_for(2):
        assert Usage.from_proto(record.usage) == USED


def test_a_job_in_the_background_is_recorded_once_when_it_ends(
    gpt: Any, workspace: Workspace
) -> None:
    job = gpt.responses.create(model="gpt-4.1", input="hello", background=True)
    assert job.status == "queued"
    assert gpt.responses.retrieve(job.id).status == "in_progress"
    assert (workspace.records(), workspace.holds()) == ([], 1)
    for _ in range(2):
        raw = gpt.responses.with_raw_response.retrieve(job.id)
        assert raw.parse().status == "completed"
    record = only(workspace)
    assert Usage.from_proto(record.usage) == USED
    assert (record.outcome, record.attribution.user_id) == (SUCCESS, "ada")

    other = gpt.responses.create(model="gpt-4.1", input="hello", background=True)
    assert gpt.responses.cancel(other.id).status == "cancelled"
    assert workspace.wait_for(2)[1].outcome == CANCELLED
    assert workspace.no_holds()
    # What others have begun passes by.
    unknown = gpt.responses.retrieve("resp_2")
    assert unknown.status == "completed"


def test_messages(claude: Any, workspace: Workspace, provider: Provider) -> None:
    ask = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": ASK, "system": "brief"}
    answer = claude.messages.create(**ask, metadata={"user_id": "bob"})
    assert answer.content[0].text == TEXT
    record = only(workspace)
    assert Usage.from_proto(record.usage) == CLAUDE_USED
    assert record.attribution.user_id == "bob"
    assert record.service_tier == pb.SERVICE_TIER_STANDARD

    events = list(claude.messages.create(**ask, stream=True))
    assert events[-1].type == "message_stop"
    with claude.messages.stream(**ask) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().usage.output_tokens == 200
    records = workspace.wait_for(3)
    assert [Usage.from_proto(record.usage) for record in records] == [CLAUDE_USED] * 3

    workspace.cap("claude-sonnet-4-5", "0.001", "claude-haiku-4-5")
    assert claude.messages.create(**ask).model == "claude-haiku-4-5"
    assert provider.requests[-1]["model"] == "claude-haiku-4-5"


def test_a_message_stream_that_breaks_or_is_abandoned(claude: Any, workspace: Workspace) -> None:
    ask = {"model": "claude-sonnet-4-5", "max_tokens": 500}
    with pytest.raises(Exception, match="(?i)incomplete|connection"):
        list(claude.messages.create(**ask, messages=said("cut"), stream=True))
    with claude.messages.stream(**ask, messages=said("slow")) as stream:
        assert next(stream.text_stream) == WORDS[0]
    records = workspace.wait_for(2)
    assert [record.outcome for record in records] == [ERROR, CANCELLED]
    for record in records:
        usage = Usage.from_proto(record.usage)
        assert record.usage_source == pb.USAGE_SOURCE_ESTIMATED
        assert (usage.input_tokens, usage.cache_read_tokens) == (600, 400), "as it began"
        assert usage.output_tokens in (3, 4), "as far as it came"


async def test_async_openai(agpt: Any, workspace: Workspace) -> None:
    ask: dict[str, Any] = {"model": "gpt-4.1", "messages": ASK}
    answer = await agpt.chat.completions.create(**ask)
    assert answer.choices[0].message.content == TEXT
    raw = await agpt.chat.completions.with_raw_response.create(**ask)
    assert raw.parse().usage.total_tokens == 1200
    chunks = [chunk async for chunk in await agpt.chat.completions.create(**ask, stream=True)]
    assert all(chunk.choices for chunk in chunks)
    async with agpt.chat.completions.stream(**ask) as stream:
        assert [event async for event in stream][-1].type == "content.done"
    assert (await agpt.responses.create(model="gpt-4.1", input="x")).output_text == TEXT
    records = await asyncio.to_thread(workspace.wait_for, 5)
    assert {Usage.from_proto(record.usage) == USED for record in records} == {True}
    with pytest.raises(openai.InternalServerError):
        await agpt.chat.completions.create(model="gpt-4.1", messages=said("fail"))
    records = await asyncio.to_thread(workspace.wait_for, 6)
    assert records[-1].outcome == ERROR


async def test_async_streams_that_end_early(agpt: Any, workspace: Workspace) -> None:
    ask: dict[str, Any] = {"model": "gpt-4.1", "messages": said("slow"), "stream": True}
    async with await agpt.chat.completions.create(**ask) as stream:
        await anext(aiter(stream))

    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def read() -> None:
        async for chunk in await agpt.chat.completions.create(**ask):
            heard.put_nowait(chunk)

    reading = asyncio.create_task(read())
    for _ in range(3):
        await asyncio.wait_for(heard.get(), LONG)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    ask["messages"] = said("cut")
    with pytest.raises(Exception, match="(?i)incomplete|connection"):
        await read()
    records = await asyncio.to_thread(workspace.wait_for, 3)
    assert [record.outcome for record in records] == [CANCELLED, CANCELLED, ERROR]
    assert [record.usage.output_token_count for record in records] == [3, 6, 6]


async def test_async_background(agpt: Any, workspace: Workspace) -> None:
    job = await agpt.responses.create(model="gpt-4.1", input="hello", background=True)
    while (await agpt.responses.retrieve(job.id)).status != "completed":
        assert await asyncio.to_thread(workspace.records) == []
    (record,) = await asyncio.to_thread(workspace.wait_for, 1)
    assert Usage.from_proto(record.usage) == USED


async def test_async_anthropic(aclaude: Any, workspace: Workspace) -> None:
    ask: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": ASK}
    assert (await aclaude.messages.create(**ask)).content[0].text == TEXT
    async for _ in await aclaude.messages.create(**ask, stream=True):
        pass
    async with aclaude.messages.stream(**ask) as stream:
        assert await stream.get_final_text() == TEXT
    records = await asyncio.to_thread(workspace.wait_for, 3)
    assert {Usage.from_proto(record.usage) == CLAUDE_USED for record in records} == {True}


def test_wrong_arguments_are_refused_at_once(client: Client) -> None:
    with pytest.raises(TypeError, match="not object"):
        wrap(object(), "w")
    with pytest.raises(TypeError, match=r"needs a tollgate\.AsyncClient"):
        wrap(openai.AsyncOpenAI(api_key="k"), "w", client=client)
    with pytest.raises(TypeError, match="no option usr"):
        wrap(openai.OpenAI(api_key="k"), "w", client=client, usr="ada")  # type: ignore[call-arg]


def test_the_environment_names_the_server(
    monkeypatch: pytest.MonkeyPatch, server: Server, workspace: Workspace, provider: Provider
) -> None:
    monkeypatch.setenv("TOLLGATE_ADDRESS", server.address)
    gpt = wrap(openai.OpenAI(api_key="k", base_url=f"{provider.url}/v1"), workspace=workspace.id)
    gpt.chat.completions.create(model="gpt-4.1", messages=ASK)
    assert only(workspace).outcome == SUCCESS


class Resource:
    """A resource of an SDK, which takes its `post` when it is made."""

    def __init__(self, sdk: Any) -> None:
        self._post = sdk.post

    def create(self, model: str) -> Any:
        return self._post("/v1/messages", body={"model": model, "messages": "x"})


class EagerSdk:
    """An SDK client that makes its resources with itself, as older ones do."""

    def __init__(self) -> None:
        self.messages = Resource(self)

    def copy(self) -> Any:
        return type(self)()

    def post(self, path: str, *, body: Any) -> Any:
        return {"type": "message", "model": body["model"], "usage": {"input_tokens": 7}}


class OtherSdk(EagerSdk):
    """One whose resources do not send with its `post`."""

    def __init__(self) -> None:
        self.others = self

    @property
    def messages(self) -> Any:  # type: ignore[override]
        return Resource(EagerSdk())


def test_no_sdk_gets_past_the_guard(client: Client, workspace: Workspace) -> None:
    wrap(EagerSdk(), workspace.id, client=client).messages.create("claude-sonnet-4-5")
    assert only(workspace).usage.input_token_count == 7
    with pytest.raises(TypeError, match="does not know this version of OtherSdk"):
        wrap(OtherSdk(), workspace.id, client=client)
    with pytest.raises(TypeError, match="no option request_id"):
        wrap(EagerSdk(), workspace.id, client=client, request_id="r")
