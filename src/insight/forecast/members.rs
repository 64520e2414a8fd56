//! The members of the pool: simple forecasts, each right about some kind of series.
//!
//! A member sees the past alone, at least one cycle of it, and is never asked about its own error.

use crate::insight::statistics::{mean, median};

/// How a series repeats, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// The hours of a day, or the days of a week; 1 for none.
    pub cycle: usize,
    /// A longer one, such as the hours of a week.
    pub long_cycle: Option<usize>,
    /// 24 or 1.
    pub steps_a_day: usize,
}

impl Rhythm {
    /// Of local hours.
    pub const HOURS: Rhythm = Rhythm { cycle: 24, long_cycle: Some(168), steps_a_day: 24 };
    /// Of local days.
    pub const DAYS: Rhythm = Rhythm { cycle: 7, long_cycle: None, steps_a_day: 1 };

    /// What of it a history of so many steps can show: two cycles, or none.
    pub(super) fn of_history(self, steps: usize) -> Rhythm {
        let cycle = if steps >= 2 * self.cycle { self.cycle } else { 1 };
        Rhythm { cycle, ..self }
    }
}

pub const MEMBERS: usize = 14;

/// Every member's name, in the order of [`forecast`].
pub const NAMES: [&str; MEMBERS] = [
    "seasonal median",
    "seasonal mean",
    "seasonal naive",
    "long season",
    "theta",
    "trailing mean",
    "level and profile",
    "long mean",
    "smoothing",
    "smoothing of logarithms",
    "trailing median",
    "seasonal median of all",
    "autoregression",
    "short level",
];

/// Cycles that the seasonal members look back.
const MEDIAN_CYCLES: usize = 8;
const MEAN_CYCLES: usize = 4;
const LONG_CYCLES: usize = 4;

/// The forecast of every member; `past` has at least one cycle.
pub fn forecast(past: &[f64], rhythm: Rhythm, horizon: usize) -> [Vec<f64>; MEMBERS] {
    let m = rhythm.cycle;
    let flat = |value: f64| vec![value; horizon];
    let last = &past[past.len() - m..];
    let profile = Profile::of(past, m);
    [
        seasonal(past, m, MEDIAN_CYCLES, horizon, median),
        seasonal(past, m, MEAN_CYCLES, horizon, mean),
        seasonal(past, m, 1, horizon, mean),
        long_season(past, rhythm, horizon),
        theta(past, &profile, horizon),
        flat(mean(last)),
        level_and_profile(past, &profile, horizon),
        flat(mean(past)),
        smoothing(past, m, horizon),
        smoothing_of_logarithms(past, m, horizon),
        flat(median(last)),
        seasonal(past, m, usize::MAX, horizon, median),
        autoregression(past, rhythm, horizon),
        short_level(past, &profile, horizon),
    ]
}

/// A summary of the same step of the last cycles.
fn seasonal(
    past: &[f64],
    m: usize,
    cycles: usize,
    horizon: usize,
    summary: fn(&[f64]) -> f64,
) -> Vec<f64> {
    let cycle = (0..m.min(horizon)).map(|step| {
        let same = past.iter().rev().skip(m - 1 - step).step_by(m).take(cycles);
        summary(&same.copied().collect::<Vec<f64>>())
    });
    let cycle: Vec<f64> = cycle.collect();
    (0..horizon).map(|step| cycle[step % m]).collect()
}

/// The median of the same step of the last long cycles; of the main ones where there is no whole
/// long one.
fn long_season(past: &[f64], rhythm: Rhythm, horizon: usize) -> Vec<f64> {
    match rhythm.long_cycle {
        Some(long) if past.len() >= long => seasonal(past, long, LONG_CYCLES, horizon, median),
        _ => seasonal(past, rhythm.cycle, LONG_CYCLES, horizon, median),
    }
}

/// What each step of a cycle is of the mean of its cycle.
struct Profile {
    factors: Vec<f64>,
}

impl Profile {
    fn of(past: &[f64], m: usize) -> Profile {
        let cycles: Vec<&[f64]> = past.rchunks_exact(m).take(MEDIAN_CYCLES).collect();
        let means: Vec<f64> = cycles.iter().map(|cycle| mean(cycle)).collect();
        let mut factors: Vec<f64> = (0..m)
            .map(|step| {
                let sum: f64 = cycles.iter().map(|cycle| cycle[step]).sum();
                let of: f64 = means.iter().sum();
                if of > 0.0 { sum / of } else { 1.0 }
            })
            .collect();
        let scale = mean(&factors);
        if scale > 0.0 {
            factors.iter_mut().for_each(|factor| *factor /= scale);
        }
        Profile { factors }
    }

    /// The factor of a step counted from the end of the past.
    fn ahead(&self, step: usize) -> f64 {
        self.factors[step % self.factors.len()]
    }

    /// The past without the season.
    fn removed(&self, past: &[f64]) -> Vec<f64> {
        let m = self.factors.len();
        let offset = m - past.len() % m;
        let least = 0.05;
        let without =
            |(index, value): (usize, &f64)| value / self.factors[(index + offset) % m].max(least);
        past.iter().enumerate().map(without).collect()
    }
}

/// Half of simple smoothing and half of a line, without the season and with it again.
fn theta(past: &[f64], profile: &Profile, horizon: usize) -> Vec<f64> {
    let flat = profile.removed(past);
    let level = smoothed(&flat, best_alpha(&flat));
    let slope = slope(&flat) / 2.0;
    let at = |step: usize| (level + slope * (step + 1) as f64).max(0.0) * profile.ahead(step);
    (0..horizon).map(at).collect()
}

/// The level of the last cycles, returning to the long mean, times the profile.
fn level_and_profile(past: &[f64], profile: &Profile, horizon: usize) -> Vec<f64> {
    let m = profile.factors.len();
    let means: Vec<f64> = past.rchunks_exact(m).rev().map(mean).collect();
    let level = smoothed(&means, 0.5);
    let long = mean(&means);
    let at = |step: usize| {
        let stays = 0.8_f64.powi((step / m) as i32 + 1);
        (long + (level - long) * stays) * profile.ahead(step)
    };
    (0..horizon).map(at).collect()
}

fn smoothed(values: &[f64], alpha: f64) -> f64 {
    let mut level = values[0];
    for value in values {
        level += alpha * (value - level);
    }
    level
}

/// The smoothing with the least error one step ahead.
fn best_alpha(values: &[f64]) -> f64 {
    let error = |alpha: f64| {
        let (mut level, mut sum) = (values[0], 0.0);
        for value in values {
            sum += (value - level).abs();
            level += alpha * (value - level);
        }
        sum
    };
    let alphas = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8];
    let best = alphas.into_iter().min_by(|a, b| error(*a).total_cmp(&error(*b)));
    best.expect("there are some")
}

/// Of the line of least squares.
fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let (middle, level) = ((n - 1.0) / 2.0, mean(values));
    let mut products = 0.0;
    for (index, value) in values.iter().enumerate() {
        products += (index as f64 - middle) * (value - level);
    }
    let squares = n * (n * n - 1.0) / 12.0;
    if squares > 0.0 { products / squares } else { 0.0 }
}

/// Exponential smoothing of a level and of additive seasons, with the smoothing that had the least
/// error.
fn smoothing(past: &[f64], m: usize, horizon: usize) -> Vec<f64> {
    let mut best: Option<(f64, Smoothing)> = None;
    for alpha in [0.02, 0.1, 0.3, 0.6] {
        for gamma in [0.05, 0.15, 0.4] {
            let (error, state) = Smoothing::run(past, m, alpha, gamma);
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, state));
            }
        }
    }
    let (_, state) = best.expect("some were tried");
    let at = |step: usize| (state.level + state.seasons[(past.len() + step) % m]).max(0.0);
    (0..horizon).map(at).collect()
}

/// The same of logarithms, which follows growth in shares and is not moved by single peaks.
fn smoothing_of_logarithms(past: &[f64], m: usize, horizon: usize) -> Vec<f64> {
    // Of a series whose mean is 1: what is a tenth of it is small.
    const SMALL: f64 = 0.1;
    let logarithms: Vec<f64> = past.iter().map(|value| (value / SMALL).ln_1p()).collect();
    let forecast = smoothing(&logarithms, m, horizon);
    forecast.into_iter().map(|value| value.exp_m1() * SMALL).collect()
}

struct Smoothing {
    level: f64,
    /// By the index of a step in the series, modulo the season.
    seasons: Vec<f64>,
}

impl Smoothing {
    /// The sum of errors one step ahead, and the state at the end.
    fn run(past: &[f64], m: usize, alpha: f64, gamma: f64) -> (f64, Smoothing) {
        let start = &past[..past.len().min(2 * m)];
        let level = mean(start);
        let mut seasons = vec![0.0; m];
        if m > 1 {
            for (step, season) in seasons.iter_mut().enumerate() {
                let same: Vec<f64> = start.iter().skip(step).step_by(m).copied().collect();
                *season = mean(&same) - level;
            }
        }
        let mut state = Smoothing { level, seasons };
        let mut sum = 0.0;
        for (index, value) in past.iter().enumerate() {
            let season = &mut state.seasons[index % m];
            let error = value - state.level - *season;
            if index >= start.len() {
                sum += error.abs();
            }
            state.level += alpha * error;
            if m > 1 {
                *season += gamma * (1.0 - alpha) * error;
            }
        }
        (sum, state)
    }
}

/// The level of the last steps, returning to that of the last cycles within a day, times the
/// profile.
fn short_level(past: &[f64], profile: &Profile, horizon: usize) -> Vec<f64> {
    let m = profile.factors.len();
    let flat = profile.removed(past);
    let short = smoothed(&flat, 0.3);
    let recent = mean(&past[past.len().saturating_sub(4 * m)..]);
    let stays = 0.5_f64.powf(4.0 / m as f64);
    let at = |step: usize| {
        let share = stays.powi(step as i32);
        (recent + (short - recent) * share) * profile.ahead(step)
    };
    (0..horizon).map(at).collect()
}

/// Ridge regression of a step on the last two, those a cycle (and a long cycle) before, and the
/// mean of the last cycle; carried forward step by step.
fn autoregression(past: &[f64], rhythm: Rhythm, horizon: usize) -> Vec<f64> {
    const RIDGE: f64 = 0.02;
    let m = rhythm.cycle;
    let long = rhythm.long_cycle.filter(|long| past.len() >= long + 2 * m);
    let reach = long.unwrap_or(if m > 1 { 2 * m } else { 3 });
    if past.len() < reach + 2 * m + 8 {
        return seasonal(past, m, MEAN_CYCLES, horizon, mean);
    }
    let features = |past: &[f64]| -> Vec<f64> {
        let n = past.len();
        let mut row = vec![past[n - 1], past[n - 2], mean(&past[n - m.max(3)..])];
        if m > 1 {
            row.push(past[n - m]);
            row.push(past[n - 2 * m]);
        }
        if let Some(long) = long {
            row.push(past[n - long]);
        }
        row.push(1.0);
        row
    };
    let count = features(past).len();
    let mut normal = vec![vec![0.0; count + 1]; count];
    for at in reach..past.len() {
        let row = features(&past[..at]);
        for i in 0..count {
            for j in 0..count {
                normal[i][j] += row[i] * row[j];
            }
            normal[i][count] += row[i] * past[at];
        }
    }
    let steps = (past.len() - reach) as f64;
    for (i, row) in normal.iter_mut().enumerate() {
        row[i] += RIDGE * steps;
    }
    let weights = solve(normal);
    let most = past.iter().copied().fold(0.0, f64::max);
    let mut series = past.to_vec();
    for _ in 0..horizon {
        let row = features(&series);
        let next: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
        series.push(next.clamp(0.0, most));
    }
    series.split_off(past.len())
}

/// Solves linear equations, each a row with its right side, by elimination; 0 where a matrix says
/// nothing.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let best =
            (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()));
        rows.swap(column, best.expect("there is a row"));
        let pivot = rows[column].clone();
        if pivot[column].abs() < 1e-12 {
            continue;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / pivot[column];
                for (value, other) in row.iter_mut().zip(&pivot) {
                    *value -= factor * other;
                }
            }
        }
    }
    let solution = |i: usize| if rows[i][i].abs() < 1e-12 { 0.0 } else { rows[i][n] / rows[i][i] };
    (0..n).map(solution).collect()
}
