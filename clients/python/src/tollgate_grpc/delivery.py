"""The queue of what is to be recorded, and the one thread that delivers it.

It never blocks who puts something in, and never raises. What it delivers counts exactly once,
because a record is sent again under the same request id.
"""

from __future__ import annotations

import atexit
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

import grpc

from . import v1 as pb
from .breaker import UNREACHED
from .queue_file import QueueFile

log = logging.getLogger("tollgate")

BATCH_MAX = 100
BACKOFF_MIN = 0.1
BACKOFF_MAX = 5.0
# While the server does not accept the credentials: it answers one such call a second.
DENIED_BACKOFF_MIN = 1.0
DENIED_BACKOFF_MAX = 60.0
# Codes of a call which are about who asks, not about the records: once the token is renewed, or
# known, the same records are taken. The third says that too many such calls came before.
UNAUTHORIZED = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)

Hold = pb.ReleaseHoldRequest | pb.ExtendHoldRequest
Item = pb.RecordUsageRequest | Hold


class Stats(NamedTuple):
    """Counts of usage records since the client was made, those of calls with `wait` included.

    `queued` is what waits now; what is refused was wrong, and is in the log.
    """

    queued: int
    delivered: int
    dropped: int
    refused: int


class Delivery:
    """A bounded queue with one sender in the background, begun by the first record."""

    def __init__(
        self,
        connect: Callable[[], tuple[pb.UsageServiceStub, Callable[[], None]]],
        queue_max: int,
        queue_path: str | None,
        flush_timeout: float,
        reached: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes up what an earlier process has left in the file.

        `reached` is called when the server answers.
        """
        self._reached = reached
        self._connect = connect
        self._max = queue_max
        self._flush_timeout = flush_timeout
        self._changed = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._flushing = 0
        # Of the last try; the sender's own.
        self._denied = False
        self._delivered = self._dropped = self._refused = 0
        self._full_logged = False
        self._file = QueueFile(queue_path) if queue_path else None
        if self._file:
            self._waiting.extend(self._file.load(queue_max))
            if self._waiting:
                with self._changed:
                    self._start()

    def put(self, item: Item) -> None:
        """Queues a record, or what becomes of a hold, and returns at once."""
        with self._changed:
            if self._stopped:
                return self._drop("the client is closed")
            room = len(self._waiting) < self._max and not (self._file and self._file.beyond)
            if self._file and isinstance(item, pb.RecordUsageRequest):
                if not self._file.append(item, in_memory=room):
                    return self._drop("the queue file is full or cannot be written")
            elif not room:
                return self._drop(f"{self._max} are waiting already")
            if room:
                self._waiting.append(item)
            self._start()
            self._changed.notify_all()

    def count(self, *, delivered: int = 0, refused: int = 0) -> None:
        """Counts what did not go through the queue."""
        with self._changed:
            self._delivered += delivered
            self._refused += refused

    def flush(self, timeout: float | None = None) -> int:
        """Waits until all is delivered, at most so long; says how much is left."""
        timeout = self._flush_timeout if timeout is None else timeout
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._stopped or not self._left(), timeout)
            finally:
                self._flushing -= 1
            return self._left()

    def close(self, timeout: float | None = None) -> int:
        """Delivers what it can within the time, and stops; says how much is left."""
        if self._stopped:
            return self._left()
        left = self.flush(timeout)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        atexit.unregister(self.close)
        if left and self._file:
            log.warning("tollgate: %d usage records wait in the queue file", left)
        elif left:
            log.error("tollgate: %d usage records were not delivered and are lost", left)
        if self._thread:
            self._thread.join(timeout=1.0)
        if self._file:
            with self._changed:
                self._file.close()
        return left

    def stats(self) -> Stats:
        """Counts what became of the records."""
        with self._changed:
            return Stats(self._left(), self._delivered, self._dropped, self._refused)

    def _left(self) -> int:
        return len(self._waiting) + (self._file.beyond if self._file else 0)

    def _drop(self, why: str) -> None:
        self._dropped += 1
        if not self._full_logged:
            self._full_logged = True
            log.error("tollgate: a usage record is dropped: %s (logged once)", why)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tollgate", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _run(self) -> None:
        stub, disconnect = self._connect()
        backoff = BACKOFF_MIN
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._left())
                if self._stopped:
                    break
                batch = list(islice(self._waiting, BATCH_MAX))
            again = self._send(stub, batch)
            with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                self._waiting.extendleft(reversed(again))
                self._tidy_file()
                self._changed.notify_all()
                if batch and not again:
                    backoff = BACKOFF_MIN
                    continue
                least, most = BACKOFF_MIN / 2, BACKOFF_MAX
                if self._denied:
                    least, most = DENIED_BACKOFF_MIN, DENIED_BACKOFF_MAX
                # A flush cuts the wait short, but does not make it spin.
                backoff = max(backoff, least)
                end = time.monotonic() + backoff * random.uniform(0.5, 1.0)
                self._changed.wait_for(lambda: self._stopped, least)
                self._changed.wait_for(
                    lambda: self._stopped or self._flushing, max(0, end - time.monotonic())
                )
                backoff = min(backoff * 2, most)
        disconnect()

    def _tidy_file(self) -> None:
        """Takes out of the file what is delivered, and into memory what has been waiting there."""
        if not self._file or self._file.closed:
            return
        if self._file.wants_removal(len(self._waiting)):
            kept = [item for item in self._waiting if isinstance(item, pb.RecordUsageRequest)]
            self._waiting.extend(self._file.remove(kept, self._max - len(self._waiting)))

    def _send(self, stub: pb.UsageServiceStub, batch: list[Item]) -> list[Item]:
        """Sends once and gives back what has to be tried again."""
        again: list[Item] = []
        self._denied = False
        records = [item for item in batch if isinstance(item, pb.RecordUsageRequest)]
        if records:
            try:
                results = stub.RecordUsageBatch(pb.RecordUsageBatchRequest(records=records)).results
                self._reached()
                if len(results) != len(records):
                    raise ValueError(f"{len(results)} answers to {len(records)} records")
                for record, result in zip(records, results, strict=True):
                    code = result.error.code if result.HasField("error") else 0
                    if code in _UNREACHED_NUMBERS:
                        again.append(record)
                    elif code:
                        self._refuse([record], result.error.message)
                    else:
                        self._delivered += 1
            except grpc.RpcError as error:
                if error.code() in UNREACHED or self._stopped:
                    again.extend(records)
                elif error.code() in UNAUTHORIZED:
                    again.extend(records)
                    self._deny(error)
                else:
                    self._refuse(records, f"{error.code().name}: {error.details()}")
            except Exception as error:  # A defect here must not end the thread.
                self._refuse(records, repr(error))
        # Without an answer, one deadline is waited for, not one for each; and who is not let in
        # does not go on knocking.
        reached = not again
        for item in batch:
            if not isinstance(item, pb.RecordUsageRequest):
                reached = reached and self._settle(stub, item)
                if not reached:
                    again.append(item)
        return again

    def _refuse(self, records: Iterable[pb.RecordUsageRequest], why: str) -> None:
        for record in records:
            self._refused += 1
            log.error("tollgate: the usage record %s is refused: %s", record.request_id, why)

    def _settle(self, stub: pb.UsageServiceStub, hold: Hold) -> bool:
        """Gives a hold back or extends it; one that has ended already is as good."""
        try:
            if isinstance(hold, pb.ReleaseHoldRequest):
                stub.ReleaseHold(hold)
            else:
                stub.ExtendHold(hold)
        except grpc.RpcError as error:
            if error.code() in UNREACHED:
                return False
            if error.code() in UNAUTHORIZED:
                self._deny(error)
                return False
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                log.warning("tollgate: the hold %s stays: %s", hold.request_id, error.details())
        return True

    def _deny(self, error: grpc.RpcError) -> None:
        """Is said once for each try."""
        self._denied = True
        code, why = error.code().name, error.details()
        log.error("tollgate: a delivery is denied and will be tried again: %s: %s", code, why)


_UNREACHED_NUMBERS = tuple(code.value[0] for code in UNREACHED)
