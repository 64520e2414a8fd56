"""Keeps LLM calls inside their budget: a check before each call, a record after it.

`Client` and `AsyncClient` have the guard; `wrap` puts it around an SDK client of OpenAI or
Anthropic; `tollgate_grpc.litellm` puts it around LiteLLM. The messages of the API are in
`tollgate_grpc.v1`; `tollgate_grpc.testing` has a fake for tests.
"""

from .answer import ProviderAnswer
from .client import AsyncClient, Client
from .delivery import Stats
from .errors import Blocked, TollgateError, TollgateUnavailable, Verdict
from .estimate import estimate_tokens
from .guard import AsyncCall, Call, Options, make_request_id
from .money import Money, duration_of, span_of, time_of, timestamp_of
from .recorded import Recorded
from .usage import ServiceTier, UnitKind, Usage
from .webhook import WebhookError, WebhookVerifier
from .wrap import wrap

__all__ = [
    "AsyncCall",
    "AsyncClient",
    "Blocked",
    "Call",
    "Client",
    "Money",
    "Options",
    "ProviderAnswer",
    "Recorded",
    "ServiceTier",
    "Stats",
    "TollgateError",
    "TollgateUnavailable",
    "UnitKind",
    "Usage",
    "Verdict",
    "WebhookError",
    "WebhookVerifier",
    "duration_of",
    "estimate_tokens",
    "make_request_id",
    "span_of",
    "time_of",
    "timestamp_of",
    "wrap",
]
