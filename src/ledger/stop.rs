//! What rate limits have counted, across a stop: written down at a graceful one, and after a crash
//! assumed to be as much as it can be.

use super::rate::{Rate, counts_until};
use super::rules::RuleWindow;
use super::state::Ledger;
use crate::domain::Time;
use crate::domain::backfill::RateCounts;
use crate::domain::quota::Unit;
use crate::domain::rate_limit::RateWindow;

/// Stands for everybody in what is written down: no id has a control character.
const EVERYBODY: &str = "\u{1}";

impl Ledger {
    /// What rate limits have counted in the windows that end now, by rate limit and subject.
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
                        subject_id: subject.id.as_str().into(),
                        buckets,
                    });
                }
            }
        }
        counts.extend(self.assumed_counts());
        let key = |counts: &RateCounts| {
            (counts.rate_limit_id.clone(), counts.subject_id.clone(), counts.span, counts.unit)
        };
        counts.sort_by_key(key);
        counts
    }

    /// That every minute counts as used up since a crash, if there is a rate limit.
    fn assumed_counts(&self) -> Option<RateCounts> {
        self.rules.iter().find(|(_, rule)| rule.slides())?;
        Ledger::lost_counts(self.now, self.lost_at)
    }

    /// That every minute counts as used up since a crash, if it still does: another stop does not
    /// make it known what was admitted before, nor whether a ledger was loaded in between. The
    /// count is the time of the crash.
    pub fn lost_counts(now: Time, lost_at: Time) -> Option<RateCounts> {
        let at = lost_at.micros();
        (now < counts_until(RateWindow::Minute, lost_at)).then(|| RateCounts {
            rate_limit_id: "".into(),
            span: RateWindow::Minute,
            unit: Unit::Requests,
            subject_id: EVERYBODY.into(),
            buckets: vec![(at.div_euclid(RateWindow::Minute.bucket()), at)],
        })
    }

    /// Takes up what was written down: it takes the place of what the log says, which does not know
    /// of requests that were not recorded.
    pub fn restore_rate_counts(&mut self, now: Time, counts: Vec<RateCounts>) {
        let now = self.advance(now);
        // A ledger that was not loaded when the server stopped has said nothing of its own.
        if counts.iter().any(|count| &*count.subject_id != EVERYBODY) {
            let slots: Vec<u32> = self.subjects.iter().map(|(slot, _)| slot).collect();
            for slot in slots {
                self.subjects.get_mut(slot).rates.clear();
            }
        }
        for count in counts {
            if &*count.subject_id == EVERYBODY {
                for (_, lost_at) in count.buckets {
                    self.assume_full(now, Time::from_micros(lost_at));
                }
                continue;
            }
            let Some((rules, _)) = self.rules.rate_limit(&count.rate_limit_id) else { continue };
            let same = |rule: &u32| {
                let rule = self.rules.get(*rule);
                rule.unit == count.unit && rule.window == RuleWindow::Sliding(count.span)
            };
            let Some(number) = rules.iter().copied().find(same) else { continue };
            let kind = self.rules.get(number).kind;
            let Some(slot) = self.slot_to_count(kind, &count.subject_id) else { continue };
            let rate = self.subjects.get_mut(slot).rate_mut(number, count.span);
            *rate = Rate::new(number, count.span);
            for (bucket, counted) in count.buckets {
                rate.add_to(now, bucket, counted);
            }
        }
    }

    /// After a crash: every rate limit of a minute that was there counts as used up at `at`.
    pub fn assume_full(&mut self, now: Time, at: Time) {
        self.advance(now);
        self.lost_at = self.lost_at.max(at);
        self.full_until = self.full_until.max(counts_until(RateWindow::Minute, at));
    }
}
