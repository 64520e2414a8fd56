//! Questions to the ledger and its answers.

use std::sync::Arc;

use super::amount::Amount;
use super::currency::Currency;
use super::fingerprint::Fingerprint;
use super::packed::PackedAttribution;
use super::quota::{Enforcement, Period, Span, SubjectKind, Unit};
use super::time::{Micros, Time};
use super::usage::{Attribution, Outcome, ServiceTier, TokenClass, Usage, UsageSource};

/// Longest request id, in characters.
pub const REQUEST_ID_CHARS_MAX: usize = 128;
/// Most live holds of one workspace.
pub const HOLDS_MAX: usize = 2_000_000;
/// Most verdicts in one decision.
pub const VERDICTS_MAX: usize = 64;

pub const HOLD_DURATION_DEFAULT: Micros = 10 * super::time::MICROS_PER_MINUTE;
pub const HOLD_DURATION_MIN: Micros = super::time::MICROS_PER_SECOND;
pub const HOLD_DURATION_MAX: Micros = 24 * super::time::MICROS_PER_HOUR;

/// When a retry makes sense if requests in flight hold what is missing.
pub const HELD_RETRY_AFTER: Micros = super::time::MICROS_PER_SECOND;

/// Classes of tokens that a check declares.
const DECLARED_CLASSES: [TokenClass; 4] =
    [TokenClass::Input, TokenClass::CacheRead, TokenClass::CacheWrite5m, TokenClass::CacheWrite1h];

/// One request to decide on. Counts are checked by whoever builds it: each 0 or more, at most
/// `TOKENS_MAX` together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub request_id: Arc<str>,
    /// As the caller spells it: an id or an alias.
    pub model_id: String,
    /// Declared input by class; output classes are zero.
    pub input: Usage,
    pub max_output: Option<i64>,
    pub tier: ServiceTier,
    /// Asked of fallback candidates. Sorted.
    pub required_capabilities: Vec<String>,
    pub hold_duration: Micros,
    pub dry_run: bool,
    /// Answers with every limit that applies.
    pub explain: bool,
    pub attribution: Option<Box<Attribution>>,
}

impl Check {
    /// Hash of the content, stable for ever. `dry_run` and `explain` are not part of it.
    pub(super) fn fingerprint(&self, attribution: Option<&PackedAttribution>) -> i64 {
        let mut print = Fingerprint::default();
        print.text(&self.model_id);
        for class in DECLARED_CLASSES {
            print.int(self.input.get(class));
        }
        print.int(self.max_output.unwrap_or(-1));
        print.int(self.tier as i64);
        print.int(self.hold_duration);
        print.int(self.required_capabilities.len() as i64);
        for capability in &self.required_capabilities {
            print.text(capability);
        }
        print.attribution(attribution);
        print.finish()
    }
}

/// The answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub answer: Answer,
    /// Set aside, or with `dry_run` what would be.
    pub held: Amount,
    /// When the hold ends by itself; absent if nothing is held.
    pub expire_time: Option<Time>,
    pub state: BudgetState,
    /// Why it is blocked or was routed.
    pub reason: Option<Reason>,
    pub verdicts: Vec<Verdict>,
    pub retry_after: Option<Micros>,
    /// With [`Check::explain`] every limit that applies on the model asked for.
    pub limits: Vec<Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Run it as asked for.
    Allowed,
    /// Run it on this model.
    Routed(Arc<str>),
    Blocked,
}

/// Where a workspace stands in its running cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BudgetState {
    /// There is no plan.
    NoPlan,
    WithinPlan,
    InOverage,
    Exhausted,
}

/// Why a limit or a rule spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Spent so far that the request does not fit until the window ends.
    Exhausted,
    /// Would fit if requests in flight did not hold so much.
    HeldInFlight,
    /// Alone larger than the whole limit.
    RequestTooLarge,
    /// A model limit is in the way and automatic fallback is off, or it led to another model.
    ModelLimit,
    /// A model limit is in the way and no other model may take the request.
    NoAllowedModel,
    ModelUnknown,
    ModelDisabled,
    ModelUnpriced,
    PlanNotSet,
    CapabilityMissing,
    ContextWindowExceeded,
    /// A rate limit is used up.
    RateLimited,
    KeyUnknown,
    KeyDisabled,
    KeyExpired,
    /// The key's list of models does not have the model.
    ModelNotAllowed,
    /// A limit with [`super::quota::Enforcement::Downgrade`] led to another model, or blocked the
    /// request because fallback is off.
    Downgrade,
    /// The request fits, and takes a limit over a threshold.
    ThresholdCrossed,
}

/// What one limit, or one rule about a model or a key, said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub subject: Subject,
    /// Absent only in [`Decision::limits`], where a limit has nothing against the request.
    pub reason: Option<Reason>,
    /// Figures of the limit; absent for a rule.
    pub limit: Option<LimitFigures>,
    /// Whether it kept the request from running on the model it is about.
    pub blocking: bool,
    /// How long until it alone would let the request pass, if that helps.
    pub retry_after: Option<Micros>,
    /// Of [`Reason::ThresholdCrossed`]: the highest that is crossed, in percent.
    pub threshold: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitFigures {
    pub kind: LimitKind,
    /// Of the quota or rate limit.
    pub id: Option<Arc<str>>,
    pub unit: Unit,
    pub period: LimitPeriod,
    pub enforcement: Enforcement,
    /// The only model that it counts.
    pub model_id: Option<Arc<str>>,
    /// With its boosts. This and the next three in the unit: nano-units, tokens or requests.
    pub limit: i64,
    pub spent: i64,
    pub held: i64,
    pub need: i64,
    /// Absent for one that is reset by hand, and for rate limits.
    pub reset_time: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    Envelope,
    ModelLimit,
    Quota,
    RateLimit,
}

/// Over which span a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitPeriod {
    Fixed(Period),
    Sliding(Span),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Workspace(Arc<str>),
    Model(Arc<str>),
    /// Of another kind than the workspace.
    Member {
        kind: SubjectKind,
        id: Arc<str>,
    },
}

/// What a caller says about one billed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    pub request_id: Arc<str>,
    pub attempt: i32,
    pub model_id: String,
    pub tier: ServiceTier,
    pub usage: Usage,
    pub outcome: Outcome,
    pub source: UsageSource,
    pub start_time: Option<Time>,
    pub latency: Micros,
    pub attribution: Option<Box<Attribution>>,
}

impl UsageReport {
    /// Hash of the content, stable for ever: kept in the log.
    pub fn fingerprint(&self) -> i64 {
        let mut print = Fingerprint::default();
        print.text(&self.model_id);
        print.int(self.tier as i64);
        for count in self.usage.tokens {
            print.int(count);
        }
        print.int(self.outcome as i64);
        print.int(self.source as i64);
        print.int(self.start_time.map_or(-1, Time::micros));
        print.int(self.latency);
        let attribution = self.attribution.as_deref().and_then(PackedAttribution::new);
        print.attribution(attribution.as_ref());
        print.finish()
    }
}

/// Where the workspace stands after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: BudgetState,
    pub cycle_spent: Amount,
}

/// Failures, as opposed to refusals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("request_id is in use with other content")]
    RequestIdReused,
    #[error("no exchange rate from {from} to {to}")]
    ExchangeRateMissing { from: Currency, to: Currency },
    #[error("no live hold has this request_id")]
    HoldNotFound,
    #[error("{bound} is at most {max}")]
    BoundReached { bound: &'static str, max: i64 },
}
