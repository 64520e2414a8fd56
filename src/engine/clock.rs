//! Where the time comes from: the system in production, a test's hand in tests.

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
