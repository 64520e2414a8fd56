//! Hours in which more requests fail than their own history makes likely.

use super::{Direction, Flag, Sensitivity};
use crate::insight::statistics::{median_and_spread, range};

/// Hours that the usual rate is taken from.
pub const HISTORY_HOURS: usize = 168;
/// Requests of an hour that is judged, at least.
const REQUESTS_MIN: f64 = 5.0;
/// Requests before it, and hours with enough of them, at least.
const REQUESTS_BEFORE_MIN: f64 = 50.0;
const HOURS_BEFORE_MIN: usize = 5;
/// The least spread of rates, and the least usual rate.
const SPREAD_MIN: f64 = 0.005;
const RATE_MIN: f64 = 1e-3;
/// Spreads above the median rate.
const SPREADS: f64 = 3.0;

/// The least rate, and the likelihood that chance has brought it.
fn bar(sensitivity: Sensitivity) -> (f64, f64) {
    match sensitivity {
        Sensitivity::High | Sensitivity::Medium => (0.1, 1e-4),
        Sensitivity::Low => (0.2, 1e-6),
    }
}

/// The hours from `from` on in which too many requests failed, with numbers of failed requests.
/// `failed` and `requests` have the same hours.
pub fn flags(requests: &[f64], failed: &[f64], from: usize, sensitivity: Sensitivity) -> Vec<Flag> {
    let hours = from.max(HISTORY_HOURS)..requests.len().min(failed.len());
    hours.filter_map(|hour| judge(requests, failed, hour, bar(sensitivity))).collect()
}

fn judge(requests: &[f64], failed: &[f64], hour: usize, bar: (f64, f64)) -> Option<Flag> {
    let (count, actual) = (requests[hour], failed[hour]);
    if !count.is_finite() || count < REQUESTS_MIN || actual <= 0.0 {
        return None;
    }
    let window = hour - HISTORY_HOURS..hour;
    let (mut all, mut all_failed) = (0.0, 0.0);
    let mut rates = Vec::with_capacity(HISTORY_HOURS);
    for (count, failed) in requests[window.clone()].iter().zip(&failed[window]) {
        if count.is_finite() && failed.is_finite() {
            (all, all_failed) = (all + count, all_failed + failed);
            if *count >= REQUESTS_MIN {
                rates.push(failed / count);
            }
        }
    }
    if all < REQUESTS_BEFORE_MIN || rates.len() < HOURS_BEFORE_MIN {
        return None;
    }
    let (low, high) = range(&rates)?;
    let (center, spread) = median_and_spread(&rates);
    let usual = center.max(all_failed / all).clamp(RATE_MIN, 1.0);
    let (rate_min, chance) = bar;
    let is_high = actual / count >= rate_min.max(center + SPREADS * spread.max(SPREAD_MIN));
    let flag = Flag {
        step: hour,
        direction: Direction::Up,
        actual,
        expected: usual * count,
        low: low * count,
        high: high * count,
    };
    (is_high && tail(actual, count, usual) < chance).then_some(flag)
}

/// How likely at least `failed` of `count` requests fail, each with this probability.
pub fn tail(failed: f64, count: f64, probability: f64) -> f64 {
    if failed <= 0.0 || probability >= 1.0 {
        return 1.0;
    }
    // The first term by the logarithm of the gamma function, the next ones by their ratio.
    let log =
        libm::lgamma(count + 1.0) - libm::lgamma(failed + 1.0) - libm::lgamma(count - failed + 1.0)
            + failed * probability.ln()
            + (count - failed) * (-probability).ln_1p();
    let odds = probability / (1.0 - probability);
    let (mut term, mut total, mut at) = (log.exp(), 0.0, failed);
    while at <= count {
        total += term;
        if term < 1e-15 * total || total < 1e-300 {
            break;
        }
        term *= (count - at) / (at + 1.0) * odds;
        at += 1.0;
    }
    total.min(1.0)
}
