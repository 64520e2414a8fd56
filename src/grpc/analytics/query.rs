//! `QueryUsage`: its request and response.

use super::convert::{read_dimension, read_filters, read_range, read_top};
use super::reports::period_to_proto;
use crate::analytics::axis::UsageDimension;
use crate::analytics::figures::{LatencyValues, Values};
use crate::analytics::metric::Metric;
use crate::analytics::query::{GROUP_BY_MAX, Group, GroupKey, Point, Query, TOP_MAX, UsageReport};
use crate::domain::time::calendar::Calendar;
use crate::domain::usage::Usage;
use crate::domain::{Amount, Currency, Time};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::proto_enum;
use crate::grpc::shared::money;
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::grpc::shared::tokens::usage_to_proto;
use crate::proto::v1;

proto_enum!(Metric as UsageMetric {
    Cost, Requests, Tokens, Errors, Latency, Blocked, Routed, CostPerRequest, CostPerUser,
    CostPerInvestigation, CostPerSession, ActiveUsers,
} "expected a UsageMetric that is known");

/// Workspace and query.
pub fn query(request: v1::QueryUsageRequest) -> Decoded<(String, Query)> {
    decode(|at| Some(read(at, request)))
}

pub fn read(at: Decoder<'_>, request: v1::QueryUsageRequest) -> (String, Query) {
    at.workspace_id(&request.workspace_id);
    let metrics = read_metrics(at.field("metrics"), &request.metrics);
    let group_by = read_group_by(at.field("group_by"), request.group_by);
    let order_by = at.field("order_by").optional_enum(request.order_by);
    let query = Query {
        range: read_range(at, request.range.as_ref()),
        metrics,
        group_by,
        restrictions: read_filters(at, request.filters),
        granularity: at.field("granularity").optional_enum(request.granularity),
        order_by,
        top: read_top(at, request.top, TOP_MAX),
        compare_previous: request.compare_previous,
    };
    (request.workspace_id, query)
}

fn read_metrics(at: Decoder<'_>, numbers: &[i32]) -> Vec<Metric> {
    at.ensure(!numbers.is_empty(), "expected at least one");
    let mut metrics = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let Some(metric) = at.item(index).required_enum(*number) else { continue };
        at.item(index).ensure(!metrics.contains(&metric), "expected each metric once");
        metrics.push(metric);
    }
    metrics
}

fn read_group_by(at: Decoder<'_>, groupings: Vec<v1::UsageGrouping>) -> Vec<UsageDimension> {
    let groupings = at.at_most(groupings, GROUP_BY_MAX);
    let mut group_by = Vec::with_capacity(groupings.len());
    for (index, grouping) in groupings.into_iter().enumerate() {
        let v1::UsageGrouping { dimension, tag_key } = grouping;
        let Some(dimension) = read_dimension(at.item(index), dimension, tag_key) else { continue };
        let is_new = !group_by.contains(&dimension);
        at.item(index).ensure(is_new, "expected two different dimensions");
        group_by.push(dimension);
    }
    group_by
}

pub fn to_proto(
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
