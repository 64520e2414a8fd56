"""Retries and interceptors."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from conftest import LONG

from tollgate_grpc import AsyncClient, Client, Usage
from tollgate_grpc import v1 as pb
from tollgate_grpc.client import Interceptor

Seen = list[tuple[str, dict[str, str]]]


class Fake:
    """Answers every call in the same way, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: Seen = []
        self.busy = False
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[_Handler(self)])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait()

    def headers(self, method: str) -> list[dict[str, str]]:
        return [headers for name, headers in self.seen if name == method]


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            headers = {str(key): str(value) for key, value in context.invocation_metadata()}
            self._fake.seen.append((details.method.rpartition("/")[2], headers))
            if self._fake.busy:
                context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
            if details.method.endswith("RecordUsageBatch"):
                recorded = pb.RecordUsageResult(record=pb.RecordUsageResponse())
                return pb.RecordUsageBatchResponse(results=[recorded]).SerializeToString()
            return pb.CheckAndRouteResponse(decision=pb.DECISION_ALLOWED).SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def fake() -> Iterator[Fake]:
    fake = Fake()
    yield fake
    fake.close()


_Details = collections.namedtuple(
    "_Details", ["method", "timeout", "metadata", "credentials", "wait_for_ready", "compression"]
)


def _added(details: Any, name: str) -> Any:
    metadata = (*(details.metadata or ()), (name, "1"))
    return _Details(
        details.method,
        details.timeout,
        metadata,
        details.credentials,
        details.wait_for_ready,
        getattr(details, "compression", None),
    )


class Adds(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, name: str) -> None:
        self._name = name

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(_added(details, self._name), request)


class AsyncAdds(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        details.metadata.add("x-async", "1")
        return await continuation(details, request)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_number_of_attempts_is_settable(fake: Fake, count: int) -> None:
    fake.busy = True
    client = Client(fake.address, timeout=LONG, max_attempts=count)
    with client, pytest.raises(grpc.RpcError):
        client.usage.CheckAndRoute(pb.CheckAndRouteRequest())
    assert len(fake.seen) == count


def test_options_that_cannot_be_are_refused() -> None:
    for count in (0, 6):
        with pytest.raises(ValueError, match="max_attempts is from 1 to 5"):
            Client("127.0.0.1:1", max_attempts=count)
    with pytest.raises(TypeError, match="no interceptor of gRPC"):
        Client("127.0.0.1:1", interceptors=[object()])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="for AsyncClient"):
        Client("127.0.0.1:1", interceptors=[AsyncAdds()])
    with pytest.raises(TypeError, match="adress"):
        Client(adress="127.0.0.1:1")  # type: ignore[call-arg]


def test_interceptors_take_every_call(fake: Fake) -> None:
    interceptors = [Adds("x-first"), Adds("x-second")]
    with Client(fake.address, timeout=LONG, token="t", interceptors=interceptors) as client:
        with client.guard("acme", "gpt-4.1", input_tokens=1) as call:
            call.record(Usage(input_tokens=1), model=call.model)
        assert client.flush(LONG) == 0
    for method in ("CheckAndRoute", "RecordUsageBatch"):
        assert fake.headers(method)
        for headers in fake.headers(method):
            assert (headers["x-first"], headers["x-second"]) == ("1", "1")
            assert headers["authorization"] == "Bearer t"


async def test_interceptors_of_both_kinds(fake: Fake) -> None:
    interceptors: list[Interceptor] = [AsyncAdds(), Adds("x-queue")]
    async with AsyncClient(fake.address, timeout=LONG, interceptors=interceptors) as client:
        async with client.guard("acme", "gpt-4.1", input_tokens=1) as call:
            call.record(Usage(input_tokens=1), model=call.model)
        assert await client.flush(LONG) == 0
    (check,) = fake.headers("CheckAndRoute")
    assert check["x-async"] == "1" and "x-queue" not in check
    (record,) = fake.headers("RecordUsageBatch")
    assert record["x-queue"] == "1" and "x-async" not in record
