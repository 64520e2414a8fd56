//! Days that are not normal: of usage, and of what a request costs.

use super::{Bar, Direction, Flag, INTERMITTENT_BEYOND_MIN, Sensitivity};
use crate::insight::statistics::{known, mean, median, median_and_spread, range};

/// Days in a week: the season.
const WEEK: usize = 7;
/// Days before one is judged.
pub const HISTORY_DAYS: usize = 2 * WEEK;
/// Days with usage among these, at least.
const ACTIVE_DAYS_MIN: usize = WEEK;
/// Known days that are looked back at, at least.
const KNOWN_DAYS_MIN: usize = 10;
/// Days that are looked back at.
const WINDOW: usize = 4 * WEEK;
/// Same days of the week that are known, at least; with fewer the days of the last two weeks count.
const SAME_DAYS_MIN: usize = 4;
const SAME_DAYS: usize = 8;
/// The least spread of a logarithm.
const SPREAD_MIN: f64 = 0.15;
/// Of the mean day: what days are raised by before their logarithm is taken.
const FLOOR_SHARE: f64 = 0.05;
const VIEW: std::ops::RangeInclusive<f64> = -2.0..=8.0;
/// Weights of the residual, and of what is beyond every day of the window.
const WEIGHTS: [f64; 2] = [0.5, 1.0];

/// Requests of a day whose cost per request is judged or compared, at least.
const REQUESTS_MIN: f64 = 20.0;
/// Such days before it, at least.
const PRICED_DAYS_MIN: usize = 10;
/// How far beyond every day before it the cost per request is, at least.
const BEYOND_MIN: f64 = 1.1;
const PRICE_SPREAD_MIN: f64 = 0.05;

/// Of rises and drops.
fn bars(sensitivity: Sensitivity) -> [Bar; 2] {
    let bar = |score, excess| Bar { score, excess };
    match sensitivity {
        Sensitivity::High => [bar(2.0, 0.7), bar(2.5, 0.4)],
        Sensitivity::Medium => [bar(2.5, 1.0), bar(3.5, 0.55)],
        Sensitivity::Low => [bar(3.5, 2.0), bar(4.5, 0.8)],
    }
}

/// In spreads.
fn price_bar(sensitivity: Sensitivity) -> f64 {
    match sensitivity {
        Sensitivity::High => 3.0,
        Sensitivity::Medium => 4.0,
        Sensitivity::Low => 6.0,
    }
}

/// The days from `from` on whose usage is not normal.
pub fn flags(series: &[f64], from: usize, sensitivity: Sensitivity) -> Vec<Flag> {
    let bars = bars(sensitivity);
    (from.max(HISTORY_DAYS)..series.len()).filter_map(|day| judge(series, day, bars)).collect()
}

/// What is expected of a day: the median of the comparable ones. None where too few are known.
pub fn expected(series: &[f64], day: usize) -> Option<f64> {
    let same = comparable(series, day);
    (same.len() >= SAME_DAYS_MIN).then(|| median(&same))
}

/// The same days of the week before; where too few are known, the days of the last two weeks.
fn comparable(series: &[f64], day: usize) -> Vec<f64> {
    let weeks = (1..=SAME_DAYS).map_while(|week| day.checked_sub(week * WEEK));
    let same: Vec<f64> = weeks.map(|at| series[at]).filter(|it| it.is_finite()).collect();
    if same.len() < SAME_DAYS_MIN {
        return known(&series[day.saturating_sub(HISTORY_DAYS)..day]).collect();
    }
    same
}

fn judge(series: &[f64], day: usize, bars: [Bar; 2]) -> Option<Flag> {
    let actual = series[day];
    let before = &series[day.saturating_sub(WINDOW)..day];
    let active = known(before).filter(|value| *value > 0.0).count();
    let is_young = known(before).count() < KNOWN_DAYS_MIN || active < ACTIVE_DAYS_MIN;
    if is_young || !actual.is_finite() {
        return None;
    }
    let day_mean = mean(before);
    let floor = (FLOOR_SHARE * day_mean).max(f64::MIN_POSITIVE);
    let log = |value: f64| (value + floor).ln();
    let residual = |at: usize| Some(log(series[at]) - log(expected(series, at)?));
    let expected = expected(series, day)?;
    let first = day.saturating_sub(WINDOW).max(WEEK);
    let residuals: Vec<f64> =
        (first..day).filter_map(residual).filter(|it| it.is_finite()).collect();
    if residuals.len() < WEEK {
        return None;
    }
    let least_residual = range(&residuals)?.0;
    let (center, spread) = median_and_spread(&residuals);
    let days: Vec<f64> = known(before).collect();
    let (low, high) = range(&days)?;
    let least = range(&comparable(series, day))?.0;
    let (direction, bar, sign, beyond) = if actual > expected {
        (Direction::Up, bars[0], 1.0, log(actual) - log(high))
    } else {
        (Direction::Down, bars[1], -1.0, log(least) - log(actual))
    };
    // What comes and goes has days of nothing, also where something is expected, and days of much.
    let beyond_min = if expected > 0.0 { 0.0 } else { INTERMITTENT_BEYOND_MIN };
    let has_dropped_before = direction == Direction::Down && residual(day)? >= least_residual;
    if beyond <= beyond_min || has_dropped_before {
        return None;
    }
    let spreads = sign * (residual(day)? - center) / spread.max(SPREAD_MIN);
    let views = [spreads, beyond].map(|view| view.clamp(*VIEW.start(), *VIEW.end()));
    let score: f64 = WEIGHTS.iter().zip(views).map(|(weight, view)| weight * view).sum();
    let flag = Flag { step: day, direction, actual, expected, low, high };
    (score >= bar.score && flag.excess() >= bar.excess * day_mean).then_some(flag)
}

/// The days from `from` on on which a request costs more, or less, than on every day before.
pub fn price_flags(
    costs: &[f64],
    requests: &[f64],
    from: usize,
    sensitivity: Sensitivity,
) -> Vec<Flag> {
    let each = costs.iter().zip(requests);
    let prices: Vec<f64> = each
        .map(|(cost, count)| if *count >= REQUESTS_MIN { cost / count } else { f64::NAN })
        .collect();
    let bar = price_bar(sensitivity);
    let days = from.max(HISTORY_DAYS)..prices.len();
    days.filter_map(|day| judge_price(&prices, day, bar)).collect()
}

fn judge_price(prices: &[f64], day: usize, bar: f64) -> Option<Flag> {
    let actual = prices[day];
    let before: Vec<f64> =
        known(&prices[day.saturating_sub(WINDOW)..day]).filter(|price| *price > 0.0).collect();
    if !actual.is_finite() || actual < 0.0 || before.len() < PRICED_DAYS_MIN {
        return None;
    }
    let (low, high) = range(&before)?;
    let logs: Vec<f64> = before.iter().map(|price| price.ln()).collect();
    let (center, spread) = median_and_spread(&logs);
    let expected = center.exp();
    let (direction, is_beyond) = if actual > expected {
        (Direction::Up, actual >= high * BEYOND_MIN)
    } else {
        (Direction::Down, actual <= low / BEYOND_MIN)
    };
    let log = actual.max(f64::MIN_POSITIVE).ln();
    let spreads = (log - center).abs() / spread.max(PRICE_SPREAD_MIN);
    let flag = Flag { step: day, direction, actual, expected, low, high };
    (is_beyond && spreads >= bar).then_some(flag)
}
