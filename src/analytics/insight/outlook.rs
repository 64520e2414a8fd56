//! Whether a limit is reached before it resets.

use super::history::Model;
use crate::domain::Time;
use crate::domain::time::calendar::Window;
use crate::insight::forecast::Interval;

/// A limit in its running window, in nano-units or a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitInForce {
    pub limit: i64,
    pub used: i64,
    pub window: Window,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    pub in_force: LimitInForce,
    /// 0 to 1.
    pub probability: f64,
    /// When it is as likely reached as not.
    pub exhaustion: Option<Time>,
    /// When it is reached with a probability of a tenth.
    pub earliest: Option<Time>,
    /// Used in the whole window, as likely too low as too high.
    pub expected: f64,
    /// Of 80 and 95 %.
    pub bands: [Interval; 2],
}

const MEDIAN: f64 = 0.5;
const EARLY: f64 = 0.1;

/// What a model that ends with the window says of a limit.
pub fn outlook(model: &Model, in_force: LimitInForce, as_of: Time) -> Outlook {
    let rest = model.rest();
    let used = in_force.used as f64;
    let with = |Interval { low, high }| Interval { low: used + low, high: used + high };
    let (expected, bands) = (used + rest.median(), rest.bands().map(with));
    let left = in_force.limit.saturating_sub(in_force.used);
    if left <= 0 {
        let now = Some(as_of);
        let (exhaustion, earliest) = (now, now);
        return Outlook { in_force, probability: 1.0, exhaustion, earliest, expected, bands };
    }
    // Reached is what is used up, and amounts are whole: more than one less.
    let left = (left - 1) as f64;
    let probability = rest.probability_above(left);
    let exhaustion = model.time_of(left, MEDIAN);
    let earliest = model.time_of(left, EARLY);
    Outlook { in_force, probability, exhaustion, earliest, expected, bands }
}
