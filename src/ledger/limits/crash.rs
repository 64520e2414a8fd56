//! The crash penalty: what was admitted just before a crash is not known, so that every rate limit
//! of a minute that existed counts as used up until that minute is over.

use super::rule::{Rule, RuleWindow};
use super::sliding_window::counts_until;
use crate::domain::Time;
use crate::domain::rate_limit::RateWindow;
use crate::domain::time::Micros;

#[derive(Default)]
pub struct CrashPenalty {
    crash_time: Time,
    end: Time,
}

/// When the penalty for a crash ends.
pub fn penalty_end(crash_time: Time) -> Time {
    counts_until(RateWindow::Minute, crash_time)
}

impl CrashPenalty {
    /// Takes a crash into account: the last one counts.
    pub fn apply(&mut self, crash_time: Time) {
        self.crash_time = self.crash_time.max(crash_time);
        self.end = self.end.max(penalty_end(crash_time));
    }

    /// Whether a rate limit counts as used up.
    pub fn applies_to(&self, rule: &Rule, now: Time) -> bool {
        now < self.end
            && rule.window() == RuleWindow::Sliding(RateWindow::Minute)
            && rule.create_time() <= self.crash_time
    }

    /// How long it lasts from now on.
    pub fn remaining(&self, now: Time) -> Micros {
        self.end - now
    }

    /// Time of the crash while its penalty lasts.
    pub fn crash_time(&self, now: Time) -> Option<Time> {
        (now < self.end).then_some(self.crash_time)
    }
}
