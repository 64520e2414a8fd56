//! Quotas: caps on what a subject uses in a window, in money, tokens or requests. How they are
//! counted is up to the ledger.

use std::sync::Arc;

use serde::{Serialize, Serializer};

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

/// What a quota or a rate limit counts: the usage of which subject, on which model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Scope {
    pub kind: SubjectKind,
    /// The subject that is named; absent for each subject. Of the workspace: empty.
    pub subject_id: Option<Arc<str>>,
    /// The only model that is counted, by the catalog's id; absent for all.
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
        /// Tokens of all classes but cache reads; of rate limits alone.
        UncachedTokens = 3,
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
        Hour = 5,
        Quarter = 6,
        Year = 7,
        /// While a request runs: what all requests in flight hold together.
        InFlight = 8,
        /// One request by itself.
        Request = 9,
    }
}

impl Period {
    /// Whether what was recorded counts. Otherwise the period has no window.
    pub fn counts_spent(self) -> bool {
        !matches!(self, Period::InFlight | Period::Request)
    }

    /// Whether what requests in flight hold counts.
    pub fn counts_held(self) -> bool {
        self != Period::Request
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

/// For the audit log.
impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            id: &'a str,
            display_name: &'a str,
            scope: &'a Scope,
            unit: Unit,
            period: Period,
            limit: Option<Quantity>,
            enforcement: Enforcement,
            thresholds: &'a [u16],
            window_start: Option<Time>,
        }
        let is_reset_by_hand = self.period == Period::UntilReset;
        let fields = Fields {
            id: &self.id,
            display_name: &self.display_name,
            scope: &self.scope,
            unit: self.unit,
            period: self.period,
            limit: self.limit.map(|count| Quantity { unit: self.unit, count }),
            enforcement: self.enforcement,
            thresholds: &self.thresholds,
            window_start: is_reset_by_hand.then_some(self.window_start),
        };
        fields.serialize(serializer)
    }
}

/// A count of what a limit bounds, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    pub unit: Unit,
    /// Nano-units of money, tokens or requests.
    pub count: i64,
}

/// Money as a decimal string, the others as a number.
impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.unit {
            Unit::Money => Amount::from_nanos(self.count).serialize(serializer),
            Unit::Tokens | Unit::Requests | Unit::UncachedTokens => {
                serializer.serialize_i64(self.count)
            }
        }
    }
}

/// What was used, in all units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    pub money: Amount,
    pub tokens: i64,
    pub requests: i64,
    /// Of the tokens.
    pub cache_reads: i64,
}

impl Consumption {
    pub fn add(&mut self, other: &Consumption) {
        self.money += other.money;
        self.tokens += other.tokens;
        self.requests += other.requests;
        self.cache_reads += other.cache_reads;
    }

    pub fn in_unit(&self, unit: Unit) -> i64 {
        match unit {
            Unit::Money => self.money.nanos(),
            Unit::Tokens => self.tokens,
            Unit::Requests => self.requests,
            Unit::UncachedTokens => self.tokens - self.cache_reads,
        }
    }
}
