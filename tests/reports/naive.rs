//! The oracle of `QueryUsage`: aggregates the records of the log one by one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use tollgate::proto::v1::{UsageDimension, UsageMetric};

use crate::usage_log::{Entry, Grouped};
use crate::usage_query::{Figures, Group, UsageQuery, millionths};

/// The total, then the groups.
pub fn report(entries: &[Entry], query: &UsageQuery, zone: Tz) -> Vec<Group> {
    let days = (query.last - query.first).num_days() as u64 + 1;
    let within = |first: NaiveDate, last: NaiveDate| -> Vec<&Entry> {
        let is_in = |entry: &&Entry| {
            let date = entry.date(zone);
            first <= date && date <= last && passes(entry, query)
        };
        entries.iter().filter(is_in).collect()
    };
    let now = within(query.first, query.last);
    let before = within(query.first - Days::new(days), query.first - Days::new(1));
    let total = Side { now: now.clone(), before: before.clone() };
    let mut groups: Grouped<Side<'_>> = BTreeMap::new();
    for entry in &now {
        groups.entry(keys(entry, query)).or_default().now.push(entry);
    }
    for entry in &before {
        // Only what was used in the period is a group.
        if let Some(side) = groups.get_mut(&keys(entry, query)) {
            side.before.push(entry);
        }
    }
    let whole = ordered(&figures(&now, query), query);
    let mut report = vec![group(Vec::new(), false, &total, query, zone, whole)];
    if query.group_by.is_empty() {
        return report;
    }
    let mut ranked: Vec<(Vec<String>, Side<'_>)> = groups.into_iter().collect();
    // Stable: ties stay in the order of their keys.
    ranked.sort_by_key(|(_, side)| -ordered(&figures(&side.now, query), query));
    let rest = ranked.split_off(ranked.len().min(query.top as usize));
    let mut others = total;
    for (keys, side) in ranked {
        others.remove(&side);
        report.push(group(keys, false, &side, query, zone, whole));
    }
    if !rest.is_empty() {
        report.push(group(Vec::new(), true, &others, query, zone, whole));
    }
    report
}

/// Records of a group, in the period and in the previous one.
#[derive(Default)]
struct Side<'a> {
    now: Vec<&'a Entry>,
    before: Vec<&'a Entry>,
}

impl Side<'_> {
    fn remove(&mut self, other: &Side<'_>) {
        let is_same = |a: &Entry, b: &Entry| std::ptr::eq(a, b);
        self.now.retain(|entry| !other.now.iter().any(|gone| is_same(entry, gone)));
        self.before.retain(|entry| !other.before.iter().any(|gone| is_same(entry, gone)));
    }
}

fn group(
    keys: Vec<String>,
    others: bool,
    side: &Side<'_>,
    query: &UsageQuery,
    zone: Tz,
    whole: i128,
) -> Group {
    let (now, before) = (figures(&side.now, query), figures(&side.before, query));
    let (value, previous) = (ordered(&now, query), ordered(&before, query));
    let mut points: BTreeMap<(i64, String), Vec<&Entry>> = BTreeMap::new();
    for entry in &side.now {
        let bucket = entry.bucket(zone, query.granularity, query.first);
        // An hour that occurs twice, when clocks are set back, is told apart by its UTC offset.
        let order = if bucket.len() > 10 { entry.time.timestamp() / 1_800 } else { 0 };
        let place = points.keys().find(|(_, name)| *name == bucket).cloned();
        points.entry(place.unwrap_or((order, bucket))).or_default().push(entry);
    }
    points.retain(|(_, bucket), _| !bucket.is_empty());
    Group {
        keys,
        others,
        share: (whole != 0).then(|| millionths(value as f64 / whole as f64 * 100.0)),
        change: (previous != 0)
            .then(|| millionths((value - previous) as f64 / previous as f64 * 100.0)),
        points: points
            .into_iter()
            .map(|((_, bucket), entries)| (bucket, figures(&entries, query)))
            .collect(),
        figures: now,
        previous: before,
    }
}

fn keys(entry: &Entry, query: &UsageQuery) -> Vec<String> {
    query.group_by.iter().map(|(dimension, tag)| entry.value(*dimension, tag)).collect()
}

fn passes(entry: &Entry, query: &UsageQuery) -> bool {
    query
        .filters
        .iter()
        .all(|(dimension, tag, values)| values.contains(&entry.value(*dimension, tag).as_str()))
}

/// The figure that groups are ordered by: the first metric.
fn ordered(figures: &Figures, query: &UsageQuery) -> i128 {
    match query.metrics[0] {
        UsageMetric::Cost => figures.cost,
        UsageMetric::Requests => figures.requests.into(),
        UsageMetric::Tokens => figures.tokens.iter().sum::<i64>().into(),
        UsageMetric::Errors => (figures.errors + figures.cancelled).into(),
        other => panic!("no order by {other:?}"),
    }
}

/// The queried metrics.
pub fn figures(entries: &[&Entry], query: &UsageQuery) -> Figures {
    let mut figures = Figures::default();
    let has = |metric| query.metrics.contains(&metric);
    let requests = || entries.iter().filter(|entry| entry.is_request);
    let with_outcome = |outcome| requests().filter(|entry| entry.outcome == outcome).count() as i64;
    if has(UsageMetric::Cost) {
        figures.cost = entries.iter().map(|entry| entry.cost_nanos).sum();
    }
    if has(UsageMetric::Requests) {
        figures.requests = requests().count() as i64;
    }
    if has(UsageMetric::Tokens) {
        for entry in entries {
            for (sum, count) in figures.tokens.iter_mut().zip(entry.tokens) {
                *sum += count;
            }
        }
    }
    if has(UsageMetric::Errors) {
        figures.errors = with_outcome(tollgate::proto::v1::Outcome::Error);
        figures.cancelled = with_outcome(tollgate::proto::v1::Outcome::Cancelled);
    }
    if has(UsageMetric::ActiveUsers) {
        figures.active_users = distinct(entries, UsageDimension::User);
    }
    if has(UsageMetric::CostPerRequest) {
        let cost = entries.iter().map(|entry| entry.cost_nanos).sum();
        figures.cost_per[0] = share(cost, requests().count() as i64);
    }
    for (place, metric, dimension) in [
        (1, UsageMetric::CostPerUser, UsageDimension::User),
        (2, UsageMetric::CostPerInvestigation, UsageDimension::Investigation),
        (3, UsageMetric::CostPerSession, UsageDimension::Session),
    ] {
        if has(metric) {
            let counts = |entry: &&&Entry| place == 1 || !entry.value(dimension, "").is_empty();
            let cost = entries.iter().filter(counts).map(|entry| entry.cost_nanos).sum();
            figures.cost_per[place] = share(cost, distinct(entries, dimension));
        }
    }
    figures
}

pub fn distinct(entries: &[&Entry], dimension: UsageDimension) -> i64 {
    let values = entries.iter().filter(|entry| entry.is_request);
    let values: BTreeSet<String> = values.map(|entry| entry.value(dimension, "")).collect();
    values.iter().filter(|value| !value.is_empty()).count() as i64
}

/// Rounded half to even.
fn share(cost: i128, count: i64) -> Option<i128> {
    let count = i128::from(count);
    if count == 0 {
        return None;
    }
    let (whole, rest) = (cost.div_euclid(count), cost.rem_euclid(count));
    let up = 2 * rest > count || (2 * rest == count && whole % 2 != 0);
    Some(whole + i128::from(up))
}
