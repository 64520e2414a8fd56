//! Hours in which more requests fail than their own history makes likely.

use super::robust::{median_and_spread, range};
use super::{Direction, Flag, Sensitivity};

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
    let (center, spread) = median_and_spread(&mut rates);
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
    let log = ln_gamma(count + 1.0) - ln_gamma(failed + 1.0) - ln_gamma(count - failed + 1.0)
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

/// Lanczos' approximation, exact to about 15 digits for arguments of 1 and more.
fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let mut sum = FIRST;
    let mut at = x;
    for term in TERMS {
        at += 1.0;
        sum += term / at;
    }
    let t = x + G + 0.5;
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + sum.ln()
}
