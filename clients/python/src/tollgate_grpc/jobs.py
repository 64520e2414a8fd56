"""Jobs that run at a provider, begun in this process through an SDK, until their end is seen."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from .guard import _Call

JOBS_MAX = 10_000


class Job(NamedTuple):
    """How a job is resumed."""

    workspace: str
    request_id: str
    model: str
    attempt: int


# By the ids of their answers; the oldest are forgotten.
_jobs: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()


def remember(answer_id: object, call: _Call) -> None:
    """Keeps a job that was only begun."""
    if not isinstance(answer_id, str) or not answer_id:
        return
    job = Job(call._check.workspace_id, call.request_id, call._model, call.attempt)
    with _lock:
        _jobs[answer_id] = job
        while len(_jobs) > JOBS_MAX:
            _jobs.popitem(last=False)


def resume(client: Any, answer_id: object) -> Any:
    """Gives the call of a job; `None` if this process has not begun it."""
    job = _jobs.get(answer_id) if isinstance(answer_id, str) else None
    if job is None:
        return None
    call = client.resume(job.workspace, job.request_id, model=job.model, attempt=job.attempt)
    # Its hold lives for long enough already.
    call._keeps = False
    return call


def finish(answer_id: object, call: _Call) -> None:
    """Records the end of a job once it has one."""
    if call.unfinished or not call._parts.given:
        return
    with _lock:
        _jobs.pop(str(answer_id), None)
    item = call._end(None)
    if item is not None:
        call._owner._delivery.put(item)
