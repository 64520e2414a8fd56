"""The guard around one LLM call: a check on the way in, a record on the way out.

`_Call` decides what is said; `Call` and `AsyncCall` only say it, each in its own way.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypedDict, cast

import grpc
from typing_extensions import Self

from . import v1 as pb
from .delivery import UNAUTHORIZED, UNREACHED, Delivery, Item
from .errors import Blocked, TollgateUnavailable, Verdict, enum_name
from .money import Money, duration_of, time_of
from .usage import ServiceTier, Usage, UsageReader, estimate_tokens

log = logging.getLogger("tollgate")

Policy = Literal["open", "closed"]
LATENCY_MAX_NS = 24 * 3600 * 1_000_000_000


class Options(TypedDict, total=False):
    """What can be said of a guarded call; `input_tokens`, `prompt` or `messages` must be."""

    input_tokens: int
    """Input tokens that are neither read from nor written to a cache."""
    prompt: str
    """Estimated instead of `input_tokens`."""
    messages: Sequence[Any]
    """Estimated instead of `input_tokens`: all texts in these messages."""
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    max_output_tokens: int | None
    """Most output tokens, reasoning included; estimated by the server if absent."""
    user: str | None
    department: str | None
    api_key: str | None
    """Id of the key that your caller presented, never its secret."""
    assistant: str | None
    workflow: str | None
    feature: str | None
    project: str | None
    investigation: str | None
    session: str | None
    tags: Mapping[str, str] | None
    request_id: str | None
    """Names the request; a UUIDv7 is made if absent."""
    service_tier: ServiceTier | None
    required_capabilities: Sequence[str]
    """What a model must be able to do to take this one's place."""
    hold: timedelta | None
    """How long the amount is set aside; 10 minutes if absent. For long runs `call.extend`."""
    wait: bool
    """Whether leaving waits until the record is durable, and raises if it is not."""
    on_unavailable: Policy | None
    """Overrides the client's policy."""


_ATTRIBUTION = (
    "user",
    "department",
    "api_key",
    "assistant",
    "workflow",
    "feature",
    "project",
    "investigation",
    "session",
)


class _Owner(Protocol):
    """What a call needs of its client."""

    _delivery: Delivery
    _policy: Policy
    _tokenizer: Callable[[str], int] | None
    usage: Any


class _Call:
    """One guarded call, between its check and its record."""

    def __init__(self, owner: Any, workspace: str, model: str, options: Options) -> None:
        self._owner: _Owner = owner
        self._policy = options.get("on_unavailable") or owner._policy
        self._wait = options.get("wait", False)
        self._check = _check_request(workspace, model, options, owner._tokenizer)
        self._reader = UsageReader()
        self._given: Usage | None = None
        self._model = model
        self._began: tuple[int, int] | None = None  # Wall clock and monotonic, in nanoseconds.
        self._left = False
        self.request_id = self._check.request_id
        """Names the request, in the usage log too."""
        self.decision: Literal["ALLOWED", "ROUTED"] | None = None
        """`None` if Tollgate was not reached."""
        self.unchecked = False
        """Whether the call runs although Tollgate was not reached."""
        self.verdicts: list[Verdict] = []
        """Limits that warned, would have blocked, or led to another model."""
        self.reason = ""
        """Why it was routed."""
        self.held: Money | None = None
        """What is set aside."""
        self.expire_time: datetime | None = None
        """When the hold ends by itself."""
        self.budget_state = ""
        """Where the workspace stood."""
        self.recorded: pb.RecordUsageResponse | None = None
        """After leaving with `wait`: what it cost."""
        self.output_text = ""
        """Output that has come so far; estimated where no usage is recorded."""

    @property
    def model(self) -> str:
        """The model to run on. Reading it says that the LLM call is about to start."""
        if self._began is None and not self._left:
            self._began = time.time_ns(), time.monotonic_ns()
        return self._model

    @property
    def routed(self) -> bool:
        """Whether `model` is another one than was asked for."""
        return self.decision == "ROUTED"

    def record(
        self, usage: object, *, model: str | None = None, service_tier: ServiceTier | None = None
    ) -> None:
        """Keeps what was used: a `Usage`, or a provider's answer or event (object, dict, JSON).

        Later figures replace earlier ones, so every event of a stream may be handed in; those
        without usage are passed over. Never raises.
        """
        if isinstance(usage, Usage):
            self._given = usage
        else:
            try:
                if self._reader.feed(usage):
                    self._given = None
            except Exception as error:
                log.warning("tollgate: %.100r has no usage that can be read: %r", usage, error)
        self._reader.model = model or self._reader.model
        self._reader.service_tier = service_tier or self._reader.service_tier

    def _answered(self, answer: pb.CheckAndRouteResponse) -> None:
        if answer.decision == pb.DECISION_BLOCKED:
            self._left = True
            raise Blocked(answer)
        routed = answer.decision == pb.DECISION_ROUTED
        self.decision = "ROUTED" if routed else "ALLOWED"
        self._model = answer.model_id or self._model
        self.reason = enum_name(pb.Reason, "REASON_", answer.reason)
        self.verdicts = [Verdict.from_proto(verdict) for verdict in answer.verdicts]
        self.held = Money.from_proto(answer.held)
        self.expire_time = time_of(answer.expire_time) if answer.HasField("expire_time") else None
        self.budget_state = enum_name(pb.BudgetState, "BUDGET_STATE_", answer.budget_state)

    def _failed(self, error: grpc.RpcError) -> None:
        """Decides what an error of the check means."""
        if error.code() not in UNREACHED:
            self._left = True
            raise error
        if self._policy == "closed":
            self._left = True
            raise TollgateUnavailable(f"tollgate does not answer: {error.details()}") from error
        self.unchecked = True
        log.warning("tollgate does not answer, running unchecked: %s", error.details())

    def _end(self, error: BaseException | None) -> Item | None:
        """Says, the first time, what is to be sent when the block is left. Never raises."""
        if self._left:
            return None
        self._left = True
        try:
            return self._report(error)
        except Exception:
            log.exception("tollgate: the usage of %s is not recorded", self.request_id)
            return None

    def _report(self, error: BaseException | None) -> Item | None:
        if self._began is None and not (self._given or self._reader.usage):
            if self.unchecked:
                return None
            return pb.ReleaseHoldRequest(
                workspace_id=self._check.workspace_id, request_id=self.request_id
            )
        usage, source = self._used(error)
        if source == pb.USAGE_SOURCE_ESTIMATED and error is None:
            log.warning("tollgate: no usage was recorded of %s, it is estimated", self.request_id)
        wall, mono = self._began or (time.time_ns(), time.monotonic_ns())
        tier = self._reader.service_tier
        record = pb.RecordUsageRequest(
            workspace_id=self._check.workspace_id,
            request_id=self.request_id,
            model_id=self._reader.model or self._model,
            service_tier=_tier(tier) if tier else self._check.service_tier,
            usage=usage.to_proto() if usage else None,
            outcome=_outcome(error),
            usage_source=source,
            attribution=self._check.attribution,
        )
        record.start_time.FromNanoseconds(wall)
        record.latency.FromNanoseconds(min(time.monotonic_ns() - mono, LATENCY_MAX_NS))
        return record

    def _used(self, error: BaseException | None) -> tuple[Usage | None, pb.UsageSource.ValueType]:
        """Gives what was used as far as it is known, and where that comes from."""
        usage = self._given or self._reader.usage
        if usage and (self._given or not self._reader.partial):
            return usage, pb.USAGE_SOURCE_PROVIDER
        written = estimate_tokens(self.output_text, self._owner._tokenizer)
        if usage is None and (error is None or written):
            declared = Usage(
                input_tokens=self._check.input_token_count,
                cache_read_tokens=self._check.cache_read_token_count,
                cache_write_5m_tokens=self._check.cache_write_5m_token_count,
                cache_write_1h_tokens=self._check.cache_write_1h_token_count,
                output_tokens=written,
            )
            return declared, pb.USAGE_SOURCE_ESTIMATED
        # A stream that broke off has told its input, and its output only to begin with.
        if usage and written > usage.output_tokens:
            return replace(usage, output_tokens=written), pb.USAGE_SOURCE_ESTIMATED
        return usage, pb.USAGE_SOURCE_PROVIDER if usage else pb.USAGE_SOURCE_UNSPECIFIED

    def _extension(self, hold: timedelta) -> pb.ExtendHoldRequest:
        return pb.ExtendHoldRequest(
            workspace_id=self._check.workspace_id,
            request_id=self.request_id,
            hold_duration=duration_of(hold),
        )

    def _undelivered(self, item: Item, error: grpc.RpcError, failed: bool) -> None:
        """Queues what could not be sent at once; raises unless the block has failed already."""
        unreached = error.code() in UNREACHED
        queued = unreached or error.code() in UNAUTHORIZED
        if queued:
            self._owner._delivery.put(item)
        if failed:
            state = "not recorded yet" if queued else "refused"
            log.error("tollgate: %s is %s: %s", self.request_id, state, error.details())
        elif unreached:
            raise TollgateUnavailable(f"not recorded yet, queued: {error.details()}") from error
        else:
            raise error


class Call(_Call):
    """A guarded call of a `Client`: use it in a `with`."""

    def __enter__(self) -> Self:
        """Checks."""
        try:
            self._answered(self._owner.usage.CheckAndRoute(self._check))
        except grpc.RpcError as error:
            self._failed(error)
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """Records; the exception of the block goes on."""
        item = self._end(error)
        if item is None:
            return
        if not self._wait or isinstance(item, pb.ReleaseHoldRequest):
            return self._owner._delivery.put(item)
        try:
            self.recorded = self._owner.usage.RecordUsage(item)
        except grpc.RpcError as failure:
            self._undelivered(item, failure, failed=error is not None)

    def extend(self, hold: timedelta) -> None:
        """Lets the hold live so long from now. Raises `grpc.RpcError`."""
        if not self.unchecked:
            self._owner.usage.ExtendHold(self._extension(hold))


class AsyncCall(_Call):
    """A guarded call of an `AsyncClient`: use it in an `async with`."""

    async def __aenter__(self) -> Self:
        """Checks."""
        try:
            self._answered(await self._owner.usage.CheckAndRoute(self._check))
        except grpc.RpcError as error:
            self._failed(error)
        return self

    async def __aexit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """Records; the exception of the block goes on."""
        item = self._end(error)
        if item is None:
            return
        # A cancelled task is to end, not to wait.
        cancelled = _outcome(error) == pb.OUTCOME_CANCELLED
        if not self._wait or cancelled or isinstance(item, pb.ReleaseHoldRequest):
            return self._owner._delivery.put(item)
        try:
            self.recorded = await self._owner.usage.RecordUsage(item)
        except grpc.RpcError as failure:
            self._undelivered(item, failure, failed=error is not None)
        except BaseException:
            self._owner._delivery.put(item)
            raise

    async def extend(self, hold: timedelta) -> None:
        """Lets the hold live so long from now. Raises `grpc.RpcError`."""
        if not self.unchecked:
            await self._owner.usage.ExtendHold(self._extension(hold))


def _check_request(
    workspace: str, model: str, options: Options, tokenizer: Callable[[str], int] | None
) -> pb.CheckAndRouteRequest:
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise TypeError(f"guard() has no option {', '.join(sorted(unknown))}")
    input_tokens = options.get("input_tokens")
    if input_tokens is None:
        texts = [options[name] for name in ("prompt", "messages") if name in options]
        if not texts:
            raise TypeError("guard() needs input_tokens, prompt or messages")
        input_tokens = estimate_tokens(texts, tokenizer)
    values = cast(Mapping[str, Any], options)
    tier, hold = options.get("service_tier"), options.get("hold")
    return pb.CheckAndRouteRequest(
        workspace_id=workspace,
        request_id=options.get("request_id") or make_request_id(),
        model_id=model,
        input_token_count=input_tokens,
        cache_read_token_count=options.get("cache_read_tokens", 0),
        cache_write_5m_token_count=options.get("cache_write_5m_tokens", 0),
        cache_write_1h_token_count=options.get("cache_write_1h_tokens", 0),
        max_output_token_count=options.get("max_output_tokens"),
        service_tier=pb.ServiceTier.Value(
            f"SERVICE_TIER_{tier.upper() if tier else 'UNSPECIFIED'}"
        ),
        attribution=pb.Attribution(
            tags=options.get("tags"),
            **{f"{name}_id": values[name] for name in _ATTRIBUTION if values.get(name)},
        ),
        required_capabilities=options.get("required_capabilities", ()),
        hold_duration=duration_of(hold) if hold else None,
    )


def _tier(name: str) -> pb.ServiceTier.ValueType:
    return pb.ServiceTier.Value(f"SERVICE_TIER_{name.upper()}")


def _outcome(error: BaseException | None) -> pb.Outcome.ValueType:
    if error is None:
        return pb.OUTCOME_SUCCESS
    # CancelledError of asyncio, GeneratorExit, KeyboardInterrupt: somebody gave up.
    if isinstance(error, CancelledError) or not isinstance(error, Exception):
        return pb.OUTCOME_CANCELLED
    return pb.OUTCOME_ERROR


def make_request_id() -> str:
    """Makes a UUIDv7: its first 48 bits are the milliseconds of now, the others random."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(uuid.UUID(int=value))
