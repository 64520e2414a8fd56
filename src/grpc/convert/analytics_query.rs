//! What `QueryUsage` is asked and answers.

use super::analytics::{dimension, filters, granularity, range, top};
use super::analytics_reports::period_to_proto;
use super::shared::usage_to_proto;
use super::time::{to_duration, to_timestamp};
use super::{Path, Violations, at_most, money, text};
use crate::analytics::axis::UsageDimension;
use crate::analytics::figures::{LatencyValues, Values};
use crate::analytics::metric::Metric;
use crate::analytics::query::{GROUP_BY_MAX, Group, GroupKey, Point, Query, TOP_MAX, UsageReport};
use crate::domain::calendar::Calendar;
use crate::domain::usage::Usage;
use crate::domain::{Amount, Currency, Time};
use crate::proto::v1;

/// The workspace and the question; `path` is where the request is.
pub fn query(
    request: v1::QueryUsageRequest,
    path: Path<'_>,
    violations: &mut Violations,
) -> (String, Query) {
    let workspace_id = request.workspace_id;
    text::check_workspace_id(&workspace_id, violations);
    let metrics = metrics(&request.metrics, path.field("metrics"), violations);
    let group_by = group_by(request.group_by, path.field("group_by"), violations);
    let order_by = (request.order_by != 0)
        .then(|| metric(request.order_by, path.field("order_by"), violations))
        .flatten();
    let query = Query {
        range: range(request.range.as_ref(), path.field("range"), violations),
        metrics,
        group_by,
        restrictions: filters(request.filters, path.field("filters"), violations),
        granularity: granularity(request.granularity, path.field("granularity"), violations),
        order_by,
        top: top(request.top, TOP_MAX, path.field("top"), violations),
        compare_previous: request.compare_previous,
    };
    (workspace_id, query)
}

fn metrics(asked: &[i32], path: Path<'_>, violations: &mut Violations) -> Vec<Metric> {
    if asked.is_empty() {
        violations.add(path, "expected at least one");
    }
    let mut metrics = Vec::new();
    for (index, value) in asked.iter().enumerate() {
        let Some(metric) = metric(*value, path.item(index), violations) else { continue };
        if metrics.contains(&metric) {
            violations.add(path.item(index), "expected each metric once");
            continue;
        }
        metrics.push(metric);
    }
    metrics
}

fn metric(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Metric> {
    match v1::UsageMetric::try_from(value).unwrap_or_default() {
        v1::UsageMetric::Unspecified => {
            violations.add(path, "expected a UsageMetric that is known");
            None
        }
        v1::UsageMetric::Cost => Some(Metric::Cost),
        v1::UsageMetric::Requests => Some(Metric::Requests),
        v1::UsageMetric::Tokens => Some(Metric::Tokens),
        v1::UsageMetric::Errors => Some(Metric::Errors),
        v1::UsageMetric::Latency => Some(Metric::Latency),
        v1::UsageMetric::Blocked => Some(Metric::Blocked),
        v1::UsageMetric::Routed => Some(Metric::Routed),
        v1::UsageMetric::CostPerRequest => Some(Metric::CostPerRequest),
        v1::UsageMetric::CostPerUser => Some(Metric::CostPerUser),
        v1::UsageMetric::CostPerInvestigation => Some(Metric::CostPerInvestigation),
        v1::UsageMetric::CostPerSession => Some(Metric::CostPerSession),
        v1::UsageMetric::ActiveUsers => Some(Metric::ActiveUsers),
    }
}

fn group_by(
    asked: Vec<v1::UsageGrouping>,
    path: Path<'_>,
    violations: &mut Violations,
) -> Vec<UsageDimension> {
    let asked = at_most(asked, GROUP_BY_MAX, path, violations);
    let mut group_by = Vec::with_capacity(asked.len());
    for (index, v1::UsageGrouping { dimension: asked, tag_key }) in asked.into_iter().enumerate() {
        let path = path.item(index);
        let Some(dimension) = dimension(asked, tag_key, path, violations) else { continue };
        if group_by.contains(&dimension) {
            violations.add(path, "expected two different dimensions");
            continue;
        }
        group_by.push(dimension);
    }
    group_by
}

pub fn response(
    report: UsageReport,
    as_of_time: Time,
    calendar: &Calendar,
    currency: Currency,
) -> v1::QueryUsageResponse {
    let group = |group| group_to_proto(group, currency);
    v1::QueryUsageResponse {
        period: Some(period_to_proto(&report.period, calendar)),
        as_of_time: Some(to_timestamp(as_of_time)),
        total: Some(group(report.total)),
        groups: report.groups.into_iter().map(group).collect(),
    }
}

fn group_to_proto(group: Group, currency: Currency) -> v1::UsageGroup {
    let key = |GroupKey { value, display_name }| v1::UsageGroupKey { value, display_name };
    let point = |point: Point| v1::UsagePoint {
        start_time: Some(to_timestamp(point.bucket.window.start)),
        first_date: point.bucket.first.to_string(),
        values: Some(values_to_proto(&point.values, currency)),
    };
    v1::UsageGroup {
        keys: group.keys.into_iter().map(key).collect(),
        others: group.others,
        values: Some(values_to_proto(&group.values, currency)),
        share_percent: group.share_percent,
        previous: group.previous.as_ref().map(|values| values_to_proto(values, currency)),
        change_percent: group.change_percent,
        points: group.points.into_iter().map(point).collect(),
    }
}

fn values_to_proto(values: &Values, currency: Currency) -> v1::UsageValues {
    let money = |amount: Option<Amount>| amount.map(|amount| money::to_proto(currency, amount));
    let latency =
        |of: fn(LatencyValues) -> i64| values.latency.map(|latency| to_duration(of(latency)));
    let tokens = values.tokens.map(|tokens| Usage { tokens });
    v1::UsageValues {
        cost: money(values.cost),
        request_count: values.request_count,
        token_count: values.tokens.map(|tokens| tokens.iter().sum()),
        tokens: tokens.as_ref().map(usage_to_proto),
        error_count: values.errors.map(|(errors, _)| errors),
        cancelled_count: values.errors.map(|(_, cancelled)| cancelled),
        latency_mean: latency(|latency| latency.mean),
        latency_p50: latency(|latency| latency.p50),
        latency_p90: latency(|latency| latency.p90),
        latency_p95: latency(|latency| latency.p95),
        latency_p99: latency(|latency| latency.p99),
        blocked_count: values.blocked.map(|(count, _)| count),
        blocked_cost: money(values.blocked.map(|(_, amount)| amount)),
        routed_count: values.routed.map(|(count, _)| count),
        saved_cost: money(values.routed.map(|(_, amount)| amount)),
        cost_per_request: money(values.cost_per_request),
        cost_per_user: money(values.cost_per_user),
        cost_per_investigation: money(values.cost_per_investigation),
        cost_per_session: money(values.cost_per_session),
        active_user_count: values.active_user_count,
    }
}
