//! Backfill: a new rule counts what was used since its window began, so that the usage log is
//! queried before it applies, and the results are written to its counters.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use smol_str::SmolStr;

use super::Limits;
use super::rule::{RuleIndex, RuleWindow};
use super::sliding_window::counts_from;
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{
    BackfillQueries, BackfillResults, ConsumptionQuery, RateBucket, RateQuery,
};
use crate::domain::catalog::Catalog;
use crate::domain::quota::{Consumption, Period, Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::time::calendar::{Calendar, Window, Windows};
use crate::ledger::context::Context;
use crate::ledger::models::provider_id_of;

/// Up to so many subjects that rules name are queried one by one when a workspace is loaded; more
/// in one query for all subjects.
const NAMED_QUERIES_MAX: usize = 8;

/// Adds the queries for a quota: its running window, and the next, which records of clocks that
/// are ahead may fall into.
pub fn query_quota(
    queries: &mut BackfillQueries,
    quota: &Quota,
    calendar: &Calendar,
    windows: &Windows,
) {
    if !quota.period.counts_spent() {
        return;
    }
    let mut query = |from, to| {
        queries.used.push(ConsumptionQuery { scope: queried(&quota.scope), from, to });
    };
    match windows.of(quota.period) {
        None => query(quota.window_start, Time::LATEST),
        Some(running) => {
            query(running.start, running.end);
            if let Some(next) = calendar.window(quota.period, running.end) {
                query(next.start, next.end);
            }
        }
    }
}

/// Adds the queries for a rate limit: one for each of its windows.
pub fn query_rate_limit(queries: &mut BackfillQueries, limit: &RateLimit, now: Time) {
    let mut spans: Vec<_> = limit.limits().map(|(span, _, _)| span).collect();
    spans.dedup();
    for span in spans {
        queries.sent.push(RateQuery {
            scope: queried(&limit.scope),
            from: counts_from(span, now),
            bucket: span.bucket(),
        });
    }
}

/// What the log is asked for a scope. It has models and no providers: those of the catalog are
/// added up of their models.
fn queried(scope: &Scope) -> Scope {
    match scope.kind {
        SubjectKind::Provider => Scope { subject_id: None, ..scope.clone() },
        _ => scope.clone(),
    }
}

/// The same queries without repeats, and with one for all subjects in place of many that each name
/// one.
pub fn merged(queries: BackfillQueries) -> BackfillQueries {
    let for_all = |scope: &Scope| Scope { subject_id: None, ..scope.clone() };
    let used =
        merge(queries.used, |query| ConsumptionQuery { scope: for_all(&query.scope), ..*query });
    let sent = merge(queries.sent, |query| RateQuery { scope: for_all(&query.scope), ..*query });
    BackfillQueries { used, sent }
}

fn merge<Q: Clone + Eq + std::hash::Hash>(queries: Vec<Q>, for_all: impl Fn(&Q) -> Q) -> Vec<Q> {
    let mut groups: HashMap<Q, Vec<Q>> = HashMap::new();
    let mut order = Vec::new();
    for query in queries {
        let query_for_all = for_all(&query);
        let group = groups.entry(query_for_all.clone()).or_insert_with(|| {
            order.push(query_for_all.clone());
            Vec::new()
        });
        if group.contains(&query_for_all) || group.contains(&query) {
            continue;
        }
        match query == query_for_all || group.len() >= NAMED_QUERIES_MAX {
            true => *group = vec![query_for_all],
            false => group.push(query),
        }
    }
    order.iter().flat_map(|query| groups.remove(query).unwrap_or_default()).collect()
}

impl Limits {
    /// Writes results to the counters of all rules, or of one.
    pub fn backfill(
        &mut self,
        context: &Context,
        results: &BackfillResults,
        only: Option<RuleIndex>,
    ) {
        for (query, rows) in &results.used {
            let periods = periods_of(query, context.calendar());
            let mut backfill = |subject_id: &str, used: &Consumption| {
                self.backfill_quotas(context, query, &periods, (subject_id, used), only);
            };
            match query.scope.kind {
                SubjectKind::Provider => {
                    let by_provider = by_provider(rows, context.catalog());
                    by_provider.iter().for_each(|(id, used)| backfill(id, used));
                }
                _ => rows.iter().for_each(|(subject_id, used)| backfill(subject_id, used)),
            }
        }
        for (query, rows) in &results.sent {
            for row in rows {
                let subject_id = match query.scope.kind {
                    SubjectKind::Provider => &provider_of(&row.subject_id, context.catalog()),
                    _ => row.subject_id.as_str(),
                };
                self.backfill_rate_limits(context.now(), query, (subject_id, row), only);
            }
        }
    }

    fn backfill_quotas(
        &mut self,
        context: &Context,
        query: &ConsumptionQuery,
        periods: &[Period],
        (subject_id, used): (&str, &Consumption),
        only: Option<RuleIndex>,
    ) {
        let Some(slot) = self.find_or_add(query.scope.kind, subject_id) else { return };
        let subject = self.subjects.get_mut(slot);
        for (position, applied) in subject.rules.quotas().iter().enumerate() {
            let index = applied.index;
            let rule = self.rules.get(index);
            let is_same_window = match rule.window() {
                RuleWindow::Fixed(period) => periods.contains(&period),
                RuleWindow::Since(start) => start == query.from && query.to == Time::LATEST,
                RuleWindow::Sliding(_) => false,
            };
            let is_queried = only.is_none_or(|only| only == index)
                && is_same_window
                && rule.scope().model_id == query.scope.model_id;
            if is_queried {
                let (counters, place) = (&mut subject.counters, (position, index));
                let counter = counters.get_mut(place, query.from, &self.rules, context);
                counter.spent = used.in_unit(rule.unit());
            }
        }
    }

    fn backfill_rate_limits(
        &mut self,
        now: Time,
        query: &RateQuery,
        (subject_id, row): (&str, &RateBucket),
        only: Option<RuleIndex>,
    ) {
        let Some(slot) = self.find_or_add(query.scope.kind, subject_id) else { return };
        let subject = self.subjects.get_mut(slot);
        for applied in subject.rules.rate_limits() {
            let index = applied.index;
            let rule = self.rules.get(index);
            let RuleWindow::Sliding(span) = rule.window() else { continue };
            let is_queried = only.is_none_or(|only| only == index)
                && span.bucket() == query.bucket
                && rule.scope().model_id == query.scope.model_id;
            if is_queried {
                let sent = Consumption {
                    tokens: row.tokens,
                    requests: row.requests,
                    cache_reads: row.cache_reads,
                    ..Consumption::default()
                };
                let window = subject.counters.sliding_mut(index, span);
                window.add_to_bucket(now, row.bucket, sent.in_unit(rule.unit()));
            }
        }
    }
}

/// What was used of each provider, from what was used of each metered model. Models that the
/// catalog does not know have none.
fn by_provider(
    by_model: &[(String, Consumption)],
    catalog: &Catalog,
) -> BTreeMap<SmolStr, Consumption> {
    let mut by_provider: BTreeMap<SmolStr, Consumption> = BTreeMap::new();
    for (model_id, used) in by_model {
        by_provider.entry(provider_of(model_id, catalog)).or_default().add(used);
    }
    by_provider
}

fn provider_of(model_id: &str, catalog: &Catalog) -> SmolStr {
    provider_id_of(catalog.by_id(model_id).map(|entry| &**entry))
}

/// Periods that have the window of a query.
fn periods_of(query: &ConsumptionQuery, calendar: &Calendar) -> Vec<Period> {
    let queried = Some(Window { start: query.from, end: query.to });
    let mut periods = Period::ALL.to_vec();
    periods.retain(|period| calendar.window(*period, query.from) == queried);
    periods
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rate_limit::RateWindow;

    fn scope(subject_id: Option<usize>) -> Scope {
        let subject_id = subject_id.map(|number| format!("u-{number}").into());
        Scope { kind: SubjectKind::User, subject_id, model_id: None }
    }

    fn used(subject_id: Option<usize>, from: i64) -> ConsumptionQuery {
        let from = Time::from_micros(from);
        ConsumptionQuery { scope: scope(subject_id), from, to: Time::LATEST }
    }

    fn sent(subject_id: Option<usize>) -> RateQuery {
        let (from, bucket) = (Time::from_micros(1), RateWindow::Minute.bucket());
        RateQuery { scope: scope(subject_id), from, bucket }
    }

    fn merged_used(used: Vec<ConsumptionQuery>) -> Vec<ConsumptionQuery> {
        merged(BackfillQueries { used, sent: Vec::new() }).used
    }

    #[test]
    fn few_subjects_are_queried_one_by_one_and_each_once() {
        let few: Vec<_> = (0..NAMED_QUERIES_MAX).map(|number| used(Some(number), 1)).collect();
        let repeated = few.iter().chain(&few).cloned().collect();
        assert_eq!(merged_used(repeated), few);
        let other_window = vec![used(Some(0), 1), used(Some(0), 2)];
        assert_eq!(merged_used(other_window.clone()), other_window);
    }

    #[test]
    fn many_subjects_are_queried_at_once() {
        let many: Vec<_> = (0..=NAMED_QUERIES_MAX).map(|number| used(Some(number), 1)).collect();
        assert_eq!(merged_used(many.clone()), [used(None, 1)]);
        let and_one_of_another_window = many.into_iter().chain([used(Some(0), 2)]).collect();
        assert_eq!(merged_used(and_one_of_another_window), [used(None, 1), used(Some(0), 2)]);
        let many = (0..=NAMED_QUERIES_MAX).map(|number| sent(Some(number))).collect();
        let queries = BackfillQueries { used: Vec::new(), sent: many };
        assert_eq!(merged(queries).sent, [sent(None)]);
    }

    #[test]
    fn a_query_for_all_subjects_stands_for_those_that_name_one() {
        let queries = vec![used(Some(0), 1), used(None, 1), used(Some(1), 1), used(None, 1)];
        assert_eq!(merged_used(queries), [used(None, 1)]);
    }
}
