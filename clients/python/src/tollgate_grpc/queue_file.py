"""The file behind a queue: records that wait survive the process.

JSON lines of `RecordUsageRequest`, appended when a record is queued and taken out once it is
delivered. A record that a crash leaves in the file although it was delivered is sent again
under the same request id and counted once. It is written for the end of the process, not of
the machine: nothing is forced to the disk.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
from collections.abc import Iterator
from itertools import islice

from google.protobuf import json_format

from . import v1 as pb

log = logging.getLogger("tollgate")

FILE_BYTES_MAX = 256 * 1024 * 1024


class QueueFile:
    """One file with a lock of its own; the caller serialises the calls."""

    def __init__(self, path: str) -> None:
        """Opens the file. Raises `OSError` if it cannot be used or another client has it."""
        self._path = os.path.abspath(path)
        self._lock = open(self._path + ".lock", "a+b")  # noqa: SIM115  Held until close.
        try:
            _lock(self._lock.fileno())
        except OSError as error:
            self._lock.close()
            raise OSError(f"another client uses the queue file {self._path}") from error
        self._file = self._open()
        self._size = self._file.tell()
        self._torn = False
        # The file has lines of records that wait in memory, some of them delivered by now, and
        # from one place on those which found no room there.
        self._in_memory = 0
        self._beyond_at = 0
        self.beyond = 0

    def load(self, count: int) -> list[pb.RecordUsageRequest]:
        """Reads what an earlier process has left: at most `count`, the others stay beyond."""
        if not self._size:
            return []
        with open(self._path, "rb") as file:
            self.beyond = sum(1 for _ in file)
            file.seek(-1, os.SEEK_END)
            whole = file.read() == b"\n"
        if not whole:
            # A process was killed while it wrote; what follows must be on a line of its own.
            self._file.write(b"\n")
        return self.remove([], count)

    def append(self, record: pb.RecordUsageRequest, in_memory: bool) -> bool:
        """Writes one line, for a record that waits in memory too or only here; says if it could."""
        line = _line(record)
        if self._size + len(line) > FILE_BYTES_MAX:
            return False
        try:
            if self._torn:
                self._file.truncate(self._size)
            self._torn = True
            if self._file.write(line) < len(line):
                raise OSError("there is no room for a whole line")
            self._torn = False
        except OSError as error:
            log.error("tollgate: cannot write %s: %s", self._path, error)
            return False
        self._size += len(line)
        if in_memory:
            self._beyond_at = self._size
            self._in_memory += 1
        else:
            self.beyond += 1
        return True

    def wants_removal(self, waiting: int) -> bool:
        """Says whether at least half of the lines in memory are done, and the rest can move up.

        The file is rewritten only then, so that a record costs the same however long the queue is.
        """
        if waiting and self.beyond:
            return False
        return bool(self.beyond or self._in_memory) and self._in_memory >= 2 * waiting

    def remove(self, kept: list[pb.RecordUsageRequest], room: int) -> list[pb.RecordUsageRequest]:
        """Forgets all but what waits in memory and what is beyond; reads up to `room` of that."""
        try:
            read: list[pb.RecordUsageRequest] = []
            while not read:
                read = self._rewrite(kept, room)
                if not self.beyond:
                    break
            return read
        except OSError as error:
            log.error("tollgate: cannot rewrite %s: %s", self._path, error)
            return []

    @property
    def closed(self) -> bool:
        """Whether the file may be another client's."""
        return self._file.closed

    def close(self) -> None:
        """Lets another client have the file."""
        self._file.close()
        self._lock.close()

    def _rewrite(self, kept: list[pb.RecordUsageRequest], room: int) -> list[pb.RecordUsageRequest]:
        if not kept and not self.beyond:
            self._file.truncate(0)
            self._size = self._beyond_at = self._in_memory = 0
            return []
        with open(self._path, "rb") as old, open(self._path + ".new", "wb") as new:
            old.seek(self._beyond_at)
            taken = list(islice(old, min(room, self.beyond)))
            read = list(_parse(taken))
            new.writelines(map(_line, kept + read))
            beyond_at = new.tell()
            shutil.copyfileobj(old, new)
        os.replace(self._path + ".new", self._path)
        self._file.close()
        self._file = self._open()
        self._size = self._file.tell()
        self._torn = False
        self._beyond_at = beyond_at
        self._in_memory = len(kept) + len(read)
        self.beyond = self.beyond - len(taken) if taken else 0
        return read

    def _open(self) -> io.FileIO:
        # Without a buffer: what could not be written is known, and not written later.
        return io.FileIO(self._path, "ab")


def _line(record: pb.RecordUsageRequest) -> bytes:
    return json_format.MessageToJson(record, indent=None).encode() + b"\n"


def _parse(lines: list[bytes]) -> Iterator[pb.RecordUsageRequest]:
    for line in lines:
        try:
            yield json_format.Parse(line, pb.RecordUsageRequest(), ignore_unknown_fields=True)
        except json_format.ParseError as error:
            log.error("tollgate: a line of the queue file is not a record: %s", error)


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
