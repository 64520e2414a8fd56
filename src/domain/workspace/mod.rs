//! What an administrator sets for a workspace: its settings, its plan, its models.

pub mod freeze;
pub mod recommendation;

use std::fmt::Display;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::domain::alert::AlertPolicy;
use crate::domain::attribution::AttributionField;
use crate::domain::time::calendar::DayOfWeek;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros};
use crate::domain::{Amount, Currency, Time};

/// Records are kept for no fewer days: no window of a limit, nor a late record, reaches back so
/// far.
pub const USAGE_RETENTION_DAYS_MIN: i64 = 62;
pub const USAGE_RETENTION_DAYS_MAX: i64 = 3_650;

/// Highest age from which on prices may be seen as stale.
pub const PRICE_MAX_AGE_DAYS_MAX: i64 = 3_650;

/// The tenant: one plan, one currency, one time zone, one ledger. Its plan and its alert policy
/// have entries of their own in the audit log, and are left out of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workspace {
    pub id: Arc<str>,
    pub display_name: String,
    pub currency: Currency,
    #[serde(serialize_with = "as_text")]
    pub time_zone: Tz,
    /// Whether a model limit in the way routes to a cheaper model.
    pub automatic_fallback: bool,
    pub unpriced_models: UnpricedModelPolicy,
    pub hold_expiry: HoldExpiryPolicy,
    pub hold_durability: HoldDurability,
    #[serde(flatten)]
    pub outage: OutagePolicy,
    pub unknown_keys: UnknownKeyPolicy,
    /// Fields of the attribution that a check must have. Sorted, without repeats.
    pub required_fields: Vec<AttributionField>,
    /// The day on which weeks begin.
    pub week_start: DayOfWeek,
    pub reported_cost: ReportedCostPolicy,
    #[serde(skip)]
    pub alerts: AlertPolicy,
    /// Whether expired holds were ever charged: then a late record looks for what to take back.
    #[serde(skip)]
    pub may_have_expiry_charges: bool,
    /// For how many local days records are kept; absent for ever.
    pub usage_retention_days: Option<i64>,
    /// After how many days of 24 hours a price is stale; absent for never.
    pub price_max_age_days: Option<i64>,
    /// Absent until the first `SetPlan`: the envelope is zero.
    #[serde(skip)]
    pub plan: Option<Plan>,
    /// When it was archived, if it is: its checks are blocked.
    pub archive_time: Option<Time>,
    #[serde(skip)]
    pub create_time: Time,
    #[serde(skip)]
    pub update_time: Time,
}

impl Workspace {
    /// Whether a list has it, which may be asked for those that are archived, too.
    pub fn is_listed(&self, with_archived: bool) -> bool {
        with_archived || self.archive_time.is_none()
    }

    /// Whether a price that was last known to be right at `confirm_time` is stale.
    pub fn sees_as_stale(&self, confirm_time: Time, now: Time) -> bool {
        self.price_max_age_days.is_some_and(|days| now - confirm_time > days * MICROS_PER_DAY)
    }
}

/// Longest time that checks may go on while storage takes no writes.
pub const OUTAGE_DURATION_MAX: Micros = 7 * MICROS_PER_DAY;
/// The default: as long as a hold lives that says nothing else. Then holds that could not be
/// recorded would expire, and make room that was spent.
pub const OUTAGE_DURATION_DEFAULT: Micros = 10 * MICROS_PER_MINUTE;
/// What may be held meanwhile is this part of the envelope where nothing else is set.
const OUTAGE_ENVELOPE_PART: i64 = 10;

/// How far checks go on while storage takes no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutagePolicy {
    /// From the oldest write that was not taken.
    #[serde(rename = "outage_duration_limit", serialize_with = "as_duration")]
    pub duration: Micros,
    /// What they may hold meanwhile; absent for a part of the envelope.
    #[serde(rename = "outage_held_limit")]
    pub held_limit: Option<Amount>,
}

impl OutagePolicy {
    /// What checks may hold, of an envelope.
    pub fn held_limit(&self, envelope: Amount) -> Amount {
        self.held_limit.unwrap_or(Amount::from_nanos(envelope.nanos() / OUTAGE_ENVELOPE_PART))
    }
}

impl Default for OutagePolicy {
    fn default() -> OutagePolicy {
        OutagePolicy { duration: OUTAGE_DURATION_DEFAULT, held_limit: None }
    }
}

/// Most providers whose reported cost a workspace charges.
pub const REPORTED_COST_PROVIDERS_MAX: usize = 32;
/// Stands for every provider.
pub const ANY_PROVIDER: &str = "*";
/// Highest share of a difference that raises an alert, in percent.
pub const COST_DIFFERENCE_PERCENT_MAX: u16 = 1_000;

/// Which cost is charged where the provider reports one, and from which difference on it is
/// worth an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportedCostPolicy {
    /// Providers whose reported cost is charged, in lower case; sorted, each once.
    pub charged_providers: Vec<String>,
    /// Share of the computed cost, in percent; 0 for no alert.
    pub alert_percent: u16,
}

impl ReportedCostPolicy {
    /// Whether what this provider reports is charged.
    pub fn charges(&self, provider: &str) -> bool {
        let names = &self.charged_providers;
        names.iter().any(|name| name == ANY_PROVIDER || name.eq_ignore_ascii_case(provider))
    }

    /// Whether two costs differ by more than the share that raises an alert.
    pub fn is_apart(&self, computed: Amount, reported: Amount) -> bool {
        let difference = i128::from((reported - computed).nanos()).abs();
        self.alert_percent > 0
            && difference * 100 > i128::from(computed.nanos()) * i128::from(self.alert_percent)
    }
}

/// Budget per cycle and overage allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub budget: Amount,
    pub overage: Amount,
    /// Its day of the month is the first day of each cycle.
    #[serde(serialize_with = "as_text")]
    pub start_date: NaiveDate,
}

coded_enum! {
    /// What a check on a model without a price answers.
    pub enum UnpricedModelPolicy {
        Deny = 0,
        Allow = 1,
    }
}

coded_enum! {
    /// What is charged for a hold that expires unsettled.
    pub enum HoldExpiryPolicy {
        Release = 0,
        ChargeEstimate = 1,
    }
}

coded_enum! {
    /// What is left of the holds of a workspace after a crash or a fail-over.
    pub enum HoldDurability {
        /// Nothing: they are in memory alone.
        Memory = 0,
        /// Those that are older than the last commits: they are stored with the next group.
        Journaled = 1,
        /// All that were answered: a check waits until its hold is stored.
        Committed = 2,
    }
}

coded_enum! {
    /// What a check with an API key that is not registered answers.
    pub enum UnknownKeyPolicy {
        Accept = 0,
        Deny = 1,
    }
}

/// One model in one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkspaceModel {
    pub model_id: Arc<str>,
    /// Whether the model is allowed.
    pub enabled: bool,
    /// Cap per cycle; absent means none.
    pub limit: Option<Amount>,
    /// Whether the cap is in force.
    pub limit_enabled: bool,
    /// Models to try when the cap is in the way; empty means every cheaper enabled one.
    pub fallback_model_ids: Vec<Arc<str>>,
}

/// Most aliases of models in one workspace.
pub const MODEL_ALIASES_MAX: usize = 10_000;

/// A name that a workspace gives a model, such as that of a deployment. It comes before the names
/// of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelAlias {
    /// The alias.
    pub id: Arc<str>,
    pub model_id: Arc<str>,
    #[serde(skip)]
    pub update_time: Time,
}

/// In seconds, as protos have it in JSON: "600s", "1.5s".
fn as_duration<S: Serializer>(micros: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    let [seconds, micros] = [micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND];
    let text = format!("{seconds}.{micros:06}");
    serializer.collect_str(&format_args!("{}s", text.trim_end_matches('0').trim_end_matches('.')))
}

/// Names of time zones and dates by ISO 8601.
fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
