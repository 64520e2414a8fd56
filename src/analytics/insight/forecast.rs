//! Forecasts of a subject to the end of a period.

use super::history::{
    self, DAY_HISTORY_DAYS, HOUR_DAYS_MAX, HOUR_HISTORY_DAYS, History, Model, history_before,
};
use super::outlook::{LimitInForce, Outlook, outlook};
use super::price_changes::{self, PriceChange};
use super::series::{self, SeriesMetric, Subject};
use crate::analytics::axis::{UsageDimension, model_axis};
use crate::analytics::batch::Batch;
use crate::analytics::questions::{self, WindowSet};
use crate::analytics::range::{Bucket, Granularity};
use crate::analytics::{Error, Result, Scope, log_bound};
use crate::domain::Time;
use crate::domain::attribution::Dimension;
use crate::domain::quota::Period;
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::insight::forecast::{Interval, Point};
use crate::storage::reports::SumsRow;

/// Farthest end of a forecast, in days.
pub const AHEAD_DAYS_MAX: i64 = 92;

/// Days whose models and tokens say what a change of a price does.
const PRICE_DAYS: usize = 28;

/// What is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end of the running period, which ends by the clock.
    Period(Period),
    Time(Time),
}

#[derive(Clone, Debug)]
pub struct ForecastQuery {
    pub subject: Subject,
    pub until: Until,
    /// Hours where that is possible if absent; hours or days.
    pub granularity: Option<Granularity>,
}

#[derive(Clone, Debug)]
pub struct SubjectForecast {
    pub window: Window,
    pub granularity: Granularity,
    /// Used in the window so far.
    pub known: i64,
    /// Absent with too little history.
    pub rest: Option<RestForecast>,
    pub history_days: i64,
    /// Absent where blocked checks are not counted by the member.
    pub censored_days: Option<usize>,
    /// The whole window at the rate so far; absent in its first hour.
    pub run_rate: Option<f64>,
    pub outlook: Option<Outlook>,
    /// Of a cost: the prices that change before the end, by time.
    pub price_changes: Vec<PriceChange>,
}

#[derive(Clone, Debug)]
pub struct RestForecast {
    /// Of the whole window: as likely too low as too high.
    pub total: f64,
    /// Of 80 and 95 %.
    pub bands: [Interval; 2],
    pub points: Vec<(Bucket, Point)>,
    /// Past origins that errors were measured at.
    pub origins: usize,
    /// The member with the greatest weight.
    pub leader: &'static str,
}

/// Whether a limit on the cost of the whole workspace lasts; none with too little history.
///
/// # Errors
/// If storage fails.
pub async fn outlook_of_workspace(
    scope: &Scope<'_>,
    limit: LimitInForce,
    as_of: Time,
) -> Result<Option<Outlook>> {
    let subject = Subject { metric: SeriesMetric::Cost, member: None };
    let past = read(scope, &subject, as_of, limit.window).await?;
    Ok(past.outlook(scope, limit, as_of))
}

/// The forecast of a subject from `as_of`, and with a budget whether it lasts.
///
/// # Errors
/// If the end is not ahead or too far, or storage fails.
pub async fn forecast(
    scope: &Scope<'_>,
    query: &ForecastQuery,
    as_of: Time,
    budget: Option<LimitInForce>,
) -> Result<SubjectForecast> {
    let (window, granularity) = span(scope, query, as_of)?;
    let past = read(scope, &query.subject, as_of, window).await?;
    let history = past.history(granularity);
    let model = past.model(scope, granularity, (as_of, window.end));
    let in_cycle = budget.and_then(|budget| past.outlook(scope, budget, as_of));
    let elapsed = as_of - window.start;
    let by_rate = (window.end - window.start) as f64 / elapsed as f64 * past.known as f64;
    Ok(SubjectForecast {
        window,
        granularity,
        known: past.known,
        history_days: history.days(as_of),
        censored_days: past.censored_days,
        run_rate: (elapsed >= MICROS_PER_HOUR).then_some(by_rate),
        rest: model.as_ref().map(|model| rest(model, past.known)),
        outlook: in_cycle,
        price_changes: past.price_changes(scope, (as_of, window.end)),
    })
}

fn rest(model: &Model, known: i64) -> RestForecast {
    let total = model.rest();
    let known = known as f64;
    let with = |Interval { low, high }| Interval { low: known + low, high: known + high };
    let points = model.buckets.iter().zip(&model.slots);
    RestForecast {
        total: known + total.median(),
        bands: total.bands().map(with),
        points: points.map(|(bucket, slot)| (*bucket, model.forecast.points[*slot])).collect(),
        origins: model.forecast.origins,
        leader: model.forecast.leader,
    }
}

/// The window that is forecast, and its steps.
fn span(scope: &Scope<'_>, query: &ForecastQuery, as_of: Time) -> Result<(Window, Granularity)> {
    let calendar = scope.calendar();
    let window = match query.until {
        Until::Period(period) => calendar.window(period, as_of).expect("it ends by the clock"),
        Until::Time(end) => {
            let ahead = end - scope.now;
            if !(1..=AHEAD_DAYS_MAX * MICROS_PER_DAY).contains(&ahead) {
                let expected = format!("expected a time to come, at most {AHEAD_DAYS_MAX} days");
                return Err(Error::field("end_time", expected));
            }
            Window { start: calendar.day(as_of).start, end }
        }
    };
    let granularity = match query.granularity {
        Some(granularity) => granularity,
        None => history::granularity_until(scope.now, window.end),
    };
    let hours_end = scope.now + HOUR_DAYS_MAX * MICROS_PER_DAY;
    if granularity == Granularity::Hour && window.end > hours_end {
        let expected = format!("expected days: hours are to {HOUR_DAYS_MAX} days ahead");
        return Err(Error::field("granularity", expected));
    }
    let last = window.end - 1;
    let end = match granularity {
        Granularity::Hour => calendar.next_hour(calendar.hour_start(last)),
        _ => calendar.day(last).end,
    };
    Ok((Window { end, ..window }, granularity))
}

/// What is known of a subject.
struct Past {
    hours: History,
    days: History,
    known: i64,
    censored_days: Option<usize>,
    /// Of a cost: sums by model of the last days.
    by_model: Vec<SumsRow>,
}

impl Past {
    fn price_changes(&self, scope: &Scope<'_>, span: (Time, Time)) -> Vec<PriceChange> {
        price_changes::changes(scope, &self.by_model, span)
    }

    fn outlook(&self, scope: &Scope<'_>, limit: LimitInForce, as_of: Time) -> Option<Outlook> {
        let granularity = history::granularity_until(as_of, limit.window.end);
        let model = self.model(scope, granularity, (as_of, limit.window.end))?;
        Some(outlook(&model, limit, as_of))
    }

    fn history(&self, granularity: Granularity) -> &History {
        if granularity == Granularity::Hour { &self.hours } else { &self.days }
    }

    fn model(
        &self,
        scope: &Scope<'_>,
        granularity: Granularity,
        (as_of, end): (Time, Time),
    ) -> Option<Model> {
        let calendar = scope.calendar();
        let passed = match granularity {
            Granularity::Hour => {
                let start = calendar.hour_start(as_of);
                history::passed_of(Window { start, end: calendar.next_hour(start) }, as_of)
            }
            _ => history::passed_of_day(scope, &self.hours, as_of),
        };
        let prices = self.price_changes(scope, (as_of, end));
        Model::new(scope, self.history(granularity), (as_of, end), passed, &prices)
    }
}

/// All of it from one state of the data.
async fn read(scope: &Scope<'_>, subject: &Subject, as_of: Time, window: Window) -> Result<Past> {
    let calendar = scope.calendar();
    let today = calendar.day(as_of);
    let hours = history_before(scope, as_of, Granularity::Hour);
    let days = history_before(scope, as_of, Granularity::Day);
    let first = days.first().map_or(today.start, |day| day.window.start).min(window.start);
    let whole = Window { start: first, end: today.end };
    let filters = series::filters_of(scope, subject, whole).await?;
    let mut batch = Batch::default();
    let so_far = WindowSet::whole(Window { start: window.start, end: today.end });
    let known = batch.sums(questions::sums(&[], &filters, &so_far, false));
    let recent = days.len().saturating_sub(HOUR_HISTORY_DAYS as usize);
    let recent: Vec<Window> = days[recent..].iter().map(|day| day.window).collect();
    let by_model = (subject.metric == SeriesMetric::Cost).then(|| {
        let start = days[days.len().saturating_sub(PRICE_DAYS)..].first();
        let start = start.map_or(today.start, |day| day.window.start);
        let window = WindowSet::whole(Window { start, end: today.end });
        batch.sums(questions::sums(&[model_axis()], &filters, &window, false))
    });
    let counts_refusals = subject.member.as_ref().is_none_or(|member| {
        matches!(member.dimension, UsageDimension::Of(Dimension::Model | Dimension::User))
    });
    let refusals = counts_refusals.then(|| {
        let windows = WindowSet::series(recent.clone(), false);
        batch.refusals(questions::refusals(subject.member.as_slice(), &[], &windows))
    });
    let hours = series::ask(&mut batch, &filters, hours, Granularity::Hour);
    let days = series::ask(&mut batch, &filters, days, Granularity::Day);
    let mut answers = log_bound::run(batch, scope, &[whole]).await?;
    let known = subject.metric.of(&answers.take_total(known)?);
    let hours = History::new(Granularity::Hour, hours.read(&mut answers, subject.metric)?);
    let days = History::new(Granularity::Day, days.read(&mut answers, subject.metric)?);
    debug_assert!(days.steps.len() <= DAY_HISTORY_DAYS as usize);
    let first_use = days.steps.first().map(|step| step.bucket.window.start);
    let censored_days = refusals
        .map(|refusals| -> Result<usize> {
            let rows = answers.take(refusals)?.into_iter();
            let is_censored =
                |window: &usize| first_use.is_some_and(|it| it <= recent[*window].start);
            let blocked = rows.filter(|row| row.blocked_count > 0).map(|row| row.window);
            Ok(blocked.filter(is_censored).count())
        })
        .transpose()?;
    let by_model = by_model.map(|rows| answers.take(rows)).transpose()?.unwrap_or_default();
    Ok(Past { hours, days, known, censored_days, by_model })
}
