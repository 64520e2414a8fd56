//! The clock: of the system in production, set by hand in tests.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Time;

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Time;
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}
