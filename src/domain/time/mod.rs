//! Instants and spans in whole microseconds, as both databases keep them.

pub mod calendar;

use std::ops::{Add, Sub};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// Length of a time span in microseconds.
pub type Micros = i64;

pub const MICROS_PER_SECOND: Micros = 1_000_000;
pub const MICROS_PER_MINUTE: Micros = 60 * MICROS_PER_SECOND;
pub const MICROS_PER_HOUR: Micros = 60 * MICROS_PER_MINUTE;
pub const MICROS_PER_DAY: Micros = 24 * MICROS_PER_HOUR;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// 2000-01-01T00:00:00Z: the earliest time that is taken from outside.
    pub const EARLIEST: Time = Time(946_684_800 * MICROS_PER_SECOND);
    /// 2200-01-01T00:00:00Z: times from outside are before it.
    pub const LATEST: Time = Time(7_258_118_400 * MICROS_PER_SECOND);

    pub const fn from_micros(micros: i64) -> Time {
        Time(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub fn from_utc(time: DateTime<Utc>) -> Time {
        Time(time.timestamp_micros())
    }

    /// # Panics
    /// If the time is outside of what chrono can say; bounded by `EARLIEST` and `LATEST` it is not.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).expect("times are bounded")
    }

    /// RFC 3339 in UTC, to the microsecond where there are any.
    pub fn to_rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// As [`Time::to_rfc3339`].
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl Add<Micros> for Time {
    type Output = Time;
    fn add(self, span: Micros) -> Time {
        Time(self.0.saturating_add(span))
    }
}

impl Sub<Micros> for Time {
    type Output = Time;
    fn sub(self, span: Micros) -> Time {
        Time(self.0.saturating_sub(span))
    }
}

impl Sub for Time {
    type Output = Micros;
    fn sub(self, other: Time) -> Micros {
        self.0.saturating_sub(other.0)
    }
}
