//! Why a provider answer could not be read.

use super::{BYTES_MAX, COUNT_MAX, DEPTH_MAX, PARTS_MAX};
use crate::domain::usage::TOKENS_MAX;

/// Why a provider answer could not be read. No message has any of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("provider_answer.json: expected 1 to {PARTS_MAX} parts, got {0}")]
    Parts(usize),
    #[error("provider_answer.json: expected at most {BYTES_MAX} bytes together, got {0}")]
    TooLarge(usize),
    #[error("provider_answer.json[{part}]: not JSON: {message}")]
    NotJson { part: usize, message: String },
    #[error("provider_answer.json[{part}]: nested deeper than {DEPTH_MAX} levels")]
    TooDeep { part: usize },
    #[error("provider_answer.json[{part}]: `{name}` is there twice in one object")]
    Twice { part: usize, name: String },
    #[error("provider_answer.json[{part}]: `{name}` is not a number")]
    NotANumber { part: usize, name: String },
    #[error("provider_answer.json[{part}]: `{name}` is negative")]
    Negative { part: usize, name: String },
    #[error("provider_answer.json[{part}]: `{name}` is not a whole number of at most {COUNT_MAX}")]
    NotACount { part: usize, name: String },
    #[error("provider_answer.json: no usage found; looked for {looked_for}")]
    NoUsage { looked_for: String },
    #[error("provider_answer.json: no usage yet, the answer's status is `{status}`")]
    Unfinished { status: String },
    #[error(
        "provider_answer.json[{part}]: `{shape}` was recognised with a total of {total} tokens, \
         but none of its parts: looked for {looked_for}"
    )]
    NothingCounted { part: usize, shape: &'static str, total: i64, looked_for: String },
    #[error(
        "provider_answer.json: usage of two providers, `{first}` and `{second}`; record each apart"
    )]
    TwoProviders { first: &'static str, second: &'static str },
    #[error("provider_answer.json: two models, `{first}` and `{second}`; record each apart")]
    TwoModels { first: String, second: String },
    #[error(
        "provider_answer.json: several answers ({difference}); expected one answer, or the events \
         of one stream: record each answer apart"
    )]
    SeveralAnswers { difference: String },
    #[error("provider_answer.json: expected at most {TOKENS_MAX} tokens together, got {0}")]
    TooManyTokens(i64),
}

impl Unreadable {
    /// Index of the JSON text that it is about.
    pub fn part(&self) -> Option<usize> {
        match self {
            Unreadable::NotJson { part, .. }
            | Unreadable::TooDeep { part }
            | Unreadable::Twice { part, .. }
            | Unreadable::NotANumber { part, .. }
            | Unreadable::Negative { part, .. }
            | Unreadable::NotACount { part, .. }
            | Unreadable::NothingCounted { part, .. } => Some(*part),
            _ => None,
        }
    }

    /// Whether the JSON is sound, and its usage is not found or not understood.
    pub fn is_about_usage(&self) -> bool {
        !matches!(
            self,
            Unreadable::Parts(_)
                | Unreadable::TooLarge(_)
                | Unreadable::NotJson { .. }
                | Unreadable::TooDeep { .. }
        )
    }
}
