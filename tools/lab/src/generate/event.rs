//! Events of a generated history: billed attempts, and who they were for.

use std::sync::Arc;

use uuid::Uuid;

use super::Micros;

/// One billed attempt of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub request_id: Uuid,
    /// 1 for the retry after an error, otherwise 0.
    pub attempt: i32,
    pub start_time: Micros,
    pub latency: Micros,
    /// When it was reported; for a few hours after it ended.
    pub report_time: Micros,
    /// Index of the model, below [`super::Spec::models`].
    pub model: usize,
    pub tokens: Tokens,
    pub outcome: Outcome,
    /// Shared by the events of a session.
    pub attribution: Arc<Attribution>,
    pub fingerprint: i64,
    /// A similar check at that time that was not allowed as it was asked for.
    pub refusal: Option<Refusal>,
}

/// Tokens by class; each token is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: i64,
    pub cache_read: i64,
    pub output: i64,
    pub reasoning: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Error,
    Cancelled,
}

/// Who and what a request was for. An empty text means that it was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Keys and values.
    pub tags: Vec<(&'static str, String)>,
}

/// What became of a check that was not allowed as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The model's limit moved it to a cheaper model.
    Routed,
    BlockedByQuota,
    BlockedByRateLimit,
    BlockedByRule,
}
