//! The shapes of usage: the table that all reading follows.

use super::Figure::{
    AudioCached, AudioInput, AudioOutput, CacheRead, CacheWrite, CacheWriteLong, CacheWriteShort,
    ImageCached, ImageInput, ImageOutput, Input, MoreAudio, MoreImage, MoreInput, Output,
    Reasoning, Total,
};
use super::Where::{Apart, Outside};
use super::{ANTHROPIC, CHAT, SHAPE, Shape};
use crate::domain::usage::UnitKind;

pub(in crate::answers) const SHAPES: [Shape; 28] = [
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
    // Without details all that comes out is images.
    Shape {
        name: "openai.images",
        family: "input",
        known_by: "input_tokens | output_tokens",
        and: "^data",
        unless: "^object | output_tokens_details",
        figures: &[
            (Input, "input_tokens"),
            (ImageInput, "input_tokens_details.image_tokens"),
            (Output, "output_tokens"),
            (ImageOutput, "output_tokens"),
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

/// A reported cost without any figure. It is not recognised by a name: it is what remains where no
/// other shape fits.
pub(in crate::answers) const COST_ALONE: Shape = Shape { name: "cost", family: "cost", ..SHAPE };

/// Figures of two providers that no usage has together, and the shapes they belong to.
pub(in crate::answers) const APART: [(&str, &str); 2] = [
    ("prompt_token_count | candidates_token_count", "gemini"),
    ("prompt_tokens | completion_tokens | input_tokens | output_tokens", "openai.chat"),
];
