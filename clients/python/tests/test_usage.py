"""The converters on what providers answer, recorded for all languages, and on odd input."""

from __future__ import annotations

import json
import pathlib
from types import SimpleNamespace
from typing import Any

import pytest
from anthropic.types import Message
from conftest import ROOT
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion

from tollgate import Usage, UsageReader, estimate_tokens

RECORDED = sorted((ROOT / "clients/conformance/usage").glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@pytest.mark.parametrize("recognise", [False, True], ids=["named", "recognised"])
def test_recorded_answers(path: pathlib.Path, recognise: bool) -> None:
    case = json.loads(path.read_text())
    reader = UsageReader("any" if recognise else case["provider"])
    assert reader.feed(case["input"])
    expected = case["expected"]
    assert reader.usage is not None
    usage = {
        field.name: getattr(reader.usage.to_proto(), field.name)
        for field in reader.usage.to_proto().DESCRIPTOR.fields
        if getattr(reader.usage.to_proto(), field.name)
    }
    assert usage == expected["usage"]
    assert (reader.model or None, reader.service_tier) == (
        expected["model"],
        expected["service_tier"],
    )


def test_there_are_recorded_answers() -> None:
    assert len(RECORDED) >= 40


def test_objects_of_the_sdks_and_json() -> None:
    details = {"cached_tokens": 40}
    raw = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    usage = CompletionUsage.model_validate({**raw, "prompt_tokens_details": details})
    expected = Usage(input_tokens=60, cache_read_tokens=40, output_tokens=20)
    chat = ChatCompletion.model_construct(model="gpt-4.1", object="chat.completion", usage=usage)
    assert Usage.from_openai(chat) == Usage.from_any(chat) == Usage.from_openai(usage) == expected
    text = json.dumps({"usage": {**raw, "prompt_tokens_details": details}})
    assert Usage.from_openai(text) == Usage.from_any(text.encode()) == expected

    message: dict[str, Any] = {"id": "m", "type": "message", "role": "assistant", "model": "c"}
    message |= {"content": [], "usage": {"input_tokens": 5, "output_tokens": 6}}
    assert Usage.from_any(Message.model_validate(message)) == Usage(5, output_tokens=6)

    gemini = SimpleNamespace(
        model_version="gemini-2.5-pro",
        usage_metadata=SimpleNamespace(prompt_token_count=10, cached_content_token_count=4),
    )
    assert Usage.from_gemini(gemini) == Usage(input_tokens=6, cache_read_tokens=4)


@pytest.mark.parametrize("nothing", [{}, {"usage": None}, [], 7, "{}", {"choices": []}])
def test_what_has_no_usage_is_refused(nothing: object) -> None:
    for convert in (
        Usage.from_any,
        Usage.from_openai,
        Usage.from_anthropic,
        Usage.from_gemini,
    ):
        with pytest.raises(ValueError, match="no usage"):
            convert(nothing)


def test_figures_that_are_none_count_as_zero() -> None:
    odd = {"prompt_tokens": -5, "completion_tokens": "many", "prompt_tokens_details": 3}
    assert Usage.from_openai({"usage": odd}) == Usage()
    assert Usage.from_openai({"usage": {"prompt_tokens": float("nan")}}) == Usage()


def test_the_estimate() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("x" * 9) == 3
    messages = [
        {"role": "system", "content": "x" * 8},
        {"role": "user", "content": [{"type": "text", "text": "y" * 8}, {"type": "image_url"}]},
    ]
    assert estimate_tokens(messages) == 4
    assert estimate_tokens(messages, tokenizer=lambda text: len(text)) == 16
