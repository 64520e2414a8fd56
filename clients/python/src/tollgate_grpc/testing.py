"""For unit tests of your own code: a fake Tollgate server, with the answers that you set.

with FakeTollgate() as tollgate, tollgate.client() as client:
    tollgate.block("EXHAUSTED")
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
from typing_extensions import Self

from . import v1 as pb
from .client import AsyncClient, Client
from .money import duration_of
from .names import Reason

_USAGE, _ACCESS = "tollgate.v1.UsageService", "tollgate.v1.AccessService"


class FakeTollgate:
    """A server that answers every check with the decision that was set last.

    It keeps the requests that it receives. Everything is allowed until another decision is set. It
    has no limits and no prices: costs are zero. Methods other than those of the guard are
    `UNIMPLEMENTED`. It listens on a free port of loopback until it is closed.
    """

    def __init__(self) -> None:
        """Begins to listen."""
        self.checks: list[pb.CheckAndRouteRequest] = []
        """What it was asked."""
        self.records: list[pb.RecordUsageRequest] = []
        """What it was given: `client.flush()` before."""
        self.releases: list[pb.ReleaseHoldRequest] = []
        """The holds that it was given back, as of calls that never started."""
        self._lock = threading.Lock()
        self.allow()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="tollgate-fake")
        self._server = grpc.server(self._pool)
        self._server.add_generic_rpc_handlers((self._usage(), self._access()))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        """Where it listens."""
        self._server.start()

    def client(self, **options: Any) -> Client:
        """Makes a client of it; the options are those of `Client`."""
        return Client(self.address, **options)

    def async_client(self, **options: Any) -> AsyncClient:
        """Makes an asynchronous client of it."""
        return AsyncClient(self.address, **options)

    def allow(self) -> None:
        """Allows checks from now on."""
        self._fails: grpc.StatusCode | None = None
        self._answer = pb.CheckAndRouteResponse(decision=pb.DECISION_ALLOWED)

    def block(self, reason: Reason, retry_after: timedelta | None = None) -> None:
        """Blocks checks from now on, for a reason such as `EXHAUSTED`.

        Raises `ValueError` if there is no such reason.
        """
        number = pb.Reason.Value(f"REASON_{reason}")
        self.allow()
        self._answer = pb.CheckAndRouteResponse(
            decision=pb.DECISION_BLOCKED,
            reason=number,
            verdicts=[pb.Verdict(reason=number, blocking=True)],
            retry_after=None if retry_after is None else duration_of(retry_after),
        )

    def route(self, model: str) -> None:
        """Leads checks to another model from now on."""
        self.allow()
        self._answer = pb.CheckAndRouteResponse(
            decision=pb.DECISION_ROUTED, model_id=model, reason=pb.REASON_EXHAUSTED
        )

    def fail(self, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        """Fails every call from now on, also records; by default with `UNAVAILABLE`."""
        self._fails = code

    def close(self) -> None:
        """Listens no longer."""
        self._server.stop(None).wait()
        self._pool.shutdown()

    def __enter__(self) -> Self:
        """Gives the fake itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes."""
        self.close()

    def _check(self, check: pb.CheckAndRouteRequest) -> pb.CheckAndRouteResponse:
        self.checks.append(check)
        answer = pb.CheckAndRouteResponse(
            request_id=check.request_id, model_id=check.model_id, held=_NOTHING
        )
        answer.MergeFrom(self._answer)
        return answer

    def _record(self, record: pb.RecordUsageRequest) -> pb.RecordUsageResponse:
        self.records.append(record)
        return pb.RecordUsageResponse(
            cost=_NOTHING, usage=record.usage, model_id=record.model_id, attempt=record.attempt
        )

    def _batch(self, batch: pb.RecordUsageBatchRequest) -> pb.RecordUsageBatchResponse:
        results = [pb.RecordUsageResult(record=self._record(record)) for record in batch.records]
        return pb.RecordUsageBatchResponse(results=results)

    def _release(self, release: pb.ReleaseHoldRequest) -> pb.ReleaseHoldResponse:
        self.releases.append(release)
        return pb.ReleaseHoldResponse()

    def _usage(self) -> grpc.GenericRpcHandler:
        handlers = {
            "CheckAndRoute": self._handler(self._check, pb.CheckAndRouteRequest),
            "RecordUsage": self._handler(self._record, pb.RecordUsageRequest),
            "RecordUsageBatch": self._handler(self._batch, pb.RecordUsageBatchRequest),
            "ReleaseHold": self._handler(self._release, pb.ReleaseHoldRequest),
            "ExtendHold": self._handler(lambda _: pb.ExtendHoldResponse(), pb.ExtendHoldRequest),
        }
        return grpc.method_handlers_generic_handler(_USAGE, handlers)

    def _access(self) -> grpc.GenericRpcHandler:
        who = self._handler(lambda _: pb.WhoAmIResponse(), pb.WhoAmIRequest)
        return grpc.method_handlers_generic_handler(_ACCESS, {"WhoAmI": who})

    def _handler(self, answer: Any, request: Any) -> Any:
        def handle(message: Any, context: grpc.ServicerContext) -> Any:
            with self._lock:
                if self._fails is not None:
                    context.abort(self._fails, "as the test wants it")
                return answer(message)

        return grpc.unary_unary_rpc_method_handler(
            handle, request.FromString, lambda message: message.SerializeToString()
        )


_NOTHING = pb.Money(currency_code="USD", amount="0")
