//! Prices that change before the end of a forecast, and what they make of the cost.
//!
//! Each model keeps its share of the cost and its tokens of a mean request; where its price is
//! another one, its share is multiplied by what such a request costs then and costs now.

use std::sync::Arc;

use crate::analytics::Scope;
use crate::domain::Time;
use crate::domain::catalog::price::{Rate, RateCard};
use crate::domain::time::calendar::Window;
use crate::domain::usage::{ServiceTier, Usage};
use crate::storage::reports::SumsRow;

/// A change of the price that a workspace pays for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceChange {
    pub model_id: String,
    /// From when on it is valid.
    pub time: Time,
    /// What the model costs then, as a multiple of what it costs now.
    pub factor: f64,
    /// The share of the cost that the model had.
    pub share: f64,
}

/// The changes between two times, by time, of models that were used: `rows` are sums by model.
/// Prices in another currency than the one of now are left out.
pub fn changes(scope: &Scope<'_>, rows: &[SumsRow], (from, to): (Time, Time)) -> Vec<PriceChange> {
    let all: i64 = rows.iter().map(|row| row.sums.cost_nanos.max(0)).sum();
    let mut changes = Vec::new();
    for row in rows.iter().filter(|row| row.sums.cost_nanos > 0 && row.sums.record_count > 0) {
        let Some(model_id) = row.values.first() else { continue };
        let Some(now) = scope.catalog.price_at(model_id, &scope.workspace.id, from) else {
            continue;
        };
        let request = mean_request(row);
        let share = row.sums.cost_nanos as f64 / all as f64;
        for time in times(scope, model_id, (from, to)) {
            let then = scope.catalog.price_at(model_id, &scope.workspace.id, time);
            let factor = then.and_then(|then| factor(now, then, &request));
            let change = factor.map(|factor| PriceChange {
                model_id: model_id.clone(),
                time,
                factor,
                share,
            });
            changes.extend(change.filter(|change| (change.factor - 1.0).abs() > 1e-9));
        }
    }
    changes.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.model_id.cmp(&b.model_id)));
    changes
}

fn mean_request(row: &SumsRow) -> Usage {
    let mut request = Usage::default();
    for (mean, sum) in request.tokens.iter_mut().zip(row.sums.tokens) {
        *mean = sum.max(0) / row.sums.record_count;
    }
    request
}

/// When the prices of a model begin to be valid, between two times.
fn times(scope: &Scope<'_>, model_id: &str, (from, to): (Time, Time)) -> Vec<Time> {
    let of = |workspace_id| scope.catalog.prices_of(model_id, workspace_id);
    let cards = of(None).into_iter().chain(of(Some(&*scope.workspace.id)));
    let times = cards.map(|card| card.price().effective_time);
    let mut times: Vec<Time> = times.filter(|time| from < *time && *time < to).collect();
    times.sort_unstable();
    times.dedup();
    times
}

fn factor(now: &Arc<RateCard>, then: &Arc<RateCard>, request: &Usage) -> Option<f64> {
    if now.price().currency != then.price().currency {
        return None;
    }
    let cost =
        |card: &RateCard| card.cost(request, ServiceTier::Standard, Rate::ONE).nanos() as f64;
    (cost(now) > 0.0).then(|| cost(then) / cost(now))
}

/// By what the cost of a window is multiplied: the mean over its time.
pub fn factor_in(changes: &[PriceChange], window: Window) -> f64 {
    let length = (window.end - window.start).max(1) as f64;
    let mut factor = 1.0;
    for (index, change) in changes.iter().enumerate() {
        let earlier = changes[..index].iter().rfind(|it| it.model_id == change.model_id);
        let by = change.share * (change.factor - earlier.map_or(1.0, |earlier| earlier.factor));
        let after = (window.end - change.time).max(0) as f64 / length;
        factor += by * after.min(1.0);
    }
    factor.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_multiplied_by_the_time_that_each_price_is_valid() {
        let at = |hour: i64| Time::from_micros(hour * 3_600_000_000);
        let change = |model_id: &str, hour, factor, share| PriceChange {
            model_id: model_id.to_owned(),
            time: at(hour),
            factor,
            share,
        };
        let changes =
            [change("a", 10, 2.0, 0.5), change("b", 12, 0.5, 0.5), change("a", 20, 1.0, 0.5)];
        for (start, end, expected) in [
            (0, 10, 1.0),
            (10, 12, 1.5),
            (12, 14, 1.25),
            (9, 11, 1.25),
            (20, 30, 0.75),
            (8, 12, 1.25),
        ] {
            let found = factor_in(&changes, Window { start: at(start), end: at(end) });
            assert!((found - expected).abs() < 1e-9, "{start} to {end}: {found}");
        }
        assert!((factor_in(&[], Window { start: at(0), end: at(1) }) - 1.0).abs() < 1e-12);
    }
}
