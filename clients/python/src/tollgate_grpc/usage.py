"""Usage that a caller counted: tokens by class, units, factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import cast

from . import v1 as pb
from .errors import CountRefused
from .names import UnitKind

# Above it numbers of JSON, and of JavaScript, are not exact.
COUNT_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt by class, each in exactly one of them, and what is billed beside.

    For callers who count themselves; what a provider answered is handed over as it is, and read
    by the server.
    """

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
    units: Mapping[UnitKind, int] = field(default_factory=dict)
    """What was used beside tokens, for example `{"WEB_SEARCH": 3}`; at most 8 kinds."""
    factors: tuple[str, ...] = ()
    """Names of the price's factors that applied, for example `us`; at most 8."""

    @classmethod
    def from_proto(cls, usage: pb.Usage, factors: Iterable[str] = ()) -> Usage:
        """Takes over the usage of a record; its factors are beside it there."""
        tokens = {name: getattr(usage, wire) for name, wire in _PROTO_NAMES.items()}
        units = {_kind_name(unit.kind): unit.count for unit in usage.units}
        return cls(**tokens, units=units, factors=tuple(factors))

    def to_proto(self) -> pb.Usage:
        """Makes the message of the API, which has no factors.

        Raises `ValueError` for a count that is no whole number from 0 to 2^53.
        """
        tokens = {wire: _whole(name, getattr(self, name)) for name, wire in _PROTO_NAMES.items()}
        return pb.Usage(**tokens, units=units_to_proto(self.units))


_PROTO_NAMES = {
    one.name: one.name[: -len("s")] + "_count"
    for one in fields(Usage)
    if one.name.endswith("_tokens")
}


def units_to_proto(units: Mapping[UnitKind, int]) -> list[pb.UsageUnit]:
    """Makes the messages of the API. Raises `ValueError` for a kind, or a count, that is none."""
    return [
        pb.UsageUnit(kind=pb.UnitKind.Value(f"UNIT_KIND_{kind}"), count=_whole(kind, count))
        for kind, count in units.items()
        if count
    ]


def _whole(name: str, count: object) -> int:
    try:
        whole: int = int(count)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if whole != count or not 0 <= whole <= COUNT_MAX:
        raise CountRefused(f"{name} is {count!r}; expected a whole number from 0 to 2^53")
    return whole


def _kind_name(kind: pb.UnitKind.ValueType) -> UnitKind:
    return cast(UnitKind, pb.UnitKind.Name(kind).removeprefix("UNIT_KIND_"))
