"""An estimate of the input, where its number of tokens is not known before the call.

The rule and its cases are in clients/conformance/estimate.json, the same for all clients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .answer import _fold, _folded, _is_list, _members, _plain

Tokenizer = Callable[[str], int]

ASCII_PER_TOKEN = 4
OTHER_PER_TOKEN = 2
WHOLE_TOKENS = (
    ("1100", "11FF"),  # Hangul
    ("2E80", "A4CF"),  # Chinese, Japanese, Bopomofo, Yi
    ("A960", "A97F"),
    ("AC00", "D7FF"),
    ("F900", "FAFF"),
    ("FE30", "FE4F"),
    ("FF00", "FFEF"),
    ("1B000", "1B16F"),
    ("1F000", "1FAFF"),  # Pictographs
    ("20000", "3FFFF"),
)
"""Characters that are a token each, from and to, in hexadecimal."""

ITEM_TOKENS = {"openai_image": 1105, "openai_image_low": 85, "other": 1600}
"""Tokens of an image, a file or a recording, whatever its size."""

OPENAI_IMAGE_TYPES = ("image_url", "input_image")
ITEM_TYPES = (
    "audio",
    "computer_screenshot",
    "document",
    "file",
    "image",
    "image_file",
    "input_audio",
    "input_file",
    "video",
)
ITEM_MEMBERS = ("audio", "document", "file_data", "image", "inline_data", "video")
"""An object with such a type, or with an object under such a name, is an item."""

DEFINITIONS = (
    "args",
    "arguments",
    "function_declarations",
    "functions",
    "response_format",
    "text",
    "tool_config",
    "tools",
)
"""Members of which the model reads the names, too."""

SKIPPED = (
    "cache_control",
    "call_id",
    "data",
    "encrypted_content",
    "file_data",
    "id",
    "image_url",
    "input_audio",
    "role",
    "signature",
    "source",
    "status",
    "thought_signature",
    "tool_call_id",
    "tool_use_id",
    "type",
    "url",
)
"""Members that hold no text which the model reads as such."""

_IMAGES, _TYPES, _INSIDE = map(_folded, (OPENAI_IMAGE_TYPES, ITEM_TYPES, ITEM_MEMBERS))
_DEFINITIONS, _SKIPPED = _folded(DEFINITIONS), _folded(SKIPPED)
_WHOLE = re.compile(
    "[" + "".join(f"{chr(int(a, 16))}-{chr(int(b, 16))}" for a, b in WHOLE_TOKENS) + "]"
)
_ASCII = re.compile("[\x00-\x7f]")


def estimate_tokens(content: Any, tokenizer: Tokenizer | None = None) -> int:
    """Estimates the tokens of a text, or of messages, with what belongs to them.

    Four ASCII characters are a token, one of Chinese, Japanese or Korean, two of any other
    script; an image or a file is a constant. Tool definitions (under `tools`, `functions`,
    `response_format`) count with their names. Only an estimate: a tokenizer, such as
    `lambda text: len(encoding.encode(text))`, counts texts better. The record that follows has
    the provider's figures.
    """
    counted = _Counted(tokenizer)
    counted.walk(content)
    return counted.tokens + -(-counted.quarters // 4)


class _Counted:
    def __init__(self, tokenizer: Tokenizer | None) -> None:
        self._tokenizer = tokenizer
        self.tokens = self.quarters = 0

    def text(self, text: str) -> None:
        if self._tokenizer is not None:
            self.tokens += self._tokenizer(text)
            return
        ascii_count, whole = len(_ASCII.findall(text)), len(_WHOLE.findall(text))
        other = len(text) - ascii_count - whole
        self.quarters += ascii_count * 4 // ASCII_PER_TOKEN + whole * 4
        self.quarters += other * 4 // OTHER_PER_TOKEN

    def walk(self, value: Any) -> None:
        value = _plain(value)
        if isinstance(value, str):
            return self.text(value)
        if _is_list(value):
            for item in value:
                self.walk(item)
            return
        members = _members(value)
        if members is None:
            return
        named = {_fold(name): inner for name, inner in members if isinstance(name, str)}
        quoted = _quoted(named)
        if quoted is not None:
            return self.walk(quoted)
        tokens = _item(named)
        if tokens:
            self.tokens += tokens
            return
        for name, inner in named.items():
            if name in _DEFINITIONS:
                self.define(inner)
            elif name not in _SKIPPED:
                self.walk(inner)

    def define(self, value: Any) -> None:
        """Counts names and values: each name, number and boolean is a token at least."""
        value = _plain(value)
        if isinstance(value, str):
            self.text(value)
        elif isinstance(value, (bool, int, float)):
            self.tokens += 1
        elif _is_list(value):
            for item in value:
                self.define(item)
        else:
            for name, inner in _named(value):
                self.text(name)
                self.tokens += 1
                self.define(inner)


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in _members(value) or ():
        if isinstance(name, str) and inner is not None:
            yield name, inner


def _quoted(named: dict[str, Any]) -> Any:
    """Gives the text of a document that is text; `None` if it is none."""
    if named.get("type") != "document":
        return None
    source = {_fold(name): inner for name, inner in _members(named.get("source")) or ()}
    return {"text": source.get("data"), "content": source.get("content")}.get(
        str(source.get("type"))
    )


def _item(named: dict[str, Any]) -> int:
    kind = _fold(str(_plain(named.get("type"))))
    if kind in _IMAGES:
        image = {_fold(name): inner for name, inner in _members(named.get("imageurl")) or ()}
        detail = _plain(image.get("detail", named.get("detail")))
        return ITEM_TOKENS["openai_image_low" if detail == "low" else "openai_image"]
    inside = any(_members(named.get(name)) is not None for name in _INSIDE)
    return ITEM_TOKENS["other"] if kind in _TYPES or inside else 0
