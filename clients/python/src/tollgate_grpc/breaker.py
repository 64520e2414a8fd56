"""The circuit breaker: while the server does not answer, one call at a time probes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

log = logging.getLogger("tollgate")

# Codes which say that nobody has judged the request yet.
UNREACHED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Answer = TypeVar("Answer")


class CircuitOpen(grpc.RpcError):
    """A call that was not made, as an earlier one was not answered: UNAVAILABLE."""

    def __init__(self, details: str) -> None:
        """Says what became of the earlier one."""
        super().__init__(details)
        self._details = details

    def code(self) -> grpc.StatusCode:
        """As if it had been made."""
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        """Says what became of the earlier one."""
        return self._details


class Breaker:
    """Lets all calls pass until one is not answered; then one after each pause, until one is.

    Safe for threads.
    """

    def __init__(self, address: str, pause: float, timeout: float) -> None:
        """`pause` is the break duration in seconds; 0 lets every call pass."""
        self._address, self._pause, self._timeout = address, pause, timeout
        self._lock = threading.Lock()
        self._until: float | None = None  # When the next call may pass; `None` while all may.
        self._why = ""
        self._reached = False
        self._warned = False  # Since it was last answered.

    def call(self, method: Callable[..., Answer], request: object) -> Answer:
        """Makes a call, if one may pass; raises `CircuitOpen` otherwise."""
        self._enter()
        try:
            answer = method(request)
        except BaseException as error:
            self._ended(error)
            raise
        self._ended(None)
        return answer

    async def call_async(self, method: Callable[..., Awaitable[Answer]], request: object) -> Answer:
        """As `call`."""
        self._enter()
        try:
            answer = await method(request)
        except BaseException as error:
            self._ended(error)
            raise
        self._ended(None)
        return answer

    def reached(self) -> None:
        """Takes note that the server has answered."""
        self._ended(None)

    def stop(self) -> None:
        """Lets every call pass: the closed client fails it."""
        with self._lock:
            self._until, self._pause = None, 0

    def _enter(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._until is None:
                return
            if now < self._until:
                raise CircuitOpen(self._why)
            # Until it has its answer; if it never says, for as long as it can take.
            self._until = now + self._timeout + self._pause

    def _ended(self, error: BaseException | None) -> None:
        with self._lock:
            if error is None:
                self._answered()
            elif not isinstance(error, grpc.RpcError):
                # Somebody gave up: the next call is to find out.
                self._until = None if self._until is None else time.monotonic()
            elif error.code() not in UNREACHED:
                self._answered()
            elif self._pause > 0:
                self._until = time.monotonic() + self._pause
                self._why = f"an earlier call was not answered: {error.details()}"

    def _answered(self) -> None:
        self._until, self._reached, self._warned = None, True, False

    def warn(self, error: grpc.RpcError) -> None:
        """Says that a call runs unchecked; loudly if no call ever was checked.

        Of those that do not wait only the first is said: there can be very many.
        """
        with self._lock:
            warned, self._warned = self._warned, True
        if warned and isinstance(error, CircuitOpen):
            log.debug("tollgate does not answer, running unchecked: %s", error.details())
        elif self._reached:
            log.warning("tollgate does not answer, running unchecked: %s", error.details())
        else:
            log.error(
                "tollgate has NEVER answered at %s since this client was made: running unchecked,"
                " so no limit holds. Is this its address? %s",
                self._address,
                error.details(),
            )
