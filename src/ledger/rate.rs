//! Counts of one rate limit for one subject, in buckets of a sixtieth of its window.
//!
//! In no span as long as the window is more admitted than the limit: the running bucket and the
//! sixty before it count in full, so that the oldest may be counted a little longer than its
//! window, never shorter.

use std::collections::VecDeque;

use crate::domain::Time;
use crate::domain::rate_limit::RateWindow;
use crate::domain::time::Micros;

/// Buckets before the running one that count.
const BUCKETS_BEFORE: i64 = 60;

#[derive(Clone, Debug)]
pub struct Rate {
    /// Number of the rule that counts here.
    pub rule: u32,
    span: RateWindow,
    /// Number of a bucket (time divided by its length) and what it counts, oldest first.
    buckets: VecDeque<(i64, i64)>,
}

impl Rate {
    pub fn new(rule: u32, span: RateWindow) -> Rate {
        Rate { rule, span, buckets: VecDeque::new() }
    }

    /// What counts now.
    pub fn count(&self, now: Time) -> i64 {
        let oldest = self.oldest(now);
        let counting = self.buckets.iter().rev().take_while(|(bucket, _)| *bucket >= oldest);
        counting.map(|(_, count)| *count).sum()
    }

    /// How long until `need` fits under `limit`, if nobody else comes; none if it never does.
    pub fn wait(&self, now: Time, need: i64, limit: i64) -> Option<Micros> {
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

    /// Adds to the bucket of a time: what was sent, or the correction of an estimate. Nothing is
    /// kept of what does not count any more.
    pub fn add(&mut self, now: Time, at: Time, count: i64) {
        self.add_to(now, at.micros().div_euclid(self.span.bucket()), count);
    }

    /// The same by the number of the bucket.
    pub fn add_to(&mut self, now: Time, bucket: i64, count: i64) {
        let oldest = self.oldest(now);
        while self.buckets.front().is_some_and(|(bucket, _)| *bucket < oldest) {
            self.buckets.pop_front();
        }
        if bucket < oldest || count == 0 {
            return;
        }
        let after = self.buckets.partition_point(|(other, _)| *other < bucket);
        match self.buckets.get_mut(after) {
            Some((other, there)) if *other == bucket => *there += count,
            _ => self.buckets.insert(after, (bucket, count)),
        }
    }

    /// Whether nothing counts any more.
    pub fn is_over(&self, now: Time) -> bool {
        self.buckets.back().is_none_or(|(bucket, _)| *bucket < self.oldest(now))
    }

    pub fn span(&self) -> RateWindow {
        self.span
    }

    /// What counts, bucket by bucket, oldest first.
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

/// The first time at which the bucket of `at` does not count any more.
pub fn counts_until(span: RateWindow, at: Time) -> Time {
    let bucket = at.micros().div_euclid(span.bucket()) + BUCKETS_BEFORE + 1;
    Time::from_micros(bucket * span.bucket())
}
