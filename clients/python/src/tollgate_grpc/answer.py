"""Provider answers, reduced to their figures before they are sent: content stays with the caller.

The server reads the usage in them. What is kept, and of many parts which, is described in
docs/provider-answers.md and clients/conformance/README.md; the lists are in `rule`.
"""

from __future__ import annotations

import json
import math
import numbers
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any, Literal

from google.protobuf import json_format
from google.protobuf.message import Message

from . import rule
from . import v1 as pb

_Region = Literal["open", "narrow", "usage"]
_Event = dict[str, Any]


def _fold(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_fold, names))


_TEXTS, _WRAPPERS, _NARROW = map(_folded, (rule.TEXTS, rule.WRAPPERS, rule.NARROW))
_COUNTED, _USAGE_NAMES = map(_folded, (rule.COUNTED, rule.USAGE_NAMES))
_FIGURE_NAMES = _folded(rule.FIGURE_NAMES)
_TIERS = _folded(rule.TIERS)
_MODELS, _STATUSES = (
    tuple(tuple(map(_fold, path.split("."))) for path in paths)
    for paths in (rule.MODELS, rule.STATUSES)
)
_NAME = re.compile(rf"[A-Za-z0-9_\-.:/@$]{{1,{rule.NAME_BYTES_MAX}}}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# Controls are no text; a half of a surrogate pair is no Unicode.
_UNKEPT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ProviderAnswer:
    """What a provider answered, without its content.

    `parts` are the whole answer, its usage object, or the events of one stream: objects of an SDK,
    dicts, JSON, or lists of these. `provider` is a hint, such as `openai` or `bedrock`; empty lets
    the server find out. Of more than 16 parts those with figures are kept, and of more than 16 of
    these the first and the last 15. Raises `ValueError` for what is no JSON.
    """

    def __init__(self, *parts: object, provider: str = "") -> None:
        """Reduces the parts."""
        self.provider = provider.lower()
        """The hint."""
        collected = Parts()
        for part in parts:
            collected.add(reduce(part))
        self.json = collected.to_json()
        """The texts that are sent."""

    def to_proto(self) -> pb.ProviderAnswer:
        """Makes the message of the API."""
        return pb.ProviderAnswer(provider=self.provider, json=self.json)

    def __repr__(self) -> str:
        """Shows what is sent."""
        return f"ProviderAnswer({', '.join(self.json)}, provider={self.provider!r})"


class _Ends:
    """The first of many, and the last ones."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[_Event] = []
        self._last: deque[_Event] = deque(maxlen=rule.PARTS_MAX - 1)

    def add(self, event: _Event) -> None:
        (self._last if self.count else self._first).append(event)
        self.count += 1

    def items(self) -> list[_Event]:
        return [*self._first, *self._last]


class Parts:
    """The parts of one answer, as they come; bounded, however many there are."""

    def __init__(self) -> None:
        """Begins without any."""
        self._all, self._figured = _Ends(), _Ends()
        self._unfinished: _Event | None = None
        self._status = ""
        self.given = False
        """Whether there was a part, also one of which nothing is left."""

    def add(self, events: Iterable[_Event]) -> None:
        """Keeps what is left of a part."""
        self.given = True
        for event in filter(None, events):
            figured = has_figures(event)
            status = _text(event, _STATUSES)
            if not figured and status in rule.UNFINISHED:
                self._unfinished = event
                continue
            self._status = status
            self._all.add(event)
            if figured:
                self._figured.add(event)

    @property
    def has_figures(self) -> bool:
        """Whether there is usage in it, as far as names tell."""
        return self._figured.count > 0

    @property
    def is_unfinished(self) -> bool:
        """Whether the provider has only promised an answer."""
        return self._unfinished is not None and not self._all.count

    @property
    def ended(self) -> Literal["failed", "cancelled"] | None:
        """How the provider says that it ended, where it has no usage for that reason."""
        if self.has_figures:
            return None
        if self._status in rule.FAILED:
            return "failed"
        return "cancelled" if self._status in rule.CANCELLED else None

    def events(self) -> list[_Event]:
        """Gives those that are sent."""
        few = self._all.count <= rule.PARTS_MAX or not self._figured.count
        events = (self._all if few else self._figured).items()
        return events or [self._unfinished or {}]

    def model(self) -> str:
        """Finds the model that the answer names; empty if it names none."""
        named = (_text(event, _MODELS) for event in self.events())
        return next(filter(None, named), "").removeprefix("models/")

    def names_tier(self) -> bool:
        """Whether the answer names the tier that it was served at."""
        return any(map(_names_tier, self.events()))

    def begun_output(self) -> int | None:
        """Tells the output that a stream began with, if its end did not come."""
        events = self._figured.items()
        if not events or events[-1].get("type") != rule.BEGINNING:
            return None
        message = events[-1].get("message")
        usage = message.get("usage") if isinstance(message, dict) else None
        count = usage.get("output_tokens") if isinstance(usage, dict) else None
        return count if isinstance(count, int) else 0

    def to_json(self) -> list[str]:
        """Writes what is sent. Raises `ValueError` if it is too large."""
        texts = [_dump(event) for event in self.events()]
        while sum(len(text.encode()) for text in texts) > rule.BYTES_MAX:
            if len(texts) <= 2:
                raise ValueError(f"a provider answer has more than {rule.BYTES_MAX} bytes of usage")
            del texts[1]
        return texts


def reduce(part: object) -> list[_Event]:
    """Reduces a part; a list is as many events. Raises `ValueError` for what is no JSON."""
    try:
        return list(_events(_parsed(part)))
    except RecursionError:
        raise ValueError("a provider answer is nested too deeply") from None


def is_whole(event: _Event) -> bool:
    """Says whether a reduced part is an answer with usage of its own, no event of a stream."""
    named = any(event.get(name) in rule.WHOLE for name in ("object", "type"))
    return named and has_figures(event)


def has_figures(event: _Event, region: _Region = "open") -> bool:
    """Says whether there is a number in a reduced part that is usage by its name or its place."""
    for name, inner in event.items():
        folded = _fold(name)
        usage = region == "usage" or _says_usage(folded)
        inside: _Region = "usage" if usage else region
        if isinstance(inner, dict):
            found = has_figures(inner, inside)
        elif isinstance(inner, list):
            found = any(has_figures(item, inside) for item in inner)
        elif isinstance(inner, str):
            found = usage and _NUMBER.fullmatch(inner) is not None
        else:
            named = folded.endswith(rule.FIGURE_ENDING) or folded in _FIGURE_NAMES
            found = not isinstance(inner, bool) and (usage or named or folded in _COUNTED)
        if found:
            return True
    return False


def _names_tier(event: _Event) -> bool:
    for name, inner in event.items():
        if _fold(name) in _TIERS and inner not in rule.TIERS_UNSAID:
            return True
        inside = inner if isinstance(inner, list) else [inner]
        if any(_names_tier(item) for item in inside if isinstance(item, dict)):
            return True
    return False


def _dump(event: _Event) -> str:
    return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _parsed(part: object) -> object:
    if not isinstance(part, (str, bytes, bytearray)):
        if _members(part) is None and not _is_list(part):
            kind = type(part).__name__
            raise ValueError(
                f"a provider answer is JSON, a dict or an object of an SDK, not {kind}"
            )
        return part
    try:
        return json.loads(part, object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("a provider answer is not JSON: no UTF-8") from None
    except json.JSONDecodeError as error:
        # Without its text, which may be content.
        why = f"{error.msg} at {error.pos}"
        raise ValueError(f"a provider answer is not JSON: {why}") from None


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("a provider answer has a name twice in one object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"a provider answer is not JSON: it has {constant}")


def _events(value: object) -> Iterator[_Event]:
    members = _members(value)
    if members is not None:
        yield _reduce(members, "open", 0)
    elif _is_list(value):
        for item in value:  # type: ignore[attr-defined]
            yield from _events(item)


def _reduce(members: Iterable[tuple[str, Any]], region: _Region, depth: int) -> _Event:
    if depth >= rule.DEPTH_MAX:
        raise ValueError(f"a provider answer is nested deeper than {rule.DEPTH_MAX} levels")
    kept: _Event = {}
    for name, value in members:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        folded = _fold(name)
        reduced = _value(folded, _plain(value), region, depth)
        if reduced is not None:
            kept[name] = reduced
    return kept


def _value(name: str, value: object, region: _Region, depth: int) -> Any:
    """Reduces the value of a member; `None` leaves it out."""
    if value is None:
        return None
    usage = _says_usage(name)
    if isinstance(value, (bool, int, float)):
        kept = region != "narrow" or usage or name in _COUNTED
        if kept and name != "id":
            if not math.isfinite(value):
                raise ValueError("a provider answer is not JSON: a number is not finite")
            return value
        return None
    if isinstance(value, str):
        return value if _keeps_text(name, value, region, usage) else None
    is_list = _is_list(value)
    if is_list and name in _COUNTED and region != "usage":
        return len(value)  # type: ignore[arg-type]
    inside = _inside(name, region, usage, is_list)
    if inside is None:
        return None
    if is_list:
        return _items(value, inside, depth + 1) or None
    members = _members(value)
    return None if members is None else _reduce(members, inside, depth + 1) or None


def _items(values: Any, region: _Region, depth: int) -> list[_Event]:
    each = (_members(value) for value in values)
    reduced = (_reduce(members, region, depth + 1) for members in each if members is not None)
    return [item for item in reduced if item]


def _inside(name: str, region: _Region, usage: bool, is_list: bool) -> _Region | None:
    if region == "usage" or usage:
        return "usage"
    if name in _NARROW or (name in _WRAPPERS and (region == "narrow" or is_list)):
        return "narrow"
    return "open" if name in _WRAPPERS else None


def _keeps_text(name: str, text: str, region: _Region, usage: bool) -> bool:
    if (region == "usage" or usage) and name != "id":
        is_number = len(text) <= rule.NUMBER_BYTES_MAX and _NUMBER.fullmatch(text)
        if is_number:
            return True
    named = name == "type" if region == "narrow" else name in _TEXTS
    return named and len(text) <= rule.TEXT_CHARACTERS_MAX and not _UNKEPT.search(text)


def _says_usage(name: str) -> bool:
    return any(word in name for word in rule.USAGE_WORDS) or name in _USAGE_NAMES


def _text(event: _Event, paths: tuple[tuple[str, ...], ...]) -> str:
    """Gives the first text that is there, empty if none is."""
    for path in paths:
        value: object = event
        for step in path:
            if not isinstance(value, dict):
                break
            value = next((inner for name, inner in value.items() if _fold(name) == step), None)
        if isinstance(value, str) and value:
            return value
    return ""


def _plain(value: object) -> object:
    """Gives a number, a text or `None` as Python has them; anything else as it is."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, (str, bool)) or type(value) in (int, float, dict, list):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, Decimal)):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(
        value, (str, bytes, bytearray, memoryview)
    )


def _members(value: object) -> Iterable[tuple[str, Any]] | None:
    """Gives the members of an object; `None` if it is none that knows how to become JSON."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, type) or _is_list(value):
        return None
    # Read one by one, so that content is not even copied.
    if hasattr(type(value), "model_fields"):  # Pydantic
        extra = getattr(value, "__pydantic_extra__", None) or {}
        return [*vars(value).items(), *extra.items()]
    if isinstance(value, SimpleNamespace):
        return vars(value).items()
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    message = getattr(value, "_pb", value)
    if isinstance(message, Message):
        return json_format.MessageToDict(message).items()
    for name in ("model_dump", "to_dict", "dict"):
        method = getattr(value, name, None)
        if callable(method):
            made = method()
            return made.items() if isinstance(made, Mapping) else None
    return None
