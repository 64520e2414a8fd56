//! Backfill: a new rule counts what was used since its window began, so that the usage log is
//! queried before it applies, and the results are written to its counters.

use hashbrown::HashMap;

use super::Limits;
use super::rule::{RuleIndex, RuleWindow};
use super::sliding_window::counts_from;
use crate::domain::Time;
use crate::domain::backfill::{
    BackfillQueries, BackfillResults, ConsumptionQuery, RateBucket, RateQuery,
};
use crate::domain::quota::{Consumption, Period, Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::time::calendar::{Calendar, Window, Windows};
use crate::ledger::context::Context;

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
        queries.used.push(ConsumptionQuery { scope: quota.scope.clone(), from, to });
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
            scope: limit.scope.clone(),
            from: counts_from(span, now),
            bucket: span.bucket(),
        });
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
            for (subject_id, used) in rows {
                self.backfill_quotas(context, query, &periods, (subject_id, used), only);
            }
        }
        for (query, rows) in &results.sent {
            for row in rows {
                self.backfill_rate_limits(context.now(), query, row, only);
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
        row: &RateBucket,
        only: Option<RuleIndex>,
    ) {
        let Some(slot) = self.find_or_add(query.scope.kind, &row.subject_id) else { return };
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
    use crate::domain::attribution::SubjectKind;
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
