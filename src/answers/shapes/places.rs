//! Where the usage is in an answer, and what is said beside tokens: model, id, tier, units,
//! factors, cost.

use crate::domain::usage::UnitKind;

/// Objects that hold the usage, from the event, in the order in which they are tried. A line of a
/// batch is known by the third.
pub(in crate::answers) const OWNERS: [(&str, IsBatch); 12] = [
    ("", false),
    ("response", false),
    ("response.body", true),
    ("message", false),
    ("result.message", true),
    ("result", false),
    ("interaction", false),
    ("body", false),
    ("model_output", true),
    ("kwargs", false),
    ("data", false),
    ("delta", false),
];

/// Whether what is found there was answered in a batch.
pub(in crate::answers) type IsBatch = bool;

/// Where the usage is in its owner, in the order in which it is tried, and whose answer it then is.
pub(in crate::answers) const PLACES: [(&str, &str); 15] = [
    ("total_usage", ""),
    ("usage", ""),
    ("usage_metadata", ""),
    ("x_groq.usage", "groq"),
    ("metadata.usage", ""),
    ("meta", ""),
    ("meta.usage", ""),
    ("usage_info", ""),
    ("token_usage", ""),
    ("response_metadata.token_usage", ""),
    ("response_metadata.usage", ""),
    ("llm_output.token_usage", ""),
    ("choices[].usage", "moonshot"),
    (REPEATED, "bedrock"),
    ("", ""),
];

/// Repeats at the end of a stream what its other events have said, with less detail.
pub(in crate::answers) const REPEATED: &str = "amazon_bedrock_invocation_metrics";

/// Units that more than one shape counts. Lines add up, the paths of one line do not.
pub(in crate::answers) const UNITS: [(UnitKind, &str); 12] = [
    (
        UnitKind::WebSearch,
        "server_tool_use.web_search_requests | prompt_tokens_details.web_search_requests | \
         server_side_tool_usage_details.web_search_calls | num_search_queries | \
         tool_calls_details.search_web.invocation | num_sources_used | \
         ^output[type=web_search_call][action.type!=open_page][action.type!=find_in_page]",
    ),
    (UnitKind::WebSearch, "server_side_tool_usage_details.x_search_calls"),
    (UnitKind::WebSearch, "connectors.web_search"),
    (UnitKind::WebSearch, "connectors.web_search_premium"),
    (UnitKind::ToolCall, "connectors.code_interpreter"),
    (UnitKind::ToolCall, "server_tool_use.code_execution_requests"),
    (UnitKind::ToolCall, "server_tool_use_details.tool_calls_executed"),
    (UnitKind::ToolCall, "server_side_tool_usage_details.code_interpreter_calls"),
    (
        UnitKind::ToolCall,
        "server_side_tool_usage_details.file_search_calls | ^output[type=file_search_call]",
    ),
    (UnitKind::ToolCall, "server_side_tool_usage_details.document_search_calls"),
    (UnitKind::ToolCall, "tool_calls_details.fetch_url.invocation"),
    (
        UnitKind::Image,
        "server_side_tool_usage_details.image_generation_calls | \
         ^output[type=image_generation_call]",
    ),
];

/// Searches that ground an answer of Gemini. Older models bill them by the answer.
pub(in crate::answers) const GROUNDED: &str = "^candidates[].grounding_metadata.web_search_queries";
pub(in crate::answers) const GROUNDED_BY_ANSWER: [&str; 2] = ["gemini-1", "gemini-2"];

/// The model, from the event.
pub(in crate::answers) const MODELS: &str = "\
    model | model_version | model_name | model_id | response.model | response.model_id | \
    message.model | response.body.model | result.message.model | \
    result.model | interaction.model | body.model | data.model | model_output.model | \
    session.model | response_metadata.model_name | response_metadata.model | \
    message.response_metadata.model_name | kwargs.response_metadata.model_name | \
    llm_output.model_name | trace.prompt_router.invoked_model_id | response.model_version";

/// The id of the answer, from the event.
pub(in crate::answers) const IDS: &str = "\
    id | response_id | response.id | message.id | result.message.id | \
    response.body.id | interaction.id | response.response_id";

/// How far an answer is, from the event.
pub(in crate::answers) const STATUSES: &str = "\
    status | response.status | interaction.status | \
    response.body.status";

/// What an answer without usage is that will have some.
pub(in crate::answers) const UNFINISHED: [&str; 4] =
    ["queued", "in_progress", "pending", "running"];

/// What the first event of a stream is whose output is still to come.
pub(in crate::answers) const BEGINNING: &str = "message_start";

/// The service tier, what comes first being the surer.
pub(in crate::answers) const TIERS: [&str; 4] =
    ["^service_tier", "service_tier", "traffic_type", "^service_tier.type"];

/// Texts that raise or lower the price: the name of the factor, where it is, and what it says when
/// it does not.
pub(in crate::answers) const FACTORS: [(&str, &str, &[&str]); 6] = [
    ("speed", "speed", &["standard", "normal"]),
    ("inference_geo", "inference_geo", &["global", "not_available"]),
    ("latency", "^performance_config.latency", &["standard"]),
    ("search_context_size", "search_context_size", &[]),
    ("quality", "^quality", &["auto"]),
    ("size", "^size", &["auto"]),
];

/// The speed that has been billed as a tier of its own, too.
pub(in crate::answers) const FAST: &str = "fast";

/// What a reported cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answers) enum CostUnit {
    /// A currency: that of the answer, else the dollar.
    Currency,
    /// 10⁻¹⁰ dollars.
    Tick,
}

pub(in crate::answers) const COSTS: [(&str, CostUnit); 9] = [
    ("cost_in_usd_ticks", CostUnit::Tick),
    ("^usage.cost_in_usd_ticks", CostUnit::Tick),
    ("cost.total_cost", CostUnit::Currency),
    ("cost", CostUnit::Currency),
    ("estimated_cost", CostUnit::Currency),
    ("^total_cost_usd", CostUnit::Currency),
    ("^response_cost", CostUnit::Currency),
    ("^_hidden_params.response_cost", CostUnit::Currency),
    ("^provider_metadata.gateway.cost", CostUnit::Currency),
];

/// The currency of a reported cost.
pub(in crate::answers) const CURRENCIES: &str = "cost.currency";

/// With a key of the caller's own the cost is the gateway's fee, and the provider's comes on top.
pub(in crate::answers) const OWN_KEY: &str = "is_byok";
pub(in crate::answers) const OWN_KEY_COST: &str = "cost_details.upstream_inference_cost";

/// Billed rounds of one answer of Anthropic, and which of them the usage above them has.
pub(in crate::answers) const ITERATIONS: &str = "iterations";
pub(in crate::answers) const OWN_ITERATION: &str = "message";

/// Members that no other provider has.
pub(in crate::answers) const MARKS: [(&str, &str); 7] = [
    ("cost_in_usd_ticks", "xai"),
    ("^usage.cost_in_usd_ticks", "xai"),
    ("num_sources_used", "xai"),
    ("prompt_cache_hit_tokens", "deepseek"),
    ("is_byok", "openrouter"),
    ("queue_time", "groq"),
    ("prompt_audio_seconds", "mistral"),
];

/// Hints that mean a provider of the table.
pub(in crate::answers) const HINTS: [(&str, &str); 9] = [
    ("aws", "bedrock"),
    ("aws_bedrock", "bedrock"),
    ("amazon", "bedrock"),
    ("google", "gemini"),
    ("vertex", "gemini"),
    ("vertex_ai", "gemini"),
    ("google_ai_studio", "gemini"),
    ("google_vertex", "gemini"),
    ("claude", "anthropic"),
];
