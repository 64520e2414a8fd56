//! When a delivery is tried again, and when it is given up.

use std::time::Duration;

use crate::domain::Time;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros};
use crate::storage::alerts::Delivery;

/// Pauses after the first, the second, … failed attempt; after all further ones the last.
pub const BACKOFF: [Micros; 9] = [
    5 * MICROS_PER_SECOND,
    30 * MICROS_PER_SECOND,
    2 * MICROS_PER_MINUTE,
    10 * MICROS_PER_MINUTE,
    30 * MICROS_PER_MINUTE,
    MICROS_PER_HOUR,
    2 * MICROS_PER_HOUR,
    4 * MICROS_PER_HOUR,
    8 * MICROS_PER_HOUR,
];
/// By how much a pause is longer or shorter at most, so that attempts spread.
pub const JITTER_PERCENT: Micros = 20;
/// Age at which a delivery is given up; the last attempt is made then.
pub const GIVE_UP_AFTER: Micros = 72 * MICROS_PER_HOUR;
/// Longest pause that a receiver may ask for.
pub const RETRY_AFTER_MAX: Micros = MICROS_PER_HOUR;
/// Longest time that a receiver which fails is left alone while something is due to it.
pub const REST_MAX: Micros = 10 * MICROS_PER_MINUTE;

const PERCENT: Micros = 100;

/// When a delivery whose attempt failed now is tried again; absent if it is given up. `jitter` is
/// from -1 to 1.
pub fn next_attempt(
    delivery: &Delivery,
    now: Time,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Option<Time> {
    let last = delivery.create_time + GIVE_UP_AFTER;
    if now >= last {
        return None;
    }
    let pause = pause(usize::try_from(delivery.attempts).unwrap_or(0));
    let spread = pause * JITTER_PERCENT / PERCENT;
    // Rounding does not matter here: it is a pause.
    let pause = pause + (spread as f64 * jitter.clamp(-1.0, 1.0)) as Micros;
    let asked =
        retry_after.map_or(0, |span| Micros::try_from(span.as_micros()).unwrap_or(i64::MAX));
    Some((now + pause.max(asked.min(RETRY_AFTER_MAX))).min(last))
}

/// The pause after an attempt before which so many have failed.
fn pause(failed_before: usize) -> Micros {
    BACKOFF[failed_before.min(BACKOFF.len() - 1)]
}

/// How long a receiver is left alone, whatever is due to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    failures: usize,
    pub until: Time,
}

impl Rest {
    /// Never longer than the shortest pause of a delivery that has failed as often.
    pub fn fail(&mut self, now: Time) {
        let rest = pause(self.failures).min(REST_MAX) * (PERCENT - JITTER_PERCENT) / PERCENT;
        self.failures += 1;
        self.until = now + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::alerts::{DeliveryState, Receiver};

    fn delivery(attempts: i32) -> Delivery {
        Delivery {
            id: "d".into(),
            workspace_id: "acme".into(),
            alert_seq: 1,
            receiver: Receiver::Webhook("w".into()),
            state: DeliveryState::Pending,
            attempts,
            next_attempt_time: Time::default(),
            last_error: String::new(),
            create_time: Time::default(),
            finish_time: None,
        }
    }

    #[test]
    fn pauses_grow_and_spread_by_a_fifth() {
        let now = Time::from_micros(1_000);
        let pause =
            |attempts, jitter| next_attempt(&delivery(attempts), now, None, jitter).unwrap() - now;
        for (attempts, expected) in (0..).zip(BACKOFF) {
            assert_eq!(pause(attempts, 0.0), expected);
            assert_eq!(pause(attempts, -1.0), expected * 4 / 5);
            assert_eq!(pause(attempts, 1.0), expected * 6 / 5);
        }
        assert_eq!(pause(500, 0.0), BACKOFF[8]);
    }

    #[test]
    fn the_last_attempt_is_made_after_72_hours() {
        let last = Time::default() + GIVE_UP_AFTER;
        let next = |now| next_attempt(&delivery(20), now, None, 0.0);
        assert_eq!(next(last - MICROS_PER_SECOND), Some(last));
        assert_eq!(next(last), None);
        assert_eq!(next(last + MICROS_PER_HOUR), None);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_within_a_bound() {
        let now = Time::default();
        for (seconds, expected) in [
            (0, BACKOFF[0]),
            (60, MICROS_PER_MINUTE),
            (3_600, MICROS_PER_HOUR),
            (u64::MAX, MICROS_PER_HOUR),
        ] {
            let asked = Some(Duration::from_secs(seconds));
            assert_eq!(next_attempt(&delivery(0), now, asked, 0.0), Some(now + expected));
        }
    }

    #[test]
    fn a_receiver_rests_no_longer_than_its_first_delivery_waits() {
        let now = Time::default();
        let mut rest = Rest::default();
        for attempts in 0..20 {
            rest.fail(now);
            assert!(rest.until > now);
            assert!(rest.until <= next_attempt(&delivery(attempts), now, None, -1.0).unwrap());
            assert!(rest.until <= now + REST_MAX);
        }
    }
}
