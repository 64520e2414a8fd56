//! The rules: the shapes of usage that are known, and where each figure is in them.
//!
//! A new shape is an entry of [`SHAPES`] in `usage.rs` and a case in `tests/shapes.rs`; a new place
//! of the usage, or of anything else, an entry in `places.rs`. Everything in this folder is data,
//! and nothing of it is said elsewhere.
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

mod places;
mod usage;

use Figure::{
    AudioCached, AudioInput, AudioOutput, CacheRead, CacheWrite, CacheWriteLong, CacheWriteShort,
    ImageInput, ImageOutput, Input, MoreInput, Output, Reasoning, Total,
};
use Where::{Inside, Outside};

pub(super) use places::{
    BEGINNING, COSTS, CURRENCIES, CostUnit, FACTORS, FAST, GROUNDED, GROUNDED_BY_ANSWER, HINTS,
    IDS, ITERATIONS, MARKS, MODELS, OWN_ITERATION, OWN_KEY, OWN_KEY_COST, OWNERS, PLACES, REPEATED,
    STATUSES, TIERS, UNFINISHED, UNITS,
};
pub(super) use usage::{APART, COST_ALONE, SHAPES};

use crate::domain::usage::UnitKind;

/// What a shape says of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answers) enum Figure {
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
pub(in crate::answers) enum Where {
    /// In the whole that it is a part of.
    Inside,
    /// Beside it, and in the total.
    Outside,
    /// Beside it, and not in the total.
    Apart,
}

/// A form of usage.
#[derive(Clone, Copy, Debug)]
pub(in crate::answers) struct Shape {
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

/// Chat completions of all who serve them.
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
