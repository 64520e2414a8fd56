//! What of a provider answer is kept: its figures and a few names, never its content.
//!
//! The same rule is applied by the clients before they send, by the server to what it gets, and to
//! what is stored with a record. What it leaves out cannot be read either. It is described in
//! docs/provider-answers.md, and its cases are in clients/conformance/provider_answer.json.
//!
//! Names are compared without regard to case, `_` and `-`: `promptTokens` is `prompt_tokens`.

/// Most bytes of a member's name; a member with a longer one is left out.
pub const NAME_BYTES_MAX: usize = 64;

/// Most characters of a text; a longer one is left out.
pub const TEXT_CHARACTERS_MAX: usize = 128;

/// Most bytes of a number that is given as a text, such as `"0.0025"`.
pub const NUMBER_BYTES_MAX: usize = 24;

/// Members whose texts are kept.
pub const TEXTS: [&str; 24] = [
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
pub const WRAPPERS: [&str; 19] = [
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

/// Members that are entered on the way to the usage, but have content beside it: of their numbers
/// only those are kept whose names say that they are usage, of their texts only `type`.
pub const NARROW: [&str; 16] = [
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
pub const COUNTED: [&str; 2] = ["data", "web_search_queries"];

/// A member whose name has one of these words is usage: everything in it is kept that is a number,
/// an object or a list of objects.
pub const USAGE_WORDS: [&str; 5] = ["bill", "cache", "cost", "token", "usage"];

/// Members that are usage, too.
pub const USAGE_NAMES: [&str; 5] = [
    "amazon_bedrock_invocation_metrics",
    "connectors",
    "grounding_tool_count",
    "iterations",
    "server_tool_use",
];

/// Members whose numbers are dropped: a number that names a thing counts nothing.
pub const NOT_COUNTED: &str = "id";

/// Where in an answer a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The answer itself, and what is in a wrapper.
    Open,
    /// Beside content.
    Narrow,
    /// Inside of usage.
    Usage,
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub is_text: bool,
    pub is_wrapper: bool,
    pub is_narrow: bool,
    pub is_counted: bool,
    pub is_usage: bool,
    pub is_id: bool,
    pub is_type: bool,
}

impl Kinds {
    /// Of a name in its folded spelling, in any region.
    pub fn of(folded: &str) -> Kinds {
        let among = |names: &[&str]| names.iter().any(|name| folded_text(name) == folded);
        Kinds {
            is_text: among(&TEXTS),
            is_wrapper: among(&WRAPPERS),
            is_narrow: among(&NARROW),
            is_counted: among(&COUNTED),
            is_usage: Kinds::says_usage(folded) || among(&USAGE_NAMES),
            is_id: folded == NOT_COUNTED,
            is_type: folded == "type",
        }
    }

    /// Of a name that no list has.
    pub fn of_unlisted(folded: &str) -> Kinds {
        Kinds { is_usage: Kinds::says_usage(folded), ..Kinds::default() }
    }

    fn says_usage(folded: &str) -> bool {
        USAGE_WORDS.iter().any(|word| folded.contains(word))
    }

    /// Whether a number or a boolean of this name is kept.
    pub fn keeps_number(self, region: Region) -> bool {
        let here = match region {
            Region::Open | Region::Usage => true,
            Region::Narrow => self.is_usage || self.is_counted,
        };
        here && !self.is_id
    }

    /// Whether a text of this name is kept.
    pub fn keeps_text(self, region: Region) -> bool {
        match region {
            Region::Open | Region::Usage => self.is_text,
            Region::Narrow => self.is_type,
        }
    }

    /// Whether a text of this name is kept if it is a number.
    pub fn keeps_numeric_text(self, region: Region) -> bool {
        (self.is_usage || region == Region::Usage) && !self.is_id
    }

    /// The region inside of an object of this name; none if it is left out.
    pub fn object(self, region: Region) -> Option<Region> {
        if region == Region::Usage || self.is_usage {
            Some(Region::Usage)
        } else if self.is_narrow || (self.is_wrapper && region == Region::Narrow) {
            Some(Region::Narrow)
        } else if self.is_wrapper {
            Some(Region::Open)
        } else {
            None
        }
    }

    /// The region inside of the objects of a list of this name; none if it is left out.
    pub fn list(self, region: Region) -> Option<Region> {
        self.object(region).map(|inside| match inside {
            Region::Open => Region::Narrow,
            inside => inside,
        })
    }
}

/// Whether a name has a form that a provider would choose: no text of a prompt has.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/@$".contains(&b);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(plain)
}

/// Whether a text is short and plain enough to be kept.
pub(super) fn is_short_text(text: &str) -> bool {
    let is_plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_plain {
        return text.len() <= TEXT_CHARACTERS_MAX;
    }
    text.len() <= 4 * TEXT_CHARACTERS_MAX
        && text.chars().count() <= TEXT_CHARACTERS_MAX
        && !text.chars().any(char::is_control)
}

/// Whether a text is a number as JSON writes it.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    text.len() <= NUMBER_BYTES_MAX && digits(whole) && digits(fraction) && digits(exponent)
}

/// A name without `_`, `-` and capitals, as names are compared.
pub(super) fn folded_text(name: &str) -> String {
    name.bytes().filter_map(fold).map(char::from).collect()
}

/// A byte of a name as it is compared; none if it does not matter.
pub(super) fn fold(byte: u8) -> Option<u8> {
    (byte != b'_' && byte != b'-').then_some(byte.to_ascii_lowercase())
}
