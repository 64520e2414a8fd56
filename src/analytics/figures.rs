//! Figures of one group in one window, and the metrics computed from them.
//!
//! All but counts of distinct values are additive. Costs are added exactly; an overflow is an
//! error, never a wrong figure. Only the estimated costs of refused checks saturate.

use super::metric::{Counted, Metric};
use super::{Error, Result};
use crate::domain::Amount;
use crate::domain::time::Micros;
use crate::domain::usage::TokenClass;
use crate::storage::reports::RefusalsRow;
use crate::storage::rollup::Sums;
use crate::storage::rollup::latency::Latencies;

/// Blocked and routed checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub blocked_count: i64,
    pub routed_count: i64,
    pub blocked: Amount,
    pub saved: Amount,
}

/// Figures of one group in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub sums: Sums,
    /// Empty unless queried.
    pub latencies: Latencies,
    pub refused: Refused,
    /// Numbers of distinct values, by [`Counted`]; absent unless queried.
    pub counts: [Option<i64>; Counted::COUNT],
    /// Cost of usage without a value, by [`Counted`].
    pub unnamed_nanos: [i64; Counted::COUNT],
}

/// Mean and quantiles of latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyValues {
    pub mean: Micros,
    pub p50: Micros,
    pub p90: Micros,
    pub p95: Micros,
    pub p99: Micros,
}

/// Values of the queried metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    pub cost: Option<Amount>,
    pub request_count: Option<i64>,
    pub tokens: Option<[i64; TokenClass::COUNT]>,
    /// Failed requests, and cancelled ones.
    pub errors: Option<(i64, i64)>,
    /// Absent without requests.
    pub latency: Option<LatencyValues>,
    /// Number of requests, and the most that they would have cost.
    pub blocked: Option<(i64, Amount)>,
    /// Number of requests, and the most that was saved.
    pub routed: Option<(i64, Amount)>,
    /// Absent without requests. Those below are absent without users and so on.
    pub cost_per_request: Option<Amount>,
    pub cost_per_user: Option<Amount>,
    pub cost_per_investigation: Option<Amount>,
    pub cost_per_session: Option<Amount>,
    pub active_user_count: Option<i64>,
}

/// Sum over all token classes.
pub fn token_count(sums: &Sums) -> i64 {
    sums.tokens.iter().sum()
}

/// Adds sums to others.
///
/// # Errors
/// If the cost overflows an amount.
pub fn add_sums(sums: &mut Sums, other: &Sums) -> Result<()> {
    combine(sums, other, i64::checked_add)
}

fn combine(sums: &mut Sums, other: &Sums, op: fn(i64, i64) -> Option<i64>) -> Result<()> {
    let op = |sum: &mut i64, other: i64| -> Result<()> {
        *sum = op(*sum, other).ok_or(Error::TooLarge)?;
        Ok(())
    };
    op(&mut sums.cost_nanos, other.cost_nanos)?;
    op(&mut sums.record_count, other.record_count)?;
    op(&mut sums.error_count, other.error_count)?;
    op(&mut sums.cancelled_count, other.cancelled_count)?;
    op(&mut sums.latency, other.latency)?;
    sums.tokens.iter_mut().zip(other.tokens).try_for_each(|(sum, count)| op(sum, count))
}

impl Refused {
    pub fn add(&mut self, row: &RefusalsRow) {
        self.blocked_count += row.blocked_count;
        self.routed_count += row.routed_count;
        self.blocked = saturating(self.blocked, row.blocked);
        self.saved = saturating(self.saved, row.saved);
    }

    fn merge(&mut self, other: &Refused) {
        self.blocked_count += other.blocked_count;
        self.routed_count += other.routed_count;
        self.blocked = saturating(self.blocked, other.blocked);
        self.saved = saturating(self.saved, other.saved);
    }
}

fn saturating(a: Amount, b: Amount) -> Amount {
    Amount::from_nanos(a.nanos().saturating_add(b.nanos()))
}

impl Figures {
    /// Adds all but the counts of distinct values.
    ///
    /// # Errors
    /// If the cost overflows an amount.
    pub fn add(&mut self, other: &Figures) -> Result<()> {
        add_sums(&mut self.sums, &other.sums)?;
        self.latencies.merge(&other.latencies);
        self.refused.merge(&other.refused);
        for (sum, nanos) in self.unnamed_nanos.iter_mut().zip(other.unnamed_nanos) {
            *sum = sum.checked_add(nanos).ok_or(Error::TooLarge)?;
        }
        Ok(())
    }

    /// Subtracts a part of the usage; refusals and counts of distinct values stay.
    ///
    /// # Errors
    /// If the cost overflows an amount.
    pub fn subtract(&mut self, part: &Figures) -> Result<()> {
        combine(&mut self.sums, &part.sums, i64::checked_sub)?;
        self.latencies.subtract(&part.latencies);
        for (sum, nanos) in self.unnamed_nanos.iter_mut().zip(part.unnamed_nanos) {
            *sum = sum.checked_sub(nanos).ok_or(Error::TooLarge)?;
        }
        Ok(())
    }

    /// Whether nothing was used or refused.
    pub fn is_empty(&self) -> bool {
        self.sums == Sums::default() && self.refused == Refused::default()
    }

    fn cost(&self) -> Amount {
        Amount::from_nanos(self.sums.cost_nanos)
    }

    fn cost_per(&self, counted: Counted) -> Option<Amount> {
        let count = self.counts[counted as usize]?;
        let cost = i128::from(self.sums.cost_nanos);
        let named = match counted.leaves_out_unnamed() {
            true => cost - i128::from(self.unnamed_nanos[counted as usize]),
            false => cost,
        };
        per(named, count)
    }

    fn cost_per_request(&self) -> Option<Amount> {
        per(self.sums.cost_nanos.into(), self.sums.record_count)
    }

    fn latency(&self) -> Option<LatencyValues> {
        let quantile = |share| self.latencies.quantile(share);
        let count = self.sums.record_count;
        Some(LatencyValues {
            mean: (count > 0).then(|| self.sums.latency / count)?,
            p50: quantile(0.5)?,
            p90: quantile(0.9)?,
            p95: quantile(0.95)?,
            p99: quantile(0.99)?,
        })
    }

    /// Values of these metrics.
    pub fn values(&self, metrics: &[Metric]) -> Values {
        let mut values = Values::default();
        let Sums { record_count, error_count, cancelled_count, tokens, .. } = self.sums;
        for metric in metrics {
            match metric {
                Metric::Cost => values.cost = Some(self.cost()),
                Metric::Requests => values.request_count = Some(record_count),
                Metric::Tokens => values.tokens = Some(tokens),
                Metric::Errors => values.errors = Some((error_count, cancelled_count)),
                Metric::Latency => values.latency = self.latency(),
                Metric::Blocked => {
                    values.blocked = Some((self.refused.blocked_count, self.refused.blocked));
                }
                Metric::Routed => {
                    values.routed = Some((self.refused.routed_count, self.refused.saved));
                }
                Metric::CostPerRequest => values.cost_per_request = self.cost_per_request(),
                Metric::CostPerUser => values.cost_per_user = self.cost_per(Counted::Users),
                Metric::CostPerInvestigation => {
                    values.cost_per_investigation = self.cost_per(Counted::Investigations);
                }
                Metric::CostPerSession => {
                    values.cost_per_session = self.cost_per(Counted::Sessions);
                }
                Metric::ActiveUsers => {
                    values.active_user_count = self.counts[Counted::Users as usize];
                }
            }
        }
        values
    }

    /// The number that a metric orders by, and that shares and changes are computed from:
    /// nano-units of a cost, or a count.
    pub fn value(&self, metric: Metric) -> Option<i64> {
        match metric {
            Metric::Cost => Some(self.sums.cost_nanos),
            Metric::Requests | Metric::Latency => Some(self.sums.record_count),
            Metric::Tokens => Some(token_count(&self.sums)),
            Metric::Errors => Some(self.sums.error_count),
            Metric::Blocked => Some(self.refused.blocked_count),
            Metric::Routed => Some(self.refused.routed_count),
            Metric::CostPerRequest => self.cost_per_request().map(Amount::nanos),
            Metric::CostPerUser | Metric::CostPerInvestigation | Metric::CostPerSession => {
                self.cost_per(metric.counted()?).map(Amount::nanos)
            }
            Metric::ActiveUsers => self.counts[Counted::Users as usize],
        }
    }
}

/// A cost divided by a count, rounded once, half to even, to nano-units; absent if the count is
/// zero.
fn per(nanos: i128, count: i64) -> Option<Amount> {
    (count > 0).then(|| divide(nanos, count.into())).flatten()
}

/// Rounded half to even, to nano-units; absent on overflow. `divisor` is above 0.
pub fn divide(nanos: i128, divisor: i128) -> Option<Amount> {
    let (quotient, rest) = (nanos.div_euclid(divisor), nanos.rem_euclid(divisor));
    let up = match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    i64::try_from(quotient + i128::from(up)).ok().map(Amount::from_nanos)
}

/// Change in percent; absent if the previous value is zero.
pub fn change_percent(value: i64, previous: i64) -> Option<f64> {
    let change = value as f64 - previous as f64;
    (previous != 0).then(|| change / previous.unsigned_abs() as f64 * 100.0)
}

/// Share in percent; absent if the total is zero.
pub fn share_percent(part: i64, total: i64) -> Option<f64> {
    (total != 0).then(|| part as f64 / total as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_divided_and_rounded_half_to_even() {
        for (nanos, count, expected) in [
            (10, 4, Some(2)),
            (14, 4, Some(4)),
            (11, 4, Some(3)),
            (9, 4, Some(2)),
            (-10, 4, Some(-2)),
            (-14, 4, Some(-4)),
            (-11, 4, Some(-3)),
            (1, 3, Some(0)),
            (2, 3, Some(1)),
            (i128::from(i64::MAX), 1, Some(i64::MAX)),
            (7, 0, None),
        ] {
            assert_eq!(per(nanos, count).map(Amount::nanos), expected, "{nanos} / {count}");
        }
        assert_eq!(divide(i128::from(i64::MAX) * 2, 1), None);
    }

    #[test]
    fn percentages_of_zero_are_absent() {
        assert_eq!(change_percent(3, 2), Some(50.0));
        assert_eq!(change_percent(1, 2), Some(-50.0));
        assert_eq!(change_percent(5, 0), None);
        assert_eq!(change_percent(5, -5), Some(200.0));
        assert_eq!(share_percent(1, 4), Some(25.0));
        assert_eq!(share_percent(0, 0), None);
    }

    #[test]
    fn an_overflow_is_an_error() {
        let large = Figures {
            sums: Sums { cost_nanos: i64::MAX, ..Sums::default() },
            ..Figures::default()
        };
        let mut sum = large.clone();
        assert!(matches!(sum.add(&large), Err(Error::TooLarge)));
    }

    #[test]
    fn a_part_is_subtracted_from_its_total() {
        let mut part =
            Figures { sums: Sums { record_count: 1, ..Sums::default() }, ..Default::default() };
        part.latencies.add(1_000_000);
        part.unnamed_nanos[1] = 3;
        let mut total = part.clone();
        total.add(&part).unwrap();
        total.subtract(&part).unwrap();
        assert_eq!(total, part);
    }
}
