"""What of a provider answer leaves the caller, on the cases of all languages and on SDK objects."""

from __future__ import annotations

import decimal
import enum
import json
import pathlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from anthropic.types import Message
from conftest import ROOT, Workspace
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion

from tollgate_grpc import Client, ProviderAnswer, Usage, rule
from tollgate_grpc import v1 as pb
from tollgate_grpc.answer import Parts, reduce

FILE = json.loads((ROOT / "clients/conformance/provider_answer.json").read_text())
RECORDED = sorted((ROOT / "clients/conformance/usage").glob("*.json"))


def sent(*parts: object) -> list[Any]:
    return [json.loads(text) for text in ProviderAnswer(*parts).json]


def test_the_lists_are_those_of_all_languages() -> None:
    lists = {**FILE["rule"], **FILE["reading"]}
    assert len(lists) == 17
    for name, expected in lists.items():
        mine = getattr(rule, name.upper())
        assert (list(mine) if isinstance(expected, list) else mine) == expected, name
    for name, expected in FILE["limits"].items():
        assert getattr(rule, f"{name.upper()}_MAX") == expected, name


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_a_part_is_reduced(case: dict[str, Any]) -> None:
    reduced = case["reduced"] if isinstance(case["reduced"], list) else [case["reduced"]]
    expected = [part for part in reduced if part] or [{}]
    assert sent(json.dumps(case["input"])) == expected
    assert sent(json.dumps(case["input"]).encode()) == expected
    if not isinstance(case["input"], str):
        assert sent(case["input"]) == expected
    assert sent(*expected) == expected, "reduced once more"


@pytest.mark.parametrize("case", FILE["selections"], ids=lambda case: case["name"])
def test_of_many_parts_those_with_figures_are_kept(case: dict[str, Any]) -> None:
    assert sent(*case["parts"]) == case["kept"]
    assert sent(case["parts"]) == case["kept"]


@pytest.mark.parametrize("case", FILE["refusals"], ids=lambda case: case["name"])
def test_what_is_no_json_is_refused_without_its_text(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a provider answer") as refused:
        ProviderAnswer(case["part"])
    assert "SECRET" not in str(refused.value)


def test_there_are_cases() -> None:
    assert (len(FILE["cases"]), len(RECORDED)) >= (27, 40)
    assert len(FILE["selections"]) >= 9 and len(FILE["refusals"]) >= 6


def test_objects_of_the_sdks() -> None:
    raw = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    usage = CompletionUsage.model_validate({**raw, "prompt_tokens_details": {"cached_tokens": 40}})
    chat = ChatCompletion.model_construct(
        model="gpt-4.1", object="chat.completion", usage=usage, choices=[{"content": "SECRET"}]
    )
    expected = {**raw, "prompt_tokens_details": {"cached_tokens": 40}}
    assert sent(chat) == [
        {"model": "gpt-4.1", "object": "chat.completion", "usage": expected},
    ]
    # What an SDK does not know yet is read as well.
    newer = CompletionUsage.model_validate({**raw, "gizmo_tokens": 7})
    assert sent(newer) == [{**raw, "gizmo_tokens": 7}]
    message: dict[str, Any] = {"id": "m", "type": "message", "role": "assistant", "model": "c"}
    message |= {"content": [], "usage": {"input_tokens": 5, "output_tokens": 6}}
    (reduced,) = sent(Message.model_validate(message))
    assert reduced["usage"] == {"input_tokens": 5, "output_tokens": 6}

    class Modality(enum.Enum):
        AUDIO = "AUDIO"

    @dataclass
    class Count:
        modality: Modality
        token_count: int

    details = [Count(Modality.AUDIO, 3)]
    gemini = SimpleNamespace(
        text="SECRET",
        usage_metadata=SimpleNamespace(prompt_token_count=10, prompt_tokens_details=details),
    )
    counted = {"modality": "AUDIO", "token_count": 3}
    assert sent(gemini) == [
        {"usage_metadata": {"prompt_token_count": 10, "prompt_tokens_details": [counted]}}
    ]

    class Old:
        def to_dict(self) -> dict[str, Any]:
            return {"usage": {"cost": decimal.Decimal("0.25"), "tokens": decimal.Decimal(7)}}

    assert sent(Old()) == [{"usage": {"cost": 0.25, "tokens": 7}}]
    assert sent(pb.Usage(input_token_count=5)) == [{"inputTokenCount": "5"}]


def test_what_the_server_would_refuse_does_not_leave() -> None:
    half = {"model": "m\ud83d", "usage": {"prompt_tokens": 1}}
    assert sent(half) == sent(json.dumps(half)) == [{"usage": {"prompt_tokens": 1}}]
    for odd in (float("nan"), float("inf"), decimal.Decimal("NaN")):
        with pytest.raises(ValueError, match="not finite"):
            ProviderAnswer({"usage": {"prompt_tokens": odd}})
    with pytest.raises(ValueError, match="twice"):
        ProviderAnswer('{"usage": {"prompt_tokens": 1, "prompt_tokens": 2}}')
    with pytest.raises(ValueError, match="nested"):
        ProviderAnswer("[" * 100_000 + "]" * 100_000)
    circle: dict[str, Any] = {}
    circle["usage"] = circle
    with pytest.raises(ValueError, match="nested"):
        ProviderAnswer(circle)
    for nothing in (None, 7, object(), object):
        with pytest.raises(ValueError, match="not"):
            ProviderAnswer(nothing)
    large = {f"n{number}": number for number in range(1000)}
    texts = ProviderAnswer([{"usage": {**large, "round_tokens": n}} for n in range(16)]).json
    assert 2 <= len(texts) < 16
    assert sum(map(len, texts)) <= rule.BYTES_MAX
    assert json.loads(texts[-1])["usage"]["round_tokens"] == 15
    with pytest.raises(ValueError, match="65536 bytes"):
        ProviderAnswer({"usage": {f"tokens{number}": 1 for number in range(10_000)}})


def test_a_long_stream_is_bounded_in_memory() -> None:
    parts = Parts()
    for number in range(10_000):
        parts.add(reduce({"usageMetadata": {"candidatesTokenCount": number}, "text": "x"}))
    kept = [event["usageMetadata"]["candidatesTokenCount"] for event in parts.events()]
    assert kept == [0, *range(9985, 10_000)]
    assert len(parts._all.items()) == len(parts._figured.items()) == rule.PARTS_MAX


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_server_reads_what_providers_answered(
    client: Client, workspace: Workspace, path: pathlib.Path
) -> None:
    case = json.loads(path.read_text())
    answer = ProviderAnswer(case["input"], provider=case["provider"])
    record = pb.RecordUsageRequest(
        workspace_id=workspace.id,
        request_id=path.stem,
        model_id="" if case["expected"].get("model") else "gpt-4.1",
        outcome=pb.OUTCOME_SUCCESS,
        provider_answer=answer.to_proto(),
    )
    if "error" in case["expected"]:
        with pytest.raises(grpc.RpcError) as refused:
            client.usage.RecordUsage(record)
        assert refused.value.code().name == case["expected"]["error"]
        return
    read = client.usage.RecordUsage(record)
    usage = Usage.from_proto(read.usage)
    units = [{"kind": kind, "count": count} for kind, count in usage.units.items()]
    counts = {field.name: count for field, count in usage.to_proto().ListFields()}
    assert {**counts, **({"units": units} if units else {})} == case["expected"]["usage"]
    assert not read.unread
