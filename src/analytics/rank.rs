//! Which groups come first.

use super::figures::Figures;
use super::metric::Metric;
use super::table::Key;
use crate::storage::reports::OrderBy;

/// How storage orders by a metric, where it can.
pub fn order_by(metric: Metric) -> Option<OrderBy> {
    match metric {
        Metric::Cost => Some(OrderBy::Cost),
        Metric::Requests | Metric::Latency => Some(OrderBy::Requests),
        Metric::Tokens => Some(OrderBy::Tokens),
        Metric::Errors => Some(OrderBy::Errors),
        _ => None,
    }
}

/// The greatest first, then by key; groups without a value last.
pub fn rank(groups: &mut [(Key, Figures)], metric: Metric) {
    groups.sort_by_cached_key(|(key, figures)| {
        let value = figures.value(metric);
        (std::cmp::Reverse(value), key.clone())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::rollup::Sums;

    #[test]
    fn the_greatest_come_first_then_by_key_and_those_without_a_value_last() {
        let group = |key: &str, cost_nanos, record_count| {
            let sums = Sums { cost_nanos, record_count, ..Sums::default() };
            (vec![key.to_owned()], Figures { sums, ..Figures::default() })
        };
        let mut groups =
            vec![group("none", 9, 0), group("b", 4, 2), group("a", 6, 3), group("c", 3, 1)];
        rank(&mut groups, Metric::CostPerRequest);
        let keys: Vec<&str> = groups.iter().map(|(key, _)| key[0].as_str()).collect();
        assert_eq!(keys, ["c", "a", "b", "none"]);
        rank(&mut groups, Metric::Cost);
        assert_eq!(groups[0].0, ["none"]);
    }
}
