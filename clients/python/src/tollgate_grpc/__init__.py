"""Keeps LLM calls inside their budget: a check before each call, a record after it.

`Client` and `AsyncClient` have the guard; `wrap` puts it around an SDK client of OpenAI or
Anthropic; `tollgate_grpc.litellm` puts it around LiteLLM. The messages of the API are in
`tollgate_grpc.v1`; `tollgate_grpc.testing` has a fake for tests.
"""

from .answer import ProviderAnswer
from .client import AsyncClient, Client
from .delivery import Stats
from .errors import Blocked, TollgateError, TollgateUnavailable, Verdict, error_reason
from .estimate import estimate_tokens
from .guard import AsyncCall, Call, Options, make_request_id
from .money import Money, duration_of, span_of, time_of, timestamp_of
from .names import (
    BudgetState,
    Decision,
    Enforcement,
    ErrorReason,
    LimitKind,
    LimitPeriod,
    LimitUnit,
    Reason,
    ServiceTier,
    SubjectType,
    UnitKind,
)
from .pages import async_pages, pages
from .recorded import Recorded
from .usage import Usage
from .webhook import WebhookError, WebhookVerifier
from .wrap import wrap

__all__ = [
    "AsyncCall",
    "AsyncClient",
    "Blocked",
    "BudgetState",
    "Call",
    "Client",
    "Decision",
    "Enforcement",
    "ErrorReason",
    "LimitKind",
    "LimitPeriod",
    "LimitUnit",
    "Money",
    "Options",
    "ProviderAnswer",
    "Reason",
    "Recorded",
    "ServiceTier",
    "Stats",
    "SubjectType",
    "TollgateError",
    "TollgateUnavailable",
    "UnitKind",
    "Usage",
    "Verdict",
    "WebhookError",
    "WebhookVerifier",
    "async_pages",
    "duration_of",
    "error_reason",
    "estimate_tokens",
    "make_request_id",
    "pages",
    "span_of",
    "time_of",
    "timestamp_of",
    "wrap",
]
