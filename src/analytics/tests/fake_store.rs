//! Fake of report storage: aggregates a handful of records in memory naively. Asserts that
//! questions keep the contract of storage.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::attribution::Dimension;
use crate::domain::check::LimitKey;
use crate::domain::time::calendar::Window;
use crate::domain::{Amount, Time};
use crate::storage::Result;
use crate::storage::reports::{
    Axis, DistinctQuery, DistinctRow, Filter, OrderBy, RefusalsQuery, RefusalsRow, ReportQuery,
    ReportResult, ReportStore, SignUp, Source, SumsQuery, SumsRow,
};
use crate::storage::rollup::Sums;
use crate::storage::rollup::latency::Latencies;

/// One record of the usage log.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub charge_time: Time,
    pub values: BTreeMap<&'static str, String>,
    pub tags: BTreeMap<String, String>,
    pub sums: Sums,
}

/// Refused requests, with the limits that refused them.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub hour: Time,
    pub limits: Vec<LimitKey>,
    pub model_id: String,
    pub user_id: String,
    pub blocked: i64,
    pub routed: i64,
}

#[derive(Default)]
pub struct FakeStore {
    pub entries: Vec<Entry>,
    pub refusals: Vec<Refusal>,
    pub sign_ups: Vec<SignUp>,
    pub names: Vec<(Dimension, &'static str, &'static str)>,
    /// Overrides the number of records.
    pub record_count: Option<i64>,
    pub dropped_before: Option<Time>,
}

#[async_trait]
impl ReportStore for FakeStore {
    async fn report(
        &self,
        _workspace_id: &str,
        questions: &[ReportQuery],
    ) -> Result<Vec<ReportResult>> {
        Ok(questions.iter().map(|question| self.answer(question)).collect())
    }
}

impl FakeStore {
    fn answer(&self, question: &ReportQuery) -> ReportResult {
        match question {
            ReportQuery::Sums(question) => ReportResult::Sums(self.sums(question)),
            ReportQuery::Distinct(question) => ReportResult::Distinct(self.distinct(question)),
            ReportQuery::Refusals(question) => ReportResult::Refusals(self.refusals(question)),
            ReportQuery::Known(kind, times) => {
                let known = |time: &Time| {
                    let seen = self.entries.iter().filter(|entry| entry.charge_time < *time);
                    let users: BTreeSet<&str> = seen.map(|e| value(e, kind.dimension())).collect();
                    users.into_iter().filter(|user| !user.is_empty()).count() as i64
                };
                ReportResult::Known(times.iter().map(known).collect())
            }
            ReportQuery::SignUps { window, department_id } => {
                let is_included = |user: &&SignUp| {
                    window.contains(user.sign_up_time)
                        && department_id.as_ref().is_none_or(|id| *id == user.department_id)
                };
                ReportResult::SignUps(self.sign_ups.iter().filter(is_included).cloned().collect())
            }
            ReportQuery::RecordCount(window) => {
                let count = self.entries.iter().filter(|e| window.contains(e.charge_time)).count();
                ReportResult::RecordCount(self.record_count.unwrap_or(count as i64))
            }
            ReportQuery::SumsBetween(from, to) => {
                let window = Window { start: *from, end: *to };
                let mut sums = Sums::default();
                for entry in self.entries.iter().filter(|e| window.contains(e.charge_time)) {
                    add(&mut sums, &entry.sums);
                }
                ReportResult::SumsBetween(sums)
            }
            ReportQuery::DroppedBefore => ReportResult::DroppedBefore(self.dropped_before),
            ReportQuery::Names(dimension, ids) => {
                let named = self
                    .names
                    .iter()
                    .filter(|(of, id, _)| of == dimension && ids.iter().any(|other| other == id));
                let pair = |(_, id, name): &(Dimension, &str, &str)| {
                    ((*id).to_owned(), (*name).to_owned())
                };
                ReportResult::Names(named.map(pair).collect())
            }
        }
    }

    fn sums(&self, question: &SumsQuery) -> Vec<SumsRow> {
        let SumsQuery { source, group_by, filters, windows, by_window, top, latencies } = question;
        check_source(*source, group_by.iter(), filters, windows);
        assert!(!latencies || matches!(source, Source::Days | Source::Records), "{question:?}");
        assert!(top.is_none() || !by_window, "{question:?}");
        assert!(group_by.len() <= 2);
        let mut rows: BTreeMap<(usize, Vec<String>), (Sums, Latencies)> = BTreeMap::new();
        for entry in &self.entries {
            let Some(window) = self.window(entry, windows, filters) else { continue };
            let key = group_by.iter().map(|axis| on(entry, axis)).collect();
            let row = rows.entry((if *by_window { window } else { 0 }, key)).or_default();
            add(&mut row.0, &entry.sums);
            if entry.sums.record_count > 0 {
                row.1.add(entry.sums.latency);
            }
        }
        let row = |((window, values), (sums, spread))| SumsRow {
            window,
            values,
            sums,
            latencies: latencies.then_some(spread),
        };
        let mut rows: Vec<SumsRow> = rows.into_iter().map(row).collect();
        if let Some((order_by, count)) = top {
            rows.sort_by_key(|row| std::cmp::Reverse(order(&row.sums, *order_by)));
            rows.truncate(*count);
            rows.sort_by(|a, b| a.values.cmp(&b.values));
        }
        rows
    }

    fn distinct(&self, question: &DistinctQuery) -> Vec<DistinctRow> {
        let DistinctQuery { source, counted, group_by, filters, windows, by_window } = question;
        let own = Axis::Of(*counted);
        check_source(*source, group_by.iter().chain([&own]), filters, windows);
        let mut found: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.sums.record_count > 0) {
            let Some(window) = self.window(entry, windows, filters) else { continue };
            let group = group_by.as_ref().map(|axis| on(entry, axis)).unwrap_or_default();
            let value = on(entry, &own);
            if !value.is_empty() {
                let window = if *by_window { window } else { 0 };
                found.entry((window, group)).or_default().insert(value);
            }
        }
        let row = |((window, value), values): ((usize, String), BTreeSet<String>)| DistinctRow {
            window,
            value,
            count: values.len() as i64,
        };
        found.into_iter().map(row).collect()
    }

    fn refusals(&self, question: &RefusalsQuery) -> Vec<RefusalsRow> {
        let mut rows: BTreeMap<(usize, LimitKey, String, String), (i64, i64)> = BTreeMap::new();
        for refusal in &self.refusals {
            let within = |window: &Window| window.contains(refusal.hour);
            let Some(window) = question.windows.iter().position(within) else { continue };
            let any = |values: &[String], own: &String| values.is_empty() || values.contains(own);
            if !any(&question.models, &refusal.model_id) || !any(&question.users, &refusal.user_id)
            {
                continue;
            }
            let window = if question.by_window { window } else { 0 };
            let model = if question.by_model { refusal.model_id.clone() } else { String::new() };
            let user = if question.by_user { refusal.user_id.clone() } else { String::new() };
            let by_request = question.limits.is_empty() && !question.by_limit;
            let mut limits = vec![LimitKey::Request];
            if !by_request {
                limits.clone_from(&refusal.limits);
                limits.retain(|l| question.limits.is_empty() || question.limits.contains(l));
            }
            for limit in limits {
                let limit = if question.by_limit { limit } else { LimitKey::Request };
                let row = rows.entry((window, limit, model.clone(), user.clone())).or_default();
                row.0 += refusal.blocked;
                row.1 += refusal.routed;
            }
        }
        let row =
            |((window, limit, model_id, user_id), (blocked_count, routed_count))| RefusalsRow {
                window,
                limit,
                model_id,
                user_id,
                blocked_count,
                routed_count,
                blocked: Amount::from_nanos(blocked_count * 10),
                saved: Amount::from_nanos(routed_count),
            };
        rows.into_iter().map(row).collect()
    }

    fn window(&self, entry: &Entry, windows: &[Window], filters: &[Filter]) -> Option<usize> {
        let passes = |filter: &Filter| filter.values.contains(&on(entry, &filter.axis));
        if !filters.iter().all(passes) {
            return None;
        }
        windows.iter().position(|window| window.contains(entry.charge_time))
    }
}

fn check_source<'a>(
    source: Source,
    axes: impl Iterator<Item = &'a Axis>,
    filters: &'a [Filter],
    windows: &[Window],
) {
    let mut of_filters: Vec<&Axis> = Vec::new();
    for filter in filters {
        assert!(!of_filters.contains(&&filter.axis), "filters are of different axes");
        assert!(!filter.values.is_empty(), "a filter has values");
        of_filters.push(&filter.axis);
    }
    let mut different: Vec<&Axis> = Vec::new();
    for axis in axes.chain(of_filters) {
        if !different.contains(&axis) {
            different.push(axis);
        }
    }
    let model = Axis::Of(Dimension::Model);
    match source {
        Source::Hours | Source::Days => assert!(different.len() <= 1, "{different:?}"),
        Source::DaysByModel => {
            assert!(different.len() <= 2 && different.contains(&&model), "{different:?}");
        }
        Source::Records => {}
    }
    for pair in windows.windows(2) {
        assert_eq!(pair[0].end, pair[1].start);
    }
}

fn on(entry: &Entry, axis: &Axis) -> String {
    match axis {
        Axis::Of(dimension) => value(entry, *dimension).to_owned(),
        Axis::Tag(key) => entry.tags.get(key).cloned().unwrap_or_default(),
    }
}

fn value(entry: &Entry, dimension: Dimension) -> &str {
    entry.values.get(dimension.as_str()).map_or("", String::as_str)
}

fn order(sums: &Sums, order_by: OrderBy) -> i64 {
    match order_by {
        OrderBy::Cost => sums.cost_nanos,
        OrderBy::Requests => sums.record_count,
        OrderBy::Tokens => sums.tokens.iter().sum(),
        OrderBy::Errors => sums.error_count,
    }
}

fn add(sums: &mut Sums, other: &Sums) {
    crate::analytics::figures::add_sums(sums, other).unwrap();
}
