"""What the conformance runner speaks with: JSON lines, see clients/conformance/README.md."""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf import json_format

from tollgate_grpc import (
    Blocked,
    Call,
    Client,
    Money,
    ProviderAnswer,
    TollgateUnavailable,
    Usage,
    Verdict,
    WebhookError,
    WebhookVerifier,
    estimate_tokens,
    make_request_id,
)
from tollgate_grpc import v1 as pb

Command = dict[str, Any]
OPTIONS = (
    "input_tokens",
    "prompt",
    "max_output_tokens",
    "request_id",
    "user",
    "department",
    "api_key",
    "assistant",
    "workflow",
    "feature",
    "project",
    "investigation",
    "session",
    "tags",
    "service_tier",
    "on_unavailable",
    "wait",
)


class OwnError(Exception):
    """The exception of the block."""


class Program:
    """One client at a time, and the guards that are open."""

    def __init__(self) -> None:
        self.client: Client
        self.open: dict[int, tuple[Call, ExitStack]] = {}
        self.stream: Any = None

    def on_connect(self, command: Command) -> Command:
        settings = {
            "timeout": command["timeout_ms"] / 1000,
            "on_unavailable": command["on_unavailable"],
            "queue_max": command.get("queue_max"),
            "queue_path": command.get("queue_path"),
            "token": _token(command),
            "tls": command["tls_roots"].encode() if command.get("tls_roots") else None,
        }
        for name in ("flush_timeout", "break_duration"):
            if command.get(f"{name}_ms") is not None:
                settings[name] = command[f"{name}_ms"] / 1000
        given = {name: value for name, value in settings.items() if value is not None}
        try:
            self.client = Client(command["address"], **given)
        except ValueError as error:
            return {"result": "refused", "message": str(error)}
        return {"result": "connected"}

    def on_ready(self, command: Command) -> Command:
        begin = time.monotonic()
        try:
            self.client.ready(command["timeout_ms"] / 1000)
        except Exception as error:
            return {**_failed(error), "elapsed_ms": _since(begin)}
        return {"result": "ready", "elapsed_ms": _since(begin)}

    def on_guard(self, command: Command) -> Command:
        begin = time.monotonic()
        answer: Command = {"ran": False}
        call = self._guard(command)
        try:
            with call:
                answer["ran"] = True
                _act(call, command)
            answer["result"] = "returned"
        except BaseException as error:
            answer.update(_failed(error))
        return _told(answer, call, begin)

    def on_open(self, command: Command) -> Command:
        begin = time.monotonic()
        call, stack = self._guard(command), ExitStack()
        try:
            stack.enter_context(call)
        except Exception as error:
            return _told({"ran": False, **_failed(error)}, call, begin)
        number = len(self.open) + 1
        self.open[number] = call, stack
        return _told({"ran": True, "result": "opened", "call": number}, call, begin)

    def on_resume(self, command: Command) -> Command:
        begin = time.monotonic()
        call, stack = self.client.resume(command["workspace"], command["request_id"]), ExitStack()
        stack.enter_context(call)
        number = len(self.open) + 1
        self.open[number] = call, stack
        return _told({"ran": True, "result": "opened", "call": number}, call, begin)

    def on_finish(self, command: Command) -> Command:
        begin = time.monotonic()
        call, stack = self.open[command["call"]]
        answer: Command = {"ran": True, "result": "returned"}
        try:
            with stack:
                _act(call, command)
        except BaseException as error:
            answer.update(_failed(error))
        return _told(answer, call, begin)

    def on_extend(self, command: Command) -> Command:
        try:
            self.open[command["call"]][0].extend(timedelta(milliseconds=command["hold_ms"]))
        except grpc.RpcError as error:
            return _failed(error)
        return {"result": "extended"}

    def on_parallel(self, command: Command) -> Command:
        results = ("returned", "blocked", "unavailable", "error", "raised", "cancelled")
        counts = dict.fromkeys(results, 0)
        begin = time.monotonic()
        command.pop("request_id", None)
        with ThreadPoolExecutor(command["concurrency"]) as pool:
            for answer in pool.map(self.on_guard, [command] * command["count"]):
                counts[answer["result"]] += 1
        return {**counts, "elapsed_ms": _since(begin)}

    def on_record(self, command: Command) -> Command:
        usage = _usage(command) if command.get("usage") else None
        given = command.get("provider_answer")
        answer = (
            ProviderAnswer(*given["parts"], provider=given.get("provider", "")) if given else None
        )
        record = pb.RecordUsageRequest(
            workspace_id=command["workspace"],
            request_id=command["request_id"],
            attempt=command.get("attempt") or 0,
            model_id=command.get("model") or "",
            usage=usage.to_proto() if usage else None,
            factors=usage.factors if usage else (),
            provider_answer=answer.to_proto() if answer else None,
            accept_unread=command.get("accept_unread") or False,
            outcome=pb.Outcome.Value(f"OUTCOME_{command['outcome']}"),
        )
        if command.get("start_time"):
            record.start_time.FromJsonString(command["start_time"])
        try:
            recorded = self.client.usage.RecordUsage(record)
        except grpc.RpcError as error:
            return _failed(error)
        return {
            "result": "recorded",
            "duplicate": recorded.duplicate,
            "cost": str(Money.from_proto(recorded.cost).amount),
            "usage": _fields(recorded.usage),
            "model": recorded.model_id,
            "unread": recorded.unread,
            "attempt": recorded.attempt,
        }

    def on_reduce(self, command: Command) -> Command:
        try:
            answer = ProviderAnswer(*command["parts"])
        except ValueError as error:
            return {"result": "refused", "message": str(error)}
        return {"parts": [json.loads(text) for text in answer.json]}

    def on_estimate(self, command: Command) -> Command:
        return {"tokens": estimate_tokens(command["content"])}

    def on_verify_webhook(self, command: Command) -> Command:
        try:
            WebhookVerifier(*command["secrets"]).verify(
                command["headers"], command["body"].encode()
            )
        except WebhookError as error:
            return {"result": "refused", "message": str(error)}
        return {"result": "verified"}

    def on_flush(self, command: Command) -> Command:
        return {"left": self.client.flush(command["timeout_ms"] / 1000)}

    def on_watch(self, command: Command) -> Command:
        request = pb.WatchSpendRequest(workspace_id=command["workspace"])
        self.stream = self.client.budget.WatchSpend(request)
        return self._read_stream()

    def on_watched(self, _: Command) -> Command:
        while True:
            answer = self._read_stream()
            if answer["result"] != "watching":
                return answer

    def _read_stream(self) -> Command:
        try:
            next(self.stream)
        except StopIteration:
            return {"result": "ended"}
        except grpc.RpcError as error:
            return _failed(error)
        return {"result": "watching"}

    def on_describe(self, _: Command) -> Command:
        parts = [self.client, self.client.usage, self.client.budget.GetBudget]
        return {"text": "\n".join(f"{part!r} {part}" for part in parts)}

    def on_stats(self, _: Command) -> Command:
        return self.client.stats()._asdict()

    def on_close(self, command: Command) -> Command:
        if not hasattr(self, "client"):
            return {"left": 0}
        timeout = command.get("timeout_ms")
        return {"left": self.client.close(None if timeout is None else timeout / 1000)}

    def on_bench(self, command: Command) -> Command:
        usage = _usage(command)
        stub = self.client.usage

        def bare() -> None:
            check = pb.CheckAndRouteRequest(
                workspace_id=command["workspace"],
                request_id=make_request_id(),
                model_id=command["model"],
                input_token_count=command["input_tokens"],
                max_output_token_count=command["max_output_tokens"],
            )
            answer = stub.CheckAndRoute(check)
            record = pb.RecordUsageRequest(
                workspace_id=command["workspace"],
                request_id=answer.request_id,
                model_id=answer.model_id,
                usage=usage.to_proto(),
                outcome=pb.OUTCOME_SUCCESS,
            )
            stub.RecordUsage(record)

        def guard(wait: bool) -> None:
            with self.client.guard(
                command["workspace"],
                command["model"],
                input_tokens=command["input_tokens"],
                max_output_tokens=command["max_output_tokens"],
                wait=wait,
            ) as call:
                call.record(usage, model=call.model)

        ways: dict[str, Callable[[], None]] = {
            "bare_us": bare,
            "guard_us": lambda: guard(True),
            "queued_us": lambda: guard(False),
        }
        times: dict[str, list[int]] = {name: [] for name in ways}
        for turn in range(-20, command["calls"]):
            for name, way in ways.items():
                begin = time.perf_counter_ns()
                way()
                if turn >= 0:
                    times[name].append(time.perf_counter_ns() - begin)
                self.client.flush(10)
        return {name: round(statistics.median(taken) / 1000) for name, taken in times.items()}

    def _guard(self, command: Command) -> Call:
        options = {name: command[name] for name in OPTIONS if command.get(name) is not None}
        return self.client.guard(command["workspace"], command["model"], **options)


def _token(command: Command) -> Any:
    """The token, or what reads it from its file before each call."""
    path = command.get("token_path")
    return pathlib.Path(path).read_text if path else command.get("token")


def _act(call: Call, command: Command) -> None:
    act = command["act"]
    if act == "never_started":
        return
    if act == "error_before":
        raise OwnError
    if act != "unread":
        _ = call.model
    call.output_text = command.get("output_text") or ""
    answer = command.get("provider_answer")
    if act != "no_usage" and answer is not None:
        for part in answer["parts"]:
            call.record(part, provider=answer.get("provider"))
    elif act != "no_usage" and command.get("usage") is not None:
        call.record(_usage(command))
    if act == "error":
        raise OwnError
    if act == "cancel":
        raise asyncio.CancelledError


def _usage(command: Command) -> Usage:
    given = dict(command["usage"])
    units = [
        {**unit, "kind": f"UNIT_KIND_{unit['kind']}"} for unit in given.pop("units", None) or ()
    ]
    message = json_format.ParseDict({**given, "units": units}, pb.Usage())
    return Usage.from_proto(message, command.get("factors") or ())


def _fields(usage: pb.Usage) -> Command:
    said: Command = {
        field.name: count
        for field, count in usage.ListFields()
        if field.name != "units" and isinstance(count, int)
    }
    units = Usage.from_proto(usage).units
    if units:
        said["units"] = [{"kind": kind, "count": count} for kind, count in units.items()]
    return said


def _failed(error: BaseException) -> Command:
    if isinstance(error, OwnError):
        return {"result": "raised"}
    if isinstance(error, asyncio.CancelledError):
        return {"result": "cancelled"}
    if isinstance(error, TollgateUnavailable):
        return {"result": "unavailable", "message": str(error)}
    if isinstance(error, Blocked):
        wait = error.retry_after
        return {
            "result": "blocked",
            "decision": "BLOCKED",
            "request_id": error.request_id,
            "reason": error.reason,
            "retry_after_ms": None if wait is None else round(wait / timedelta(milliseconds=1)),
            "message": str(error),
            "verdicts": [_verdict(verdict) for verdict in error.verdicts],
        }
    if isinstance(error, grpc.RpcError):
        return {"result": "error", "code": error.code().name, "message": error.details()}
    raise error


def _told(answer: Command, call: Call, begin: float) -> Command:
    if answer["ran"]:
        answer |= {
            "decision": call.decision,
            # Reading it starts the call, which an open one is to do when it is finished.
            "model": None if answer["result"] == "opened" else call.model,
            "request_id": call.request_id,
            "attempt": call.attempt,
            "unchecked": call.unchecked,
            "routed": call.routed,
            "held": None if call.held is None else str(call.held.amount),
            "verdicts": [_verdict(verdict) for verdict in call.verdicts],
            "cost": None if call.recorded is None else str(call.recorded.cost.amount),
        }
    return {**answer, "elapsed_ms": _since(begin)}


def _verdict(verdict: Verdict) -> Command:
    amounts = {name: getattr(verdict, name) for name in ("limit", "spent", "held", "need")}
    return {
        "reason": verdict.reason,
        "limit_kind": verdict.limit_kind or None,
        **{name: str(money.amount) if money else None for name, money in amounts.items()},
    }


def _since(begin: float) -> int:
    return round((time.monotonic() - begin) * 1000)


def main() -> None:
    """Answers one command after the other until the end of input."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    program = Program()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(program, f"on_{command['command']}")(command)
        except Exception as error:
            logging.exception("%s", line)
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
