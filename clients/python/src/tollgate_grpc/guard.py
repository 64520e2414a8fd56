"""The guard around one LLM call: a check on the way in, a record on the way out.

`_Call` decides what is said; `Call` and `AsyncCall` only say it, each in its own way. What a
provider answered is handed over without its content, for the server to read.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypedDict, cast

import grpc
from typing_extensions import Self

from . import v1 as pb
from .answer import Parts, ProviderAnswer, is_whole, reduce
from .background import AsyncKeeper, Keeper
from .breaker import UNREACHED, Breaker
from .delivery import UNAUTHORIZED, Delivery, Item
from .errors import Blocked, TollgateUnavailable, Unsaid, Verdict, enum_name, reason_name
from .estimate import estimate_tokens
from .money import Money, duration_of, time_of
from .names import BudgetState, Reason, ServiceTier, UnitKind
from .recorded import Recorded
from .usage import Usage, units_to_proto

log = logging.getLogger("tollgate")

Policy = Literal["open", "closed"]
LATENCY_MAX_NS = 24 * 3600 * 1_000_000_000
HOLD = timedelta(minutes=10)
# Lifetime of the hold of an unfinished job: the longest that the server allows.
HOLD_OF_JOB = timedelta(hours=24)


class Options(TypedDict, total=False):
    """What can be said of a guarded call; `input_tokens`, `prompt` or `messages` must be."""

    input_tokens: int
    """Input tokens that are neither read from nor written to a cache."""
    prompt: str
    """Estimated instead of `input_tokens`."""
    messages: Sequence[Any]
    """Estimated instead of `input_tokens`: these messages, with system and tools if given."""
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
    units: Mapping[UnitKind, int]
    """Most that is used beside tokens, for example `{"WEB_SEARCH": 5}`."""
    factors: Sequence[str]
    """Factors of the price that may apply, for example `us`."""
    context: str | None
    """Id of what the provider adds to the input: an earlier response (`previous_response_id`), a
    conversation, cached content. What was last recorded for it counts as input."""
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

    _breaker: Breaker
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
        self._parts = Parts()
        self._given: Usage | None = None
        self._provider = ""
        self._said: tuple[str, ServiceTier | None] = "", None
        self._model = model
        self._hold = options.get("hold") or HOLD
        self._resumed = False
        self._keeps = True
        self._keeper: Keeper | AsyncKeeper | None = None
        self._began: tuple[int, int] | None = None  # Wall clock and monotonic, in nanoseconds.
        self._left = False
        self.request_id = self._check.request_id
        """Names the request, in the usage log too."""
        self.attempt = 0
        """Number of the attempt: above 0 if the request was recorded before, and checked again."""
        self.decision: Literal["ALLOWED", "ROUTED"] | None = None
        """`None` if Tollgate was not reached."""
        self.unchecked = False
        """Whether the call runs although Tollgate was not reached."""
        self.verdicts: list[Verdict] = []
        """Limits that warned, would have blocked, or led to another model."""
        self.reason: Reason | Unsaid = ""
        """Why it was routed."""
        self.held: Money | None = None
        """What is set aside."""
        self.expire_time: datetime | None = None
        """When the hold ends by itself."""
        self.budget_state: BudgetState | Unsaid = ""
        """Where the workspace stood."""
        self.recorded: Recorded | None = None
        """After leaving with `wait`: what the server said, with the cost."""
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

    @property
    def unfinished(self) -> bool:
        """Whether the provider has only begun a job: leaving records nothing and keeps the hold."""
        return self._given is None and self._parts.is_unfinished

    def record(
        self,
        usage: object,
        *,
        model: str | None = None,
        service_tier: ServiceTier | None = None,
        provider: str | None = None,
    ) -> None:
        """Keeps what was used: what the provider answered, or a `Usage`.

        The answer is a `ProviderAnswer`, or what it is made of: an object of an SDK, a dict, JSON;
        every event of a stream may be handed in. Model and tier follow from it unless they are
        given. `provider` is a hint for the server. Of two answers the last counts. Never raises.
        """
        self._said = model or self._said[0], service_tier or self._said[1]
        if isinstance(usage, Usage):
            self._given = usage
            return
        if isinstance(usage, ProviderAnswer):
            provider, usage = usage.provider or provider, "[" + ",".join(usage.json) + "]"
        self._provider = (provider or self._provider).lower()
        try:
            events = reduce(usage)
        except Exception as error:
            # What is no answer at all is one that cannot be read.
            self._parts.given = True
            log.warning(
                "tollgate: a provider answer of %s cannot be read: %s", self.request_id, error
            )
            return
        if any(map(is_whole, events)):
            if self._parts.has_figures:
                log.warning("tollgate: %s has a second answer, which counts", self.request_id)
            self._parts = Parts()
        self._parts.add(events)
        if self._parts.has_figures:
            self._given = None
        if self.unfinished and self._keeper is None and self._keeps and not self.unchecked:
            self._keeper = self._keep()

    def _keep(self) -> Keeper | AsyncKeeper | None:
        """Keeps the hold of a job alive while the block waits for it."""
        raise NotImplementedError

    def _answered(self, answer: pb.CheckAndRouteResponse) -> None:
        if answer.decision == pb.DECISION_BLOCKED:
            self._left = True
            raise Blocked(answer)
        routed = answer.decision == pb.DECISION_ROUTED
        self.decision = "ROUTED" if routed else "ALLOWED"
        self._model = answer.model_id or self._model
        self.attempt = answer.attempt
        self.reason = reason_name(answer.reason)
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
        self._owner._breaker.warn(error)

    def _end(self, error: BaseException | None) -> Item | None:
        """Says, the first time, what is to be sent when the block is left.

        Raises only with `wait`, for counts that can be none.
        """
        if self._left:
            return None
        self._left = True
        if self._keeper is not None:
            self._keeper.stop()
        try:
            self._read_completion(error)
            return self._report(error)
        except Exception as failure:
            self._owner._delivery.count(refused=1)
            log.error(
                "tollgate: the usage record %s is refused: %s",
                self.request_id,
                failure,
                exc_info=not isinstance(failure, ValueError),
            )
            if self._wait and error is None:
                raise
            return None

    def _read_completion(self, error: BaseException | None) -> None:
        """Records the answer that an SDK hands over with its exception, as it was billed."""
        if error is not None and not self._given and not self._parts.has_figures:
            completion = getattr(error, "completion", None)
            if completion is not None:
                self.record(completion)

    def _report(self, error: BaseException | None) -> Item | None:
        broken = self._resumed and error is not None
        if self.unfinished or (broken and not self._given and not self._parts.has_figures):
            # A job goes on, whatever becomes of who asks for it.
            return self._left_unfinished()
        if not self._given and not self._parts.given and (self._began is None or self._resumed):
            return self._never_started()
        outcome = _outcome(error)
        if error is None and not self._given and self._parts.ended:
            outcome = pb.OUTCOME_ERROR if self._parts.ended == "failed" else pb.OUTCOME_CANCELLED
        model, tier = self._said
        record = pb.RecordUsageRequest(
            workspace_id=self._check.workspace_id,
            request_id=self.request_id,
            attempt=self.attempt,
            # Named even where the answer does, as one that cannot be read names none.
            model_id=model or self._parts.model() or self._model,
            service_tier=_tier(tier),
            outcome=outcome,
        )
        self._fill(record, outcome)
        # The same answer of a job, recorded by two processes, is one record.
        if not self._resumed:
            wall, mono = self._began or (time.time_ns(), time.monotonic_ns())
            record.start_time.FromNanoseconds(wall)
            record.latency.FromNanoseconds(min(time.monotonic_ns() - mono, LATENCY_MAX_NS))
            record.attribution.CopyFrom(self._check.attribution)
        return record

    def _fill(self, record: pb.RecordUsageRequest, outcome: pb.Outcome.ValueType) -> None:
        """Says what was used, as far as it is known, and where that comes from."""
        succeeded = outcome == pb.OUTCOME_SUCCESS
        if self._given:
            record.usage.CopyFrom(self._given.to_proto())
            record.factors.extend(self._given.factors)
            record.usage_source = pb.USAGE_SOURCE_PROVIDER
        elif self._parts.has_figures or (self._parts.given and succeeded):
            record.usage_source = self._complete_stream()
            record.provider_answer.CopyFrom(self._answer())
            record.accept_unread = True
            record.context_id = self._check.context_id
            if self._parts.names_tier():
                return
        else:
            written = estimate_tokens(self.output_text, self._owner._tokenizer)
            if (succeeded or written) and not self._resumed:
                self._estimate(record, written)
            if succeeded:
                log.warning(
                    "tollgate: no usage was recorded of %s, it is estimated", self.request_id
                )
        if record.service_tier == pb.SERVICE_TIER_UNSPECIFIED:
            record.service_tier = self._check.service_tier

    def _estimate(self, record: pb.RecordUsageRequest, written: int) -> None:
        record.usage.input_token_count = self._check.input_token_count
        record.usage.cache_read_token_count = self._check.cache_read_token_count
        record.usage.cache_write_5m_token_count = self._check.cache_write_5m_token_count
        record.usage.cache_write_1h_token_count = self._check.cache_write_1h_token_count
        record.usage.output_token_count = written
        record.usage_source = pb.USAGE_SOURCE_ESTIMATED

    def _complete_stream(self) -> pb.UsageSource.ValueType:
        """Adds the output that has come to a stream which has told it only to begin with."""
        begun = self._parts.begun_output()
        written = estimate_tokens(self.output_text, self._owner._tokenizer)
        if begun is None or written <= begun:
            return pb.USAGE_SOURCE_PROVIDER
        self._parts.add([{"type": "message_delta", "usage": {"output_tokens": written}}])
        return pb.USAGE_SOURCE_ESTIMATED

    def _answer(self) -> pb.ProviderAnswer:
        try:
            json = self._parts.to_json()
        except ValueError as error:
            log.warning("tollgate: the answer of %s is not sent: %s", self.request_id, error)
            json = ["{}"]
        return pb.ProviderAnswer(provider=self._provider, json=json)

    def _never_started(self) -> Item | None:
        if self.unchecked or self._resumed:
            return None
        return pb.ReleaseHoldRequest(
            workspace_id=self._check.workspace_id, request_id=self.request_id
        )

    def _left_unfinished(self) -> Item | None:
        log.info("tollgate: %s is not finished, resume it to record it", self.request_id)
        return None if self.unchecked else self._extension(HOLD_OF_JOB)

    def _extension(self, hold: timedelta) -> pb.ExtendHoldRequest:
        return pb.ExtendHoldRequest(
            workspace_id=self._check.workspace_id,
            request_id=self.request_id,
            hold_duration=duration_of(hold),
        )

    def _recorded(self, answer: pb.RecordUsageResponse) -> None:
        self._owner._delivery.count(delivered=1)
        self.recorded = Recorded.from_proto(answer)

    def _undelivered(self, item: Item, error: grpc.RpcError, failed: bool) -> None:
        """Queues what could not be sent at once; raises unless the block has failed already."""
        unreached = error.code() in UNREACHED
        queued = unreached or error.code() in UNAUTHORIZED
        if queued:
            self._owner._delivery.put(item)
        else:
            self._owner._delivery.count(refused=1)
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
        if self._resumed:
            return self
        try:
            self._answered(self._owner._breaker.call(self._owner.usage.CheckAndRoute, self._check))
        except grpc.RpcError as error:
            self._failed(error)
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """Records; the exception of the block goes on."""
        item = self._end(error)
        if item is None:
            return
        if not self._wait or not isinstance(item, pb.RecordUsageRequest):
            return self._owner._delivery.put(item)
        try:
            self._recorded(self._owner._breaker.call(self._owner.usage.RecordUsage, item))
        except grpc.RpcError as failure:
            self._undelivered(item, failure, failed=error is not None)

    def extend(self, hold: timedelta) -> None:
        """Lets the hold live so long from now. Raises `grpc.RpcError`."""
        if not self.unchecked:
            self._owner.usage.ExtendHold(self._extension(hold))

    def _keep(self) -> Keeper:
        return Keeper(self.extend, self._hold)


class AsyncCall(_Call):
    """A guarded call of an `AsyncClient`: use it in an `async with`."""

    async def __aenter__(self) -> Self:
        """Checks."""
        if self._resumed:
            return self
        try:
            check = self._owner.usage.CheckAndRoute
            self._answered(await self._owner._breaker.call_async(check, self._check))
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
        if not self._wait or cancelled or not isinstance(item, pb.RecordUsageRequest):
            return self._owner._delivery.put(item)
        try:
            send = self._owner.usage.RecordUsage
            self._recorded(await self._owner._breaker.call_async(send, item))
        except grpc.RpcError as failure:
            self._undelivered(item, failure, failed=error is not None)
        except BaseException:
            self._owner._delivery.put(item)
            raise

    async def extend(self, hold: timedelta) -> None:
        """Lets the hold live so long from now. Raises `grpc.RpcError`."""
        if not self.unchecked:
            await self._owner.usage.ExtendHold(self._extension(hold))

    def _keep(self) -> AsyncKeeper | None:
        try:
            return AsyncKeeper(self.extend, self._hold)
        except RuntimeError:  # Outside of any loop; leaving extends the hold all the same.
            return None


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
        service_tier=_tier(tier),
        attribution=pb.Attribution(
            tags=options.get("tags"),
            **{f"{name}_id": values[name] for name in _ATTRIBUTION if values.get(name)},
        ),
        required_capabilities=options.get("required_capabilities", ()),
        hold_duration=duration_of(hold) if hold else None,
        units=units_to_proto(options.get("units", {})),
        factors=options.get("factors", ()),
        context_id=options.get("context") or "",
    )


def _tier(name: str | None) -> pb.ServiceTier.ValueType:
    return pb.ServiceTier.Value(f"SERVICE_TIER_{name.upper() if name else 'UNSPECIFIED'}")


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
