"""From what providers report to Tollgate's disjoint token classes, and an estimate before it.

The rules are those of clients/conformance/README.md, "Conversion": of a whole that a provider
gives, the parts are taken out in a fixed order, each at most what is left. So nothing is
negative, nothing is counted twice, and the sum is the provider's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from . import v1 as pb

Provider = Literal["openai", "anthropic", "gemini", "any"]
ServiceTier = Literal["STANDARD", "BATCH", "FLEX", "PRIORITY"]

TIERS: dict[str, ServiceTier] = {
    "default": "STANDARD",
    "standard": "STANDARD",
    "scale": "STANDARD",
    "on_demand": "STANDARD",
    "provisioned_throughput": "STANDARD",
    "batch": "BATCH",
    "flex": "FLEX",
    "on_demand_flex": "FLEX",
    "priority": "PRIORITY",
    "fast": "PRIORITY",
    "ultrafast": "PRIORITY",
    "on_demand_priority": "PRIORITY",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt by class; a token is counted in exactly one of them."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0

    @classmethod
    def from_openai(cls, answer: object) -> Usage:
        """Reads a chat completion, a response, the events of a stream, or their usage alone."""
        return _read(answer, "openai")

    @classmethod
    def from_anthropic(cls, answer: object) -> Usage:
        """Reads a message, the events of a stream, or their usage alone."""
        return _read(answer, "anthropic")

    @classmethod
    def from_gemini(cls, answer: object) -> Usage:
        """Reads a response of generateContent, the chunks of a stream, or their usage alone."""
        return _read(answer, "gemini")

    @classmethod
    def from_any(cls, answer: object) -> Usage:
        """Recognises the provider by the names of the fields."""
        return _read(answer, "any")

    @classmethod
    def from_proto(cls, usage: pb.Usage) -> Usage:
        """Takes over the usage of a record."""
        return cls(**{field: getattr(usage, name) for field, name in _PROTO_NAMES.items()})

    def to_proto(self) -> pb.Usage:
        """Makes the message of the API."""
        return pb.Usage(**{name: getattr(self, field) for field, name in _PROTO_NAMES.items()})


_PROTO_NAMES = {field.name: field.name[: -len("s")] + "_count" for field in fields(Usage)}

# Whole, its parts in their order, the class of the rest. Paths into the provider's usage.
_Rule = tuple[str, tuple[tuple[str, str], ...], str]


def _openai(whole_in: str, whole_out: str) -> tuple[_Rule, ...]:
    inside, outside = f"{whole_in}_details", f"{whole_out}_details"
    return (
        (
            whole_in,
            (
                (f"{inside}.cached_tokens", "cache_read_tokens"),
                (f"{inside}.cache_write_tokens_details.ttl_12h_tokens", "cache_write_1h_tokens"),
                (f"{inside}.cache_write_tokens", "cache_write_5m_tokens"),
                (f"{inside}.audio_tokens", "audio_input_tokens"),
                (f"{inside}.image_tokens", "image_input_tokens"),
            ),
            "input_tokens",
        ),
        (
            whole_out,
            (
                (f"{outside}.reasoning_tokens", "reasoning_tokens"),
                (f"{outside}.audio_tokens", "audio_output_tokens"),
                (f"{outside}.image_tokens", "image_output_tokens"),
            ),
            "output_tokens",
        ),
    )


_OPENAI_CHAT = _openai("prompt_tokens", "completion_tokens")
_OPENAI_RESPONSES = _openai("input_tokens", "output_tokens")
_ANTHROPIC: tuple[_Rule, ...] = (
    ("input_tokens", (), "input_tokens"),
    ("cache_read_input_tokens", (), "cache_read_tokens"),
    (
        "cache_creation_input_tokens",
        (("cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),),
        "cache_write_5m_tokens",
    ),
    (
        "output_tokens",
        (("output_tokens_details.thinking_tokens", "reasoning_tokens"),),
        "output_tokens",
    ),
)
_GEMINI: tuple[_Rule, ...] = (
    (
        "promptTokenCount",
        (
            ("cachedContentTokenCount", "cache_read_tokens"),
            ("promptTokensDetails.AUDIO", "audio_input_tokens"),
            ("promptTokensDetails.IMAGE", "image_input_tokens"),
        ),
        "input_tokens",
    ),
    (
        "toolUsePromptTokenCount",
        (
            ("toolUsePromptTokensDetails.AUDIO", "audio_input_tokens"),
            ("toolUsePromptTokensDetails.IMAGE", "image_input_tokens"),
        ),
        "input_tokens",
    ),
    (
        "candidatesTokenCount",
        (
            ("candidatesTokensDetails.AUDIO", "audio_output_tokens"),
            ("candidatesTokensDetails.IMAGE", "image_output_tokens"),
        ),
        "output_tokens",
    ),
    ("thoughtsTokenCount", (), "reasoning_tokens"),
)
# Figures that are counted inside another part, and are taken off it.
_LESS = {
    path: path.replace("cache_write_tokens", "cache_write_tokens_details.ttl_12h_tokens")
    for rules in (_OPENAI_CHAT, _OPENAI_RESPONSES)
    for path, to in rules[0][1]
    if to == "cache_write_5m_tokens"
} | {f"promptTokensDetails.{kind}": f"cacheTokensDetails.{kind}" for kind in ("AUDIO", "IMAGE")}
# Summed where the whole itself is missing.
_WRITTEN = "cache_creation_input_tokens"
_WRITTEN_PARTS = tuple(f"cache_creation.ephemeral_{life}_input_tokens" for life in ("5m", "1h"))


class UsageReader:
    """Reads what a provider reports, at once or event by event.

    Of a stream a later event's figures replace an earlier one's, field by field.
    """

    def __init__(self, provider: Provider = "any") -> None:
        """Reads answers of this provider, or finds out whose they are."""
        self._provider = provider
        self._rules: tuple[_Rule, ...] = ()
        self._figures: dict[str, object] = {}
        self.model = ""
        self.service_tier: ServiceTier | None = None
        # Whether the figures are those of a stream's beginning: its output is still to come.
        self.partial = False

    def feed(self, answer: object) -> bool:
        """Reads an answer, an event, usage alone, JSON of these, or a list; says if it had usage.

        What carries no usage is passed over, so that all events of a stream can be fed.
        """
        if isinstance(answer, (str, bytes)):
            answer = json.loads(answer)
        if isinstance(answer, list):
            fed = [self.feed(item) for item in answer]
            return any(fed)
        inner = _get(answer, "response") or _get(answer, "message")
        if inner is not None and not isinstance(inner, str):
            answer_type = _get(answer, "type")
        else:
            inner, answer_type = answer, None
        usage = _get(inner, "usage") or _get(inner, "usageMetadata")
        alone = usage is None and inner is answer and self._rules_of(answer, answer) is not None
        if alone:
            usage = answer
        else:
            self._read_names(inner, usage)
        rules = self._rules_of(inner, usage) if usage is not None else None
        if rules is None:
            return False
        # OpenAI reports once, so its figures are never added to those of another answer.
        if rules in (_OPENAI_CHAT, _OPENAI_RESPONSES) or _get(answer, "type") == "message":
            self._figures.clear()
        self._rules = rules
        self.partial = answer_type == "message_start"
        paths = [
            path for whole, parts, _ in rules for path in (whole, *(path for path, _ in parts))
        ]
        for path in (*paths, *_LESS.values(), *_WRITTEN_PARTS):
            value = _figure(usage, path)
            if value is not None:
                self._figures[path] = value
        return True

    @property
    def usage(self) -> Usage | None:
        """What is known by now; `None` before there were figures."""
        if not self._rules:
            return None
        counts: dict[str, int] = dict.fromkeys(_PROTO_NAMES, 0)
        for whole, parts, rest in self._rules:
            left = self._count(whole)
            for path, to in parts:
                part = min(self._count(path), left)
                counts[to] += part
                left -= part
            counts[rest] += left
        return Usage(**counts)

    def _count(self, path: str) -> int:
        if path == _WRITTEN and path not in self._figures:
            return sum(map(self._count, _WRITTEN_PARTS))
        count = _natural(self._figures.get(path))
        return max(0, count - self._count(_LESS[path])) if path in _LESS else count

    def _rules_of(self, answer: object, usage: object) -> tuple[_Rule, ...] | None:
        def has(*names: str) -> bool:
            return any(_get(usage, name) is not None for name in names)

        provider = self._provider
        if provider in ("gemini", "any") and has(
            "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"
        ):
            return _GEMINI
        if provider in ("openai", "any") and has("prompt_tokens", "completion_tokens"):
            return _OPENAI_CHAT
        if not has("input_tokens", "output_tokens"):
            return None
        if provider == "any":
            provider = "openai"
            if str(_get(answer, "type")) in ("message", "message_delta") or has(
                _WRITTEN, "cache_read_input_tokens", "cache_creation"
            ):
                provider = "anthropic"
        return {"openai": _OPENAI_RESPONSES, "anthropic": _ANTHROPIC}.get(provider)

    def _read_names(self, answer: object, usage: object) -> None:
        model = _get(answer, "model") or _get(answer, "modelVersion")
        if isinstance(model, str) and model:
            self.model = model.removeprefix("models/")
        said = (
            (usage, "trafficType"),
            (usage, "serviceTier"),
            (answer, "service_tier"),
            (usage, "speed"),
        )
        for holder, name in said:
            tier = _get(holder, name)
            tier = getattr(tier, "value", tier)
            if isinstance(tier, str):
                self.service_tier = TIERS.get(tier.lower(), self.service_tier)


def estimate_tokens(content: Any, tokenizer: Callable[[str], int] | None = None) -> int:
    """Estimates the tokens of a text, or of all texts in messages: a quarter of the characters.

    Only an estimate: off by a third for prose, by more for code and for other scripts, and blind
    to images and audio. A tokenizer, such as `lambda text: len(encoding.encode(text))`, makes it
    better. The record that follows has the provider's figures.
    """
    texts = list(_texts(content))
    if tokenizer is not None:
        return sum(map(tokenizer, texts))
    return math.ceil(sum(map(len, texts)) / 4)


# What holds no text that the model reads as such.
_NO_TEXT = frozenset(
    ("data", "url", "image_url", "file_data", "input_audio", "source", "type", "role", "id")
)


def _texts(content: Any) -> Iterable[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if key not in _NO_TEXT:
                yield from _texts(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _texts(value)
    elif hasattr(content, "model_dump"):
        yield from _texts(content.model_dump())


def _read(answer: object, provider: Provider) -> Usage:
    reader = UsageReader(provider)
    reader.feed(answer)
    if reader.usage is None:
        raise ValueError(f"no usage that {provider} would report in {answer!r:.200}")
    return reader.usage


def _get(holder: object, name: str) -> Any:
    """Reads a field of an object or a mapping, in camel or snake case."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    for spelling in (name,) if snake == name else (name, snake):
        if isinstance(holder, Mapping):
            value = holder.get(spelling)
        else:
            value = getattr(holder, spelling, None)
        if value is not None:
            return value
    return None


def _figure(usage: object, path: str) -> Any:
    """Follows a path; a modality in capitals picks that entry of a list."""
    value: Any = usage
    for name in path.split("."):
        if value is None:
            return None
        value = _modality(value, name) if name.isupper() else _get(value, name)
    return value


def _modality(entries: Any, name: str) -> int | None:
    counts = [
        _natural(_get(entry, "tokenCount"))
        for entry in (entries if isinstance(entries, (list, tuple)) else ())
        if str(getattr(_get(entry, "modality"), "value", _get(entry, "modality"))).upper() == name
    ]
    return sum(counts) if counts else None


def _natural(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return max(0, int(value)) if math.isfinite(value) else 0
