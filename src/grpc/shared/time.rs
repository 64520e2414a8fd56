//! Timestamps, durations and dates: whole microseconds inside, seconds and nanos in protos.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use prost_types::{Duration, Timestamp};

use super::decode::Decoder;
use crate::domain::Time;
use crate::domain::time::{MICROS_PER_SECOND, Micros};

const NANOS_PER_MICRO: i64 = 1_000;
const NANOS_PER_SECOND: i32 = 1_000_000_000;
/// What a `Timestamp` may say: years 1 to 9999.
const TIMESTAMP_SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// What a `Duration` may say: about 10,000 years.
const DURATION_SECONDS_MAX: i64 = 315_576_000_000;

/// Length of "2026-01-31".
const DATE_BYTES: usize = 10;

pub fn to_timestamp(time: Time) -> Timestamp {
    let micros = time.micros();
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    Timestamp { seconds, nanos: nanos_of(micros.rem_euclid(MICROS_PER_SECOND)) }
}

/// A timestamp that was made here.
pub fn from_timestamp(timestamp: Timestamp) -> Option<Time> {
    let micros = timestamp.seconds.checked_mul(MICROS_PER_SECOND)?;
    Some(Time::from_micros(micros + i64::from(timestamp.nanos) / NANOS_PER_MICRO))
}

pub fn to_duration(micros: Micros) -> Duration {
    let seconds = micros / MICROS_PER_SECOND;
    Duration { seconds, nanos: nanos_of(micros % MICROS_PER_SECOND) }
}

impl Decoder<'_> {
    /// Exactly "YYYY-MM-DD", from 2000-01-01 to 2199-12-31.
    pub fn date(self, text: &str) -> Option<NaiveDate> {
        let is_digit_or_dash = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let is_form = text.len() == DATE_BYTES && text.bytes().all(is_digit_or_dash);
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_form);
        let date = date.filter(|date| (2000..2200).contains(&date.year()));
        let expected = "expected a day from 2000-01-01 to 2199-12-31, for example \"2026-01-31\"";
        self.ensure(date.is_some(), expected);
        date
    }

    /// Any instant that a `Timestamp` may say, to the microsecond.
    pub fn instant(self, timestamp: Timestamp) -> Option<Time> {
        let is_valid = TIMESTAMP_SECONDS.contains(&timestamp.seconds)
            && (0..NANOS_PER_SECOND).contains(&timestamp.nanos);
        if !is_valid {
            self.refuse("expected a timestamp of the years 1 to 9999 with nanos below 10^9");
            return None;
        }
        let micros = i64::from(timestamp.nanos) / NANOS_PER_MICRO;
        Some(Time::from_micros(timestamp.seconds * MICROS_PER_SECOND + micros))
    }

    /// An instant from which something is valid: 2000-01-01 to 2199-12-31.
    pub fn effective(self, timestamp: Timestamp) -> Option<Time> {
        let time = self.instant(timestamp)?;
        let is_in_range = (Time::EARLIEST..Time::LATEST).contains(&time);
        self.ensure(is_in_range, "expected a time from 2000-01-01 to 2199-12-31");
        Some(time)
    }

    /// A span in a range of microseconds, which `expected` spells; `default` if absent.
    pub fn span(
        self,
        duration: Option<Duration>,
        range: RangeInclusive<Micros>,
        expected: &str,
        default: Micros,
    ) -> Micros {
        let Some(Duration { seconds, nanos }) = duration else { return default };
        let is_valid = (-DURATION_SECONDS_MAX..=DURATION_SECONDS_MAX).contains(&seconds)
            && nanos.unsigned_abs() < NANOS_PER_SECOND.unsigned_abs()
            && (seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0));
        let total_nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
        // In nanos, so that a span just outside is not cut to one inside.
        let in_range = total_nanos >= i128::from(*range.start()) * i128::from(NANOS_PER_MICRO)
            && total_nanos <= i128::from(*range.end()) * i128::from(NANOS_PER_MICRO);
        if !is_valid || !in_range {
            self.refuse(expected);
            return default;
        }
        seconds * MICROS_PER_SECOND + i64::from(nanos) / NANOS_PER_MICRO
    }
}

fn nanos_of(micros: Micros) -> i32 {
    i32::try_from(micros * NANOS_PER_MICRO).expect("less than a second")
}

#[cfg(test)]
mod tests {
    use super::super::decode::{decode, refused};
    use super::*;

    #[test]
    fn instants_come_back_to_the_microsecond() {
        for micros in [0, 1, 1_700_000_000_123_456, -1, -1_500_000] {
            let timestamp = to_timestamp(Time::from_micros(micros));
            let time = decode(|at| at.field("start_time").instant(timestamp)).unwrap();
            assert_eq!(time.micros(), micros);
        }
    }

    #[test]
    fn times_that_no_proto_may_say_are_refused() {
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
            let timestamp = Timestamp { seconds, nanos };
            let fields = refused(|at| at.field("start_time").instant(timestamp));
            assert_eq!(fields, ["start_time"], "{seconds} {nanos}");
        }
    }

    #[test]
    fn spans_keep_their_range_to_the_nano() {
        for (seconds, nanos, expected) in [
            (1, 0, Some(1_000_000)),
            (0, 999_999_999, None),
            (10, 1_000, Some(10_000_001)),
            (60, 0, Some(60_000_000)),
            (60, 1, None),
            (-1, 0, None),
            (2, -1, None),
            (2, 1_000_000_000, None),
            (i64::MAX, 0, None),
        ] {
            let duration = Some(Duration { seconds, nanos });
            let range = 1_000_000..=60_000_000;
            let micros = decode(|at| Some(at.span(duration, range, "expected less", 7))).ok();
            assert_eq!(micros, expected, "{seconds} {nanos}");
        }
    }
}
