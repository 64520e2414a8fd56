//! The rules: the shapes of usage that are known, and where each figure is in them.
//!
//! A new shape is an entry of [`SHAPES`] and a case in `tests/shapes.rs`; a new place of the usage
//! an entry of [`PLACES`]. Everything here is data, and nothing of it is said elsewhere.
//!
//! Figures are paths from the usage object, or with `^` from the object that holds it:
//!
//! | path | what it is |
//! | --- | --- |
//! | `a.b` | member `b` of member `a` |
//! | `a \| b` | the first of them that is above 0 |
//! | `a[].b` | the sum over the elements of the list `a` |
//! | `a[k=v].b`, `a[k!=v].b` | the sum over those whose `k` is, or is not, `v` |
//! | `a[k=v]` | how many there are |
//! | `a.!b` | the sum of all members of `a` but `b` |
//!
//! Names are compared without regard to case, `_` and `-`, so one spelling is enough.

use Figure::{
    AudioCached, AudioInput, AudioOutput, CacheRead, CacheWrite, CacheWriteLong, CacheWriteShort,
    ImageCached, ImageInput, ImageOutput, Input, MoreAudio, MoreImage, MoreInput, Output,
    Reasoning, Total,
};
use Where::{Apart, Inside, Outside};

use crate::domain::usage::UnitKind;

/// What a shape says of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// All input, or what of it was not cached: see [`Shape::caches`].
    Input,
    CacheRead,
    /// Written to caches, whatever the lifetime.
    CacheWrite,
    /// Of it or beside it, what lives for five minutes.
    CacheWriteShort,
    /// Of it, what lives longer.
    CacheWriteLong,
    /// Audio, inside of the input; its cached part is subtracted.
    AudioInput,
    AudioCached,
    ImageInput,
    ImageCached,
    /// Input that is counted beside `Input`, such as what tools gave back.
    MoreInput,
    MoreAudio,
    MoreImage,
    /// All output, or what of it was not reasoning: see [`Shape::reasoning`].
    Output,
    Reasoning,
    /// Inside of the output.
    AudioOutput,
    ImageOutput,
    /// Input and output together, to check the rest with.
    Total,
}

impl Figure {
    pub const COUNT: usize = Total as usize + 1;
}

/// Where a part is counted, unless the total says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the whole that it is a part of.
    Inside,
    /// Beside it, and in the total.
    Outside,
    /// Beside it, and not in the total.
    Apart,
}

/// A form of usage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub name: &'static str,
    /// Who alone answers with it; empty if many do.
    pub provider: &'static str,
    /// Shapes of one family name the same things alike, so that events of one stream may differ.
    pub family: &'static str,
    /// It is recognised by one of these being a number,
    pub known_by: &'static str,
    /// one of these being there, or the answer's `type` or `object` being among `types`,
    pub and: &'static str,
    pub types: &'static [&'static str],
    /// none of these being there,
    pub unless: &'static str,
    /// and, if set, names in camel case.
    pub camel_case: bool,
    /// Recognised by so little that a hint to a provider comes before it.
    pub is_generic: bool,
    pub caches: Where,
    pub reasoning: Where,
    pub figures: &'static [(Figure, &'static str)],
    pub units: &'static [(UnitKind, &'static str)],
}

const SHAPE: Shape = Shape {
    name: "",
    provider: "",
    family: "",
    known_by: "",
    and: "",
    types: &[],
    unless: "",
    camel_case: false,
    is_generic: false,
    caches: Inside,
    reasoning: Inside,
    figures: &[],
    units: &[],
};

/// Objects that hold the usage, from the event, in the order in which they are tried. A line of a
/// batch is known by the third.
pub(super) const OWNERS: [(&str, IsBatch); 12] = [
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
pub(super) type IsBatch = bool;

/// Where the usage is in its owner, in the order in which it is tried, and whose answer it then is.
pub(super) const PLACES: [(&str, &str); 15] = [
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
pub(super) const REPEATED: &str = "amazon_bedrock_invocation_metrics";

pub(super) const SHAPES: [Shape; 27] = [
    Shape {
        name: "bedrock.llama",
        provider: "bedrock",
        family: "llama",
        known_by: "generation_token_count",
        figures: &[(Input, "prompt_token_count"), (Output, "generation_token_count")],
        ..SHAPE
    },
    Shape {
        name: "bedrock.titan",
        provider: "bedrock",
        family: "titan",
        known_by: "input_text_token_count",
        figures: &[
            (Input, "input_text_token_count"),
            (Output, "results[].token_count | total_output_text_token_count"),
        ],
        ..SHAPE
    },
    Shape {
        name: "vercel.model",
        family: "input",
        known_by: "input_tokens.total | output_tokens.total",
        figures: &[
            (Input, "input_tokens.total"),
            (CacheRead, "input_tokens.cache_read"),
            (CacheWrite, "input_tokens.cache_write"),
            (Output, "output_tokens.total"),
            (Reasoning, "output_tokens.reasoning"),
        ],
        ..SHAPE
    },
    Shape {
        name: "cohere.billed",
        provider: "cohere",
        family: "cohere",
        known_by: "billed_units.input_tokens | billed_units.output_tokens | \
                   billed_units.image_tokens | billed_units.images | billed_units.search_units | \
                   billed_units.classifications",
        figures: &[
            (Input, "billed_units.input_tokens"),
            (MoreInput, "billed_units.image_tokens"),
            (MoreImage, "billed_units.image_tokens"),
            (Output, "billed_units.output_tokens"),
        ],
        units: &[
            (UnitKind::Image, "billed_units.images"),
            (UnitKind::Request, "billed_units.search_units"),
            (UnitKind::Request, "billed_units.classifications"),
        ],
        ..SHAPE
    },
    Shape {
        name: "cohere.tokens",
        provider: "cohere",
        family: "cohere",
        known_by: "tokens.input_tokens | tokens.output_tokens",
        figures: &[
            (Input, "tokens.input_tokens"),
            (CacheRead, "cached_tokens"),
            (Output, "tokens.output_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "gemini.interactions",
        provider: "gemini",
        family: "gemini",
        known_by: "total_input_tokens | total_output_tokens",
        reasoning: Outside,
        figures: &[
            (Input, "total_input_tokens"),
            (CacheRead, "total_cached_tokens"),
            (AudioInput, "input_tokens_by_modality[modality=audio].tokens"),
            (AudioCached, "cached_tokens_by_modality[modality=audio].tokens"),
            (ImageInput, "input_tokens_by_modality[modality=image].tokens"),
            (ImageCached, "cached_tokens_by_modality[modality=image].tokens"),
            (MoreInput, "total_tool_use_tokens"),
            (MoreAudio, "tool_use_tokens_by_modality[modality=audio].tokens"),
            (MoreImage, "tool_use_tokens_by_modality[modality=image].tokens"),
            (Output, "total_output_tokens"),
            (Reasoning, "total_thought_tokens | total_reasoning_tokens"),
            (AudioOutput, "output_tokens_by_modality[modality=audio].tokens"),
            (ImageOutput, "output_tokens_by_modality[modality=image].tokens"),
            (Total, "total_tokens"),
        ],
        units: &[(
            UnitKind::WebSearch,
            "grounding_tool_count[].search_query_count | grounding_tool_count[].count",
        )],
        ..SHAPE
    },
    Shape {
        name: "bedrock.metrics",
        provider: "bedrock",
        family: "input count",
        known_by: "input_token_count | output_token_count",
        and: "cache_read_input_token_count | cache_write_input_token_count | \
              cache_read_input_tokens | cache_write_input_tokens | cache_creation_input_tokens",
        caches: Outside,
        figures: &[
            (Input, "input_token_count"),
            (CacheRead, "cache_read_input_token_count | cache_read_input_tokens"),
            (
                CacheWrite,
                "cache_write_input_token_count | cache_write_input_tokens | \
                 cache_creation_input_tokens",
            ),
            (CacheWriteLong, "cache_details[ttl!=5m].input_tokens"),
            (Output, "output_token_count"),
            (Total, "total_token_count"),
        ],
        ..SHAPE
    },
    Shape {
        name: "langchain4j",
        family: "input count",
        known_by: "input_token_count | output_token_count",
        is_generic: true,
        figures: &[
            (Input, "input_token_count"),
            (
                CacheRead,
                "input_tokens_details.cached_tokens | input_token_details.cached_token_count | \
                 cached_content_token_count",
            ),
            (AudioInput, "input_token_details.audio_token_count"),
            (Output, "output_token_count"),
            (
                Reasoning,
                "output_tokens_details.reasoning_tokens | \
                 output_token_details.reasoning_token_count | thoughts_token_count",
            ),
            (AudioOutput, "output_token_details.audio_token_count"),
            (Total, "total_token_count"),
        ],
        ..SHAPE
    },
    Shape {
        name: "gemini",
        provider: "gemini",
        family: "gemini",
        known_by: "prompt_token_count | candidates_token_count | response_token_count | \
                   thoughts_token_count | total_token_count",
        reasoning: Outside,
        figures: &[
            (Input, "prompt_token_count"),
            (CacheRead, "cached_content_token_count"),
            (AudioInput, "prompt_tokens_details[modality=audio].token_count"),
            (AudioCached, "cache_tokens_details[modality=audio].token_count"),
            (ImageInput, "prompt_tokens_details[modality=image].token_count"),
            (ImageCached, "cache_tokens_details[modality=image].token_count"),
            (MoreInput, "tool_use_prompt_token_count"),
            (MoreAudio, "tool_use_prompt_tokens_details[modality=audio].token_count"),
            (MoreImage, "tool_use_prompt_tokens_details[modality=image].token_count"),
            (Output, "candidates_token_count | response_token_count"),
            (Reasoning, "thoughts_token_count"),
            (
                AudioOutput,
                "candidates_tokens_details[modality=audio].token_count | \
                 response_tokens_details[modality=audio].token_count",
            ),
            (
                ImageOutput,
                "candidates_tokens_details[modality=image].token_count | \
                 response_tokens_details[modality=image].token_count",
            ),
            (Total, "total_token_count"),
        ],
        ..SHAPE
    },
    Shape {
        name: "vertex.embeddings",
        provider: "vertex",
        family: "vertex",
        known_by: "predictions[].embeddings.statistics.token_count",
        figures: &[(Input, "predictions[].embeddings.statistics.token_count")],
        units: &[(UnitKind::Character, "metadata.billable_character_count")],
        ..SHAPE
    },
    // Before all that follow: they count one thing in other words.
    Shape {
        name: "perplexity",
        provider: "perplexity",
        family: "prompt",
        known_by: "prompt_tokens | completion_tokens",
        and: "citation_tokens | num_search_queries | search_context_size",
        reasoning: Apart,
        figures: &CHAT,
        units: &[(UnitKind::CitationToken, "citation_tokens")],
        ..SHAPE
    },
    Shape {
        name: "openai.chat",
        family: "prompt",
        known_by: "prompt_tokens | completion_tokens",
        is_generic: true,
        figures: &CHAT,
        units: &[(UnitKind::Second, "prompt_audio_seconds")],
        ..SHAPE
    },
    Shape {
        name: "anthropic",
        provider: "anthropic",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "cache_creation_input_tokens | cache_read_input_tokens | cache_creation | \
              server_tool_use | iterations | inference_geo | speed | service_tier | \
              output_tokens_details.thinking_tokens",
        types: &["message", "message_start", "message_delta"],
        unless: "input_tokens_details | input_token_details | cache_write_input_tokens | \
                 cache_details | server_tool_usage | total_tokens",
        ..ANTHROPIC
    },
    Shape {
        name: "bedrock.converse",
        provider: "bedrock",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "cache_read_input_tokens | cache_write_input_tokens | cache_read_input_token_count | \
              cache_write_input_token_count | cache_details | server_tool_usage | \
              ^metrics.latency_ms",
        camel_case: true,
        caches: Outside,
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "cache_read_input_tokens | cache_read_input_token_count"),
            (CacheWrite, "cache_write_input_tokens | cache_write_input_token_count"),
            (CacheWriteShort, "cache_details[ttl=5m].input_tokens"),
            (CacheWriteLong, "cache_details[ttl!=5m].input_tokens"),
            (Output, "output_tokens"),
            (Total, "total_tokens"),
        ],
        units: &[(UnitKind::WebSearch, "server_tool_usage.web_search_requests")],
        ..SHAPE
    },
    // With a total, which Anthropic does not give: it says whether caches are inside.
    Shape {
        name: "anthropic.total",
        and: "cache_creation_input_tokens | cache_read_input_tokens | cache_creation",
        unless: "input_tokens_details | input_token_details",
        ..ANTHROPIC
    },
    Shape {
        name: "langchain",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "input_token_details.cache_read | input_token_details.cache_creation | \
              input_token_details.audio | output_token_details.reasoning | \
              output_token_details.audio",
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "input_token_details.cache_read"),
            (CacheWrite, "input_token_details.cache_creation"),
            (CacheWriteShort, "input_token_details.ephemeral_5m_input_tokens"),
            (CacheWriteLong, "input_token_details.ephemeral_1h_input_tokens"),
            (AudioInput, "input_token_details.audio"),
            (ImageInput, "input_token_details.image"),
            (Output, "output_tokens"),
            (Reasoning, "output_token_details.reasoning"),
            (AudioOutput, "output_token_details.audio"),
            (ImageOutput, "output_token_details.image"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "vercel.6",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "input_token_details.no_cache_tokens | input_token_details.cache_read_tokens | \
              input_token_details.cache_write_tokens",
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "input_token_details.cache_read_tokens"),
            (CacheWrite, "input_token_details.cache_write_tokens"),
            (Output, "output_tokens"),
            (Reasoning, "output_token_details.reasoning_tokens"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "vercel.5",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "cached_input_tokens | reasoning_tokens",
        camel_case: true,
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "cached_input_tokens"),
            (Output, "output_tokens"),
            (Reasoning, "reasoning_tokens"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "openai.realtime",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "input_token_details | output_token_details",
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "input_token_details.cached_tokens"),
            (AudioInput, "input_token_details.audio_tokens"),
            (AudioCached, "input_token_details.cached_tokens_details.audio_tokens"),
            (ImageInput, "input_token_details.image_tokens"),
            (ImageCached, "input_token_details.cached_tokens_details.image_tokens"),
            (Output, "output_tokens"),
            (Reasoning, "output_token_details.reasoning_tokens"),
            (AudioOutput, "output_token_details.audio_tokens"),
            (ImageOutput, "output_token_details.image_tokens"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "pydantic_ai",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "cache_read_tokens | cache_write_tokens | input_audio_tokens | output_audio_tokens | \
              details | requests",
        unless: "input_tokens_details",
        figures: &[
            (Input, "input_tokens"),
            (CacheRead, "cache_read_tokens"),
            (CacheWrite, "cache_write_tokens"),
            (AudioInput, "input_audio_tokens"),
            (AudioCached, "cache_audio_read_tokens"),
            (Output, "output_tokens"),
            (Reasoning, "details.reasoning_tokens | details.thoughts_tokens"),
            (AudioOutput, "output_audio_tokens"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "openai.responses",
        family: "input",
        known_by: "input_tokens | output_tokens",
        is_generic: true,
        figures: &[
            (Input, "input_tokens"),
            (
                CacheRead,
                "input_tokens_details.cached_tokens | prompt_tokens_details.cached_tokens | \
                 cached_input_tokens | cached_tokens",
            ),
            (CacheWrite, "input_tokens_details.cache_write_tokens | cache_write_tokens"),
            (CacheWriteShort, "input_tokens_details.cache_write_tokens_details.ttl_30m_tokens"),
            (CacheWriteLong, "input_tokens_details.cache_write_tokens_details.!ttl_30m_tokens"),
            (AudioInput, "input_tokens_details.audio_tokens"),
            (AudioCached, "input_tokens_details.cached_tokens_details.audio_tokens"),
            (ImageInput, "input_tokens_details.image_tokens"),
            (ImageCached, "input_tokens_details.cached_tokens_details.image_tokens"),
            (Output, "output_tokens"),
            (
                Reasoning,
                "output_tokens_details.reasoning_tokens | reasoning_output_tokens | \
                 reasoning_tokens",
            ),
            (AudioOutput, "output_tokens_details.audio_tokens"),
            (ImageOutput, "output_tokens_details.image_tokens"),
            (Total, "total_tokens"),
        ],
        ..SHAPE
    },
    Shape {
        name: "ollama",
        provider: "ollama",
        family: "ollama",
        known_by: "prompt_eval_count | eval_count",
        figures: &[(Input, "prompt_eval_count"), (Output, "eval_count")],
        ..SHAPE
    },
    // Embeddings and rerankings of Voyage and Jina: what there is of tokens is input.
    Shape {
        name: "total",
        family: "prompt",
        known_by: "total_tokens",
        and: "^data",
        types: &["list"],
        is_generic: true,
        figures: &[(Input, "total_tokens"), (Total, "total_tokens")],
        ..SHAPE
    },
    // A total alone says nothing: recognised so that it can be said.
    Shape {
        name: "openai.chat",
        family: "prompt",
        known_by: "total_tokens",
        is_generic: true,
        figures: &CHAT,
        ..SHAPE
    },
    Shape {
        name: "seconds",
        family: "seconds",
        known_by: "seconds | duration",
        and: "type | task | model",
        units: &[(UnitKind::Second, "seconds | duration")],
        ..SHAPE
    },
    Shape {
        name: "pages",
        provider: "mistral",
        family: "pages",
        known_by: "pages_processed",
        units: &[(UnitKind::Page, "pages_processed")],
        ..SHAPE
    },
    Shape {
        name: "images",
        family: "images",
        known_by: "data",
        and: "created | usage.cost_in_usd_ticks",
        unless: "object",
        units: &[(UnitKind::Image, "data")],
        ..SHAPE
    },
];

/// Chat completions, whoever serves them.
const CHAT: [(Figure, &str); 14] = [
    (Input, "prompt_tokens | input_tokens"),
    (
        CacheRead,
        "prompt_tokens_details.cached_tokens | prompt_cache_hit_tokens | num_cached_tokens | \
         cached_tokens | cache_read_input_tokens | input_tokens_details.cached_tokens",
    ),
    (
        CacheWrite,
        "prompt_tokens_details.cache_write_tokens | prompt_tokens_details.cache_creation_tokens | \
         cache_creation_input_tokens | cache_write_tokens",
    ),
    (
        CacheWriteShort,
        "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens | \
         cache_creation.ephemeral_5m_input_tokens",
    ),
    (
        CacheWriteLong,
        "prompt_tokens_details.cache_write_tokens_details.!ttl_30m_tokens | \
         prompt_tokens_details.cache_creation_token_details.!ephemeral_5m_input_tokens | \
         cache_creation.!ephemeral_5m_input_tokens",
    ),
    (AudioInput, "prompt_tokens_details.audio_tokens"),
    (
        AudioCached,
        "prompt_tokens_details.cached_tokens_details.audio_tokens | \
         prompt_tokens_details.cached_audio_tokens",
    ),
    (ImageInput, "prompt_tokens_details.image_tokens"),
    (MoreInput, "connector_tokens"),
    (Output, "completion_tokens | output_tokens"),
    (
        Reasoning,
        "completion_tokens_details.reasoning_tokens | output_tokens_details.reasoning_tokens | \
         reasoning_tokens",
    ),
    (AudioOutput, "completion_tokens_details.audio_tokens"),
    (ImageOutput, "completion_tokens_details.image_tokens"),
    (Total, "total_tokens"),
];

const ANTHROPIC: Shape = Shape {
    family: "input",
    known_by: "input_tokens | output_tokens",
    caches: Outside,
    figures: &[
        (Input, "input_tokens"),
        (CacheRead, "cache_read_input_tokens"),
        (CacheWrite, "cache_creation_input_tokens"),
        (CacheWriteShort, "cache_creation.ephemeral_5m_input_tokens"),
        (CacheWriteLong, "cache_creation.!ephemeral_5m_input_tokens"),
        (Output, "output_tokens"),
        (
            Reasoning,
            "output_tokens_details.thinking_tokens | output_tokens_details.reasoning_tokens",
        ),
        (Total, "total_tokens"),
    ],
    ..SHAPE
};

/// Units that more than one shape counts. Lines add up, the paths of one line do not.
pub(super) const UNITS: [(UnitKind, &str); 12] = [
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
pub(super) const GROUNDED: &str = "^candidates[].grounding_metadata.web_search_queries";
pub(super) const GROUNDED_BY_ANSWER: [&str; 2] = ["gemini-1", "gemini-2"];

/// The model, from the event.
pub(super) const MODELS: &str = "model | model_version | model_name | model_id | response.model | \
    response.model_id | message.model | response.body.model | result.message.model | \
    result.model | interaction.model | body.model | data.model | model_output.model | \
    session.model | response_metadata.model_name | response_metadata.model | \
    message.response_metadata.model_name | kwargs.response_metadata.model_name | \
    llm_output.model_name | trace.prompt_router.invoked_model_id | response.model_version";

/// The id of the answer, from the event.
pub(super) const IDS: &str = "id | response_id | response.id | message.id | result.message.id | \
    response.body.id | interaction.id | response.response_id";

/// How far an answer is, from the event.
pub(super) const STATUSES: &str = "status | response.status | interaction.status | \
    response.body.status";

/// What an answer without usage is that will have some.
pub(super) const UNFINISHED: [&str; 4] = ["queued", "in_progress", "pending", "running"];

/// What the first event of a stream is whose output is still to come.
pub(super) const BEGINNING: &str = "message_start";

/// The service tier, what comes first being the surer.
pub(super) const TIERS: [&str; 4] =
    ["^service_tier", "service_tier", "traffic_type", "^service_tier.type"];

/// Texts that raise or lower the price: the name of the factor, where it is, and what it says when
/// it does not.
pub(super) const FACTORS: [(&str, &str, &[&str]); 6] = [
    ("speed", "speed", &["standard", "normal"]),
    ("inference_geo", "inference_geo", &["global", "not_available"]),
    ("latency", "^performance_config.latency", &["standard"]),
    ("search_context_size", "search_context_size", &[]),
    ("quality", "^quality", &["auto"]),
    ("size", "^size", &["auto"]),
];

/// The speed that has been billed as a tier of its own, too.
pub(super) const FAST: &str = "fast";

/// What a reported cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CostUnit {
    /// A currency: that of the answer, else the dollar.
    Currency,
    /// 10⁻¹⁰ dollars.
    Tick,
}

pub(super) const COSTS: [(&str, CostUnit); 9] = [
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
pub(super) const CURRENCIES: &str = "cost.currency";

/// With a key of the caller's own the cost is the gateway's fee, and the provider's comes on top.
pub(super) const OWN_KEY: &str = "is_byok";
pub(super) const OWN_KEY_COST: &str = "cost_details.upstream_inference_cost";

/// Billed rounds of one answer of Anthropic, and which of them the usage above them has.
pub(super) const ITERATIONS: &str = "iterations";
pub(super) const OWN_ITERATION: &str = "message";

/// Members that no other provider has.
pub(super) const MARKS: [(&str, &str); 7] = [
    ("cost_in_usd_ticks", "xai"),
    ("^usage.cost_in_usd_ticks", "xai"),
    ("num_sources_used", "xai"),
    ("prompt_cache_hit_tokens", "deepseek"),
    ("is_byok", "openrouter"),
    ("queue_time", "groq"),
    ("prompt_audio_seconds", "mistral"),
];

/// Hints that mean a provider of the table.
pub(super) const HINTS: [(&str, &str); 9] = [
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
