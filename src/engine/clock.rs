//! The clock: of the machine in production, set by hand in tests.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Time;
use crate::domain::time::{MICROS_PER_SECOND, Micros};
use crate::storage::lease::boot_time;

/// How far the clock of the machine may be from the server's to be followed.
pub const CLOCK_STEP_MAX: Micros = MICROS_PER_SECOND;
/// How far the server's clock is moved at once.
const SLEW_MAX: Micros = 50_000;

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Time;

    /// Moves it towards that of the machine, if it follows that. Returns how far ahead that one is
    /// where it is too far away to be followed.
    fn follow(&self) -> Option<Micros> {
        None
    }
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The clock of a server: that of the machine as it was at the start, which then goes on by itself.
/// A cycle that ended because somebody set the clock of the machine would never come back, so that
/// one is followed where it drifts and not where it jumps.
pub struct ServerClock<C = SystemClock> {
    machine: C,
    /// What is added to the time since the machine started.
    offset: AtomicI64,
}

impl ServerClock {
    pub fn start() -> ServerClock {
        ServerClock::following(SystemClock)
    }
}

impl<C: Clock> ServerClock<C> {
    fn following(machine: C) -> ServerClock<C> {
        let offset = AtomicI64::new(machine.now().micros() - boot_time());
        ServerClock { machine, offset }
    }
}

impl<C: Clock> Clock for ServerClock<C> {
    fn now(&self) -> Time {
        Time::from_micros(boot_time() + self.offset.load(Ordering::Relaxed))
    }

    fn follow(&self) -> Option<Micros> {
        let ahead = self.machine.now() - self.now();
        if ahead.abs() > CLOCK_STEP_MAX {
            return Some(ahead);
        }
        self.offset.fetch_add(ahead.clamp(-SLEW_MAX, SLEW_MAX), Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(AtomicI64);

    impl Clock for Machine {
        fn now(&self) -> Time {
            Time::from_micros(boot_time() + self.0.load(Ordering::Relaxed))
        }
    }

    /// A clock whose machine's was set by `step` after the start.
    fn stepped(step: Micros) -> ServerClock<Machine> {
        let clock = ServerClock::following(Machine(AtomicI64::new(0)));
        clock.machine.0.fetch_add(step, Ordering::Relaxed);
        clock
    }

    /// Checks how far the machine's is ahead, up to 10 ms: two readings are of two moments.
    fn assert_ahead(clock: &ServerClock<Machine>, expected: Micros) {
        let ahead = clock.machine.now() - clock.now();
        assert!((ahead - expected).abs() < 10_000, "{ahead} instead of {expected}");
    }

    #[test]
    fn drift_is_followed_in_small_steps() {
        for direction in [1, -1] {
            let clock = stepped(120_000 * direction);
            for left in [70_000, 20_000, 0, 0] {
                assert_eq!(clock.follow(), None);
                assert_ahead(&clock, left * direction);
            }
        }
    }

    #[test]
    fn a_jump_is_told_and_not_followed() {
        let day = 86_400 * MICROS_PER_SECOND;
        for step in [40 * day, -day, 2 * MICROS_PER_SECOND] {
            let clock = stepped(step);
            let told = clock.follow().expect("it is too far away");
            assert!((told - step).abs() < 10_000, "{told} of {step}");
            assert_ahead(&clock, step);
            // Set right again it is followed again.
            clock.machine.0.fetch_sub(step, Ordering::Relaxed);
            assert_eq!(clock.follow(), None);
        }
    }
}
