"""What the guard raises: `Blocked` for a refusal, `TollgateUnavailable` for no answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from . import v1 as pb
from .money import Money, span_of, time_of
from .names import (
    Enforcement,
    ErrorReason,
    LimitKind,
    LimitPeriod,
    LimitUnit,
    Reason,
    SubjectType,
)

# No name: nothing is said.
Unsaid = Literal[""]
_ERROR_DOMAIN = "tollgate"


class TollgateError(Exception):
    """Everything that this package raises by itself; errors of gRPC stay `grpc.RpcError`."""


class TollgateUnavailable(TollgateError):
    """Tollgate did not answer and the policy is `closed`, or the caller waited for a record.

    The error of the last try is its `__cause__`.
    """


class NoToken(grpc.RpcError):
    """A call that was not made, because there is no token for it: UNAUTHENTICATED.

    What the function raised that was asked for one is its `__cause__`.
    """

    def __init__(self, details: str) -> None:
        """Says why."""
        super().__init__(details)
        self._details = details

    def code(self) -> grpc.StatusCode:
        """As if the server had refused it."""
        return grpc.StatusCode.UNAUTHENTICATED

    def details(self) -> str:
        """Says why there is none."""
        return self._details


class CountRefused(ValueError, grpc.RpcError):
    """A record that was not sent, as it has a count that is none: INVALID_ARGUMENT."""

    def code(self) -> grpc.StatusCode:
        """As if the server had refused it."""
        return grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> str:
        """Names the count."""
        return str(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one limit, or one rule, said. Names are those of the protos without their prefix.

    A name is empty where nothing is said, and the number of one that is newer than this package.
    Amounts are in `limit` to `need` for limits of money, in the `_count` fields for others.
    """

    reason: Reason | Unsaid
    blocking: bool
    limit_kind: LimitKind | Unsaid
    unit: LimitUnit | Unsaid
    subject_type: SubjectType | Unsaid
    subject_id: str
    model: str
    period: LimitPeriod | Unsaid
    enforcement: Enforcement | Unsaid
    limit_id: str
    limit: Money | None
    spent: Money | None
    held: Money | None
    need: Money | None
    limit_count: int
    spent_count: int
    held_count: int
    need_count: int
    reset_time: datetime | None
    retry_after: timedelta | None
    threshold_percent: int

    @classmethod
    def from_proto(cls, verdict: pb.Verdict) -> Verdict:
        """Takes over every field in the language's own types."""

        def money(name: Literal["limit", "spent", "held", "need"]) -> Money | None:
            return Money.from_proto(getattr(verdict, name)) if verdict.HasField(name) else None

        def name(enum: str, prefix: str, value: int) -> Any:
            return enum_name(getattr(pb, enum), prefix, value)

        return cls(
            reason=reason_name(verdict.reason),
            blocking=verdict.blocking,
            limit_kind=name("LimitKind", "LIMIT_KIND_", verdict.limit_kind),
            unit=name("LimitUnit", "LIMIT_UNIT_", verdict.unit),
            subject_type=name("SubjectType", "SUBJECT_TYPE_", verdict.subject.type),
            subject_id=verdict.subject.id,
            model=verdict.model_id,
            period=name("LimitPeriod", "LIMIT_PERIOD_", verdict.period),
            enforcement=name("Enforcement", "ENFORCEMENT_", verdict.enforcement),
            limit_id=verdict.limit_id,
            limit=money("limit"),
            spent=money("spent"),
            held=money("held"),
            need=money("need"),
            limit_count=verdict.limit_count,
            spent_count=verdict.spent_count,
            held_count=verdict.held_count,
            need_count=verdict.need_count,
            reset_time=time_of(verdict.reset_time) if verdict.HasField("reset_time") else None,
            retry_after=span_of(verdict.retry_after) if verdict.HasField("retry_after") else None,
            threshold_percent=verdict.threshold_percent,
        )

    def __str__(self) -> str:
        """Names the limit and its figures, for a person."""
        words = [self.limit_kind or "RULE", "of", self.subject_type, self.subject_id]
        text = " ".join(word for word in words if word).lower().replace("_", " ")
        if self.subject_id:
            text = text.removesuffix(self.subject_id.lower().replace("_", " ")) + self.subject_id
        text += f" {self.limit_id}" if self.limit_id else ""
        text += f": {self.reason}"
        if self.limit is not None:
            parts = [("spent", self.spent), ("held", self.held), ("need", self.need)]
            figures = ", ".join(f"{what} {amount.amount}" for what, amount in parts if amount)
            text += f" (limit {self.limit}, {figures})"
        elif self.limit_count:
            text += (
                f" (limit {self.limit_count}, spent {self.spent_count}, held {self.held_count},"
                f" need {self.need_count} {self.unit.lower()})"
            )
        if self.reset_time is not None:
            text += f", resets {self.reset_time.isoformat()}"
        return text


class Blocked(TollgateError):
    """The request may not run. Catch it to answer your own caller; do not call the model.

    `retry_after` is absent where no wait helps.
    """

    def __init__(self, response: pb.CheckAndRouteResponse) -> None:
        """Reads the answer of the check."""
        self.request_id = response.request_id
        self.reason: Reason | Unsaid = reason_name(response.reason)
        self.verdicts = [Verdict.from_proto(verdict) for verdict in response.verdicts]
        self.retry_after = (
            span_of(response.retry_after) if response.HasField("retry_after") else None
        )
        said = "; ".join(str(verdict) for verdict in self.verdicts if verdict.blocking)
        text = f"blocked: {said or self.reason}"
        if self.retry_after is not None:
            text += f"; retry after {self.retry_after.total_seconds():g} s"
        super().__init__(text)


def enum_name(enum: object, prefix: str, value: int) -> Any:
    """Gives a member's name without prefix, empty for unspecified, the number for a newer one.

    Of any type, as the unions of names do not have the numbers.
    """
    try:
        name: str = enum.Name(value)  # type: ignore[attr-defined]
    except ValueError:
        return str(value)
    name = name.removeprefix(prefix)
    return "" if name == "UNSPECIFIED" else name


def reason_name(value: int) -> Reason | Unsaid:
    """Gives the name of a reason, for example `RATE_LIMITED`."""
    return cast(Reason, enum_name(pb.Reason, "REASON_", value))


def error_reason(error: BaseException) -> ErrorReason | None:
    """Gives the reason that the server says in an error of gRPC, such as `WORKSPACE_NOT_FOUND`.

    Nothing if it is none of the server's, or no error of gRPC. A newer server may say others.
    """
    metadata = getattr(error, "trailing_metadata", None)
    for name, value in (metadata() if callable(metadata) else None) or ():
        if name == "grpc-status-details-bin":
            for detail in _Status.FromString(value).details:
                info = _ErrorInfo.FromString(detail.value)
                if detail.type_url.endswith("/google.rpc.ErrorInfo") and (
                    info.domain == _ERROR_DOMAIN
                ):
                    return cast(ErrorReason, info.reason.removeprefix("ERROR_REASON_"))
    return None


def _status_messages() -> tuple[Any, Any]:
    """What we read of `google.rpc.Status` and `ErrorInfo`, whose package we need not depend on."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="status.proto", package="p", syntax="proto3")
    file.message_type.add(name="Any").field.extend(
        [
            field(name="type_url", number=1, type=field.TYPE_STRING),
            field(name="value", number=2, type=field.TYPE_BYTES),
        ]
    )
    file.message_type.add(name="Status").field.add(
        name="details",
        number=3,
        type=field.TYPE_MESSAGE,
        type_name=".p.Any",
        label=field.LABEL_REPEATED,
    )
    file.message_type.add(name="ErrorInfo").field.extend(
        field(name=name, number=number, type=field.TYPE_STRING)
        for number, name in enumerate(("reason", "domain"), 1)
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    status, info = (pool.FindMessageTypeByName(f"p.{name}") for name in ("Status", "ErrorInfo"))
    return message_factory.GetMessageClass(status), message_factory.GetMessageClass(info)


_Status, _ErrorInfo = _status_messages()
