//! What one billed attempt used, and who it was for.

use std::collections::BTreeMap;

/// Most tokens of one record or one check, all classes together.
pub const TOKENS_MAX: i64 = 100_000_000;

/// Classes of tokens. Disjoint: a token is counted in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    Input,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    Output,
    Reasoning,
    AudioInput,
    AudioOutput,
    ImageInput,
    ImageOutput,
}

impl TokenClass {
    pub const COUNT: usize = 10;

    pub const ALL: [TokenClass; TokenClass::COUNT] = [
        TokenClass::Input,
        TokenClass::CacheRead,
        TokenClass::CacheWrite5m,
        TokenClass::CacheWrite1h,
        TokenClass::Output,
        TokenClass::Reasoning,
        TokenClass::AudioInput,
        TokenClass::AudioOutput,
        TokenClass::ImageInput,
        TokenClass::ImageOutput,
    ];
}

/// Tokens by class; each 0 or more, together at most [`TOKENS_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    pub tokens: [i64; TokenClass::COUNT],
}

impl Usage {
    pub fn get(&self, class: TokenClass) -> i64 {
        self.tokens[class as usize]
    }

    pub fn set(&mut self, class: TokenClass, count: i64) {
        self.tokens[class as usize] = count;
    }

    pub fn with(mut self, class: TokenClass, count: i64) -> Usage {
        self.set(class, count);
        self
    }

    /// All tokens that went into the model: what a long-context threshold is compared with.
    pub fn total_input(&self) -> i64 {
        self.get(TokenClass::Input)
            + self.get(TokenClass::CacheRead)
            + self.get(TokenClass::CacheWrite5m)
            + self.get(TokenClass::CacheWrite1h)
            + self.get(TokenClass::AudioInput)
            + self.get(TokenClass::ImageInput)
    }

    /// All tokens that came out of it: what estimates of output learn from.
    pub fn total_output(&self) -> i64 {
        self.get(TokenClass::Output)
            + self.get(TokenClass::Reasoning)
            + self.get(TokenClass::AudioOutput)
            + self.get(TokenClass::ImageOutput)
    }
}

/// Price class at which a provider serves a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServiceTier {
    #[default]
    Standard,
    Batch,
    Flex,
    Priority,
}

impl ServiceTier {
    pub const COUNT: usize = 4;
    pub const ALL: [ServiceTier; ServiceTier::COUNT] =
        [ServiceTier::Standard, ServiceTier::Batch, ServiceTier::Flex, ServiceTier::Priority];
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Success,
    Error,
    Cancelled,
}

/// Where token counts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageSource {
    Provider,
    Estimated,
}

/// Who and what a request is for. An empty text means "not said".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attribution {
    pub user_id: String,
    pub department_id: String,
    pub api_key_id: String,
    pub assistant_id: String,
    pub workflow_id: String,
    pub feature_id: String,
    pub project_id: String,
    pub investigation_id: String,
    pub session_id: String,
    pub tags: BTreeMap<String, String>,
}

impl Attribution {
    pub fn is_empty(&self) -> bool {
        *self == Attribution::default()
    }
}
