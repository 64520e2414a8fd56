"""Iterators over the pages of List calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from .errors import TollgateError


class _Page(Protocol):
    """An answer of a List call that has pages."""

    next_page_token: str


_Request = TypeVar("_Request", bound=Message)
_Answer = TypeVar("_Answer", bound=_Page)


def pages(method: Callable[[_Request], _Answer], request: _Request) -> Iterator[_Answer]:
    """Goes through the pages of a List call, from that of the request's `page_token` on.

    ```
    request = pb.ListUsageRecordsRequest(workspace_id="acme")
    for page in pages(client.usage.ListUsageRecords, request):
        for record in page.records: ...
    ```

    Each page is asked for when it is needed; the request is not changed. Raises what the call
    raises, and `TollgateError` if the server gives a page token again, as there would be no end.
    """
    requests = _Requests(request)
    while requests.next is not None:
        answer = method(requests.next)
        yield answer
        requests.follow(answer)


async def async_pages(
    method: Callable[[_Request], Awaitable[_Answer]], request: _Request
) -> AsyncIterator[_Answer]:
    """The same for the methods of `AsyncClient`: `async for page in async_pages(...)`."""
    requests = _Requests(request)
    while requests.next is not None:
        answer = await method(requests.next)
        yield answer
        requests.follow(answer)


class _Requests:
    """The requests of one walk; `next` is `None` at its end."""

    def __init__(self, request: Any) -> None:
        self.next: Any = type(request)()
        self.next.CopyFrom(request)
        self._seen: set[str] = {self.next.page_token}

    def follow(self, answer: _Page) -> None:
        token = answer.next_page_token
        if not token:
            self.next = None
        elif token in self._seen:
            raise TollgateError("the server gave a page token again")
        else:
            self._seen.add(token)
            following = type(self.next)()
            following.CopyFrom(self.next)
            following.page_token = token
            self.next = following
