//! Anomalies of usage as they are stored, and the policy of which are.
//!
//! What is odd is found elsewhere; here is what was found, and what people say of it.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::attribution::Dimension;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Time};

/// Most mutes of a workspace.
pub const MUTES_MAX: usize = 100;
/// Longest mute.
pub const MUTE_SPAN_MAX: Micros = 366 * MICROS_PER_DAY;
/// So many false ones on one member within [`FALSE_SPAN`] raise its bar for as long.
pub const FALSE_MAX: usize = 3;
pub const FALSE_SPAN: Micros = 30 * MICROS_PER_DAY;
/// The least impact of an anomaly where none is set: one in so many of the plan budget a day.
const DEFAULT_SHARE: i64 = 100;
/// What a raised bar multiplies the least impact by.
pub const RAISED_BAR: i64 = 2;
/// Shares and percents are kept in units of a hundredth percent.
pub const HUNDREDTHS: i64 = 10_000;

coded_enum! {
    pub enum AnomalyKind {
        Spike = 0,
        Drop = 1,
        /// A spike or a drop that lasts.
        Shift = 2,
        Failures = 3,
        CostPerRequest = 4,
    }
}

coded_enum! {
    pub enum AnomalyMetric {
        Cost = 0,
        Requests = 1,
        FailedRequests = 2,
        CostPerRequest = 3,
    }
}

impl AnomalyMetric {
    /// Whether it is in nano-units of the currency; a count if not.
    pub fn is_money(self) -> bool {
        matches!(self, AnomalyMetric::Cost | AnomalyMetric::CostPerRequest)
    }
}

coded_enum! {
    pub enum AnomalyFeedback {
        Real = 0,
        Expected = 1,
        False = 2,
    }
}

coded_enum! {
    pub enum AnomalySeverity {
        Low = 0,
        Medium = 1,
        High = 2,
    }
}

coded_enum! {
    pub enum AnomalySensitivity {
        Low = 0,
        Medium = 1,
        High = 2,
    }
}

coded_enum! {
    pub enum AnomalyStep {
        Hour = 0,
        Day = 1,
    }
}

coded_enum! {
    /// Which alerts about an anomaly have been raised.
    pub enum AnomalyAlerts {
        /// None, and none will be: those about another one cover it, or it was found too late.
        Suppressed = 0,
        /// None yet.
        Due = 1,
        /// That it was found.
        Opened = 2,
        /// That it is over, too.
        Closed = 3,
    }
}

/// The workspace, whose id is empty, or one of its members.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AnomalyMember {
    pub dimension: Dimension,
    pub id: Arc<str>,
}

impl AnomalyMember {
    pub fn workspace() -> AnomalyMember {
        AnomalyMember { dimension: Dimension::Workspace, id: Arc::from("") }
    }
}

/// A member that explains a part of an anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnomalyContributor {
    pub member: AnomalyMember,
    /// In hundredths of a percent.
    pub share: i64,
    /// What was expected of it, and what it had, in the unit of the metric.
    pub before: i64,
    pub after: i64,
}

/// An anomaly as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    pub id: Arc<str>,
    pub kind: AnomalyKind,
    pub member: AnomalyMember,
    pub metric: AnomalyMetric,
    pub step: AnomalyStep,
    /// Start of the first step that is not normal. With member and metric it is one anomaly.
    pub start_time: Time,
    /// End of the last one.
    pub end_time: Time,
    pub is_drop: bool,
    pub is_open: bool,
    pub detect_time: Time,
    /// In the unit of the metric, as are all that follow up to `impact`.
    pub expected: i64,
    pub actual: i64,
    pub low: i64,
    pub high: i64,
    pub impact: Amount,
    /// In hundredths of a percent of what was expected.
    pub impact_percent: i64,
    pub severity: AnomalySeverity,
    pub alerts: AnomalyAlerts,
    pub feedback: Option<(AnomalyFeedback, Time, String)>,
    pub contributors: Vec<AnomalyContributor>,
}

impl Anomaly {
    /// The same anomaly, found again.
    pub fn is_same(&self, other: &Anomaly) -> bool {
        self.member == other.member
            && self.metric == other.metric
            && self.step == other.step
            && self.is_drop == other.is_drop
    }
}

/// A member of which no anomaly is stored until a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AnomalyMute {
    pub member: AnomalyMember,
    pub end_time: Time,
}

/// Which anomalies are stored and raise alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnomalyPolicy {
    /// Absent for a share of the plan budget.
    pub least_impact: Option<Amount>,
    pub sensitivity: AnomalySensitivity,
    /// By member, each once.
    pub mutes: Vec<AnomalyMute>,
}

impl Default for AnomalyPolicy {
    fn default() -> AnomalyPolicy {
        let sensitivity = AnomalySensitivity::Medium;
        AnomalyPolicy { least_impact: None, sensitivity, mutes: Vec::new() }
    }
}

impl AnomalyPolicy {
    /// The least impact in force, with a plan budget for a cycle of so many days.
    pub fn least_impact(&self, budget: Option<(Amount, i64)>) -> Amount {
        self.least_impact.unwrap_or_else(|| match budget {
            Some((budget, days)) if days > 0 => {
                Amount::from_nanos(budget.nanos() / days / DEFAULT_SHARE)
            }
            _ => Amount::ZERO,
        })
    }

    /// Until when a member is muted.
    pub fn muted_until(&self, member: &AnomalyMember) -> Option<Time> {
        self.mutes.iter().find(|mute| mute.member == *member).map(|mute| mute.end_time)
    }
}

/// The bar of a member is raised from the third false one on, for as long as they may be apart.
/// `false_times` are those of its feedbacks in any order. None if it is not raised at `now`.
pub fn bar_raised_until(mut false_times: Vec<Time>, now: Time) -> Option<Time> {
    false_times.sort_unstable();
    let raised = false_times.windows(FALSE_MAX).filter_map(|times| {
        let (first, last) = (times[0], times[times.len() - 1]);
        (last - first <= FALSE_SPAN).then_some(last + FALSE_SPAN)
    });
    raised.max().filter(|until| *until > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Time {
        Time::EARLIEST + number * MICROS_PER_DAY
    }

    #[test]
    fn three_false_ones_within_thirty_days_raise_the_bar_for_thirty() {
        let of = |days: &[i64], now: i64| {
            bar_raised_until(days.iter().map(|number| day(*number)).collect(), day(now))
        };
        assert_eq!(of(&[1, 2], 3), None);
        assert_eq!(of(&[20, 1, 10], 21), Some(day(50)));
        assert_eq!(of(&[1, 10, 20], 50), None);
        assert_eq!(of(&[1, 10, 32], 33), None);
        assert_eq!(of(&[1, 10, 20, 40], 45), Some(day(70)));
    }

    #[test]
    fn the_least_impact_is_a_hundredth_of_the_plan_budget_a_day() {
        let policy = AnomalyPolicy::default();
        let euros = |count: i64| Amount::from_nanos(count * 1_000_000_000);
        assert_eq!(policy.least_impact(Some((euros(3_000), 30))), euros(1));
        assert_eq!(policy.least_impact(None), Amount::ZERO);
        let set = AnomalyPolicy { least_impact: Some(euros(7)), ..policy };
        assert_eq!(set.least_impact(Some((euros(3_000), 30))), euros(7));
    }
}
