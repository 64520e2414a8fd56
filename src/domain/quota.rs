//! What bounds the subjects of a workspace, as an administrator sets it: quotas, rate limits, keys,
//! groups, boosts. How they are counted and asked is in `rules.rs` and `subjects.rs`.

use std::sync::Arc;

use crate::domain::attribution::SubjectKind;
use crate::domain::{Amount, Time};

/// The largest quota in tokens or requests.
pub const COUNT_LIMIT_MAX: i64 = 1_000_000_000_000_000;
/// Most rules of one subject type that are for each subject: a quota is one, a rate limit one to
/// three.
pub const EACH_RULES_MAX: usize = 64;
/// Most rules that name one subject.
pub const SUBJECT_RULES_MAX: usize = 64;
/// Most quotas, rate limits, keys, groups of one workspace, each.
pub const RESOURCES_MAX: usize = 2_000_000;
/// Percent at which alerts are raised unless something else was set.
pub const THRESHOLDS_DEFAULT: [u16; 3] = [50, 80, 100];
/// Most thresholds of one limit.
pub const THRESHOLDS_MAX: usize = 16;
/// The highest threshold in percent.
pub const THRESHOLD_PERCENT_MAX: u16 = 1_000;
/// Whose use a rule counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub kind: SubjectKind,
    /// The subject that is named; absent for each subject. Of the workspace: empty.
    pub subject_id: Option<Arc<str>>,
    /// The only model that is counted, by the catalogue's id; absent for all.
    pub model_id: Option<Arc<str>>,
}

coded_enum! {
    /// What is counted.
    pub enum Unit {
        /// Nano-units of the workspace's currency.
        Money = 0,
        /// Tokens of all classes.
        Tokens = 1,
        /// Billed attempts, and requests in flight.
        Requests = 2,
    }
}

coded_enum! {
    /// Over which span a quota counts.
    pub enum Period {
        Day = 0,
        Week = 1,
        Month = 2,
        Cycle = 3,
        UntilReset = 4,
    }
}

coded_enum! {
    /// What a limit does with a request that does not fit.
    pub enum Enforcement {
        Hard = 0,
        Soft = 1,
        Downgrade = 2,
        Shadow = 3,
    }
}

/// A cap on one subject, or on each subject of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub id: Arc<str>,
    pub display_name: String,
    pub scope: Scope,
    pub unit: Unit,
    pub period: Period,
    /// In nano-units, tokens or requests; absent where a subject is excepted.
    pub limit: Option<i64>,
    pub enforcement: Enforcement,
    /// Percent; sorted, without repeats; empty for no alerts.
    pub thresholds: Vec<u16>,
    /// Of [`Period::UntilReset`]: when the running window began. Otherwise when it was created.
    pub window_start: Time,
    pub create_time: Time,
    pub update_time: Time,
}

/// What was used, in all units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    pub money: Amount,
    pub tokens: i64,
    pub requests: i64,
}

impl Consumption {
    pub fn in_unit(&self, unit: Unit) -> i64 {
        match unit {
            Unit::Money => self.money.nanos(),
            Unit::Tokens => self.tokens,
            Unit::Requests => self.requests,
        }
    }
}
