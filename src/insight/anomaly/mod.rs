//! Anomalies of a series: what stands out from its own past, when it began, and who explains it.
//!
//! Pure: no storage, no clock. Every function judges a step by the steps before it and by nothing
//! else, so that a restart, or another server, finds the same. Steps of which nothing is known (the
//! server recorded nothing for anybody) are NaN: they are neither judged nor compared with.

pub mod contributors;
pub mod daily;
pub mod episodes;
pub mod failures;
pub mod hourly;

#[cfg(test)]
mod tests;

/// How readily a step is an anomaly, from the worst alone to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    Low,
    Medium,
    High,
}

impl Sensitivity {
    /// The next lower one; the lowest stays.
    pub fn lower(self) -> Sensitivity {
        match self {
            Sensitivity::High => Sensitivity::Medium,
            Sensitivity::Medium | Sensitivity::Low => Sensitivity::Low,
        }
    }
}

/// Whether a step is above or below what is normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    Up,
    Down,
}

/// A step that is not normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flag {
    /// Index of the step.
    pub step: usize,
    pub direction: Direction,
    pub actual: f64,
    pub expected: f64,
    /// The least and the most of comparable steps before.
    pub low: f64,
    pub high: f64,
}

impl Flag {
    /// How far it is from what was expected.
    pub fn excess(&self) -> f64 {
        (self.actual - self.expected).abs()
    }
}

/// How far a step is beyond every comparable one, as a logarithm, where nothing is expected of it
/// because most of these had no usage: 3 times.
const INTERMITTENT_BEYOND_MIN: f64 = 1.1;

/// What a score and an excess must reach.
#[derive(Clone, Copy, Debug)]
struct Bar {
    score: f64,
    /// In mean steps of the window before.
    excess: f64,
}
