"""Names of LiteLLM: of models, of what its proxy calls them, and of answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any

import litellm

from .errors import TollgateError

# What belongs to one provider, and must not reach another one.
_OF_PROVIDER = (
    "api_base",
    "api_key",
    "api_version",
    "azure_ad_token",
    "base_url",
    "client",
    "custom_llm_provider",
    "extra_headers",
    "headers",
    "organization",
)


def _id(model: str, provider: object) -> str:
    """Gives LiteLLM's id of a model: with the provider, also where that is named apart."""
    if not isinstance(provider, str) or not provider or model.startswith(f"{provider}/"):
        return model
    return f"{provider}/{model}"


def _to_call(decided: str, asked: str) -> str:
    """Says how LiteLLM calls the model that was decided: at its own provider, if it knows it."""
    if "/" not in asked:
        # The router's callers name its models, which need not be LiteLLM's.
        return decided
    try:
        name, provider, _, _ = litellm.get_llm_provider(model=decided)
    except Exception:  # LiteLLM has no narrower one for a model that it does not know.
        provider, _, _ = asked.partition("/")
        return f"{provider}/{decided}"
    return f"{provider}/{name}"


def _send_to(decided: str, asked: str, target: MutableMapping[str, Any]) -> None:
    """Sends a call to the model that was decided; its provider gets no key of another one."""
    if "model" not in target:
        raise TollgateError(
            f"the call is routed to {decided}, which needs its model given by name:"
            " litellm.acompletion(model=...)"
        )
    called = _to_call(decided, asked)
    apart = target.get("custom_llm_provider")
    if _provider_of(called) != _provider_of(asked):
        for option in _OF_PROVIDER:
            target.pop(option, None)
    elif apart:
        called = called.removeprefix(f"{apart}/")
    target["model"] = called


def _provider_of(asked: str) -> str:
    try:
        return str(litellm.get_llm_provider(model=asked)[1])
    except Exception:  # As above.
        return asked.partition("/")[0]


def _router() -> Any:
    """Gives the router of the proxy that this runs in."""
    try:
        from litellm.proxy import proxy_server
    except ImportError:
        return None
    return proxy_server.llm_router


def _deployed(router: Any, name: str) -> list[str]:
    """Lists LiteLLM's ids of what a name of the proxy stands for."""
    deployments = (router.get_model_list(model_name=name) or []) if router else []
    params = [_get(deployment, "litellm_params") for deployment in deployments]
    ids = {_id(str(_get(one, "model")), _get(one, "custom_llm_provider")) for one in params}
    return sorted(one for one in ids if "*" not in one)


def _ids(router: Any, name: str) -> list[str]:
    """Gives the names to check under: LiteLLM's id, if the deployments agree, and the proxy's."""
    deployed = _deployed(router, name)
    return list(dict.fromkeys([*deployed, name])) if len(deployed) == 1 else [name]


def _group(router: Any, decided: str) -> str:
    """Gives the proxy's name of the model that was decided; that itself if there is none."""
    names = router.get_model_names() if router else []
    if decided in names:
        return decided
    called = _to_call(decided, "/")
    for name in names:
        if {decided, called} & set(_deployed(router, name)):
            return str(name)
    return called if any(fnmatchcase(called, name) for name in names if "*" in name) else decided


def answer_id(answer: Any) -> str | None:
    """Gives the provider's id of an answer, which LiteLLM wraps in one of its own."""
    given = _get(answer, "id")
    if not isinstance(given, str):
        return None
    try:
        inside = base64.b64decode(given.removeprefix("resp_"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return given
    _, found, own = inside.partition(";response_id:")
    return own if found else given


def _get(holder: object, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
