//! Quantiles of scaled errors, measured on series of other people: the half of them that is for
//! tuning. None of these series is one of a user of this server.

use super::members::Rhythm;

/// The shares that quantiles of steps are of.
pub const STEP_SHARES: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];
/// Quantiles of errors of steps, in mean sizes of the errors at past origins.
pub type StepTable = [f64; STEP_SHARES.len()];

/// The shares that quantiles of totals are of.
pub const TOTAL_SHARES: [f64; 11] = [0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975];
/// Quantiles of errors of totals, in sizes as `total.rs` has them.
pub type TotalTable = [f64; TOTAL_SHARES.len()];

/// Most hours ahead that are near.
pub const NEAR_HOURS: usize = 48;

const NEAR: StepTable = [-2.29, -1.07, 0.0, 1.93, 4.34];
const FAR: StepTable = [-4.03, -2.33, -0.05, 3.23, 7.37];
const DAYS: StepTable = [-2.28, -1.44, -0.09, 1.82, 3.92];

const TOTAL_HOURS: TotalTable =
    [-2.55, -1.72, -1.35, -0.85, -0.37, 0.15, 0.50, 1.35, 2.75, 4.45, 5.90];
const TOTAL_DAYS: TotalTable = [-1.6, -1.4, -1.05, -0.75, -0.35, -0.02, 0.3, 1.0, 2.2, 3.1, 3.5];

pub fn steps(rhythm: Rhythm, horizon: usize) -> &'static StepTable {
    match rhythm.steps_a_day {
        1 => &DAYS,
        _ if horizon <= NEAR_HOURS => &NEAR,
        _ => &FAR,
    }
}

pub fn totals(rhythm: Rhythm) -> &'static TotalTable {
    if rhythm.steps_a_day == 1 { &TOTAL_DAYS } else { &TOTAL_HOURS }
}
