//! A usage query, and its report in one form for the server and the oracle.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use tollgate::proto::v1;
use tollgate::proto::v1::{TimeGranularity, UsageDimension, UsageMetric};

use crate::usage_log;

/// A call of `QueryUsage`.
#[derive(Clone, Debug)]
pub struct UsageQuery {
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub group_by: Vec<(UsageDimension, &'static str)>,
    pub filters: Vec<(UsageDimension, &'static str, Vec<&'static str>)>,
    pub granularity: TimeGranularity,
    pub metrics: Vec<UsageMetric>,
    pub top: i32,
}

impl UsageQuery {
    pub fn request(&self, workspace: &str) -> v1::QueryUsageRequest {
        let grouping = |(dimension, tag_key): &(UsageDimension, &str)| v1::UsageGrouping {
            dimension: (*dimension).into(),
            tag_key: (*tag_key).to_owned(),
        };
        v1::QueryUsageRequest {
            workspace_id: workspace.to_owned(),
            range: Some(range(self.first, self.last)),
            metrics: self.metrics.iter().map(|metric| (*metric).into()).collect(),
            group_by: self.group_by.iter().map(grouping).collect(),
            filters: self.filters.iter().map(filter).collect(),
            granularity: self.granularity.into(),
            order_by: v1::UsageMetric::Unspecified.into(),
            top: self.top,
            compare_previous: true,
        }
    }
}

pub fn filter((dimension, tag_key, values): &(UsageDimension, &str, Vec<&str>)) -> v1::UsageFilter {
    v1::UsageFilter {
        dimension: (*dimension).into(),
        tag_key: (*tag_key).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

pub fn range(first: NaiveDate, last: NaiveDate) -> v1::ReportRange {
    v1::ReportRange {
        preset: v1::ReportPreset::Unspecified.into(),
        first_date: first.to_string(),
        last_date: last.to_string(),
    }
}

/// All metrics of a group except latency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub cost: i128,
    pub requests: i64,
    pub tokens: [i64; 10],
    pub errors: i64,
    pub cancelled: i64,
    pub active_users: i64,
    /// Cost per request, user, investigation and session; absent if there is none.
    pub cost_per: [Option<i128>; 4],
}

/// One group of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub keys: Vec<String>,
    pub others: bool,
    pub figures: Figures,
    /// In millionths of a percent.
    pub share: Option<i64>,
    pub previous: Figures,
    pub change: Option<i64>,
    /// By start of the bucket.
    pub points: Vec<(String, Figures)>,
}

/// The report of the server: the total, then the groups.
pub fn report_of(answer: v1::QueryUsageResponse, query: &UsageQuery, zone: Tz) -> Vec<Group> {
    let mut groups = vec![group(answer.total.expect("a total"), query, zone)];
    groups.extend(answer.groups.into_iter().map(|found| group(found, query, zone)));
    groups
}

fn group(found: v1::UsageGroup, query: &UsageQuery, zone: Tz) -> Group {
    let points = found.points.into_iter().map(|point| {
        let start = match query.granularity {
            TimeGranularity::Hour => {
                let time = point.start_time.expect("a start");
                let time = DateTime::from_timestamp(time.seconds, 0).expect("a time");
                time.with_timezone(&zone).format("%Y-%m-%dT%H:%M%:z").to_string()
            }
            _ => point.first_date,
        };
        (start, figures(point.values.expect("values")))
    });
    Group {
        keys: found.keys.into_iter().map(|key| key.value).collect(),
        others: found.others,
        share: found.share_percent.map(millionths),
        change: found.change_percent.map(millionths),
        points: points.collect(),
        figures: figures(found.values.expect("values")),
        previous: figures(found.previous.expect("the previous period")),
    }
}

pub fn millionths(percent: f64) -> i64 {
    (percent * 1_000_000.0).round() as i64
}

fn figures(values: v1::UsageValues) -> Figures {
    let amount = |money: Option<v1::Money>| money.map(|money| usage_log::nanos(&money.amount));
    let tokens = values.tokens.map_or([0; 10], |tokens| usage_log::tokens(&tokens));
    assert_eq!(values.token_count.unwrap_or(0), tokens.iter().sum::<i64>());
    Figures {
        cost: amount(values.cost).unwrap_or(0),
        requests: values.request_count.unwrap_or(0),
        tokens,
        errors: values.error_count.unwrap_or(0),
        cancelled: values.cancelled_count.unwrap_or(0),
        active_users: values.active_user_count.unwrap_or(0),
        cost_per: [
            amount(values.cost_per_request),
            amount(values.cost_per_user),
            amount(values.cost_per_investigation),
            amount(values.cost_per_session),
        ],
    }
}
