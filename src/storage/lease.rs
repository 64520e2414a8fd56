//! The lease of the owner of a database: until when it may decide.
//!
//! A check is decided in memory, so the fence that stops the writes of a deposed owner does not
//! stop its decisions. The lease does: the owner decides only while a renewal that it has written
//! is younger than the lease, and nobody claims the database before the renewal is older than that,
//! by the clock of the database, plus [`margin`]. What renews it is a write, so an owner that
//! cannot write cannot decide for long either.
//!
//! Its clock goes on while the machine is suspended, and no one sets it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::Micros;

/// Least time between the end of a lease and another claim.
const MARGIN_MIN: Duration = Duration::from_millis(500);

/// A lease, held or not.
#[derive(Debug)]
pub struct Lease {
    /// Absent where ownership needs none, because another server cannot start: always held then.
    duration: Option<Duration>,
    /// [`boot_time`] at which it ends.
    end: AtomicI64,
    /// It is not renewed any more.
    is_ended: AtomicBool,
}

impl Lease {
    /// One that is always held until [`Lease::end`].
    pub fn unlimited() -> Lease {
        Lease { duration: None, end: AtomicI64::new(i64::MAX), is_ended: AtomicBool::new(false) }
    }

    /// One that is not held before it is renewed.
    pub fn of(duration: Duration) -> Lease {
        let duration = Some(duration);
        Lease { duration, end: AtomicI64::new(i64::MIN), is_ended: AtomicBool::new(false) }
    }

    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Whether the owner may decide now.
    pub fn is_held(&self) -> bool {
        match self.end.load(Ordering::Relaxed) {
            i64::MAX => true,
            end => boot_time() < end,
        }
    }

    /// Time until it ends, zero if it is not held; none where ownership needs no lease.
    pub fn remaining(&self) -> Option<Duration> {
        self.duration?;
        let left = self.end.load(Ordering::Relaxed).saturating_sub(boot_time());
        Some(Duration::from_micros(u64::try_from(left).unwrap_or_default()))
    }

    /// A renewal was committed whose statement was sent after `sent`, a [`boot_time`].
    pub fn renew(&self, sent: Micros) {
        let Some(duration) = self.duration else { return };
        self.end.store(sent.saturating_add(micros(duration)), Ordering::SeqCst);
        // It may have been ended meanwhile.
        if self.is_ended.load(Ordering::SeqCst) {
            self.end.store(i64::MIN, Ordering::SeqCst);
        }
    }

    /// Ends it at once, and for ever.
    pub fn end(&self) {
        self.is_ended.store(true, Ordering::SeqCst);
        self.end.store(i64::MIN, Ordering::SeqCst);
    }
}

/// Time since the machine started, also while it was suspended.
pub fn boot_time() -> Micros {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    // Elsewhere this is the one that goes on.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// Time between the end of a lease and another claim: clocks of machines run at different rates.
pub fn margin(lease: Duration) -> Duration {
    MARGIN_MIN.max(lease / 10)
}

pub fn micros(duration: Duration) -> Micros {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    #[test]
    fn it_is_held_from_a_renewal_on_for_as_long_as_it_lasts() {
        let lease = Lease::of(LEASE);
        assert!(!lease.is_held());
        let now = boot_time();
        lease.renew(now - micros(LEASE) + 1_000_000);
        assert!(lease.is_held());
        let left = lease.remaining().unwrap();
        assert!(left <= Duration::from_secs(1) && left > Duration::ZERO, "{left:?}");
        lease.renew(now - micros(LEASE));
        assert!(!lease.is_held());
        assert_eq!(lease.remaining(), Some(Duration::ZERO));
        assert_eq!(Lease::unlimited().remaining(), None);
    }

    #[test]
    fn it_ends_for_ever() {
        for lease in [Lease::of(LEASE), Lease::unlimited()] {
            lease.renew(boot_time());
            assert!(lease.is_held());
            lease.end();
            lease.renew(boot_time());
            assert!(!lease.is_held());
        }
    }

    #[test]
    fn the_margin_is_a_tenth_and_half_a_second_at_least() {
        assert_eq!(margin(LEASE), Duration::from_secs(1));
        assert_eq!(margin(Duration::from_secs(2)), MARGIN_MIN);
    }
}
