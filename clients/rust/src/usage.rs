//! From what providers report to Tollgate's disjoint token classes.
//!
//! The rules are those of `clients/conformance/README.md`, "Conversion": of a whole that a
//! provider gives, the parts are taken out in a fixed order, each at most what is left. So nothing
//! is negative, nothing is counted twice, and the sum is the provider's.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::v1::{ServiceTier, Usage};

/// Whose answers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Chat completions and responses of `OpenAI`, and of those who answer alike.
    OpenAi,
    /// Messages of Anthropic.
    Anthropic,
    /// `generateContent` of Gemini.
    Gemini,
    /// Recognised by the names of the fields.
    #[default]
    Any,
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Any => "any provider",
        })
    }
}

/// What was to be converted holds no usage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no usage that {0} would report")]
pub struct NoUsage(Provider);

impl Usage {
    /// Reads a chat completion, a response, the events of a stream, or their usage alone.
    pub fn from_openai<A: Serialize + ?Sized>(answer: &A) -> Result<Self, NoUsage> {
        read(answer, Provider::OpenAi)
    }

    /// Reads a message, the events of a stream, or their usage alone.
    pub fn from_anthropic<A: Serialize + ?Sized>(answer: &A) -> Result<Self, NoUsage> {
        read(answer, Provider::Anthropic)
    }

    /// Reads a response of `generateContent`, the chunks of a stream, or their usage alone.
    pub fn from_gemini<A: Serialize + ?Sized>(answer: &A) -> Result<Self, NoUsage> {
        read(answer, Provider::Gemini)
    }

    /// Recognises the provider by the names of the fields.
    pub fn from_any<A: Serialize + ?Sized>(answer: &A) -> Result<Self, NoUsage> {
        read(answer, Provider::Any)
    }
}

fn read<A: Serialize + ?Sized>(answer: &A, provider: Provider) -> Result<Usage, NoUsage> {
    let mut reader = UsageReader::new(provider);
    reader.feed(answer);
    reader.usage().ok_or(NoUsage(provider))
}

/// Where a count goes.
type Class = fn(&mut Usage) -> &mut i64;

/// A whole, its parts in the order in which they are taken out of it, and where the rest goes.
/// Names are paths into the provider's usage.
struct Rule {
    whole: &'static str,
    parts: &'static [Part],
    rest: Class,
}

struct Part {
    path: &'static str,
    /// What is counted inside this part, and is taken off it.
    less: Option<&'static str>,
    class: Class,
}

const fn part(path: &'static str, class: Class) -> Part {
    Part { path, less: None, class }
}

const INPUT: Class = |usage| &mut usage.input_token_count;
const CACHE_READ: Class = |usage| &mut usage.cache_read_token_count;
const CACHE_WRITE_5M: Class = |usage| &mut usage.cache_write_5m_token_count;
const CACHE_WRITE_1H: Class = |usage| &mut usage.cache_write_1h_token_count;
const OUTPUT: Class = |usage| &mut usage.output_token_count;
const REASONING: Class = |usage| &mut usage.reasoning_token_count;
const AUDIO_INPUT: Class = |usage| &mut usage.audio_input_token_count;
const AUDIO_OUTPUT: Class = |usage| &mut usage.audio_output_token_count;
const IMAGE_INPUT: Class = |usage| &mut usage.image_input_token_count;
const IMAGE_OUTPUT: Class = |usage| &mut usage.image_output_token_count;

/// `OpenAI` has two spellings of the same.
macro_rules! openai {
    ($input:literal, $output:literal) => {
        [
            Rule {
                whole: $input,
                parts: &[
                    part(concat!($input, "_details.cached_tokens"), CACHE_READ),
                    part(
                        concat!($input, "_details.cache_write_tokens_details.ttl_12h_tokens"),
                        CACHE_WRITE_1H,
                    ),
                    Part {
                        path: concat!($input, "_details.cache_write_tokens"),
                        less: Some(concat!(
                            $input,
                            "_details.cache_write_tokens_details.ttl_12h_tokens"
                        )),
                        class: CACHE_WRITE_5M,
                    },
                    part(concat!($input, "_details.audio_tokens"), AUDIO_INPUT),
                    part(concat!($input, "_details.image_tokens"), IMAGE_INPUT),
                ],
                rest: INPUT,
            },
            Rule {
                whole: $output,
                parts: &[
                    part(concat!($output, "_details.reasoning_tokens"), REASONING),
                    part(concat!($output, "_details.audio_tokens"), AUDIO_OUTPUT),
                    part(concat!($output, "_details.image_tokens"), IMAGE_OUTPUT),
                ],
                rest: OUTPUT,
            },
        ]
    };
}

static OPENAI_CHAT: [Rule; 2] = openai!("prompt_tokens", "completion_tokens");
static OPENAI_RESPONSES: [Rule; 2] = openai!("input_tokens", "output_tokens");
static ANTHROPIC: [Rule; 4] = [
    Rule { whole: "input_tokens", parts: &[], rest: INPUT },
    Rule { whole: "cache_read_input_tokens", parts: &[], rest: CACHE_READ },
    Rule {
        whole: WRITTEN,
        parts: &[part("cache_creation.ephemeral_1h_input_tokens", CACHE_WRITE_1H)],
        rest: CACHE_WRITE_5M,
    },
    Rule {
        whole: "output_tokens",
        parts: &[part("output_tokens_details.thinking_tokens", REASONING)],
        rest: OUTPUT,
    },
];
static GEMINI: [Rule; 4] = [
    Rule {
        whole: "promptTokenCount",
        parts: &[
            part("cachedContentTokenCount", CACHE_READ),
            Part {
                path: "promptTokensDetails.AUDIO",
                less: Some("cacheTokensDetails.AUDIO"),
                class: AUDIO_INPUT,
            },
            Part {
                path: "promptTokensDetails.IMAGE",
                less: Some("cacheTokensDetails.IMAGE"),
                class: IMAGE_INPUT,
            },
        ],
        rest: INPUT,
    },
    Rule {
        whole: "toolUsePromptTokenCount",
        parts: &[
            part("toolUsePromptTokensDetails.AUDIO", AUDIO_INPUT),
            part("toolUsePromptTokensDetails.IMAGE", IMAGE_INPUT),
        ],
        rest: INPUT,
    },
    Rule {
        whole: "candidatesTokenCount",
        parts: &[
            part("candidatesTokensDetails.AUDIO", AUDIO_OUTPUT),
            part("candidatesTokensDetails.IMAGE", IMAGE_OUTPUT),
        ],
        rest: OUTPUT,
    },
    Rule { whole: "thoughtsTokenCount", parts: &[], rest: REASONING },
];
/// Its parts are summed where it is missing.
const WRITTEN: &str = "cache_creation_input_tokens";
const WRITTEN_PARTS: [&str; 2] =
    ["cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens"];

/// Reads what a provider reports, at once or event by event.
///
/// Of a stream a later event's figures replace an earlier one's, field by field.
#[derive(Debug, Default)]
pub struct UsageReader {
    provider: Provider,
    rules: &'static [Rule],
    figures: HashMap<&'static str, i64>,
    /// The model that answered; empty before it was named.
    pub model: String,
    /// The tier that served; absent before it was named, or if it is none that is known.
    pub service_tier: Option<ServiceTier>,
    /// Whether the figures are those of a stream's beginning: its output is still to come.
    pub(crate) partial: bool,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.whole)
    }
}

impl UsageReader {
    /// Reads answers of this provider, or finds out whose they are.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self { provider, ..Self::default() }
    }

    /// Reads an answer, an event, usage alone, JSON of these, or a list; says if it had usage.
    ///
    /// What carries no usage is passed over, so that all events of a stream can be fed.
    pub fn feed<A: Serialize + ?Sized>(&mut self, answer: &A) -> bool {
        match serde_json::to_value(answer) {
            Ok(answer) => self.feed_value(&answer),
            Err(error) => unreadable(&error),
        }
    }

    /// What is known by now; nothing before there were figures.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        if self.rules.is_empty() {
            return None;
        }
        let mut usage = Usage::default();
        for rule in self.rules {
            let mut left = self.count(rule.whole);
            for part in rule.parts {
                let less = part.less.map_or(0, |path| self.count(path));
                let count = (self.count(part.path) - less).clamp(0, left);
                let class = (part.class)(&mut usage);
                *class = class.saturating_add(count);
                left -= count;
            }
            let rest = (rule.rest)(&mut usage);
            *rest = rest.saturating_add(left);
        }
        Some(usage)
    }

    fn feed_value(&mut self, answer: &Value) -> bool {
        match answer {
            Value::String(text) => {
                return match serde_json::from_str::<Value>(text) {
                    // A text within a text is no answer.
                    Ok(inner) => !inner.is_string() && self.feed_value(&inner),
                    Err(error) => unreadable(&error),
                };
            }
            Value::Array(items) => {
                // All of them, also after one that had usage.
                return items.iter().filter(|item| self.feed_value(item)).count() > 0;
            }
            _ => {}
        }
        let within = given(answer, "response").or_else(|| given(answer, "message"));
        let within = within.filter(|inner| inner.is_object());
        let inner = within.unwrap_or(answer);
        let mut usage = given(inner, "usage").or_else(|| given(inner, "usageMetadata"));
        if usage.is_none() && within.is_none() && self.rules_of(answer, answer).is_some() {
            usage = Some(answer);
        } else {
            self.read_names(inner, usage);
        }
        let Some((usage, rules)) =
            usage.and_then(|usage| Some((usage, self.rules_of(inner, usage)?)))
        else {
            return false;
        };
        let kind = get(answer, "type").and_then(Value::as_str).unwrap_or_default();
        // OpenAI reports once, so its figures are never added to those of another answer.
        let once = [&OPENAI_CHAT[..], &OPENAI_RESPONSES].iter().any(|of| std::ptr::eq(*of, rules));
        if once || kind == "message" {
            self.figures.clear();
        }
        self.rules = rules;
        self.partial = within.is_some() && kind == "message_start";
        let parts = rules.iter().flat_map(|rule| rule.parts);
        let paths = rules.iter().map(|rule| rule.whole).chain(WRITTEN_PARTS);
        for path in paths.chain(parts.flat_map(|part| part.less.into_iter().chain([part.path]))) {
            if let Some(count) = figure(usage, path) {
                self.figures.insert(path, count);
            }
        }
        true
    }

    fn count(&self, path: &str) -> i64 {
        match self.figures.get(path) {
            Some(count) => *count,
            None if path == WRITTEN => {
                WRITTEN_PARTS.iter().fold(0, |sum, part| sum.saturating_add(self.count(part)))
            }
            None => 0,
        }
    }

    fn rules_of(&self, answer: &Value, usage: &Value) -> Option<&'static [Rule]> {
        let has = |names: &[&str]| names.iter().any(|name| get(usage, name).is_some());
        let may_be = |provider| self.provider == provider || self.provider == Provider::Any;
        let gemini =
            ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"];
        if may_be(Provider::Gemini) && has(&gemini) {
            return Some(&GEMINI);
        }
        if may_be(Provider::OpenAi) && has(&["prompt_tokens", "completion_tokens"]) {
            return Some(&OPENAI_CHAT);
        }
        if !has(&["input_tokens", "output_tokens"]) {
            return None;
        }
        let kind = get(answer, "type").and_then(Value::as_str).unwrap_or_default();
        let anthropic = ["message", "message_delta"].contains(&kind)
            || has(&[WRITTEN, "cache_read_input_tokens", "cache_creation"]);
        match self.provider {
            Provider::Gemini => None,
            Provider::Anthropic => Some(&ANTHROPIC),
            Provider::Any if anthropic => Some(&ANTHROPIC),
            Provider::OpenAi | Provider::Any => Some(&OPENAI_RESPONSES),
        }
    }

    fn read_names(&mut self, answer: &Value, usage: Option<&Value>) {
        let model = given(answer, "model").or_else(|| given(answer, "modelVersion"));
        if let Some(model) = model.and_then(Value::as_str) {
            model.strip_prefix("models/").unwrap_or(model).clone_into(&mut self.model);
        }
        let usage = usage.unwrap_or(&Value::Null);
        let said = [
            (usage, "trafficType"),
            (usage, "serviceTier"),
            (answer, "service_tier"),
            (usage, "speed"),
        ];
        for (holder, name) in said {
            if let Some(tier) = get(holder, name).and_then(Value::as_str) {
                self.service_tier = tier_of(tier).or(self.service_tier);
            }
        }
    }
}

/// A call must not fail because of what it used.
fn unreadable(error: &serde_json::Error) -> bool {
    tracing::warn!(%error, "tollgate: an answer has no usage that can be read");
    false
}

fn tier_of(name: &str) -> Option<ServiceTier> {
    match name.to_lowercase().as_str() {
        "default" | "standard" | "scale" | "on_demand" | "provisioned_throughput" => {
            Some(ServiceTier::Standard)
        }
        "batch" => Some(ServiceTier::Batch),
        "flex" | "on_demand_flex" => Some(ServiceTier::Flex),
        "priority" | "fast" | "ultrafast" | "on_demand_priority" => Some(ServiceTier::Priority),
        _ => None,
    }
}

/// Reads a field in camel or snake case; null is as good as missing.
fn get<'a>(holder: &'a Value, name: &str) -> Option<&'a Value> {
    let present = |name: &str| holder.get(name).filter(|value| !value.is_null());
    present(name).or_else(|| {
        if !name.contains(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        let mut snake = String::with_capacity(name.len() + 4);
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        present(&snake)
    })
}

/// Reads a field that is an object or a text, and not an empty one.
fn given<'a>(holder: &'a Value, name: &str) -> Option<&'a Value> {
    get(holder, name).filter(|value| match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => false,
    })
}

/// Follows a path; a modality in capitals picks that entry of a list.
fn figure(usage: &Value, path: &str) -> Option<i64> {
    let mut value = usage;
    for name in path.split('.') {
        if name.chars().all(|letter| letter.is_ascii_uppercase()) {
            return modality(value, name);
        }
        value = get(value, name)?;
    }
    Some(natural(value))
}

fn modality(entries: &Value, name: &str) -> Option<i64> {
    let counts: Vec<i64> = entries
        .as_array()?
        .iter()
        .filter(|entry| {
            let modality = get(entry, "modality").and_then(Value::as_str);
            modality.is_some_and(|modality| modality.eq_ignore_ascii_case(name))
        })
        .map(|entry| get(entry, "tokenCount").map_or(0, natural))
        .collect();
    if counts.is_empty() {
        None
    } else {
        Some(counts.iter().fold(0, |sum, n| sum.saturating_add(*n)))
    }
}

/// A count, or zero where there is none: missing, negative, or not a number.
fn natural(value: &Value) -> i64 {
    let whole = value.as_i64().or_else(|| value.is_u64().then_some(i64::MAX));
    // A float that is too large becomes the largest count, one that is none becomes zero.
    #[allow(clippy::cast_possible_truncation)]
    let count = whole.or_else(|| value.as_f64().map(|float| float as i64));
    count.unwrap_or(0).max(0)
}
