//! Questions to the ledger and its answers.

use std::sync::Arc;

use crate::domain::attribution::{Attribution, AttributionField, PackedAttribution, SubjectKind};
use crate::domain::quota::{Enforcement, Period, Unit};
use crate::domain::rate_limit::RateWindow;
use crate::domain::record::Fingerprint;
use crate::domain::time::Micros;
use crate::domain::usage::{Extras, ServiceTier, TokenClass, Usage};
use crate::domain::{Amount, Time};

/// Longest request id, in characters.
pub const REQUEST_ID_CHARS_MAX: usize = 128;
/// Most live holds of one workspace.
pub const HOLDS_MAX: usize = 2_000_000;
/// Most verdicts in one decision.
pub const VERDICTS_MAX: usize = 64;

pub const HOLD_DURATION_DEFAULT: Micros = 10 * crate::domain::time::MICROS_PER_MINUTE;
pub const HOLD_DURATION_MIN: Micros = crate::domain::time::MICROS_PER_SECOND;
pub const HOLD_DURATION_MAX: Micros = 24 * crate::domain::time::MICROS_PER_HOUR;

/// When a retry makes sense if requests in flight hold what is missing.
pub const HELD_RETRY_AFTER: Micros = crate::domain::time::MICROS_PER_SECOND;

/// Classes of tokens that a check declares.
const DECLARED_CLASSES: [TokenClass; 4] =
    [TokenClass::Input, TokenClass::CacheRead, TokenClass::CacheWrite5m, TokenClass::CacheWrite1h];

/// One request to decide on. The caller has checked the counts: each 0 or more, at most
/// `TOKENS_MAX` together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub request_id: Arc<str>,
    /// As the caller spells it: any name of the model.
    pub model_id: String,
    /// Declared input by class; output classes are zero.
    pub input: Usage,
    pub max_output: Option<i64>,
    /// The most units it will use, and the factors that may apply to it.
    pub extras: Option<Box<Extras>>,
    pub tier: ServiceTier,
    /// What the provider adds to the input; empty for nothing.
    pub context_id: String,
    /// Asked of fallback candidates. Sorted.
    pub required_capabilities: Vec<String>,
    pub hold_duration: Micros,
    pub dry_run: bool,
    /// Answers with every limit that applies.
    pub explain: bool,
    pub attribution: Option<Box<Attribution>>,
}

impl Check {
    /// Its input on another model than the one it names: what would be read from a cache there is
    /// input, because each model has a cache of its own.
    pub fn cold_input(&self) -> Usage {
        let input = self.input.get(TokenClass::Input) + self.input.get(TokenClass::CacheRead);
        self.input.with(TokenClass::Input, input).with(TokenClass::CacheRead, 0)
    }

    /// Hash of the content, stable for ever. `dry_run` and `explain` are not part of it.
    pub fn fingerprint(&self, attribution: Option<&PackedAttribution>) -> i64 {
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
        if let Some(extras) = &self.extras {
            extras.print(&mut print);
        }
        // What was hashed before there were contexts keeps its hash.
        if !self.context_id.is_empty() {
            print.text(&self.context_id);
        }
        print.finish()
    }
}

/// The answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub answer: Answer,
    /// Number of the attempt that the usage is recorded under.
    pub attempt: i32,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
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
    /// The request lacks a field of the attribution that the workspace requires.
    AttributionMissing,
    KeyUnknown,
    KeyDisabled,
    KeyExpired,
    /// The key's list of models does not have the model.
    ModelNotAllowed,
    /// A limit with [`crate::domain::quota::Enforcement::Downgrade`] led to another model, or
    /// blocked the request because fallback is off.
    Downgrade,
    /// The request fits, and takes a limit over a threshold.
    ThresholdCrossed,
    /// The workspace or a subject of the request is frozen.
    Frozen,
    /// The workspace is archived.
    WorkspaceArchived,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
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
    Sliding(RateWindow),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Workspace(Arc<str>),
    Model(Arc<str>),
    /// A field of the attribution, which the request leaves empty.
    Field(AttributionField),
    /// Of another kind than the workspace.
    Member {
        kind: SubjectKind,
        id: Arc<str>,
    },
}

/// Where the workspace stands after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStatus {
    pub state: BudgetState,
    pub cycle_spent: Amount,
}

/// Most that one key adds up to: a hundred million units. Where callers repeat a request without
/// end, sums stay inside 64 bits.
pub const REFUSED_MAX: Amount = Amount::from_nanos(100_000_000 * 1_000_000_000);

/// What was in the way of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitKey {
    /// Stands for the request itself, which is counted once whatever was in its way.
    Request,
    Envelope,
    ModelLimit(String),
    Quota(String),
    RateLimit(String),
    /// By its reason, for example "MODEL_DISABLED".
    Rule(String),
}

/// What refusals are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefusalKey {
    /// Start of the local hour.
    pub hour: Time,
    pub limit: LimitKey,
    /// Model asked for: the catalog's id, or as it was spelt where that is unknown.
    pub model_id: String,
    pub user_id: String,
}

/// Checks of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusalCounts {
    pub blocked_count: i64,
    pub routed_count: i64,
    /// What blocked requests would have cost at most.
    pub blocked: Amount,
    /// What routed requests would have cost at most on the model asked for, less the same on the
    /// model they were routed to.
    pub saved: Amount,
}

impl RefusalCounts {
    /// Sums of money stop at [`REFUSED_MAX`].
    pub fn add(&mut self, other: &RefusalCounts) {
        self.blocked_count += other.blocked_count;
        self.routed_count += other.routed_count;
        self.blocked = bounded_sum(self.blocked, other.blocked);
        self.saved = bounded_sum(self.saved, other.saved);
    }
}

fn bounded_sum(a: Amount, b: Amount) -> Amount {
    let most = REFUSED_MAX.nanos();
    Amount::from_nanos(a.nanos().saturating_add(b.nanos()).clamp(-most, most))
}
