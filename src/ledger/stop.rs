//! What rate limits have counted, across a stop: written down at a graceful one, and after a crash
//! assumed to be as much as it can be.

use super::quota::{RateCounts, Span};
use super::rate::{Rate, counts_until};
use super::rules::RuleWindow;
use super::state::Ledger;
use super::time::Time;

impl Ledger {
    /// What rate limits have counted in the windows that end now, by rate limit and member.
    pub fn rate_counts(&mut self, now: Time) -> Vec<RateCounts> {
        let now = self.advance(now);
        let mut counts = Vec::new();
        for (_, subject) in self.subjects.iter() {
            for rate in &subject.rates {
                let rule = self.rules.get(rate.rule);
                let buckets: Vec<(i64, i64)> = rate.buckets(now).collect();
                if !buckets.is_empty() {
                    counts.push(RateCounts {
                        rate_limit_id: rule.id().clone(),
                        span: rate.span(),
                        unit: rule.unit,
                        member: subject.id.as_str().into(),
                        buckets,
                    });
                }
            }
        }
        let key = |counts: &RateCounts| {
            (counts.rate_limit_id.clone(), counts.member.clone(), counts.span, counts.unit)
        };
        counts.sort_by_key(key);
        counts
    }

    /// Takes up what was written down: it takes the place of what the log says, which does not know
    /// of requests that were not recorded.
    pub fn restore_rate_counts(&mut self, now: Time, counts: Vec<RateCounts>) {
        let now = self.advance(now);
        for count in counts {
            let Some((rules, _)) = self.rules.rate_limit(&count.rate_limit_id) else { continue };
            let same = |rule: &u32| {
                let rule = self.rules.get(*rule);
                rule.unit == count.unit && rule.window == RuleWindow::Sliding(count.span)
            };
            let Some(number) = rules.iter().copied().find(same) else { continue };
            let kind = self.rules.get(number).kind;
            let Some(slot) = self.slot_to_count(kind, &count.member) else { continue };
            let rate = self.subjects.get_mut(slot).rate_mut(number, count.span);
            *rate = Rate::new(number, count.span);
            for (bucket, counted) in count.buckets {
                rate.add_to(now, bucket, counted);
            }
        }
    }

    /// After a crash: every rate limit of a minute counts as used up at `at`.
    pub fn assume_full(&mut self, now: Time, at: Time) {
        self.advance(now);
        self.full_until = self.full_until.max(counts_until(Span::Minute, at));
    }
}
