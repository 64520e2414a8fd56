//! Order of groups by a metric.

use super::figure_table::Key;
use crate::analytics::figures::Figures;
use crate::analytics::metric::Metric;
use crate::storage::reports::OrderBy;

/// The order of storage that is that of a metric, if storage has it.
pub fn in_storage(metric: Metric) -> Option<OrderBy> {
    match metric {
        Metric::Cost => Some(OrderBy::Cost),
        Metric::Requests | Metric::Latency => Some(OrderBy::Requests),
        Metric::Tokens => Some(OrderBy::Tokens),
        Metric::Errors => Some(OrderBy::Errors),
        _ => None,
    }
}

/// Sorts in descending order, then by key; groups without a value come last.
pub fn sort(groups: &mut [(Key, Figures)], metric: Metric) {
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
        sort(&mut groups, Metric::CostPerRequest);
        let keys: Vec<&str> = groups.iter().map(|(key, _)| key[0].as_str()).collect();
        assert_eq!(keys, ["c", "a", "b", "none"]);
        sort(&mut groups, Metric::Cost);
        assert_eq!(groups[0].0, ["none"]);
    }
}
