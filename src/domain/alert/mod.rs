//! What an administrator is to be told: raised once for its limit with its value, window and
//! threshold (I14).
//!
//! The ledger says what is to be raised; that nothing is raised twice, also across restarts, is
//! kept by the key under which it is stored.

pub mod anomaly;
pub mod receiver;
pub mod secret;

use std::sync::Arc;

use anomaly::{AnomalyKind, AnomalyMember, AnomalyMetric};
use serde::Serialize;

use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;
use crate::domain::record::Record;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};

coded_enum! {
    /// What happened.
    pub enum AlertType {
        /// So many percent of a limit are spent.
        Threshold = 0,
        /// More than the plan budget is spent.
        InOverage = 1,
        /// The envelope is used up.
        Exhausted = 2,
        /// A request was routed to another model.
        FallbackBegan = 3,
        /// Usage of a model without a price was recorded.
        UnpricedModel = 4,
        /// Holds expired unsettled.
        HoldsExpired = 5,
        /// A provider reports a cost that is far from the computed one.
        CostDiffers = 6,
        /// No usage was found in a provider answer.
        AnswerUnread = 7,
        /// A record cost more than the workspace's `large_record_cost`.
        LargeRecord = 8,
        /// Usage stands out of its own past, or no longer does.
        Anomaly = 9,
        /// Checks went on while storage took no writes, or were refused because of that.
        StorageOutage = 10,
    }
}

/// Which limit, or which model, an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertSubject {
    /// The workspace: its envelope, its holds, or its large records.
    Workspace,
    /// A model: its cap, its fallback, its price, its answers.
    Model(Arc<str>),
    /// A quota, for one subject.
    Quota { quota_id: Arc<str>, kind: SubjectKind, subject_id: Arc<str> },
    /// A subject that no limit is named of: its usage.
    Member { kind: SubjectKind, subject_id: Arc<str> },
}

/// Under which an alert is raised once. A boost is no new limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertKey {
    pub subject: AlertSubject,
    pub alert_type: AlertType,
    pub window_start: Time,
    /// In percent; zero for other types than thresholds.
    pub threshold: u16,
    /// The limit without its boosts: with another value it is another limit. Of
    /// [`AlertType::LargeRecord`] which of the day it is, from 1; of [`AlertType::Anomaly`] which
    /// one that begins there, see [`AlertAnomaly::number`]; of [`AlertType::StorageOutage`] 1 if
    /// checks were refused. Zero for other types that are not about a limit.
    pub base_limit: i64,
}

/// One alert that is to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub key: AlertKey,
    /// Absent for a window that is reset by hand.
    pub window_end: Option<Time>,
    /// What `limit` and `spent` count; of [`AlertType::HoldsExpired`] requests, of events of a
    /// model nothing.
    pub unit: Option<Unit>,
    /// Of [`AlertType::LargeRecord`] the cost that the record is above; of [`AlertType::Anomaly`]
    /// what was expected; of [`AlertType::StorageOutage`] what checks might hold.
    pub limit: i64,
    /// Of [`AlertType::LargeRecord`] the cost of the record; of [`AlertType::Anomaly`] what there
    /// was; of [`AlertType::StorageOutage`] what checks held.
    pub spent: i64,
    pub time: Time,
    /// Of [`AlertType::LargeRecord`].
    pub record: Option<Box<AlertRecord>>,
    /// Of [`AlertType::Anomaly`].
    pub anomaly: Option<Box<AlertAnomaly>>,
}

/// The anomaly that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertAnomaly {
    pub anomaly_id: Arc<str>,
    pub kind: AnomalyKind,
    pub metric: AnomalyMetric,
    pub is_over: bool,
    /// Who explains it, the most first; no users, whose ids would have to be erased.
    pub explained_by: Vec<AnomalyMember>,
}

impl AlertAnomaly {
    /// Distinguishes the alerts about anomalies of one subject that begin at the same time.
    pub fn number(metric: AnomalyMetric, is_over: bool) -> i64 {
        metric as i64 * 2 + i64::from(is_over)
    }
}

/// The record that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    pub seq: i64,
    pub request_id: Arc<str>,
    pub attempt: i32,
    /// As metered.
    pub model_id: Arc<str>,
    /// Empty if none was named.
    pub user_id: Arc<str>,
    /// Empty if none was named.
    pub api_key_id: Arc<str>,
}

impl AlertRecord {
    pub fn of(record: &Record) -> AlertRecord {
        AlertRecord {
            seq: record.seq,
            request_id: record.request_id.clone(),
            attempt: record.attempt,
            model_id: record.metered_model_id.clone(),
            user_id: record.attribution.user_id.as_str().into(),
            api_key_id: record.attribution.api_key_id.as_str().into(),
        }
    }
}

/// Large records of a day that raise an alert each; from there on each power of ten does. A caller
/// that sends many does not send as many alerts, and those in between are counted.
pub const LARGE_RECORDS_ALERTED_EACH: i64 = 10;

/// Of so many large records of a day, the numbers of those that raise an alert, from 1.
pub fn alerted_large_records(count: i64) -> impl Iterator<Item = i64> {
    let next = |power: &i64| power.checked_mul(10);
    let powers = std::iter::successors(LARGE_RECORDS_ALERTED_EACH.checked_mul(10), next);
    let each = 1..=count.min(LARGE_RECORDS_ALERTED_EACH);
    each.chain(powers.take_while(move |power| *power <= count))
}

/// Whether the large record of a day that has this number raises an alert.
pub fn is_large_record_alerted(number: i64) -> bool {
    alerted_large_records(number).last() == Some(number)
}

/// The day in which a large record counts: that of UTC, which no setting of a workspace moves.
pub fn large_record_day(record_time: Time) -> Window {
    let start = record_time - record_time.micros().rem_euclid(MICROS_PER_DAY);
    Window { start, end: start + MICROS_PER_DAY }
}

/// At how many percent of the envelope and of model limits alerts are raised. Sorted, without
/// repeats; empty for none. Those of quotas are theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertPolicy {
    pub envelope: Vec<u16>,
    pub model_limits: Vec<u16>,
    /// Cost above which a record is flagged as large; absent for none.
    pub large_record_cost: Option<Amount>,
}

impl AlertPolicy {
    /// The cost that makes a record of `cost` a large one; none if it is not.
    pub fn large_above(&self, cost: Amount) -> Option<Amount> {
        self.large_record_cost.filter(|named| cost > *named)
    }
}

impl Default for AlertPolicy {
    fn default() -> AlertPolicy {
        let thresholds = crate::domain::quota::THRESHOLDS_DEFAULT.to_vec();
        AlertPolicy {
            envelope: thresholds.clone(),
            model_limits: thresholds,
            large_record_cost: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_large_records_of_a_day_are_alerted_then_each_power_of_ten() {
        let alerted: Vec<i64> = (1..=20_000).filter(|it| is_large_record_alerted(*it)).collect();
        assert_eq!(alerted, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1_000, 10_000]);
        assert!(!is_large_record_alerted(i64::MAX));
    }

    #[test]
    fn a_day_of_large_records_is_one_of_utc() {
        let noon: Time = Time::EARLIEST + MICROS_PER_DAY / 2;
        for (time, start) in [
            (Time::EARLIEST, Time::EARLIEST),
            (noon, Time::EARLIEST),
            (Time::EARLIEST + MICROS_PER_DAY, Time::EARLIEST + MICROS_PER_DAY),
            (Time::EARLIEST - 1, Time::EARLIEST - MICROS_PER_DAY),
        ] {
            let day = large_record_day(time);
            assert_eq!(day, Window { start, end: start + MICROS_PER_DAY });
            assert!(day.contains(time));
        }
    }
}
