//! Synthetic usage: personas, and the events of each day, drawn from one seeded RNG.
//!
//! The same [`Spec`] gives the same history, in the same version of the program. Prices, storage
//! and the calendar of a workspace belong to the caller.

pub mod event;
pub mod history;
mod names;
pub mod personas;
mod sessions;

use rand_distr::LogNormal;

/// Microseconds since 1970-01-01T00:00:00Z, or the length of a span in microseconds.
pub type Micros = i64;

const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;

/// What to generate. Every count is at least 1.
#[derive(Clone, Debug)]
pub struct Spec {
    pub records: usize,
    /// Consecutive local days.
    pub days: Vec<LocalDay>,
    pub users: usize,
    pub departments: usize,
    pub assistants: usize,
    pub workflows: usize,
    pub models: usize,
    /// Whether users, assistants and workflows have names as in life instead of numbers, as far as
    /// there are enough.
    pub named: bool,
    pub seed: u64,
}

/// One day in the time zone of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDay {
    pub start: Micros,
    /// Start of the next one.
    pub end: Micros,
    pub is_weekend: bool,
}

impl Spec {
    /// Start of the first day and end of the last.
    fn span(&self) -> (Micros, Micros) {
        let start = self.days.first().map_or(0, |day| day.start);
        (start, self.days.last().map_or(start, |day| day.end))
    }
}

/// The log-normal distribution with this median whose logarithm has this standard deviation.
fn log_normal(median: f64, deviation: f64) -> LogNormal<f64> {
    LogNormal::new(median.ln(), deviation).expect("medians and deviations are finite constants")
}

#[cfg(test)]
mod tests;
