"""Keeps the hold of a job alive that runs at the provider while a block waits for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import grpc

log = logging.getLogger("tollgate")


def _is_ended(error: grpc.RpcError) -> bool:
    """Says whether there is no hold any more, so that extending it is of no use."""
    log.warning("tollgate: a hold is not extended: %s", error.details())
    return error.code() is grpc.StatusCode.NOT_FOUND


class Keeper:
    """Extends a hold again and again on a thread of its own, until it is stopped."""

    def __init__(self, extend: Callable[[timedelta], None], hold: timedelta) -> None:
        """Starts; a third of the hold passes between two extensions."""
        self._extend, self._hold = extend, hold
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="tollgate-hold", daemon=True).start()

    def _run(self) -> None:
        while not self._stopped.wait(self._hold.total_seconds() / 3):
            try:
                self._extend(self._hold)
            except grpc.RpcError as error:
                if _is_ended(error):
                    return
            except ValueError:  # The client is closed.
                return

    def stop(self) -> None:
        """Stops, without waiting for a call that is under way."""
        self._stopped.set()


class AsyncKeeper:
    """The same as a task of the running loop."""

    def __init__(self, extend: Callable[[timedelta], Awaitable[None]], hold: timedelta) -> None:
        """Starts."""
        self._extend, self._hold = extend, hold
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._hold.total_seconds() / 3)
            try:
                await self._extend(self._hold)
            except grpc.RpcError as error:
                if _is_ended(error):
                    return

    def stop(self) -> None:
        """Stops; may be called when the loop has ended."""
        if not self._task.get_loop().is_closed():
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
