//! The sliding window of a rate limit: counts of one rule for one subject, in buckets of a
//! sixtieth of the window.
//!
//! No span as long as the window admits more than the limit: the running bucket and the sixty
//! before it count in full, so that a request may count for one bucket too long, never too short.

use std::collections::VecDeque;

use super::rule::RuleIndex;
use crate::domain::Time;
use crate::domain::rate_limit::RateWindow;
use crate::domain::time::Micros;

/// Buckets before the running one that count.
const BUCKETS_BEFORE: i64 = 60;

#[derive(Clone, Debug)]
pub struct SlidingWindow {
    rule: RuleIndex,
    span: RateWindow,
    /// Number of a bucket (time divided by its length) and its count, oldest first.
    buckets: VecDeque<(i64, i64)>,
}

impl SlidingWindow {
    pub fn new(rule: RuleIndex, span: RateWindow) -> SlidingWindow {
        SlidingWindow { rule, span, buckets: VecDeque::new() }
    }

    pub fn rule(&self) -> RuleIndex {
        self.rule
    }

    pub fn span(&self) -> RateWindow {
        self.span
    }

    pub fn count(&self, now: Time) -> i64 {
        let oldest = self.oldest(now);
        let counting = self.buckets.iter().rev().take_while(|(bucket, _)| *bucket >= oldest);
        counting.map(|(_, count)| *count).sum()
    }

    /// How long until `need` fits under `limit` without further requests; none if it never does.
    pub fn retry_after(&self, now: Time, need: i64, limit: i64) -> Option<Micros> {
        if need > limit {
            return None;
        }
        let mut count = self.count(now);
        let oldest = self.oldest(now);
        for (bucket, of_bucket) in self.buckets.iter().filter(|(bucket, _)| *bucket >= oldest) {
            count -= of_bucket;
            if count + need <= limit {
                let first_free = bucket + BUCKETS_BEFORE + 1;
                return Some(Time::from_micros(first_free * self.span.bucket()) - now);
            }
        }
        None
    }

    /// Adds a count, or the correction of an estimate, to the bucket of a time. Buckets that no
    /// longer count are dropped.
    pub fn add(&mut self, now: Time, time: Time, count: i64) {
        self.add_to_bucket(now, time.micros().div_euclid(self.span.bucket()), count);
    }

    /// [`SlidingWindow::add`] by the number of the bucket.
    pub fn add_to_bucket(&mut self, now: Time, bucket: i64, count: i64) {
        let oldest = self.oldest(now);
        while self.buckets.front().is_some_and(|(bucket, _)| *bucket < oldest) {
            self.buckets.pop_front();
        }
        if bucket < oldest || count == 0 {
            return;
        }
        let position = self.buckets.partition_point(|(other, _)| *other < bucket);
        match self.buckets.get_mut(position) {
            Some((other, sum)) if *other == bucket => *sum += count,
            _ => self.buckets.insert(position, (bucket, count)),
        }
    }

    /// Whether no bucket counts any longer.
    pub fn is_over(&self, now: Time) -> bool {
        self.buckets.back().is_none_or(|(bucket, _)| *bucket < self.oldest(now))
    }

    /// The buckets that count, oldest first.
    pub fn buckets(&self, now: Time) -> impl Iterator<Item = (i64, i64)> {
        let oldest = self.oldest(now);
        self.buckets.iter().copied().filter(move |(bucket, _)| *bucket >= oldest)
    }

    fn oldest(&self, now: Time) -> i64 {
        now.micros().div_euclid(self.span.bucket()) - BUCKETS_BEFORE
    }
}

/// The earliest time whose bucket counts at `now`.
pub fn counts_from(span: RateWindow, now: Time) -> Time {
    let bucket = now.micros().div_euclid(span.bucket()) - BUCKETS_BEFORE;
    Time::from_micros(bucket * span.bucket())
}

/// The first time at which the bucket of `time` no longer counts.
pub fn counts_until(span: RateWindow, time: Time) -> Time {
    let bucket = time.micros().div_euclid(span.bucket()) + BUCKETS_BEFORE + 1;
    Time::from_micros(bucket * span.bucket())
}
