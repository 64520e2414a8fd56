"""Amounts as `Decimal`, times as aware `datetime`, spans as `timedelta`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from . import v1 as pb


class Money(NamedTuple):
    """An exact amount of one currency."""

    amount: Decimal
    currency_code: str

    @classmethod
    def from_proto(cls, money: pb.Money) -> Money:
        """Takes over an amount of the API; an empty one is zero."""
        return cls(Decimal(money.amount or "0"), money.currency_code)

    def to_proto(self) -> pb.Money:
        """Makes an amount for the API. Raises `ValueError` beyond nine fraction digits."""
        amount = Decimal(self.amount)
        if not amount.is_finite():
            raise ValueError(f"{self.amount} is not an amount")
        nanos = amount.scaleb(9)
        if nanos != nanos.to_integral_value():
            raise ValueError(f"{self.amount} has more than 9 fraction digits")
        return pb.Money(currency_code=self.currency_code, amount=f"{amount:f}")

    def __str__(self) -> str:
        """Writes for example `12.50 EUR`."""
        return f"{self.amount:f} {self.currency_code}"


def time_of(timestamp: Timestamp) -> datetime:
    """Takes over a time of the API, in UTC."""
    return timestamp.ToDatetime(tzinfo=timezone.utc)


def timestamp_of(time: datetime) -> Timestamp:
    """Makes a time for the API; one without a zone is taken as UTC."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def span_of(duration: Duration) -> timedelta:
    """Takes over a span of the API."""
    return duration.ToTimedelta()


def duration_of(span: timedelta) -> Duration:
    """Makes a span for the API."""
    duration = Duration()
    duration.FromTimedelta(span)
    return duration
