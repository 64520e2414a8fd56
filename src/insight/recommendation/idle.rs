//! Limits that are far from being reached, and keys and assistants that nobody uses.

use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::workspace::recommendation::{
    Advice, Baseline, RecommendationEvidence, RecommendationTopic,
};
use crate::domain::{Amount, Time};

/// So long a limit must have been far from being reached.
pub const LIMIT_DAYS: i64 = 90;
/// So long a key or an assistant must have been unused.
pub const UNUSED_DAYS: i64 = 30;
/// A limit that never had more than this share used, in percent, is far from being reached.
const USED_PERCENT_MAX: i64 = 5;

/// A limit, and what was used of it.
#[derive(Clone, Debug)]
pub struct LimitUse {
    pub topic: RecommendationTopic,
    /// In its unit, as is what follows.
    pub limit: i64,
    /// In that of its windows in which most was used.
    pub most: i64,
    pub evidence: RecommendationEvidence,
}

impl LimitUse {
    fn is_idle(&self) -> bool {
        i128::from(self.most) * 100 <= i128::from(self.limit) * i128::from(USED_PERCENT_MAX)
    }
}

/// The limits that were never near.
pub fn limits(limits: Vec<LimitUse>) -> Vec<Advice> {
    let idle = limits.into_iter().filter(LimitUse::is_idle);
    idle.map(|limit| without_saving(limit.topic, limit.evidence)).collect()
}

/// A key or an assistant.
#[derive(Clone, Debug)]
pub struct Registered {
    pub topic: RecommendationTopic,
    pub create_time: Time,
    pub last_use: Option<Time>,
}

/// Those that were there all the time, and never used in it.
pub fn unused(registered: Vec<Registered>, now: Time) -> Vec<Advice> {
    const SPAN: Micros = UNUSED_DAYS * MICROS_PER_DAY;
    let since = now - SPAN;
    let is_unused = |it: &Registered| {
        it.create_time <= since && it.last_use.is_none_or(|last_use| last_use < since)
    };
    let unused = registered.into_iter().filter(is_unused);
    let (requests, tokens, cost) = (0, 0, Amount::ZERO);
    let evidence =
        RecommendationEvidence { start_time: since, end_time: now, requests, tokens, cost };
    unused.map(|it| without_saving(it.topic, evidence)).collect()
}

fn without_saving(topic: RecommendationTopic, evidence: RecommendationEvidence) -> Advice {
    Advice { topic, evidence, saving: None, baseline: Baseline::default() }
}
