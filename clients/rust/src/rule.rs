//! What of a provider answer may leave the caller, and where it says what: the lists of
//! `clients/conformance/provider_answer.json`, which a test compares with these.

/// Most parts of an answer.
pub(crate) const PARTS_MAX: usize = 16;
/// Most bytes of all of them together.
pub(crate) const BYTES_MAX: usize = 64 * 1024;
/// Most objects and lists inside of one another.
pub(crate) const DEPTH_MAX: usize = 64;
/// Most bytes of a member's name.
pub(crate) const NAME_BYTES_MAX: usize = 64;
/// Most characters of a text.
pub(crate) const TEXT_CHARACTERS_MAX: usize = 128;
/// Most bytes of a number that is given as a text.
pub(crate) const NUMBER_BYTES_MAX: usize = 24;

/// Members whose texts are kept.
pub(crate) const TEXTS: [&str; 24] = [
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
];

/// Members that are entered on the way to the usage: with their numbers and texts.
pub(crate) const WRAPPERS: [&str; 19] = [
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
];

/// Members that are entered on the way to the usage, but have content beside it.
pub(crate) const NARROW: [&str; 16] = [
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
];

/// Lists of which only the number of elements is kept.
pub(crate) const COUNTED: [&str; 2] = ["data", "web_search_queries"];

/// A name that has one of these in it is a usage name.
pub(crate) const USAGE_WORDS: [&str; 5] = ["bill", "cache", "cost", "token", "usage"];

/// Names that are usage names, too.
pub(crate) const USAGE_NAMES: [&str; 5] = [
    "amazon_bedrock_invocation_metrics",
    "connectors",
    "grounding_tool_count",
    "iterations",
    "server_tool_use",
];

/// Names of numbers that are figures without being usage names.
pub(crate) const FIGURE_NAMES: [&str; 2] = ["duration", "seconds"];

/// Where an answer names its model, the first being the surest.
pub(crate) const MODELS: [&str; 22] = [
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
];

/// Where an answer says how far it is.
pub(crate) const STATUSES: [&str; 4] =
    ["status", "response.status", "interaction.status", "response.body.status"];

/// Statuses of an answer that will have usage later.
pub(crate) const UNFINISHED: [&str; 4] = ["queued", "in_progress", "pending", "running"];

/// Statuses of an answer that has no usage and will have none.
pub(crate) const FAILED: [&str; 1] = ["failed"];

/// Statuses of one that was cancelled.
pub(crate) const CANCELLED: [&str; 2] = ["cancelled", "canceled"];

/// Objects and types of answers that are no events of a stream.
pub(crate) const WHOLE: [&str; 4] = ["chat.completion", "text_completion", "response", "message"];

/// Names under which an answer says which tier served it.
pub(crate) const TIERS: [&str; 3] = ["service_tier", "traffic_type", "speed"];

/// Texts there that say nothing.
pub(crate) const TIERS_UNSAID: [&str; 2] = ["", "auto"];

/// Ends the names of numbers that are figures without being usage names.
pub(crate) const FIGURE_ENDING: &str = "count";
/// Type of the first event of a stream whose output is still to come.
pub(crate) const BEGINNING: &str = "message_start";
