//! How a snapshot of rate limits is stored: its counts, and the time of a crash as one count more,
//! of a subject that no id can name.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::backfill::{RateCounts, RateSnapshot};
use crate::domain::quota::Unit;
use crate::domain::rate_limit::RateWindow;
use crate::storage::policy::StoredRate;

/// Subject of the count that is the time of a crash: ids have no control characters.
const CRASH_SUBJECT: &str = "\u{1}";

pub fn to_stored(workspace_id: &Arc<str>, snapshot: RateSnapshot) -> Vec<StoredRate> {
    let mut counts = snapshot.counts;
    counts.extend(snapshot.crash_time.map(|crash_time| RateCounts {
        rate_limit_id: "".into(),
        span: RateWindow::Minute,
        unit: Unit::Requests,
        subject_id: CRASH_SUBJECT.into(),
        buckets: vec![(
            crash_time.micros().div_euclid(RateWindow::Minute.bucket()),
            crash_time.micros(),
        )],
    }));
    let stored = |counts| StoredRate { workspace_id: workspace_id.clone(), counts };
    counts.into_iter().map(stored).collect()
}

pub fn from_stored(rates: Vec<StoredRate>) -> RateSnapshot {
    let mut snapshot = RateSnapshot::default();
    for StoredRate { counts, .. } in rates {
        if &*counts.subject_id == CRASH_SUBJECT {
            let times = counts.buckets.iter().map(|(_, micros)| Time::from_micros(*micros));
            snapshot.crash_time = snapshot.crash_time.max(times.max());
        } else {
            snapshot.counts.push(counts);
        }
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_snapshot_is_read_back() {
        let workspace_id: Arc<str> = "w".into();
        let counts = RateCounts {
            rate_limit_id: "limit".into(),
            span: RateWindow::Day,
            unit: Unit::Tokens,
            subject_id: "ada".into(),
            buckets: vec![(1, 2), (3, 4)],
        };
        for crash_time in [None, Some(Time::from_micros(1_790_000_000_123_456))] {
            for counts in [Vec::new(), vec![counts.clone()]] {
                let snapshot = RateSnapshot { counts, crash_time };
                let stored = to_stored(&workspace_id, snapshot.clone());
                assert!(stored.iter().all(|rate| rate.workspace_id == workspace_id));
                assert_eq!(from_stored(stored), snapshot);
            }
        }
    }
}
