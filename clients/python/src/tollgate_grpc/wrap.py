"""`wrap`: an SDK client of OpenAI or Anthropic whose every call goes through the guard.

It takes hold of `post`, the one method that every resource of these SDKs sends with, so that
helpers such as `parse` and `stream` are covered too. The SDKs themselves are not imported.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from typing_extensions import Unpack

from . import jobs
from .client import AsyncClient, Client
from .guard import Options, _Call

log = logging.getLogger("tollgate")

Sdk = TypeVar("Sdk")

# Paths of the calls that are guarded, and where their body says how much output there may be.
_PATHS = {
    "/chat/completions": ("max_completion_tokens", "max_tokens"),
    "/responses": ("max_output_tokens",),
    "/v1/messages": ("max_tokens",),
}
# What of a body the model reads.
_INPUT = (
    "messages",
    "input",
    "instructions",
    "system",
    "tools",
    "functions",
    "response_format",
    "text",
)
# Hosts whose answers are those of one provider.
_CONTEXTS = ("previous_response_id", "conversation", "previous_interaction_id", "cached_content")

_HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    "api.x.ai": "xai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together",
    "api.moonshot.ai": "moonshot",
    "api.perplexity.ai": "perplexity",
}
# Path of a job that is asked for.
_JOB = re.compile(r"/responses/([^/?]+)(/cancel)?")
# The call whose answer an SDK is about to read.
_reading: ContextVar[_Call | None] = ContextVar("tollgate_reading", default=None)
_TIERS = {"flex": "FLEX", "priority": "PRIORITY", "batch": "BATCH", "default": "STANDARD"}


def wrap(
    sdk: Sdk,
    workspace: str,
    *,
    client: Client | AsyncClient | None = None,
    **options: Unpack[Options],
) -> Sdk:
    """Gives a copy of an OpenAI or Anthropic client that is behind Tollgate.

    `chat.completions`, `responses` and `messages` check before each call and run it on the model
    that is decided; they raise `Blocked` and `TollgateUnavailable`. What they used is recorded,
    of streams when they end, break or are abandoned. A response in the background is recorded when
    `responses.retrieve` or `cancel` of this process has its end; another process takes
    `Client.resume`. `client` is an `AsyncClient` for an async SDK client; by default one that the
    environment names. The options are those of `Client.guard`, for every call; a copy with
    others, `wrap(sdk, workspace, user=...)`, is cheap.
    """
    post, copy = getattr(sdk, "post", None), getattr(sdk, "copy", None)
    if post is None or copy is None:
        raise TypeError(f"wrap() takes a client of OpenAI or Anthropic, not {type(sdk).__name__}")
    refuse_unknown("wrap", options)
    is_async = inspect.iscoroutinefunction(post)
    kind = AsyncClient if is_async else Client
    tollgate = client or _default(kind)
    if not isinstance(tollgate, kind):
        raise TypeError(f"wrap({type(sdk).__name__}) needs a tollgate.{kind.__name__}")
    wrapped = copy()
    guarded = _Guarded(tollgate, workspace, options, wrapped)

    def copy_wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrap(copy(*args, **kwargs), workspace, client=tollgate, **options)

    wrapped.post = guarded.post_async if is_async else guarded.post
    if hasattr(wrapped, "get"):
        wrapped.get = guarded.get_async if is_async else guarded.get
    wrapped.copy = wrapped.with_options = copy_wrapped
    if hasattr(wrapped, "_process_response"):
        wrapped._process_response = _seeing(wrapped._process_response)
    _take_hold(wrapped)
    result: Sdk = wrapped
    return result


def refuse_unknown(name: str, options: Options) -> None:
    """Refuses options that are misspelt, or that cannot be the same for every call."""
    unknown = options.keys() - (Options.__annotations__.keys() - {"request_id"})
    if unknown:
        raise TypeError(f"{name}() has no option {', '.join(sorted(unknown))}")


def _take_hold(sdk: Any) -> None:
    """Makes sure that the resources of an SDK client send with its new `post`."""
    for name, resource in list(vars(sdk).items()):
        if hasattr(resource, "_post"):  # Made with the client, by older SDKs.
            setattr(sdk, name, type(resource)(sdk))
    for path in (("chat", "completions"), ("responses",), ("messages",)):
        resource = sdk
        for name in path:
            resource = getattr(resource, name, None)
        if resource is not None and (
            getattr(resource, "_post", None) != sdk.post
            or getattr(resource, "_get", None) != getattr(sdk, "get", None)
        ):
            raise TypeError(f"wrap() does not know this version of {type(sdk).__name__}")


_defaults: dict[type, Any] = {}


def _default(kind: type) -> Any:
    if kind not in _defaults:
        _defaults[kind] = kind()
    return _defaults[kind]


class _Guarded:
    """The guard around `post` of one SDK client, and around `get` of what it has begun."""

    def __init__(
        self, client: Client | AsyncClient, workspace: str, options: Options, sdk: Any
    ) -> None:
        self._client, self._workspace, self._options = client, workspace, options
        self._post, self._get = sdk.post, getattr(sdk, "get", None)
        self._provider = _provider(str(getattr(sdk, "base_url", "")))

    def post(self, path: str, **kwargs: Any) -> Any:
        prepared = self._prepare(path, kwargs)
        if prepared is None:
            return self._follow(self._post, path, kwargs)
        call, hide = prepared
        call.__enter__()
        try:
            kwargs["body"]["model"] = call.model
            _see_parsing(call, kwargs)
            seen = _reading.set(call)
            try:
                answer = self._post(path, **kwargs)
            finally:
                _reading.reset(seen)
            _record(call, answer)
        except BaseException as error:
            call.__exit__(type(error), error, error.__traceback__)
            raise
        if kwargs.get("stream"):
            return _Stream(answer, call, hide)
        self._remember(call, answer)
        call.__exit__(None, None, None)
        return answer

    def get(self, path: str, **kwargs: Any) -> Any:
        return self._follow(cast(Any, self._get), path, kwargs)

    async def post_async(self, path: str, **kwargs: Any) -> Any:
        prepared = self._prepare(path, kwargs)
        if prepared is None:
            return await self._follow_async(self._post, path, kwargs)
        call, hide = prepared
        await call.__aenter__()
        try:
            kwargs["body"]["model"] = call.model
            _see_parsing(call, kwargs)
            seen = _reading.set(call)
            try:
                answer = await self._post(path, **kwargs)
            finally:
                _reading.reset(seen)
            _record(call, answer)
        except BaseException as error:
            await call.__aexit__(type(error), error, error.__traceback__)
            raise
        if kwargs.get("stream"):
            return _AsyncStream(answer, call, hide)
        self._remember(call, answer)
        await call.__aexit__(None, None, None)
        return answer

    async def get_async(self, path: str, **kwargs: Any) -> Any:
        return await self._follow_async(cast(Any, self._get), path, kwargs)

    def _follow(self, send: Callable[..., Any], path: str, kwargs: dict[str, Any]) -> Any:
        """Sends what is not guarded, and looks whether it has the end of a job."""
        answer, job = send(path, **kwargs), self._job(path, kwargs)
        if job is None:
            return answer
        if kwargs.get("stream"):
            return _Stream(answer, job, hide=False)
        self._finish(job, answer)
        return answer

    async def _follow_async(
        self, send: Callable[..., Any], path: str, kwargs: dict[str, Any]
    ) -> Any:
        answer, job = await send(path, **kwargs), self._job(path, kwargs)
        if job is None:
            return answer
        if kwargs.get("stream"):
            return _AsyncStream(answer, job, hide=False)
        self._finish(job, answer)
        return answer

    def _remember(self, call: _Call, answer: Any) -> None:
        if call.unfinished:
            jobs.remember(getattr(_parsed(answer), "id", None), call)

    def _job(self, path: str, kwargs: Mapping[str, Any]) -> Any:
        """Gives the call of a job that is asked for; none if this process has not begun it."""
        found = _JOB.fullmatch(path.partition("?")[0])
        # Of a raw stream nothing can be seen.
        raw = _raw(kwargs)
        if found is None or raw == "stream" or (raw and kwargs.get("stream")):
            return None
        call = jobs.resume(self._client, found[1])
        if call is not None:
            call._provider = self._provider
        return call

    def _finish(self, call: Any, answer: Any) -> None:
        """Records the end of a job. One that goes on is held already, for long enough."""
        _record(call, answer)
        jobs.finish(getattr(_parsed(answer), "id", None), call)

    def _prepare(self, path: str, kwargs: dict[str, Any]) -> tuple[Any, bool] | None:
        """Makes the guard of a call, and says whether its stream has a chunk to hide."""
        path, _, _ = path.partition("?")
        body = kwargs.get("body")
        if path not in _PATHS or not isinstance(body, Mapping):
            return None
        raw = _raw(kwargs)
        if raw == "stream" or (raw and kwargs.get("stream")):
            raise TypeError(
                "a wrapped client cannot see usage in with_streaming_response, nor in a stream of"
                " with_raw_response: use the client itself, inside of client.guard()"
            )
        body = kwargs["body"] = {key: _listed(value) for key, value in body.items()}
        hide = False
        if path == "/chat/completions" and kwargs.get("stream"):
            wanted = body.get("stream_options")
            wanted = dict(wanted) if isinstance(wanted, Mapping) else {}
            hide = not wanted.get("include_usage")
            body["stream_options"] = {**wanted, "include_usage": True}
        options = _options(body, _PATHS[path])
        options.update(self._options)
        call = self._client.guard(self._workspace, str(body.get("model") or ""), **options)
        call._provider = self._provider
        return call, hide


def _raw(kwargs: Mapping[str, Any]) -> Any:
    """Says how the raw response is wanted, if it is."""
    headers = (kwargs.get("options") or {}).get("headers") or {}
    return {key.lower(): value for key, value in headers.items()}.get("x-stainless-raw-response")


def _listed(value: Any) -> Any:
    """Keeps what an iterator gives, which can be read only once."""
    return list(value) if isinstance(value, Iterator) else value


def _options(body: Mapping[str, Any], limits: tuple[str, ...]) -> Options:
    """Says of a call what its body says."""
    options: Options = {"messages": [{name: body[name] for name in _INPUT if name in body}]}
    choices = body.get("n")
    for name in limits:
        limit = body.get(name)
        if isinstance(limit, int):
            options["max_output_tokens"] = limit * (choices if isinstance(choices, int) else 1)
            break
    tier = _TIERS.get(str(body.get("service_tier")))
    if tier:
        options["service_tier"] = tier  # type: ignore[typeddict-item]
    metadata = body.get("metadata")
    user = body.get("user") or (metadata.get("user_id") if isinstance(metadata, Mapping) else None)
    if isinstance(user, str):
        options["user"] = user
    context = _context(body)
    if context:
        options["context"] = context
    return options


def _context(body: Mapping[str, Any]) -> str:
    """Names what the provider adds to the input; empty for nothing."""
    for name in _CONTEXTS:
        said = body.get(name)
        said = said.get("id") if isinstance(said, Mapping) else said
        if isinstance(said, str) and said:
            return said
    return ""


def _provider(url: str) -> str:
    """Gives the hint for the answers of a host; empty lets the server find out."""
    host = urlsplit(url).hostname or ""
    known = (name for end, name in _HOSTS.items() if host == end or host.endswith(f".{end}"))
    return next(known, "")


def _seeing(process: Callable[..., Any]) -> Callable[..., Any]:
    """Reads an answer before the SDK makes anything of it, which may fail: it is billed."""

    def see(*args: Any, **kwargs: Any) -> Any:
        call = _reading.get()
        if call is not None and not kwargs.get("stream"):
            try:
                call.record(kwargs["response"].text)
            except Exception as error:
                log.warning("tollgate: an answer cannot be read: %r", error)
        return process(*args, **kwargs)

    return see


def _see_parsing(call: _Call, kwargs: dict[str, Any]) -> None:
    """Reads the answer before it is parsed, also with SDKs that `_seeing` does not know."""
    options = kwargs.get("options") or {}
    parse = options.get("post_parser")
    if not callable(parse):
        return

    def see(answer: Any) -> Any:
        if not call._parts.has_figures:
            call.record(answer)
        return parse(answer)

    kwargs["options"] = {**options, "post_parser": see}


def _parsed(answer: Any) -> Any:
    """Gives the answer itself where `with_raw_response` has the one of HTTP."""
    if hasattr(answer, "http_response") and callable(getattr(answer, "parse", None)):
        return answer.parse()
    return answer


def _record(call: _Call, answer: Any) -> None:
    """Records an answer, unless it is a stream or was recorded before it was parsed."""
    if call._parts.has_figures:
        return
    answer = _parsed(answer)
    is_stream = hasattr(answer, "__next__") or hasattr(answer, "__anext__")
    if not is_stream:
        call.record(answer)


class _Events:
    """A stream of an SDK: everything of it is the SDK's, only what passes is read."""

    def __init__(self, stream: Any, call: Any, hide: bool) -> None:
        self._stream, self._call, self._hide = stream, call, hide
        self._texts: list[str] = []
        self._finished = False

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Passes for the SDK's class where that is asked for."""
        return type(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _see(self, event: Any) -> bool:
        """Reads an event and says whether the caller gets it."""
        try:
            self._call.record(event)
            text, finished = _content(event)
            self._texts.append(text)
            self._finished = self._finished or finished
            hidden = self._hide and not event.choices and event.usage is not None
        except Exception as error:
            log.warning("tollgate: an event of a stream cannot be read: %r", error)
            hidden = False
        return not hidden

    def _ended(self, error: BaseException | None) -> tuple[Any, ...]:
        """Says of the output how far it came; gives what leaving the guard takes."""
        self._call.output_text = "".join(self._texts)
        return type(error), error, None

    def _abandon(self) -> None:
        """Records without waiting, as this may come from where nothing can be awaited.

        A caller who stops after the last word has had an answer; any other gave up.
        """
        _, error, _ = self._ended(None if self._finished else GeneratorExit())
        item = self._call._end(error)
        if item is not None:
            self._call._owner._delivery.put(item)

    def __del__(self) -> None:
        self._abandon()


class _Stream(_Events):
    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                event = self.__next__()
            except StopIteration:
                return
            yield event

    def __next__(self) -> Any:
        while True:
            try:
                event = next(self._stream)
            except StopIteration:
                self._call.__exit__(*self._ended(None))
                raise
            except BaseException as error:
                self._call.__exit__(*self._ended(error))
                raise
            if self._see(event):
                return event

    def __enter__(self) -> Any:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._abandon()


class _AsyncStream(_Events):
    async def __aiter__(self) -> Any:
        while True:
            try:
                event = await self.__anext__()
            except StopAsyncIteration:
                return
            yield event

    async def __anext__(self) -> Any:
        while True:
            try:
                event = await self._stream.__anext__()
            except StopAsyncIteration:
                await self._call.__aexit__(*self._ended(None))
                raise
            except BaseException as error:
                await self._call.__aexit__(*self._ended(error))
                raise
            if self._see(event):
                return event

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        await self.close()

    async def close(self) -> None:
        try:
            await self._stream.close()
        finally:
            self._abandon()


def _content(event: Any) -> tuple[str, bool]:
    """Gives the output of an event, and whether it is the last of the answer."""
    kind = getattr(event, "type", None)
    if kind is None:
        text, finished = "", False
        for choice in getattr(event, "choices", None) or ():
            delta = choice.delta
            text += getattr(delta, "content", None) or getattr(delta, "refusal", None) or ""
            text += getattr(delta, "reasoning_content", None) or ""
            for tool in getattr(delta, "tool_calls", None) or ():
                text += (tool.function and tool.function.arguments) or ""
            finished = finished or choice.finish_reason is not None
        return text, finished
    if kind == "content_block_delta":
        delta = event.delta
        parts = (getattr(delta, name, None) for name in ("text", "thinking", "partial_json"))
        return "".join(part for part in parts if part), False
    if kind.startswith("response.") and kind.endswith(".delta"):
        text = event.delta
        return text if isinstance(text, str) else "", False
    return "", kind in ("message_stop", "message_delta", "response.completed")
