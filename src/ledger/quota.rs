//! What bounds the members of a workspace, as an administrator sets it: quotas, rate limits, keys,
//! groups, boosts. How they are counted and asked is in `rules.rs` and `subjects.rs`.

use std::sync::Arc;

use super::amount::Amount;
use super::mutants::{self, Mutant};
use super::time::{MICROS_PER_DAY, MICROS_PER_MINUTE, Micros, Time};

/// The largest quota in tokens or requests.
pub const COUNT_LIMIT_MAX: i64 = 1_000_000_000_000_000;
/// Most rules of one subject type that are for each member: a quota is one, a rate limit one to
/// three.
pub const EACH_RULES_MAX: usize = 64;
/// Most rules that name one member.
pub const MEMBER_RULES_MAX: usize = 64;
/// Most quotas, rate limits, keys, groups of one workspace, each.
pub const RESOURCES_MAX: usize = 2_000_000;
/// Most boosts of one limit that are not over.
pub const BOOSTS_MAX: usize = 64;
/// Percent at which alerts are raised unless something else was set.
pub const THRESHOLDS_DEFAULT: [u16; 3] = [50, 80, 100];
/// Most thresholds of one limit.
pub const THRESHOLDS_MAX: usize = 16;
/// The highest threshold in percent.
pub const THRESHOLD_PERCENT_MAX: u16 = 1_000;
/// How far ahead a boost may begin, and how long it may last.
pub const BOOST_SPAN_MAX: Micros = 366 * MICROS_PER_DAY;

/// What may be bounded. The order is that in which limits are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectKind {
    /// The organisation as a whole.
    Workspace,
    Department,
    User,
    ApiKey,
    KeyGroup,
    Project,
    Assistant,
}

impl SubjectKind {
    pub const COUNT: usize = 7;
    pub const ALL: [SubjectKind; SubjectKind::COUNT] = [
        SubjectKind::Workspace,
        SubjectKind::Department,
        SubjectKind::User,
        SubjectKind::ApiKey,
        SubjectKind::KeyGroup,
        SubjectKind::Project,
        SubjectKind::Assistant,
    ];
}

/// Whose use a rule counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub kind: SubjectKind,
    /// The member that is named; absent for each member. Of the workspace: empty.
    pub member: Option<Arc<str>>,
    /// The only model that is counted, by the catalogue's id; absent for all.
    pub model_id: Option<Arc<str>>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Nano-units of the workspace's currency.
    Money,
    /// Tokens of all classes.
    Tokens,
    /// Billed attempts, and requests in flight.
    Requests,
}

/// Over which span a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    Day,
    Week,
    Month,
    Cycle,
    UntilReset,
}

/// Window of a rate limit: it slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    Minute,
    Day,
}

impl Span {
    pub const fn micros(self) -> Micros {
        match self {
            Span::Minute => MICROS_PER_MINUTE,
            Span::Day => MICROS_PER_DAY,
        }
    }

    /// Length of the buckets in which it is counted: a sixtieth.
    pub const fn bucket(self) -> Micros {
        self.micros() / 60
    }
}

/// What a limit does with a request that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enforcement {
    Hard,
    Soft,
    Downgrade,
    Shadow,
}

/// A cap on one subject, or on each member of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    pub unit: Unit,
    pub period: Period,
    /// In nano-units, tokens or requests; absent where a member is excepted.
    pub limit: Option<i64>,
    pub enforcement: Enforcement,
    /// Percent; sorted, without repeats; empty for no alerts.
    pub thresholds: Vec<u16>,
    /// Of [`Period::UntilReset`]: when the running window began. Otherwise when it was created.
    pub window_start: Time,
    pub create_time: Time,
    pub update_time: Time,
}

/// A bound on what a subject, or each member of one kind, may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    pub requests_per_minute: Option<i64>,
    pub tokens_per_minute: Option<i64>,
    pub requests_per_day: Option<i64>,
    pub enforcement: Enforcement,
    pub create_time: Time,
    pub update_time: Time,
}

impl RateLimit {
    /// Its limits, one for each window and unit that it bounds.
    pub fn limits(&self) -> impl Iterator<Item = (Span, Unit, i64)> {
        let of = |span, unit, limit: Option<i64>| limit.map(|limit| (span, unit, limit));
        [
            of(Span::Minute, Unit::Requests, self.requests_per_minute),
            of(Span::Minute, Unit::Tokens, self.tokens_per_minute),
            of(Span::Day, Unit::Requests, self.requests_per_day),
        ]
        .into_iter()
        .flatten()
    }
}

/// A key that callers present: its id, never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: Arc<str>,
    pub display_name: String,
    pub key_group_id: Option<Arc<str>>,
    /// The only models it may use, by the catalogue's ids; empty for all.
    pub allowed_model_ids: Vec<Arc<str>>,
    pub disabled: bool,
    pub expire_time: Option<Time>,
    pub create_time: Time,
    pub update_time: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGroup {
    pub id: Arc<str>,
    pub display_name: String,
    pub create_time: Time,
    pub update_time: Time,
}

/// What a boost raises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoostTarget {
    Envelope,
    Quota {
        quota_id: Arc<str>,
        /// The only member it is for; absent for all.
        member: Option<Arc<str>>,
    },
}

/// A temporary raise of a limit: it begins and ends by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boost {
    pub id: Arc<str>,
    pub target: BoostTarget,
    /// Above zero, in the unit of the limit: nano-units, tokens or requests.
    pub amount: i64,
    pub start_time: Time,
    pub end_time: Time,
    pub reason: String,
    pub actor: String,
    pub create_time: Time,
    /// When it was cancelled before its end.
    pub cancel_time: Option<Time>,
}

impl BoostTarget {
    /// Whether it raises the limit of a member.
    pub fn is_for(&self, id: &str) -> bool {
        match self {
            BoostTarget::Envelope => true,
            BoostTarget::Quota { member, .. } => {
                member.as_ref().is_none_or(|member| **member == *id)
            }
        }
    }
}

impl Boost {
    pub fn is_active(&self, now: Time) -> bool {
        self.start_time <= now && !self.is_over(now)
    }

    /// Whether it will never be in force again.
    pub fn is_over(&self, now: Time) -> bool {
        (self.end_time <= now && !mutants::is(Mutant::BoostAfterItsEnd))
            || self.cancel_time.is_some()
    }
}

/// What was used, in all units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub money: Amount,
    pub tokens: i64,
    pub requests: i64,
}

impl Used {
    pub fn in_unit(&self, unit: Unit) -> i64 {
        match unit {
            Unit::Money => self.money.nanos(),
            Unit::Tokens => self.tokens,
            Unit::Requests => self.requests,
        }
    }
}

/// What an administrator has set for the members of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub quotas: Vec<Quota>,
    pub rate_limits: Vec<RateLimit>,
    pub api_keys: Vec<ApiKey>,
    pub key_groups: Vec<KeyGroup>,
    /// Those that are not over.
    pub boosts: Vec<Boost>,
}

/// What a ledger must be told of the usage log before a quota applies: what was used by each member
/// of the scope (or the one that is named) in `from <= charge_time < to`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UsedQuery {
    pub scope: Scope,
    pub from: Time,
    pub to: Time,
}

/// The same before a rate limit applies: what was sent since `from`, in buckets of that length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SentQuery {
    pub scope: Scope,
    pub from: Time,
    pub bucket: Micros,
}

/// Requests and tokens of one member in one bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub member: String,
    /// Time divided by the bucket's length, rounded down.
    pub bucket: i64,
    pub requests: i64,
    pub tokens: i64,
}

/// What the usage log answered.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub used: Vec<(UsedQuery, Vec<(String, Used)>)>,
    pub sent: Vec<(SentQuery, Vec<Sent>)>,
}

/// What is to be asked of the usage log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    pub used: Vec<UsedQuery>,
    pub sent: Vec<SentQuery>,
}

/// What one rate limit has counted for one member in the window that ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCounts {
    pub rate_limit_id: Arc<str>,
    pub span: Span,
    pub unit: Unit,
    pub member: Arc<str>,
    /// Number of the bucket (time divided by its length) and what it counts, oldest first.
    pub buckets: Vec<(i64, i64)>,
}
