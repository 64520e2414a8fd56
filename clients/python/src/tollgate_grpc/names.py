"""Names of the API without their prefix. A newer server may say others.

Generated from proto/tollgate/v1 by tools/clients/generate: do not edit.
"""

from typing import Literal

BudgetState = Literal[
    "NO_PLAN",
    "WITHIN_PLAN",
    "IN_OVERAGE",
    "EXHAUSTED",
]
"""State of the budget of a workspace in the running cycle."""

Decision = Literal[
    "ALLOWED",
    "ROUTED",
    "BLOCKED",
]
"""Whether a request may run. Will not grow."""

Enforcement = Literal[
    "HARD",
    "SOFT",
    "DOWNGRADE",
    "SHADOW",
]
"""Effect of a limit on a request that exceeds it."""

ErrorReason = Literal[
    "INVALID_FIELD",
    "WORKSPACE_NOT_FOUND",
    "WORKSPACE_EXISTS",
    "MODEL_NOT_FOUND",
    "REQUEST_ID_REUSED",
    "HOLD_NOT_FOUND",
    "EXCHANGE_RATE_MISSING",
    "CHANGE_NOT_ALLOWED",
    "BOUND_REACHED",
    "STORAGE_UNAVAILABLE",
    "STOPPING",
    "INTERNAL",
    "RESOURCE_NOT_FOUND",
    "RESOURCE_EXISTS",
    "RESOURCE_IN_USE",
    "SMTP_NOT_CONFIGURED",
    "QUERY_TOO_BROAD",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "TOO_MANY_ATTEMPTS",
    "NOT_OWNER",
    "TOO_MANY_CALLS",
    "OVERLOADED",
    "QUARANTINED",
    "ETAG_MISMATCH",
    "STORAGE_OUTAGE",
]
"""Reasons that `google.rpc.ErrorInfo.reason` carries in the details of every error status, by the
name given here, with the domain "tollgate". A refusal to run a request is not an error: see
CheckAndRouteResponse.decision. The set may grow."""

LimitKind = Literal[
    "ENVELOPE",
    "MODEL_LIMIT",
    "QUOTA",
    "RATE_LIMIT",
]
"""Kinds of limits. The set may grow."""

LimitPeriod = Literal[
    "DAY",
    "WEEK",
    "MONTH",
    "CYCLE",
    "UNTIL_RESET",
    "SLIDING_MINUTE",
    "SLIDING_DAY",
    "SLIDING_HOUR",
    "HOUR",
    "QUARTER",
    "YEAR",
    "IN_FLIGHT",
    "REQUEST",
]
"""Period over which a limit counts. Windows of a day, week, month or cycle are fixed: they start
at local midnight of the workspace, at zero. Rate limits have sliding windows."""

LimitUnit = Literal[
    "MONEY",
    "TOKENS",
    "REQUESTS",
    "UNCACHED_TOKENS",
]
"""Unit of a limit."""

Reason = Literal[
    "EXHAUSTED",
    "HELD_IN_FLIGHT",
    "REQUEST_TOO_LARGE",
    "MODEL_LIMIT",
    "NO_ALLOWED_MODEL",
    "MODEL_UNKNOWN",
    "MODEL_DISABLED",
    "MODEL_UNPRICED",
    "PLAN_NOT_SET",
    "CAPABILITY_MISSING",
    "CONTEXT_WINDOW_EXCEEDED",
    "RATE_LIMITED",
    "KEY_UNKNOWN",
    "KEY_DISABLED",
    "KEY_EXPIRED",
    "MODEL_NOT_ALLOWED",
    "DOWNGRADE",
    "THRESHOLD_CROSSED",
    "ATTRIBUTION_MISSING",
    "FROZEN",
    "WORKSPACE_ARCHIVED",
]
"""Reason of a decision or a verdict, and what the caller can do. The set may grow."""

ServiceTier = Literal[
    "STANDARD",
    "BATCH",
    "FLEX",
    "PRIORITY",
    "BALANCED",
    "ULTRAFAST",
    "DECISIONS",
]
"""Price class at which a provider serves a request. The set may grow."""

SubjectType = Literal[
    "WORKSPACE",
    "MODEL",
    "DEPARTMENT",
    "USER",
    "API_KEY",
    "KEY_GROUP",
    "PROJECT",
    "ASSISTANT",
    "WORKFLOW",
    "FEATURE",
    "SESSION",
    "PROVIDER",
    "TAG",
]
"""Types of subjects: what a limit applies to. The set may grow."""

UnitKind = Literal[
    "WEB_SEARCH",
    "TOOL_CALL",
    "IMAGE",
    "PAGE",
    "SECOND",
    "CHARACTER",
    "REQUEST",
    "CACHE_STORAGE_HOUR",
    "CITATION_TOKEN",
]
"""What is counted beside tokens. The set may grow."""
