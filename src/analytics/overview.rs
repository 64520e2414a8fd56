//! The key figures of a period, each beside that of the one before.

use super::asking::{Answers, Asking};
use super::axis::{self, Filters, Restriction};
use super::figures::{Refused, change_percent, share_percent, token_count};
use super::plan::{self, DAILY, source};
use super::range::{Range, ReportPeriod};
use super::table::{Over, refusals_question};
use super::{Result, Scope};
use crate::domain::Amount;
use crate::domain::calendar::Window;
use crate::storage::reports::{Axis, DistinctQuestion, Question, Source, SumsQuestion};
use crate::storage::rollup::{Dimension, Sums};

/// A count beside that of the previous period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountFigure {
    pub value: i64,
    pub previous: i64,
}

/// An amount beside that of the previous period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoneyFigure {
    pub value: Amount,
    pub previous: Amount,
}

/// A share in percent; absent where there is nothing to take a share of.
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
    /// Absent with restrictions that refusals are not counted by; so is the next.
    pub blocked: Option<CountFigure>,
    pub routed: Option<CountFigure>,
    pub error_rate: PercentFigure,
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
/// If it would read too much, or storage fails.
pub async fn overview(
    scope: &Scope<'_>,
    range: Range,
    restrictions: &[Restriction],
) -> Result<OverviewReport> {
    let period = scope.period(range);
    let windows = both(&period);
    let filters = axis::resolve(scope, restrictions, &[], &windows).await?;
    let mut asking = Asking::default();
    let places = ask(&mut asking, &period, restrictions, &filters);
    if places.reads_records {
        plan::check_record_count(scope, &windows).await?;
    }
    let mut answers = asking.ask(scope).await?;
    Ok(OverviewReport { period, overview: read(&mut answers, &places)?.0 })
}

/// Where the answers are, each with that of the previous period.
pub(super) struct Places {
    pub reads_records: bool,
    known_users: usize,
    totals: [usize; 2],
    users: [usize; 2],
    workflows: [usize; 2],
    assistants: [usize; 2],
    refusals: Option<[usize; 2]>,
}

pub(super) fn ask(
    asking: &mut Asking,
    period: &ReportPeriod,
    restrictions: &[Restriction],
    filters: &Filters,
) -> Places {
    let windows = both(period);
    let mut sources = Vec::new();
    let known_users = Question::KnownUsers(windows.iter().map(|window| window.end).collect());
    let known_users = asking.add(known_users);
    let totals = windows.map(|window| asking.sums(total_question(filters, window)));
    sources.push(total_question(filters, period.days.window).source);
    let mut distinct = |counted| {
        windows.map(|window| {
            let question = distinct_question(filters, counted, vec![window], false);
            sources.push(question.source);
            asking.distinct(question)
        })
    };
    let users = distinct(Dimension::User);
    let workflows = distinct(Dimension::Workflow);
    let assistants = distinct(Dimension::Assistant);
    let are_counted = restrictions.iter().all(|restriction| restriction.dimension.is_of_refusals());
    let refusals = are_counted.then(|| {
        windows.map(|window| {
            let over = Over { windows: &[window], by_window: false, hourly: false };
            asking.refusals(refusals_question(restrictions, over, false, false, false))
        })
    });
    let reads_records = sources.contains(&Source::Records);
    Places { reads_records, known_users, totals, users, workflows, assistants, refusals }
}

/// The key figures, and the sums of the period.
pub(super) fn read(answers: &mut Answers, places: &Places) -> Result<(Overview, Sums)> {
    let mut known = answers.known_users(places.known_users)?.into_iter();
    let total_users = CountFigure {
        value: known.next().unwrap_or_default(),
        previous: known.next().unwrap_or_default(),
    };
    let mut total = |place| -> Result<Sums> {
        Ok(answers.sums(place)?.pop().map(|row| row.sums).unwrap_or_default())
    };
    let [now, before] = [total(places.totals[0])?, total(places.totals[1])?];
    let mut count = |[value, previous]: [usize; 2]| -> Result<CountFigure> {
        let mut one = |place| -> Result<i64> {
            Ok(answers.distinct(place)?.pop().map_or(0, |row| row.count))
        };
        Ok(CountFigure { value: one(value)?, previous: one(previous)? })
    };
    let active_users = count(places.users)?;
    let workflows = count(places.workflows)?;
    let assistants = count(places.assistants)?;
    let mut refused = [Refused::default(); 2];
    for (sum, place) in refused.iter_mut().zip(places.refusals.into_iter().flatten()) {
        answers.refusals(place)?.iter().for_each(|row| sum.add(row));
    }
    let of_refusals = |value: fn(&Refused) -> i64| {
        let [now, before] = &refused;
        places.refusals.map(|_| CountFigure { value: value(now), previous: value(before) })
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
    };
    Ok((overview, now))
}

/// Sums of all usage of a window.
pub(super) fn total_question(filters: &Filters, window: Window) -> SumsQuestion {
    SumsQuestion {
        source: source(plan::axes(&filters.of_usage), DAILY),
        group_by: Vec::new(),
        filters: filters.of_usage.clone(),
        windows: vec![window],
        by_window: false,
        top: None,
        latencies: false,
    }
}

/// How many different values there are.
pub(super) fn distinct_question(
    filters: &Filters,
    counted: Dimension,
    windows: Vec<Window>,
    by_window: bool,
) -> DistinctQuestion {
    let own = Axis::Of(counted);
    DistinctQuestion {
        source: source(plan::axes(&filters.of_usage).chain([&own]), DAILY),
        counted,
        group_by: None,
        filters: filters.of_usage.clone(),
        windows,
        by_window,
    }
}

/// The period, and the one before.
pub(super) fn both(period: &ReportPeriod) -> [Window; 2] {
    [period.days.window, period.previous.window]
}
