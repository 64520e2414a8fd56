//! What a query of usage answers, as a table: one row for each group, or for each group and bucket
//! of time. The rows of a metric that adds up add up to the total, all others included.

use std::vec::IntoIter;

use async_trait::async_trait;

use super::log::class_name;
use super::table::{AMOUNT, Column, File, Kind, SECONDS};
use super::{Result, Source};
use crate::analytics::axis::UsageDimension;
use crate::analytics::figures::Values;
use crate::analytics::metric::Metric;
use crate::analytics::query::{Group, Query, UsageReport};
use crate::analytics::range::{Bucket, Days};
use crate::domain::Currency;
use crate::domain::usage::TokenClass;

/// The rows of a query.
pub struct QueryRows {
    query: Query,
    currency: Currency,
    days: Days,
    groups: IntoIter<Group>,
}

impl QueryRows {
    /// Of a query without groups the total is the only one.
    pub fn new(query: Query, report: UsageReport, currency: Currency) -> QueryRows {
        let groups = if query.group_by.is_empty() { vec![report.total] } else { report.groups };
        QueryRows { query, currency, days: report.period.days, groups: groups.into_iter() }
    }

    fn add(&self, group: &Group, file: &mut File) {
        if self.query.granularity.is_none() {
            self.add_group(group, None, &group.values, file);
            return;
        }
        for point in &group.points {
            self.add_group(group, Some(point.bucket), &point.values, file);
        }
    }

    fn add_group(&self, group: &Group, bucket: Option<Bucket>, values: &Values, file: &mut File) {
        match bucket {
            Some(bucket) => {
                file.date(bucket.first);
                file.time(bucket.window.start);
            }
            None => {
                file.date(self.days.first);
                file.date(self.days.last);
            }
        }
        for place in 0..self.query.group_by.len() {
            let key = group.keys.get(place);
            file.text_if_any(key.map_or("", |key| &key.value));
            file.text_if_any(key.map_or("", |key| &key.display_name));
        }
        if !self.query.group_by.is_empty() {
            file.boolean(group.others);
        }
        if self.query.metrics.iter().any(|metric| has_money(*metric)) {
            file.text(self.currency.as_str());
        }
        let metrics = || self.query.metrics.iter().copied();
        metrics().for_each(|metric| add_metric(metric, values, file));
        if bucket.is_none() {
            file.number_if_any(group.share_percent);
            if self.query.compare_previous {
                let previous = group.previous.clone().unwrap_or_default();
                metrics().for_each(|metric| add_metric(metric, &previous, file));
                file.number_if_any(group.change_percent);
            }
        }
        file.end_row();
    }
}

#[async_trait]
impl Source for QueryRows {
    fn columns(&self) -> Vec<Column> {
        let Query { group_by, metrics, granularity, compare_previous, .. } = &self.query;
        let mut columns = vec![Column::new("first_date", Kind::Date)];
        columns.push(match granularity {
            Some(_) => Column::new("start_time", Kind::Second),
            None => Column::new("last_date", Kind::Date),
        });
        for dimension in group_by {
            let name = name_of(dimension);
            columns.push(Column::named(name.clone(), Kind::Text, true));
            columns.push(Column::named(format!("{name}_name"), Kind::Text, true));
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

    async fn add_rows(&mut self, file: &mut File) -> Result<bool> {
        let Some(group) = self.groups.next() else { return Ok(false) };
        self.add(&group, file);
        Ok(true)
    }
}

fn name_of(dimension: &UsageDimension) -> String {
    match dimension {
        UsageDimension::Of(dimension) => dimension.as_str().to_owned(),
        UsageDimension::Provider => "provider".to_owned(),
        UsageDimension::Tag(key) => format!("tag:{key}"),
        UsageDimension::Limit => "limit".to_owned(),
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

/// Cells may be absent: not everything can be told of every group.
fn columns_of(metrics: &[Metric], prefix: &str) -> Vec<Column> {
    let mut columns = Vec::new();
    for metric in metrics {
        let mut add = |name: &str, kind| {
            columns.push(Column::named(format!("{prefix}{name}"), kind, true));
        };
        match metric {
            Metric::Cost => add("cost", AMOUNT),
            Metric::Requests => add("request_count", Kind::Integer),
            Metric::Tokens => {
                add("token_count", Kind::Integer);
                for class in TokenClass::ALL {
                    add(&format!("{}_token_count", class_name(class)), Kind::Integer);
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

/// The cells of the columns that [`columns_of`] makes of a metric.
fn add_metric(metric: Metric, values: &Values, file: &mut File) {
    match metric {
        Metric::Cost => file.amount_if_any(values.cost),
        Metric::Requests => file.integer_if_any(values.request_count),
        Metric::Tokens => {
            file.integer_if_any(values.tokens.map(|tokens| tokens.iter().sum()));
            for class in TokenClass::ALL {
                file.integer_if_any(values.tokens.map(|tokens| tokens[class as usize]));
            }
        }
        Metric::Errors => {
            file.integer_if_any(values.errors.map(|(errors, _)| errors));
            file.integer_if_any(values.errors.map(|(_, cancelled)| cancelled));
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
                file.decimal_if_any(micros);
            }
        }
        Metric::Blocked => {
            file.integer_if_any(values.blocked.map(|(count, _)| count));
            file.amount_if_any(values.blocked.map(|(_, cost)| cost));
        }
        Metric::Routed => {
            file.integer_if_any(values.routed.map(|(count, _)| count));
            file.amount_if_any(values.routed.map(|(_, saved)| saved));
        }
        Metric::CostPerRequest => file.amount_if_any(values.cost_per_request),
        Metric::CostPerUser => file.amount_if_any(values.cost_per_user),
        Metric::CostPerInvestigation => file.amount_if_any(values.cost_per_investigation),
        Metric::CostPerSession => file.amount_if_any(values.cost_per_session),
        Metric::ActiveUsers => file.integer_if_any(values.active_user_count),
    }
}
