//! Snapshot of the sliding windows: saved at a shutdown and restored at the next start. The log
//! cannot replace it, because it does not know of requests that were not recorded.

use super::Limits;
use super::rule::{RuleIndex, RuleWindow};
use super::sliding_window::SlidingWindow;
use crate::domain::Time;
use crate::domain::backfill::{RateCounts, RateSnapshot};
use crate::ledger::context::Context;

impl Limits {
    /// What rate limits count now, by rate limit and subject, and the crash whose penalty lasts.
    pub fn rate_snapshot(&self, context: &Context) -> RateSnapshot {
        let mut counts = Vec::new();
        for (_, subject) in self.subjects.iter() {
            for window in subject.counters.all_sliding() {
                let rule = self.rules.get(window.rule());
                let buckets: Vec<(i64, i64)> = window.buckets(context.now()).collect();
                if !buckets.is_empty() {
                    counts.push(RateCounts {
                        rate_limit_id: rule.id().clone(),
                        span: window.span(),
                        unit: rule.unit(),
                        subject_id: subject.id.as_str().into(),
                        buckets,
                    });
                }
            }
        }
        let key = |counts: &RateCounts| {
            (counts.rate_limit_id.clone(), counts.subject_id.clone(), counts.span, counts.unit)
        };
        counts.sort_by_key(key);
        let has_rate_limit = self.rules.iter().any(|(_, rule)| rule.is_rate_limit());
        let crash_time = self.crash_penalty.crash_time(context.now());
        RateSnapshot { counts, crash_time: crash_time.filter(|_| has_rate_limit) }
    }

    /// Replaces the backfill from the log by a snapshot. One without counts is that of a workspace
    /// that was not loaded at the shutdown, and replaces nothing.
    pub fn restore_rates(&mut self, context: &Context, snapshot: RateSnapshot) {
        if let Some(crash_time) = snapshot.crash_time {
            self.apply_crash_penalty(crash_time);
        }
        if !snapshot.counts.is_empty() {
            for (_, subject) in self.subjects.iter_mut() {
                subject.counters.clear_sliding();
            }
        }
        for counts in snapshot.counts {
            self.restore_counts(context.now(), counts);
        }
    }

    fn restore_counts(&mut self, now: Time, counts: RateCounts) {
        let Some((rules, _)) = self.rules.rate_limit(&counts.rate_limit_id) else { return };
        let is_same = |rule: &RuleIndex| {
            let rule = self.rules.get(*rule);
            rule.unit() == counts.unit && rule.window() == RuleWindow::Sliding(counts.span)
        };
        let Some(index) = rules.iter().copied().find(is_same) else { return };
        let kind = self.rules.get(index).kind();
        let Some(slot) = self.find_or_add(kind, &counts.subject_id) else { return };
        let window = self.subjects.get_mut(slot).counters.sliding_mut(index, counts.span);
        *window = SlidingWindow::new(index, counts.span);
        for (bucket, count) in counts.buckets {
            window.add_to_bucket(now, bucket, count);
        }
    }

    /// After a crash: rate limits of a minute that existed count as used up.
    pub fn apply_crash_penalty(&mut self, crash_time: Time) {
        self.crash_penalty.apply(crash_time);
    }
}
