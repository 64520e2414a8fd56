//! Key figures of a period, each with that of the previous period.

use crate::analytics::axis::Restriction;
use crate::analytics::batch::{Answers, Batch, Pending};
use crate::analytics::figures::{Refused, change_percent, share_percent, token_count};
use crate::analytics::filters::{self, Filters};
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Range, ReportPeriod};
use crate::analytics::{Result, Scope, log_bound};
use crate::domain::attribution::{Dimension, EntryKind};
use crate::domain::{Amount, Time};
use crate::storage::reports::{DistinctRow, RefusalsRow, SumsRow};
use crate::storage::rollup::Sums;

/// A count and that of the previous period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountFigure {
    pub value: i64,
    pub previous: i64,
}

/// An amount and that of the previous period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoneyFigure {
    pub value: Amount,
    pub previous: Amount,
}

/// A percentage and that of the previous period; absent where its denominator is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentFigure {
    pub value: Option<f64>,
    pub previous: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    pub total_users: CountFigure,
    pub active_users: CountFigure,
    pub tokens: CountFigure,
    pub workflows: CountFigure,
    pub assistants: CountFigure,
    pub requests: CountFigure,
    pub spend: MoneyFigure,
    /// Blocked requests; absent if a restriction is to a dimension that refusals are not counted
    /// by, as is the next.
    pub blocked: Option<CountFigure>,
    pub routed: Option<CountFigure>,
    pub error_rate: PercentFigure,
    pub total_workflows: CountFigure,
    pub total_assistants: CountFigure,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OverviewReport {
    pub period: ReportPeriod,
    pub overview: Overview,
}

impl CountFigure {
    pub fn change_percent(&self) -> Option<f64> {
        change_percent(self.value, self.previous)
    }
}

impl MoneyFigure {
    pub fn change_percent(&self) -> Option<f64> {
        change_percent(self.value.nanos(), self.previous.nanos())
    }
}

/// The key figures.
///
/// # Errors
/// If it would read too many records, or storage fails.
pub async fn overview(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
) -> Result<OverviewReport> {
    let period = scope.period(range);
    let windows = period.windows();
    let filters = filters::resolve(scope, restrictions, &[], &windows).await?;
    let mut batch = Batch::default();
    let overview = PendingOverview::ask(&mut batch, &period, restrictions, &filters);
    let mut answers = log_bound::run(batch, scope, &windows).await?;
    Ok(OverviewReport { period, overview: overview.read(&mut answers)?.0 })
}

/// An answer for the period, and one for the previous.
type Both<T> = [Pending<T>; 2];

pub(super) struct PendingOverview {
    /// Users, workflows, assistants.
    known: [Pending<Vec<i64>>; 3],
    totals: Both<Vec<SumsRow>>,
    users: Both<Vec<DistinctRow>>,
    workflows: Both<Vec<DistinctRow>>,
    assistants: Both<Vec<DistinctRow>>,
    refusals: Option<Both<Vec<RefusalsRow>>>,
}

impl PendingOverview {
    pub fn ask(
        batch: &mut Batch,
        period: &ReportPeriod,
        restrictions: &[Restriction],
        filters: &Filters,
    ) -> PendingOverview {
        let ends: Vec<Time> = period.windows().iter().map(|window| window.end).collect();
        let windows = period.windows().map(WindowSet::whole);
        let filters = &filters.of_usage;
        let totals =
            windows.each_ref().map(|it| batch.sums(questions::sums(&[], filters, it, false)));
        let mut distinct = |counted| {
            let question = |it: &WindowSet| questions::distinct(counted, None, filters, it);
            windows.each_ref().map(|it| batch.distinct(question(it)))
        };
        let users = distinct(Dimension::User);
        let workflows = distinct(Dimension::Workflow);
        let assistants = distinct(Dimension::Assistant);
        let are_counted = restrictions.iter().all(|it| it.dimension.is_of_refusals());
        let refusals = are_counted.then(|| {
            let question = |it: &WindowSet| questions::refusals(restrictions, &[], it);
            windows.each_ref().map(|it| batch.refusals(question(it)))
        });
        let kinds = [EntryKind::User, EntryKind::Workflow, EntryKind::Assistant];
        let known = kinds.map(|kind| batch.known(kind, ends.clone()));
        PendingOverview { known, totals, users, workflows, assistants, refusals }
    }

    /// The key figures, and the sums of the period.
    pub fn read(self, answers: &mut Answers) -> Result<(Overview, Sums)> {
        let [users, workflows, assistants] = self.known;
        let total_users = known(answers, users)?;
        let total_workflows = known(answers, workflows)?;
        let total_assistants = known(answers, assistants)?;
        let [now, before] = self.totals;
        let (now, before) = (answers.take_total(now)?, answers.take_total(before)?);
        let active_users = count(answers, self.users)?;
        let workflows = count(answers, self.workflows)?;
        let assistants = count(answers, self.assistants)?;
        let refused = self.refusals.map(|pending| refused(answers, pending)).transpose()?;
        let of_refusals = |value: fn(&Refused) -> i64| {
            let figure = |[now, before]: [Refused; 2]| CountFigure {
                value: value(&now),
                previous: value(&before),
            };
            refused.map(figure)
        };
        let both =
            |value: fn(&Sums) -> i64| CountFigure { value: value(&now), previous: value(&before) };
        let error_rate = |sums: &Sums| share_percent(sums.error_count, sums.record_count);
        let amount = |sums: &Sums| Amount::from_nanos(sums.cost_nanos);
        let overview = Overview {
            total_users,
            active_users,
            tokens: both(token_count),
            workflows,
            assistants,
            requests: both(|sums| sums.record_count),
            spend: MoneyFigure { value: amount(&now), previous: amount(&before) },
            blocked: of_refusals(|refused| refused.blocked_count),
            routed: of_refusals(|refused| refused.routed_count),
            error_rate: PercentFigure { value: error_rate(&now), previous: error_rate(&before) },
            total_workflows,
            total_assistants,
        };
        Ok((overview, now))
    }
}

fn known(answers: &mut Answers, pending: Pending<Vec<i64>>) -> Result<CountFigure> {
    let mut counts = answers.take(pending)?.into_iter();
    let [value, previous] = [counts.next(), counts.next()].map(Option::unwrap_or_default);
    Ok(CountFigure { value, previous })
}

fn count(answers: &mut Answers, pending: Both<Vec<DistinctRow>>) -> Result<CountFigure> {
    let [value, previous] = pending;
    let value = answers.take_count(value)?;
    Ok(CountFigure { value, previous: answers.take_count(previous)? })
}

fn refused(answers: &mut Answers, pending: Both<Vec<RefusalsRow>>) -> Result<[Refused; 2]> {
    let mut sums = [Refused::default(); 2];
    for (sum, rows) in sums.iter_mut().zip(pending) {
        answers.take(rows)?.iter().for_each(|row| sum.add(row));
    }
    Ok(sums)
}
