"""Connecting to Tollgate: one channel, deadlines, retries, and the guard in two forms."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import grpc
import grpc.aio
from typing_extensions import Self, Unpack

from . import v1 as pb
from .address import is_loopback, parse_address
from .breaker import UNREACHED, Breaker
from .delivery import Delivery, Stats
from .errors import NoToken, TollgateUnavailable
from .guard import AsyncCall, Call, Options, Policy

if TYPE_CHECKING:
    from .v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from .v1.alert_service_pb2_grpc import AlertServiceAsyncStub
    from .v1.analytics_service_pb2_grpc import AnalyticsServiceAsyncStub
    from .v1.api_key_service_pb2_grpc import ApiKeyServiceAsyncStub
    from .v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from .v1.budget_service_pb2_grpc import BudgetServiceAsyncStub
    from .v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from .v1.directory_service_pb2_grpc import DirectoryServiceAsyncStub
    from .v1.insight_service_pb2_grpc import InsightServiceAsyncStub
    from .v1.model_limit_service_pb2_grpc import ModelLimitServiceAsyncStub
    from .v1.quota_service_pb2_grpc import QuotaServiceAsyncStub
    from .v1.usage_service_pb2_grpc import UsageServiceAsyncStub
    from .v1.workspace_service_pb2_grpc import WorkspaceServiceAsyncStub

VERSION = "0.1.0"
READY_PAUSE = 0.1

# That of gRPC, too.
ATTEMPTS_MAX = 5
_RETRIED = ("CheckAndRoute", "RecordUsage", "RecordUsageBatch", "ReleaseHold")


def _service_config(max_attempts: int) -> str:
    """Retried by gRPC itself, with jitter, within the deadline, only without an answer."""
    if max_attempts == 1:
        # A policy of one attempt is none, and gRPC refuses it.
        return "{}"
    retried = {
        "name": [{"service": "tollgate.v1.UsageService", "method": method} for method in _RETRIED],
        "retryPolicy": {
            "maxAttempts": max_attempts,
            "initialBackoff": "0.1s",
            "maxBackoff": "1s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        },
    }
    return json.dumps({"methodConfig": [retried]})


_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # So that a server is found again well within a second of its return.
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.primary_user_agent", f"tollgate-python/{VERSION}"),
)
TLS = Literal[True] | bytes | None
Token = str | Callable[[], str]
Interceptor = (
    grpc.UnaryUnaryClientInterceptor
    | grpc.UnaryStreamClientInterceptor
    | grpc.StreamStreamClientInterceptor
    | grpc.aio.ClientInterceptor
)
_Metadata = tuple[tuple[str, str], ...]
_AUTHORIZATION = "authorization"
# What a header can carry, and no space: a token is one word.
_HEADER = re.compile(r"[\x21-\x7e]+")


class _Base:
    """What both clients share: settings, and the queue behind the guards."""

    def __init__(
        self,
        address: str | None = None,
        *,
        token: Token | None = None,
        tls: TLS = None,
        timeout: float = 2.0,
        on_unavailable: Policy = "open",
        queue_max: int = 10_000,
        queue_path: str | os.PathLike[str] | None = None,
        flush_timeout: float = 5.0,
        tokenizer: Callable[[str], int] | None = None,
        break_duration: float = 0.5,
        max_attempts: int = 3,
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        """Does not connect yet: the first call does.

        `address` is `host`, `host:port` or `[IPv6]:port`, with 50051 if it says no port;
        `http://host:port` for plaintext or `https://host:port` for TLS; `dns:host:port`; or
        `unix:/path`. By default that of the environment's TOLLGATE_ADDRESS, or 127.0.0.1:50051.
        `token` is the
        secret of an access token, by default that of TOLLGATE_TOKEN, or a function that is asked
        for it before each call, so that it can be renewed: it is to return at once. What it
        raises ends the call with UNAUTHENTICATED. Space around a token is left out. `tls` is
        `None` for what the address says, else plaintext; `True` for the system's roots, or roots
        in PEM. `timeout`, `flush_timeout` and `break_duration` are seconds. Once a call is not
        answered, only one in each `break_duration` still waits for the server, and the others
        end, or run unchecked, at once; 0 lets every call wait. `max_attempts`, 1 to 5, is how often
        a call is made at most without an answer, of those calls that are the same however often
        they are made; what is queued is sent again beyond that. `interceptors` are those of gRPC,
        the first one outermost, for every call. `AsyncClient` takes those of `grpc.aio` for its
        calls, and others for what it delivers from its queue, in a thread. Raises `ValueError` for
        an address that cannot be dialled, for a token in plaintext to another machine, and for one
        that a header cannot carry.
        """
        address = address or os.environ.get("TOLLGATE_ADDRESS") or "127.0.0.1:50051"
        self._address, is_tls = parse_address(address, tls is not None)
        tls = (True if tls is None else tls) if is_tls else None
        token = token or os.environ.get("TOLLGATE_TOKEN")
        if token and tls is None and not is_loopback(self._address):
            raise ValueError(f"a token is not sent to {self._address} without TLS: set tls=True")
        if on_unavailable not in ("open", "closed"):
            raise ValueError(f"on_unavailable is 'open' or 'closed', not {on_unavailable!r}")
        if queue_max < 1:
            raise ValueError(f"queue_max is at least 1, not {queue_max}")
        if isinstance(token, str) and not _HEADER.fullmatch(token.strip()):
            raise ValueError("the token is not one that a header can carry")
        self._authorize = _authorizer(token)
        self._credentials = (
            None
            if tls is None
            else grpc.ssl_channel_credentials(None if isinstance(tls, bool) else tls)
        )
        if not 0 <= break_duration <= 60:
            raise ValueError(f"break_duration is from 0 to 60 seconds, not {break_duration}")
        if max_attempts not in range(1, ATTEMPTS_MAX + 1):
            raise ValueError(f"max_attempts is from 1 to {ATTEMPTS_MAX}, not {max_attempts}")
        self._options = (("grpc.service_config", _service_config(max_attempts)), *_OPTIONS)
        self._interceptors: list[Any] = [one for one in interceptors if _is_synchronous(one)]
        self._async_interceptors = [
            one for one in interceptors if isinstance(one, grpc.aio.ClientInterceptor)
        ]
        if len(self._interceptors) + len(self._async_interceptors) != len(interceptors):
            raise TypeError("interceptors has one that is no interceptor of gRPC")
        self._timeout = timeout
        self._breaker = Breaker(self._address, break_duration, timeout)
        self._policy: Policy = on_unavailable
        self._tokenizer = tokenizer
        path = os.fspath(queue_path) if queue_path is not None else None
        self._delivery = Delivery(
            self._connect, queue_max, path, flush_timeout, self._breaker.reached
        )
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    def _resume(self, kind: Any, workspace: str, request_id: str, model: str, attempt: int) -> Any:
        call = kind(self, workspace, model, {"request_id": request_id, "input_tokens": 0})
        call.attempt, call._resumed = attempt, True
        return call

    def _try_for(self, end: float) -> float:
        """Gives the deadline of one try of those until `end`."""
        return min(self._timeout, max(READY_PAUSE, end - time.monotonic()))

    def _not_ready(self, error: grpc.RpcError, end: float, timeout: float) -> None:
        """Raises what a program fails with, unless it is to be tried again."""
        if error.code() not in UNREACHED:
            raise error
        if time.monotonic() >= end:
            text = f"tollgate does not answer at {self._address} within {timeout:g} s"
            raise TollgateUnavailable(f"{text}: {error.details()}") from error

    def stats(self) -> Stats:
        """Counts the usage records that are queued, delivered, dropped and refused."""
        return self._delivery.stats()

    def _connect(self) -> tuple[pb.UsageServiceStub, Callable[[], None]]:
        """Gives the sender of the queue its own channel; sockets are shared where gRPC can."""
        channel = self._dial(grpc)
        return pb.UsageServiceStub(self._calls(channel)), channel.close

    def _dial(self, module: Any) -> Any:
        options: tuple[tuple[str, str | int], ...] = self._options
        if self._address.startswith("unix:"):
            # Else the path is the authority of each call, which servers do not take.
            options = (*options, ("grpc.default_authority", "localhost"))
        if module is grpc.aio:
            more: dict[str, Any] = {"interceptors": self._async_interceptors}
        else:
            more = {}
        if self._credentials is None:
            channel = module.insecure_channel(self._address, options, **more)
        else:
            channel = module.secure_channel(self._address, self._credentials, options, **more)
        if module is grpc.aio or not self._interceptors:
            return channel
        return grpc.intercept_channel(channel, *self._interceptors)

    def _calls(self, channel: Any) -> Any:
        return _Calls(channel, self._timeout, self._authorize)


class Client(_Base):
    """Checks before LLM calls and records after them. Make one for a process, after any fork.

    The stubs are for everything that is not the guard: `client.budget.GetBudget(...)`. Their
    calls have the client's deadline unless they are given a `timeout`.
    """

    usage: pb.UsageServiceStub
    workspace: pb.WorkspaceServiceStub
    budget: pb.BudgetServiceStub
    catalog: pb.CatalogServiceStub
    model_limit: pb.ModelLimitServiceStub
    quota: pb.QuotaServiceStub
    api_key: pb.ApiKeyServiceStub
    alert: pb.AlertServiceStub
    audit: pb.AuditServiceStub
    directory: pb.DirectoryServiceStub
    analytics: pb.AnalyticsServiceStub
    insight: pb.InsightServiceStub
    access: pb.AccessServiceStub

    def _open(self) -> None:
        if self._async_interceptors:
            raise TypeError("interceptors of grpc.aio are for AsyncClient")
        self._channel = self._dial(grpc)
        calls = self._calls(self._channel)
        for name, stub in _STUBS.items():
            setattr(self, name, stub(calls))

    def guard(self, workspace: str, model: str, **options: Unpack[Options]) -> Call:
        """Puts an LLM call behind Tollgate: `with client.guard(...) as call:`.

        The block runs the call on `call.model` and hands the provider's answer to `call.record`.
        Entering raises `Blocked`, or `TollgateUnavailable` if the policy is `closed`, or
        `grpc.RpcError` for a defect of the request, such as an unknown workspace. What happens
        in the block is recorded when it is left; see `Options` for what can be said.
        """
        return Call(self, workspace, model, options)

    def resume(self, workspace: str, request_id: str, *, model: str = "", attempt: int = 0) -> Call:
        """Takes up a job that was left unfinished: `with client.resume(...) as call:`.

        Also from another process: nothing is checked again. The block hands the final answer to
        `call.record`; it is recorded once, even if another process does the same. An answer that
        is still unfinished keeps the hold for 24 hours more. `model` is the one that was decided,
        for an answer that names none; `attempt` is `call.attempt`, by default that of the live
        hold.
        """
        call: Call = self._resume(Call, workspace, request_id, model, attempt)
        return call

    def ready(self, timeout: float = 10.0) -> None:
        """Waits until the server answers, so that a program can fail at its start.

        Raises `TollgateUnavailable` if it does not within `timeout` seconds, and `grpc.RpcError`
        if it answers with an error, such as UNAUTHENTICATED for a token that is not valid.
        """
        end = time.monotonic() + timeout
        while True:
            try:
                self.access.WhoAmI(pb.WhoAmIRequest(), timeout=self._try_for(end))
                return self._breaker.reached()
            except grpc.RpcError as error:
                self._not_ready(error, end, timeout)
            time.sleep(READY_PAUSE)

    def flush(self, timeout: float | None = None) -> int:
        """Waits until every record is delivered, at most `timeout` seconds; says what is left."""
        return self._delivery.flush(timeout)

    def close(self, timeout: float | None = None) -> int:
        """Flushes and closes; says how many records are left. Runs by itself at exit."""
        left = self._delivery.close(timeout)
        self._breaker.stop()
        self._channel.close()
        return left

    def __enter__(self) -> Self:
        """Gives the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes."""
        self.close()


class AsyncClient(_Base):
    """The same for asyncio. May be made outside of a loop, and used from several."""

    usage: UsageServiceAsyncStub
    workspace: WorkspaceServiceAsyncStub
    budget: BudgetServiceAsyncStub
    catalog: CatalogServiceAsyncStub
    model_limit: ModelLimitServiceAsyncStub
    quota: QuotaServiceAsyncStub
    api_key: ApiKeyServiceAsyncStub
    alert: AlertServiceAsyncStub
    audit: AuditServiceAsyncStub
    directory: DirectoryServiceAsyncStub
    analytics: AnalyticsServiceAsyncStub
    insight: InsightServiceAsyncStub
    access: AccessServiceAsyncStub

    def _open(self) -> None:
        # A channel of grpc.aio belongs to the loop that it was made in.
        self._loops: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[grpc.aio.Channel, dict[str, Any]]
        ] = weakref.WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        """Gives the stubs of the running loop."""
        if name not in _STUBS:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            channel = self._dial(grpc.aio)
            calls = self._calls(channel)
            stubs = {name: stub(calls) for name, stub in _STUBS.items()}
            self._loops[loop] = channel, stubs
        return self._loops[loop][1][name]

    def guard(self, workspace: str, model: str, **options: Unpack[Options]) -> AsyncCall:
        """Puts an LLM call behind Tollgate: `async with client.guard(...) as call:`.

        As `Client.guard`; a cancelled task is recorded as cancelled.
        """
        return AsyncCall(self, workspace, model, options)

    def resume(
        self, workspace: str, request_id: str, *, model: str = "", attempt: int = 0
    ) -> AsyncCall:
        """Takes up a job that was left unfinished: `async with client.resume(...) as call:`.

        As `Client.resume`.
        """
        call: AsyncCall = self._resume(AsyncCall, workspace, request_id, model, attempt)
        return call

    async def ready(self, timeout: float = 10.0) -> None:
        """Waits until the server answers, so that a program can fail at its start.

        As `Client.ready`.
        """
        end = time.monotonic() + timeout
        while True:
            try:
                await self.access.WhoAmI(pb.WhoAmIRequest(), timeout=self._try_for(end))
                return self._breaker.reached()
            except grpc.RpcError as error:
                self._not_ready(error, end, timeout)
            await asyncio.sleep(READY_PAUSE)

    async def flush(self, timeout: float | None = None) -> int:
        """Waits until every record is delivered, at most `timeout` seconds; says what is left."""
        return await asyncio.to_thread(self._delivery.flush, timeout)

    async def close(self, timeout: float | None = None) -> int:
        """Flushes and closes; says how many records are left. Runs by itself at exit."""
        left = await asyncio.to_thread(self._delivery.close, timeout)
        self._breaker.stop()
        mine = self._loops.pop(asyncio.get_running_loop(), None)
        if mine:
            await mine[0].close()
        return left

    async def __aenter__(self) -> Self:
        """Gives the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes."""
        await self.close()


_STUBS: dict[str, Callable[[Any], Any]] = {
    "usage": pb.UsageServiceStub,
    "workspace": pb.WorkspaceServiceStub,
    "budget": pb.BudgetServiceStub,
    "catalog": pb.CatalogServiceStub,
    "model_limit": pb.ModelLimitServiceStub,
    "quota": pb.QuotaServiceStub,
    "api_key": pb.ApiKeyServiceStub,
    "alert": pb.AlertServiceStub,
    "audit": pb.AuditServiceStub,
    "directory": pb.DirectoryServiceStub,
    "analytics": pb.AnalyticsServiceStub,
    "insight": pb.InsightServiceStub,
    "access": pb.AccessServiceStub,
}


def _is_synchronous(interceptor: object) -> bool:
    kinds = (
        grpc.UnaryUnaryClientInterceptor,
        grpc.UnaryStreamClientInterceptor,
        grpc.StreamStreamClientInterceptor,
    )
    return isinstance(interceptor, kinds)


def _authorizer(token: Token | None) -> Callable[[], _Metadata]:
    """Gives what makes the metadata of a call; the token is in nothing that could be printed."""
    if not token:
        return lambda: ()
    if isinstance(token, str):
        fixed = ((_AUTHORIZATION, f"Bearer {token.strip()}"),)
        return lambda: fixed
    supply = token

    def authorize() -> _Metadata:
        try:
            found = supply().strip()
        except Exception as error:
            raise NoToken(f"the token cannot be had: {type(error).__name__}: {error}") from error
        if not _HEADER.fullmatch(found):
            raise NoToken("the token is empty, or not one that a header can carry")
        return ((_AUTHORIZATION, f"Bearer {found}"),)

    return authorize


class _Calls:
    """A channel as the stubs want it, whose calls have the deadline and the token of the client."""

    def __init__(self, channel: Any, timeout: float, authorize: Callable[[], _Metadata]) -> None:
        self._channel, self._timeout, self._authorize = channel, timeout, authorize

    def unary_unary(self, *args: Any, **kwargs: Any) -> _Method:
        return _Method(self._channel.unary_unary(*args, **kwargs), self._timeout, self._authorize)

    def unary_stream(self, *args: Any, **kwargs: Any) -> _Method:
        return _Method(self._channel.unary_stream(*args, **kwargs), None, self._authorize)

    def stream_stream(self, *args: Any, **kwargs: Any) -> _Method:
        return _Method(self._channel.stream_stream(*args, **kwargs), None, self._authorize)


class _Method:
    """One method; what is given to a call goes before what the client says."""

    __slots__ = ("_authorize", "_method", "_timeout")

    def __init__(
        self, method: Any, timeout: float | None, authorize: Callable[[], _Metadata]
    ) -> None:
        self._method, self._timeout, self._authorize = method, timeout, authorize

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **self._complete(kwargs))

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        return self._method.with_call(*args, **self._complete(kwargs))

    def future(self, *args: Any, **kwargs: Any) -> Any:
        return self._method.future(*args, **self._complete(kwargs))

    def _complete(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        if self._timeout is not None:
            kwargs.setdefault("timeout", self._timeout)
        given = tuple(kwargs.get("metadata") or ())
        if not any(name == _AUTHORIZATION for name, _ in given):
            kwargs["metadata"] = (*self._authorize(), *given)
        return kwargs
