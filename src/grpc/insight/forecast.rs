//! Requests and answers of `GetForecast`, and outlooks.

use super::convert::{quantity, read_subject};
use crate::analytics::insight::forecast::{ForecastQuery, RestForecast, SubjectForecast, Until};
use crate::analytics::insight::history::{HISTORY_DAYS_ENOUGH, HISTORY_DAYS_MIN};
use crate::analytics::insight::outlook::Outlook;
use crate::analytics::insight::price_changes::PriceChange;
use crate::analytics::insight::series::SeriesMetric;
use crate::analytics::range::{Bucket, Granularity};
use crate::domain::quota::Period;
use crate::domain::{Currency, Time};
use crate::engine::ReportBasis;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::time::to_timestamp;
use crate::insight::forecast::{Interval, MEMBERS, OWN_ORIGINS_MIN, Point};
use crate::proto::v1;

/// How often an amount lies in each of two bands, in percent.
const COVERAGES: [i32; 2] = [80, 95];

pub fn query(request: v1::GetForecastRequest) -> Decoded<(String, ForecastQuery)> {
    let v1::GetForecastRequest { workspace_id, metric, member, until, granularity } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let subject = read_subject(at, metric, member);
        let granularity = at.field("granularity").optional_enum(granularity);
        let is_step =
            granularity.is_none_or(|it| matches!(it, Granularity::Hour | Granularity::Day));
        let expected = "expected TIME_GRANULARITY_HOUR or TIME_GRANULARITY_DAY";
        at.field("granularity").ensure(is_step, expected);
        let until = read_until(at, until)?;
        Some((workspace_id, ForecastQuery { subject: subject?, until, granularity }))
    })
}

fn read_until(at: Decoder<'_>, until: Option<v1::get_forecast_request::Until>) -> Option<Until> {
    use v1::get_forecast_request::Until as Field;
    match until {
        Some(Field::Period(number)) => {
            let period = match v1::ForecastPeriod::try_from(number).unwrap_or_default() {
                v1::ForecastPeriod::Day => Some(Period::Day),
                v1::ForecastPeriod::Week => Some(Period::Week),
                v1::ForecastPeriod::Month => Some(Period::Month),
                v1::ForecastPeriod::Cycle => Some(Period::Cycle),
                v1::ForecastPeriod::Unspecified => None,
            };
            let expected = "expected FORECAST_PERIOD_DAY, _WEEK, _MONTH or _CYCLE";
            at.field("period").ensure(period.is_some(), expected);
            period.map(Until::Period)
        }
        Some(Field::EndTime(time)) => at.field("end_time").instant(time).map(Until::Time),
        None => {
            at.field("period").refuse("expected a period, or an end_time");
            None
        }
    }
}

/// Amounts of one metric.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub metric: SeriesMetric,
    pub currency: Currency,
}

impl Amounts {
    fn of(self, value: f64) -> Option<v1::Quantity> {
        Some(quantity(self.metric, value, self.currency))
    }

    fn intervals(self, bands: [Interval; 2]) -> Vec<v1::Interval> {
        let interval = |(Interval { low, high }, coverage_percent)| v1::Interval {
            low: self.of(low),
            high: self.of(high),
            coverage_percent,
        };
        bands.into_iter().zip(COVERAGES).map(interval).collect()
    }

    fn point(self, (bucket, point): &(Bucket, Point)) -> v1::ForecastPoint {
        v1::ForecastPoint {
            start_time: Some(to_timestamp(bucket.window.start)),
            date: bucket.first.to_string(),
            value: self.of(point.value),
            intervals: self.intervals(point.bands),
        }
    }
}

pub fn to_proto(
    found: &SubjectForecast,
    basis: &ReportBasis,
    metric: SeriesMetric,
) -> v1::GetForecastResponse {
    let amounts = Amounts { metric, currency: basis.workspace.currency };
    let rest = found.rest.as_ref();
    let points = rest.map_or(&[][..], |rest| &rest.points);
    v1::GetForecastResponse {
        as_of_time: Some(to_timestamp(basis.as_of)),
        start_time: Some(to_timestamp(found.window.start)),
        end_time: Some(to_timestamp(found.window.end)),
        known: amounts.of(found.known as f64),
        total: rest.and_then(|rest| amounts.of(rest.total)),
        total_intervals: rest.map_or_else(Vec::new, |rest| amounts.intervals(rest.bands)),
        points: points.iter().map(|point| amounts.point(point)).collect(),
        granularity: found.granularity.number(),
        budget: found.outlook.as_ref().map(|outlook| outlook_to_proto(outlook, amounts)),
        basis: history_basis(found).into(),
        method: rest.map_or_else(String::new, method),
        history_days: found.history_days as i32,
        censored_days: found.censored_days.map(|days| days as i32),
        interval_basis: interval_basis(rest).into(),
        run_rate: found.run_rate.and_then(|rate| amounts.of(rate)),
        price_changes: found.price_changes.iter().map(change_to_proto).collect(),
    }
}

fn change_to_proto(change: &PriceChange) -> v1::PriceChange {
    v1::PriceChange {
        model_id: change.model_id.clone(),
        effective_time: Some(to_timestamp(change.time)),
        factor: change.factor,
        share_percent: change.share * 100.0,
    }
}

fn history_basis(found: &SubjectForecast) -> v1::ForecastBasis {
    match found.history_days {
        ..HISTORY_DAYS_MIN => v1::ForecastBasis::TooLittle,
        ..HISTORY_DAYS_ENOUGH => v1::ForecastBasis::ShortHistory,
        _ => v1::ForecastBasis::Enough,
    }
}

fn method(rest: &RestForecast) -> String {
    format!("pool of {MEMBERS}, led by {}", rest.leader)
}

fn interval_basis(rest: Option<&RestForecast>) -> v1::IntervalBasis {
    match rest {
        None => v1::IntervalBasis::Unspecified,
        Some(rest) if rest.origins >= OWN_ORIGINS_MIN => v1::IntervalBasis::OwnErrors,
        Some(_) => v1::IntervalBasis::Shipped,
    }
}

pub fn outlook_to_proto(outlook: &Outlook, amounts: Amounts) -> v1::BudgetOutlook {
    let time = |time: Option<Time>| time.map(to_timestamp);
    v1::BudgetOutlook {
        limit: amounts.of(outlook.in_force.limit as f64),
        used: amounts.of(outlook.in_force.used as f64),
        probability: outlook.probability,
        exhaustion_time: time(outlook.exhaustion),
        earliest_time: time(outlook.earliest),
        reset_time: Some(to_timestamp(outlook.in_force.window.end)),
        expected: amounts.of(outlook.expected),
        expected_intervals: amounts.intervals(outlook.bands),
    }
}
