"""Puts LiteLLM behind Tollgate: its proxy, its router and its asynchronous SDK by a callback.

In the proxy's `config.yaml`, with TOLLGATE_ADDRESS and TOLLGATE_WORKSPACE in the environment:

    litellm_settings:
      callbacks: tollgate_grpc.litellm.handler

In a program: `litellm.callbacks = [TollgateLogger("acme")]` puts `litellm.acompletion`,
`aresponses`, `responses` and the asynchronous `Router` behind it. LiteLLM has no hook that can
stop `litellm.completion`: it swallows what `log_pre_api_call` raises. Use
`TollgateLogger.completion` instead; a call that goes past it is recorded, but not checked.

Models are named as LiteLLM names them, with the provider before the slash; the server resolves
them. The proxy checks before it routes: the name that its callers use stands for the model of its
deployments, if they agree, or is an alias of the workspace (`SetModelAlias`).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger
from typing_extensions import Unpack

from . import jobs, rule
from .client import AsyncClient, Client
from .errors import Blocked, TollgateError, TollgateUnavailable
from .guard import AsyncCall, Options, _Call
from .litellm_models import _get, _group, _id, _ids, _router, _send_to, answer_id
from .wrap import _content, _options, _Stream, refuse_unknown

# Kinds of calls that are guarded, as LiteLLM and its proxy name them. Embeddings are not: another
# model's would not fit to those that are stored.
_KINDS = frozenset(
    f"{prefix}{kind}"
    for prefix in ("", "a")
    for kind in ("completion", "text_completion", "responses")
) | {"anthropic_messages"}
_SYNCHRONOUS = frozenset(("completion", "text_completion", "responses"))
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# What a caller of the proxy may say of its request; the rest is the key's.
_FREE = frozenset(("assistant", "workflow", "feature", "investigation", "session", "tags"))


# Whether `TollgateLogger.completion` makes the call, and records it itself.
_checked: ContextVar[bool] = ContextVar("tollgate_checked", default=False)


class TollgateLogger(CustomLogger):  # type: ignore[misc,unused-ignore]
    """Checks before each LLM call of LiteLLM, and records after it."""

    def __init__(
        self,
        workspace: str | None = None,
        *,
        client: AsyncClient | None = None,
        sync_client: Client | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Takes workspace and server from the environment where they are not given.

        The options are those of `Client.guard`, for every call. A call may say more in its
        metadata: `metadata={"tollgate": {"feature": "search"}}`.
        """
        super().__init__()
        refuse_unknown("TollgateLogger", options)
        self._workspace = workspace
        self._client = client
        self._sync_client = sync_client
        self._settings = options
        self._open: dict[str, AsyncCall] = {}
        # Calls of the proxy: they end with its answer, not with an attempt that failed.
        self._proxied: set[str] = set()
        # Those whose last chunk, with usage, nobody has asked for.
        self._hiding: set[str] = set()
        # Those of LiteLLM's synchronous functions, which tell other hooks of their end.
        self._synchronous: set[str] = set()

    # Before the call.

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: object, data: dict[str, Any], call_type: str
    ) -> dict[str, Any] | None:
        """Checks a request of the proxy, before it is routed to a deployment."""
        if call_type not in _KINDS:
            return None
        options: Options = {
            "user": data.get("user") or _get(user_api_key_dict, "user_id"),
            "department": _get(user_api_key_dict, "team_id"),
            "api_key": _get(user_api_key_dict, "key_alias") or _get(user_api_key_dict, "token"),
            "project": _get(user_api_key_dict, "project_id"),
        }
        said: Any = {name: value for name, value in _said(data).items() if name in _FREE}
        asked = (data.get("stream_options") or {}).get("include_usage")
        router = _router()
        name = str(data.get("model") or "")
        try:
            call = await self._enter_any(_ids(router, name), data, {**said, **options})
        except Blocked as blocked:
            raise _refusal(blocked) from blocked
        except TollgateUnavailable as error:
            raise _http_error(503, {"error": str(error)}) from error
        if call.routed:
            data["model"] = _group(router, call._model)
        call_id = data.setdefault("litellm_call_id", call.request_id)
        self._keep(call_id, call, data)
        self._proxied.add(call_id)
        if not asked:
            self._hiding.add(call_id)
        return data

    async def async_pre_call_deployment_hook(
        self, kwargs: dict[str, Any], call_type: Any
    ) -> dict[str, Any] | None:
        """Checks a call of the SDK or the router, unless the proxy has."""
        kind, call_id = getattr(call_type, "value", call_type), kwargs.get("litellm_call_id")
        if kind not in _KINDS or not call_id or call_id in self._open:
            return None
        logging = kwargs.get("litellm_logging_obj")
        request = {
            "model": getattr(logging, "model", None),
            "messages": getattr(logging, "messages", None),
            **kwargs,
        }
        asked = _id(str(request["model"] or ""), kwargs.get("custom_llm_provider"))
        call = await self._enter(asked, request, kwargs, _said(kwargs))
        if call.routed:
            try:
                _send_to(call._model, asked, kwargs)
            except TollgateError:
                await call.__aexit__(None, None, None)
                raise
        if not str(kind).startswith("a"):
            self._synchronous.add(call_id)
        self._keep(call_id, call, kwargs)
        return kwargs

    def _keep(self, call_id: str, call: AsyncCall, request: Mapping[str, Any]) -> None:
        self._open[call_id] = call
        logging = request.get("litellm_logging_obj")
        if logging is not None:
            # A stream that is dropped or a task that is cancelled tells no hook.
            weakref.finalize(logging, self._abandoned, call_id, call, bool(request.get("stream")))

    async def _enter_any(self, ids: list[str], data: dict[str, Any], said: Options) -> AsyncCall:
        """Checks under the first of these names that the catalog or the workspace knows."""
        for asked in ids[:-1]:
            try:
                return await self._enter(asked, data, data, said)
            except Blocked as blocked:
                if blocked.reason != "MODEL_UNKNOWN":
                    raise
        return await self._enter(ids[-1], data, data, said)

    async def _enter(
        self,
        asked: str,
        request: Mapping[str, Any],
        target: MutableMapping[str, Any],
        said: Options,
    ) -> AsyncCall:
        options: Any = {**_options(request, _LIMITS), **said, **self._settings}
        client = self._client = self._client or AsyncClient()
        call = client.guard(self._where(), asked, **options)
        await call.__aenter__()
        if request.get("stream") and "messages" in request:
            # The provider's figures instead of LiteLLM's own count, in one chunk more at the end.
            target["stream_options"] = _with_usage(request)
        return call

    def log_pre_api_call(self, model: str, messages: Any, kwargs: Mapping[str, Any]) -> None:
        """Notes that the LLM call is about to start; what comes from a cache never does."""
        call = self._open.get(kwargs.get("litellm_call_id", ""))
        if call is not None:
            _ = call.model

    # During a stream.

    async def async_post_call_streaming_deployment_hook(
        self, request_data: Mapping[str, Any], response_chunk: Any, call_type: Any
    ) -> None:
        """Reads the last chunk of a stream of the SDK, which is all that LiteLLM shows of it."""
        call = self._open.get(request_data.get("litellm_call_id", ""))
        if call is not None:
            call.record(response_chunk, provider=_hint(response_chunk))

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: object, response: Any, request_data: Mapping[str, Any]
    ) -> AsyncIterator[Any]:
        """Reads a stream of the proxy, and notes that it breaks or that its caller goes away."""
        call_id = request_data.get("litellm_call_id", "")
        call, hiding = self._open.get(call_id), call_id in self._hiding
        texts: list[str] = []
        try:
            async for chunk in response:
                if call is not None:
                    call.record(chunk, provider=_hint(chunk))
                    texts.append(_content(chunk)[0])
                if not (hiding and _is_usage_alone(chunk)):
                    yield chunk
        except BaseException as error:
            if call is not None:
                call.output_text = "".join(texts)
            self._leave(call_id, None, error)
            raise
        if call is not None:
            call.output_text = "".join(texts)

    # After the call.

    async def async_post_call_success_deployment_hook(
        self, request_data: Mapping[str, Any], response: Any, call_type: Any
    ) -> None:
        """Records an answer before the caller has it."""
        self._leave(request_data.get("litellm_call_id", ""), response)

    async def async_log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: object, end_time: object
    ) -> None:
        """Records a stream that has ended, and gives back the hold of what a cache answered."""
        call_id = kwargs.get("litellm_call_id", "")
        if kwargs.get("cache_hit"):
            return self._leave(call_id, None)
        if call_id not in self._open:
            return self._follow(response_obj)
        self._leave(call_id, kwargs.get("async_complete_streaming_response") or response_obj)

    def log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: object, end_time: object
    ) -> None:
        """Records what a synchronous function of LiteLLM got, checked or not."""
        call_id = kwargs.get("litellm_call_id", "")
        if call_id in self._synchronous:
            return self._leave(call_id, None if kwargs.get("cache_hit") else response_obj)
        self._follow(response_obj)
        unseen = kwargs.get("call_type") in _SYNCHRONOUS and call_id not in self._open
        if not unseen or _checked.get() or kwargs.get("cache_hit"):
            return
        client = self._sync_client = self._sync_client or Client()
        asked = _id(str(kwargs.get("model") or ""), kwargs.get("custom_llm_provider"))
        options: Any = {**_options(kwargs, _LIMITS), **_said(kwargs), **self._settings}
        call = client.guard(self._where(), asked, **{**options, "request_id": call_id})
        # Nothing can stop it any more; its cost counts all the same.
        call.unchecked = True
        _ = call.model
        _record(call, response_obj)
        item = call._end(None)
        if item is not None:
            call._owner._delivery.put(item)

    def log_failure_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: object, end_time: object
    ) -> None:
        """Records that a synchronous function of LiteLLM failed."""
        call_id = kwargs.get("litellm_call_id", "")
        if call_id in self._synchronous:
            error = kwargs.get("exception")
            failed = error if isinstance(error, BaseException) else RuntimeError(str(error))
            self._leave(call_id, None, failed)

    async def async_post_call_failure_deployment_hook(
        self, request_data: Mapping[str, Any], exception: Exception, call_type: Any
    ) -> None:
        """Records an attempt of the SDK that failed; the next one is checked anew."""
        call_id = request_data.get("litellm_call_id", "")
        if call_id not in self._proxied:
            self._leave(call_id, None, exception)

    async def async_log_failure_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: object, end_time: object
    ) -> None:
        """Records a stream of the SDK that broke."""
        call_id = kwargs.get("litellm_call_id", "")
        if call_id not in self._proxied:
            error = kwargs.get("exception")
            failed = error if isinstance(error, BaseException) else RuntimeError(str(error))
            self._begun(call_id)
            self._leave(call_id, None, failed)

    async def async_post_call_failure_hook(
        self,
        request_data: Mapping[str, Any],
        original_exception: Exception,
        user_api_key_dict: object,
        traceback_str: str | None = None,
    ) -> None:
        """Records a request of the proxy that failed after its last attempt."""
        self._leave(request_data.get("litellm_call_id", ""), None, original_exception)

    def _abandoned(self, call_id: str, call: AsyncCall, stream: bool) -> None:
        """Records a call whose objects nobody holds any more."""
        if self._open.get(call_id) is not call:
            return
        if stream:
            self._begun(call_id)
        self._leave(call_id, None, GeneratorExit())

    def _begun(self, call_id: str) -> None:
        """Lets a stream of the SDK that breaks off count for its input, and one token at least."""
        call = self._open.get(call_id)
        if call is not None and call._began is not None:
            call.output_text = call.output_text or "."

    def _follow(self, answer: Any) -> None:
        """Looks whether an answer is the end of a job that was begun here, and records it."""
        client = self._client or self._sync_client
        call = jobs.resume(client, answer_id(answer)) if client is not None else None
        if call is not None:
            _record(call, answer)
            jobs.finish(answer_id(answer), call)

    def _leave(self, call_id: str, answer: Any, error: BaseException | None = None) -> None:
        """Leaves a guard, the first time that something says how its call ended."""
        call = self._open.pop(call_id, None)
        self._proxied.discard(call_id)
        self._hiding.discard(call_id)
        self._synchronous.discard(call_id)
        if call is None:
            return
        if answer is not None:
            _record(call, answer)
            if call.unfinished:
                jobs.remember(answer_id(answer), call)
        item = call._end(error)
        if item is not None:
            call._owner._delivery.put(item)

    # Without asyncio.

    def completion(self, model: str, messages: Any = None, **kwargs: Any) -> Any:
        """Does what `litellm.completion` does, behind Tollgate."""
        request = {**kwargs, "messages": messages}
        if kwargs.get("stream"):
            kwargs["stream_options"] = _with_usage(kwargs)
        client = self._sync_client = self._sync_client or Client()
        options: Any = {**_options(request, _LIMITS), **_said(kwargs), **self._settings}
        asked = _id(model, kwargs.get("custom_llm_provider"))
        call = client.guard(self._where(), asked, **options)
        call.__enter__()
        target = {**kwargs, "model": model}
        checked = _checked.set(True)
        try:
            decided = call.model
            if call.routed:
                _send_to(decided, asked, target)
            answer = litellm.completion(messages=messages, **target)
        except BaseException as error:
            call.__exit__(type(error), error, None)
            raise
        finally:
            _checked.reset(checked)
        if kwargs.get("stream"):
            return _Stream(answer, call, hide=False)
        _record(call, answer)
        call.__exit__(None, None, None)
        return answer

    def _where(self) -> str:
        workspace = self._workspace or os.environ.get("TOLLGATE_WORKSPACE")
        if not workspace:
            raise TollgateError("name the workspace, or set TOLLGATE_WORKSPACE")
        return workspace


def _with_usage(request: Mapping[str, Any]) -> dict[str, Any]:
    return {**(request.get("stream_options") or {}), "include_usage": True}


def _said(request: Mapping[str, Any]) -> Options:
    metadata = request.get("metadata") or {}
    said = metadata.get("tollgate") if isinstance(metadata, Mapping) else None
    return said if isinstance(said, dict) else {}  # type: ignore[return-value]


def _record(call: _Call, answer: Any) -> None:
    """Records an answer of LiteLLM, which is OpenAI's with some figures of others more."""
    if call._parts.has_figures:
        # Of a stream: what LiteLLM builds of its chunks says nothing new.
        return
    usage = _get(answer, "usage")
    counted = any(_get(usage, name) for name in _TOTALS)
    status = _get(answer, "status")
    if not counted and status in _WITHOUT_USAGE:
        # Of such an answer LiteLLM makes one with a usage of zeros.
        call.record({"object": "response", "status": status})
        return
    if usage is not None and not counted:
        # It could not count: the guard's estimate is better than nothing.
        choices = _get(answer, "choices") or ()
        texts = [_get(_get(choice, "message"), "content") or "" for choice in choices]
        call.output_text = "".join(texts) or call.output_text
        return
    call.record(answer, provider=_hint(answer))


_TOTALS = ("total_tokens", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")


_WITHOUT_USAGE = (*rule.UNFINISHED, *rule.FAILED, *rule.CANCELLED)


def _hint(answer: Any) -> str | None:
    """Gives the provider that LiteLLM sent the call to."""
    hidden = _get(answer, "_hidden_params")
    provider = hidden.get("custom_llm_provider") if isinstance(hidden, Mapping) else None
    return provider if isinstance(provider, str) else None


def _is_usage_alone(chunk: Any) -> bool:
    """Says whether a chunk has usage and no output."""
    if _get(chunk, "usage") is None:
        return False
    choices = _get(chunk, "choices") or ()
    return not _content(chunk)[0] and all(
        _get(choice, "finish_reason") is None for choice in choices
    )


def _refusal(blocked: Blocked) -> Exception:
    """Answers 429 where a retry helps, and 402 where it does not."""
    detail = {
        "error": str(blocked),
        "reason": blocked.reason,
        "request_id": blocked.request_id,
    }
    if blocked.retry_after is None:
        return _http_error(402, detail)
    seconds = max(1, round(blocked.retry_after.total_seconds()))
    return _http_error(429, detail, {"retry-after": str(seconds)})


def _http_error(
    status: int, detail: dict[str, str], headers: dict[str, str] | None = None
) -> Exception:
    from fastapi import HTTPException

    error: Exception = HTTPException(status, detail, headers)
    return error


__all__ = ["TollgateLogger", "handler"]
handler = TollgateLogger()
"""The callback for `config.yaml`."""
