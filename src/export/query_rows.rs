//! The report of a usage query as a table: one row for each group, or for each group and bucket of
//! time. With the row of others, rows of an additive metric add up to the total.

use std::vec::IntoIter;

use async_trait::async_trait;

use super::error::Result;
use super::rows::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::analytics::figures::Values;
use crate::analytics::metric::Metric;
use crate::analytics::query::{Group, Query, UsageReport};
use crate::analytics::range::{Bucket, Days};
use crate::domain::Currency;
use crate::domain::usage::TokenClass;

/// The rows of a report.
pub struct QueryRows {
    query: Query,
    currency: Currency,
    days: Days,
    groups: IntoIter<Group>,
}

impl QueryRows {
    /// Without groups, the total is the only row.
    pub fn new(query: Query, report: UsageReport, currency: Currency) -> QueryRows {
        let groups = if query.group_by.is_empty() { vec![report.total] } else { report.groups };
        QueryRows { query, currency, days: report.period.days, groups: groups.into_iter() }
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
        if self.query.metrics.iter().any(|metric| has_money(*metric)) {
            out.text(self.currency.as_str());
        }
        let metrics = || self.query.metrics.iter().copied();
        metrics().for_each(|metric| write_metric(metric, values, out));
        if bucket.is_none() {
            out.optional_number(group.share_percent);
            if self.query.compare_previous {
                let previous = group.previous.clone().unwrap_or_default();
                metrics().for_each(|metric| write_metric(metric, &previous, out));
                out.optional_number(group.change_percent);
            }
        }
        out.end_row();
    }
}

#[async_trait]
impl RowSource for QueryRows {
    fn columns(&self) -> Vec<Column> {
        let Query { group_by, metrics, granularity, compare_previous, .. } = &self.query;
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
        if metrics.iter().any(|metric| has_money(*metric)) {
            columns.push(Column::new("currency_code", Kind::Text));
        }
        columns.extend(columns_of(metrics, ""));
        if granularity.is_none() {
            columns.push(Column::optional("share_percent", Kind::Number));
            if *compare_previous {
                columns.extend(columns_of(metrics, "previous_"));
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

fn has_money(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Cost
            | Metric::Blocked
            | Metric::Routed
            | Metric::CostPerRequest
            | Metric::CostPerUser
            | Metric::CostPerInvestigation
            | Metric::CostPerSession
    )
}

/// All are optional: not every group has every metric.
fn columns_of(metrics: &[Metric], prefix: &str) -> Vec<Column> {
    let mut columns = Vec::new();
    for metric in metrics {
        let mut add = |name: &str, kind| {
            columns.push(Column::named(format!("{prefix}{name}"), kind));
        };
        match metric {
            Metric::Cost => add("cost", AMOUNT),
            Metric::Requests => add("request_count", Kind::Integer),
            Metric::Tokens => {
                add("token_count", Kind::Integer);
                for class in TokenClass::ALL {
                    add(&format!("{}_token_count", class.as_str()), Kind::Integer);
                }
            }
            Metric::Errors => {
                add("error_count", Kind::Integer);
                add("cancelled_count", Kind::Integer);
            }
            Metric::Latency => {
                for name in ["mean", "p50", "p90", "p95", "p99"] {
                    add(&format!("latency_{name}_seconds"), SECONDS);
                }
            }
            Metric::Blocked => {
                add("blocked_count", Kind::Integer);
                add("blocked_cost", AMOUNT);
            }
            Metric::Routed => {
                add("routed_count", Kind::Integer);
                add("saved_cost", AMOUNT);
            }
            Metric::CostPerRequest => add("cost_per_request", AMOUNT),
            Metric::CostPerUser => add("cost_per_user", AMOUNT),
            Metric::CostPerInvestigation => add("cost_per_investigation", AMOUNT),
            Metric::CostPerSession => add("cost_per_session", AMOUNT),
            Metric::ActiveUsers => add("active_user_count", Kind::Integer),
        }
    }
    columns
}

/// The cells of the columns that [`columns_of`] has for a metric.
fn write_metric(metric: Metric, values: &Values, out: &mut RowWriter) {
    match metric {
        Metric::Cost => out.optional_amount(values.cost),
        Metric::Requests => out.optional_integer(values.request_count),
        Metric::Tokens => {
            out.optional_integer(values.tokens.map(|tokens| tokens.iter().sum()));
            for class in TokenClass::ALL {
                out.optional_integer(values.tokens.map(|tokens| tokens[class as usize]));
            }
        }
        Metric::Errors => {
            out.optional_integer(values.errors.map(|(errors, _)| errors));
            out.optional_integer(values.errors.map(|(_, cancelled)| cancelled));
        }
        Metric::Latency => {
            let of = values.latency;
            for micros in [
                of.map(|of| of.mean),
                of.map(|of| of.p50),
                of.map(|of| of.p90),
                of.map(|of| of.p95),
                of.map(|of| of.p99),
            ] {
                out.optional_decimal(micros);
            }
        }
        Metric::Blocked => {
            out.optional_integer(values.blocked.map(|(count, _)| count));
            out.optional_amount(values.blocked.map(|(_, cost)| cost));
        }
        Metric::Routed => {
            out.optional_integer(values.routed.map(|(count, _)| count));
            out.optional_amount(values.routed.map(|(_, saved)| saved));
        }
        Metric::CostPerRequest => out.optional_amount(values.cost_per_request),
        Metric::CostPerUser => out.optional_amount(values.cost_per_user),
        Metric::CostPerInvestigation => out.optional_amount(values.cost_per_investigation),
        Metric::CostPerSession => out.optional_amount(values.cost_per_session),
        Metric::ActiveUsers => out.optional_integer(values.active_user_count),
    }
}
