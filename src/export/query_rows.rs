//! The report of a usage query as a table: one row for each group, or for each group and bucket of
//! time. With the row of others, rows of an additive metric add up to the total.

use std::vec::IntoIter;

use async_trait::async_trait;

use super::error::Result;
use super::row_writer::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::analytics::figures::Values;
use crate::analytics::metric::Metric;
use crate::analytics::query::{Group, Query, UsageReport};
use crate::analytics::range::{Bucket, Days};
use crate::domain::usage::TokenClass;
use crate::domain::{Amount, Currency};

/// The rows of a report.
pub struct QueryRows {
    query: Query,
    metrics: Vec<MetricColumn>,
    currency: Currency,
    days: Days,
    groups: IntoIter<Group>,
}

/// The value of a cell; absent where it is empty.
type CellValue = Box<dyn Fn(&Values) -> Option<i64> + Send + Sync>;

/// A column about a metric.
struct MetricColumn {
    name: String,
    /// An integer or a decimal.
    kind: Kind,
    value: CellValue,
}

impl MetricColumn {
    fn column(&self, prefix: &str) -> Column {
        Column::named(format!("{prefix}{}", self.name), self.kind)
    }

    fn write(&self, values: &Values, out: &mut RowWriter) {
        let value = (self.value)(values);
        match self.kind {
            Kind::Integer => out.optional_integer(value),
            _ => out.optional_decimal(value),
        }
    }
}

impl QueryRows {
    /// Without groups, the total is the only row.
    pub fn new(query: Query, report: UsageReport, currency: Currency) -> QueryRows {
        let groups = if query.group_by.is_empty() { vec![report.total] } else { report.groups };
        let metrics = query.metrics.iter().copied().flat_map(metric_columns).collect();
        let (days, groups) = (report.period.days, groups.into_iter());
        QueryRows { query, metrics, currency, days, groups }
    }

    fn has_money(&self) -> bool {
        self.metrics.iter().any(|metric| metric.kind == AMOUNT)
    }

    fn write(&self, group: &Group, out: &mut RowWriter) {
        if self.query.granularity.is_none() {
            self.write_group(group, None, &group.values, out);
            return;
        }
        for point in &group.points {
            self.write_group(group, Some(point.bucket), &point.values, out);
        }
    }

    fn write_group(
        &self,
        group: &Group,
        bucket: Option<Bucket>,
        values: &Values,
        out: &mut RowWriter,
    ) {
        match bucket {
            Some(bucket) => {
                out.date(bucket.first);
                out.time(bucket.window.start);
            }
            None => {
                out.date(self.days.first);
                out.date(self.days.last);
            }
        }
        for index in 0..self.query.group_by.len() {
            let key = group.keys.get(index);
            out.optional_text(key.map_or("", |key| &key.value));
            out.optional_text(key.map_or("", |key| &key.display_name));
        }
        if !self.query.group_by.is_empty() {
            out.boolean(group.others);
        }
        if self.has_money() {
            out.text(self.currency.as_str());
        }
        self.metrics.iter().for_each(|metric| metric.write(values, out));
        if bucket.is_none() {
            out.optional_number(group.share_percent);
            if self.query.compare_previous {
                let previous = group.previous.clone().unwrap_or_default();
                self.metrics.iter().for_each(|metric| metric.write(&previous, out));
                out.optional_number(group.change_percent);
            }
        }
        out.end_row();
    }
}

#[async_trait]
impl RowSource for QueryRows {
    fn columns(&self) -> Vec<Column> {
        let Query { group_by, granularity, compare_previous, .. } = &self.query;
        let mut columns = vec![Column::new("first_date", Kind::Date)];
        columns.push(match granularity {
            Some(_) => Column::new("start_time", Kind::Second),
            None => Column::new("last_date", Kind::Date),
        });
        for dimension in group_by {
            columns.push(Column::named(dimension.to_string(), Kind::Text));
            columns.push(Column::named(format!("{dimension}_name"), Kind::Text));
        }
        if !group_by.is_empty() {
            columns.push(Column::new("others", Kind::Boolean));
        }
        if self.has_money() {
            columns.push(Column::new("currency_code", Kind::Text));
        }
        columns.extend(self.metrics.iter().map(|metric| metric.column("")));
        if granularity.is_none() {
            columns.push(Column::optional("share_percent", Kind::Number));
            if *compare_previous {
                columns.extend(self.metrics.iter().map(|metric| metric.column("previous_")));
                columns.push(Column::optional("change_percent", Kind::Number));
            }
        }
        columns
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let Some(group) = self.groups.next() else { return Ok(false) };
        self.write(&group, out);
        Ok(true)
    }
}

/// The columns of a metric. All are optional: not every group has every metric.
fn metric_columns(metric: Metric) -> Vec<MetricColumn> {
    let column = |name: &str, kind, value: fn(&Values) -> Option<i64>| MetricColumn {
        name: name.to_owned(),
        kind,
        value: Box::new(value),
    };
    let count = |name, value| column(name, Kind::Integer, value);
    let amount = |name, value| column(name, AMOUNT, value);
    let seconds = |name, value| column(name, SECONDS, value);
    match metric {
        Metric::Cost => vec![amount("cost", |it| it.cost.map(Amount::nanos))],
        Metric::Requests => vec![count("request_count", |it| it.request_count)],
        Metric::Tokens => {
            let mut columns = vec![count("token_count", |it| it.tokens.map(|it| it.iter().sum()))];
            columns.extend(TokenClass::ALL.map(|class| MetricColumn {
                name: format!("{}_token_count", class.as_str()),
                kind: Kind::Integer,
                value: Box::new(move |it| it.tokens.map(|tokens| tokens[class as usize])),
            }));
            columns
        }
        Metric::Errors => vec![
            count("error_count", |it| it.errors.map(|(errors, _)| errors)),
            count("cancelled_count", |it| it.errors.map(|(_, cancelled)| cancelled)),
        ],
        Metric::Latency => vec![
            seconds("latency_mean_seconds", |it| it.latency.map(|latency| latency.mean)),
            seconds("latency_p50_seconds", |it| it.latency.map(|latency| latency.p50)),
            seconds("latency_p90_seconds", |it| it.latency.map(|latency| latency.p90)),
            seconds("latency_p95_seconds", |it| it.latency.map(|latency| latency.p95)),
            seconds("latency_p99_seconds", |it| it.latency.map(|latency| latency.p99)),
        ],
        Metric::Blocked => vec![
            count("blocked_count", |it| it.blocked.map(|(count, _)| count)),
            amount("blocked_cost", |it| it.blocked.map(|(_, cost)| cost.nanos())),
        ],
        Metric::Routed => vec![
            count("routed_count", |it| it.routed.map(|(count, _)| count)),
            amount("saved_cost", |it| it.routed.map(|(_, saved)| saved.nanos())),
        ],
        Metric::CostPerRequest => {
            vec![amount("cost_per_request", |it| it.cost_per_request.map(Amount::nanos))]
        }
        Metric::CostPerUser => {
            vec![amount("cost_per_user", |it| it.cost_per_user.map(Amount::nanos))]
        }
        Metric::CostPerInvestigation => {
            let value = |it: &Values| it.cost_per_investigation.map(Amount::nanos);
            vec![amount("cost_per_investigation", value)]
        }
        Metric::CostPerSession => {
            vec![amount("cost_per_session", |it| it.cost_per_session.map(Amount::nanos))]
        }
        Metric::ActiveUsers => vec![count("active_user_count", |it| it.active_user_count)],
    }
}
