"""What of a provider answer leaves the caller: the lists of the rule, as data.

They are those of clients/conformance/provider_answer.json, which a test holds them against;
docs/provider-answers.md, "What is kept", describes the rule.
"""

PARTS_MAX = 16
BYTES_MAX = 65_536
DEPTH_MAX = 64
NAME_BYTES_MAX = 64
TEXT_CHARACTERS_MAX = 128
NUMBER_BYTES_MAX = 24

TEXTS = (
    "currency",
    "id",
    "inference_geo",
    "invoked_model_id",
    "latency",
    "modality",
    "model",
    "model_id",
    "model_name",
    "model_version",
    "object",
    "provider",
    "quality",
    "response_id",
    "search_context_size",
    "seconds",
    "service_tier",
    "size",
    "speed",
    "status",
    "task",
    "traffic_type",
    "ttl",
    "type",
)
"""Members whose texts are kept."""

WRAPPERS = (
    "body",
    "data",
    "interaction",
    "kwargs",
    "llm_output",
    "message",
    "meta",
    "metrics",
    "model_output",
    "performance_config",
    "prompt_router",
    "response",
    "response_metadata",
    "result",
    "service_tier",
    "session",
    "trace",
    "usage_info",
    "x_groq",
)
"""Members that are entered on the way to the usage: with their numbers and texts."""

NARROW = (
    "_hidden_params",
    "action",
    "candidates",
    "choices",
    "delta",
    "details",
    "embeddings",
    "gateway",
    "grounding_metadata",
    "metadata",
    "output",
    "predictions",
    "prompt_feedback",
    "provider_metadata",
    "results",
    "statistics",
)
"""Members that are entered on the way to the usage, but have content beside it."""

COUNTED = (
    "data",
    "web_search_queries",
)
"""Lists of which only the number of elements is kept."""

USAGE_WORDS = (
    "bill",
    "cache",
    "cost",
    "token",
    "usage",
)
"""A member whose name has one of these words is usage."""

USAGE_NAMES = (
    "amazon_bedrock_invocation_metrics",
    "connectors",
    "grounding_tool_count",
    "iterations",
    "server_tool_use",
)
"""Members that are usage, too."""

FIGURE_ENDING = "count"
FIGURE_NAMES = ("duration", "seconds")
"""Numbers that say usage in names that do not: those that end so, and these."""

MODELS = (
    "model",
    "model_version",
    "model_name",
    "model_id",
    "response.model",
    "response.model_id",
    "message.model",
    "response.body.model",
    "result.message.model",
    "result.model",
    "interaction.model",
    "body.model",
    "data.model",
    "model_output.model",
    "session.model",
    "response_metadata.model_name",
    "response_metadata.model",
    "message.response_metadata.model_name",
    "kwargs.response_metadata.model_name",
    "llm_output.model_name",
    "trace.prompt_router.invoked_model_id",
    "response.model_version",
)
"""Where an answer names its model, the first of these."""

STATUSES = ("status", "response.status", "interaction.status", "response.body.status")
"""Where it says how far it is."""

UNFINISHED = ("queued", "in_progress", "pending", "running")
"""States of an answer that will have usage."""

FAILED = ("failed",)
CANCELLED = ("cancelled", "canceled")
"""States of one that has no usage and will have none."""

TIERS = ("service_tier", "traffic_type", "speed")
TIERS_UNSAID = ("", "auto")
"""Where an answer names its tier, and what is no tier there."""

WHOLE = ("chat.completion", "text_completion", "response", "message")
"""Objects or types of whole answers: a later one takes the place of all that came before."""

BEGINNING = "message_start"
"""Type of the event whose output is still to come."""
