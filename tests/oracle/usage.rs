//! Where each quota stands.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::quota::Quota;

use super::Oracle;

/// One quota for one subject, in its running window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub quota_id: Arc<str>,
    pub subject_id: Arc<str>,
    /// With boosts; absent if the subject is excepted.
    pub limit: Option<i64>,
    pub spent: i64,
    pub held: i64,
    /// Spent in millionths of the limit; zero where the limit is zero, or there is none.
    pub utilization: u64,
    pub window_start: Time,
    pub window_end: Option<Time>,
}

pub fn standing(oracle: &Oracle, quota: &Quota, subject_id: &Arc<str>) -> Standing {
    let window = oracle.window_of(quota);
    let limit = oracle.limit_of(quota, subject_id);
    let spent = oracle.spent_of(quota, subject_id);
    let utilization = match limit {
        Some(limit) if limit > 0 && spent > 0 => spent * 1_000_000 / limit,
        _ => 0,
    };
    let small = |figure: i128| i64::try_from(figure).expect("figures of tests are small");
    Standing {
        quota_id: quota.id.clone(),
        subject_id: subject_id.clone(),
        limit: limit.map(small),
        spent: small(spent),
        held: small(oracle.held_of(quota, subject_id)),
        utilization: utilization.try_into().expect("not negative"),
        window_start: window.start,
        window_end: window.end,
    }
}
