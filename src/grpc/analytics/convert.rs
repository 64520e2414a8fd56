//! Requests of `AnalyticsService`: ranges of days, filters, sizes.

use std::time::Duration;

use chrono::NaiveDate;

use crate::analytics::axis::{Restriction, UsageDimension, limit_of_text};
use crate::analytics::metric::Metric;
use crate::analytics::range::{DAYS_MAX, Granularity, Preset, Range};
use crate::analytics::reports::dashboard::{Rankings, TOP_MAX};
use crate::analytics::reports::first_value::NeverActivePosition;
use crate::domain::attribution::Dimension;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::proto_enum;
use crate::grpc::shared::page::{Page, parse_time_position};
use crate::grpc::shared::text::{MODEL_ID_CHARS_MAX, TAG_KEY_CHARS_MAX, non_empty};
use crate::proto::v1;
use crate::storage::reports::OrderBy;

/// Most restrictions of one report.
pub const FILTERS_MAX: usize = 8;
/// Most values of one restriction.
pub const FILTER_VALUES_MAX: usize = 100;
/// Longest of them, in characters.
pub const FILTER_VALUE_CHARS_MAX: usize = MODEL_ID_CHARS_MAX;
/// Most places of a ranking.
pub const RANKING_TOP_MAX: usize = 1_000;
pub const TOP_DEFAULT: usize = 10;
/// Time between two responses of a watch.
pub const WATCH_INTERVAL_DEFAULT: Micros = 5 * MICROS_PER_SECOND;

const OUTCOMES: [&str; 3] = ["success", "error", "cancelled"];

proto_enum!(Preset as ReportPreset {
    Today, Yesterday, Last7Days, Last30Days, Last90Days, Last365Days, ThisWeek, LastWeek, ThisMonth,
    LastMonth, ThisCycle, LastCycle,
} "expected a ReportPreset that is known");
proto_enum!(Granularity as TimeGranularity { Hour, Day, Week, Month }
    "expected a TimeGranularity that is known");

/// The fields that most reports have.
pub struct ReportCall {
    pub workspace_id: String,
    pub range: Range,
    pub restrictions: Vec<Restriction>,
}

fn read_report(
    at: Decoder<'_>,
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
) -> ReportCall {
    at.workspace_id(&workspace_id);
    let range = read_range(at, range);
    let restrictions = read_filters(at, filters);
    refuse_limits(at, &restrictions);
    ReportCall { workspace_id, range, restrictions }
}

pub fn report(
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
) -> Decoded<ReportCall> {
    decode(|at| Some(read_report(at, workspace_id, range, filters)))
}

/// A ranking: what it is ordered by, and its most places.
pub fn ranking(
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
    (order_by, top): (i32, i32),
) -> Decoded<(ReportCall, OrderBy, usize)> {
    decode(|at| {
        let call = read_report(at, workspace_id, range, filters);
        let order_by = read_rank_by(at.field("order_by"), order_by);
        Some((call, order_by, read_top(at, top, RANKING_TOP_MAX)))
    })
}

/// What a ranking is ordered by: tokens if unspecified.
pub fn read_rank_by(at: Decoder<'_>, number: i32) -> OrderBy {
    match at.optional_enum(number) {
        Some(Metric::Tokens) => OrderBy::Tokens,
        Some(Metric::Requests) => OrderBy::Requests,
        Some(Metric::Cost) => OrderBy::Cost,
        Some(_) => {
            at.refuse("expected USAGE_METRIC_TOKENS, USAGE_METRIC_REQUESTS or USAGE_METRIC_COST");
            OrderBy::Tokens
        }
        None => OrderBy::Tokens,
    }
}

/// The fields of a report, and its rankings.
pub fn dashboard(request: v1::GetDashboardRequest) -> Decoded<(ReportCall, Rankings)> {
    let v1::GetDashboardRequest { workspace_id, range, filters, top, .. } = request;
    decode(|at| {
        let call = read_report(at, workspace_id, range.as_ref(), filters);
        let rankings = Rankings {
            workflows: read_rank_by(at.field("workflow_order_by"), request.workflow_order_by),
            assistants: read_rank_by(at.field("assistant_order_by"), request.assistant_order_by),
            top: read_top(at, top, TOP_MAX),
        };
        Some((call, rankings))
    })
}

pub fn active_users(request: v1::GetActiveUsersRequest) -> Decoded<(ReportCall, Granularity)> {
    let v1::GetActiveUsersRequest { workspace_id, range, filters, granularity } = request;
    decode(|at| {
        let call = read_report(at, workspace_id, range.as_ref(), filters);
        Some((call, user_granularity(at, granularity)))
    })
}

/// The field `granularity` of active users: days if unspecified.
pub fn user_granularity(at: Decoder<'_>, number: i32) -> Granularity {
    let at = at.field("granularity");
    let granularity = at.optional_enum(number).unwrap_or(Granularity::Day);
    at.ensure(granularity != Granularity::Hour, "expected days, weeks or months");
    granularity
}

/// Workspace, days and department of sign-ups.
pub struct SignUpsCall {
    pub workspace_id: String,
    pub range: Range,
    pub department_id: Option<String>,
}

fn sign_ups(
    at: Decoder<'_>,
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    department_id: String,
) -> SignUpsCall {
    at.workspace_id(&workspace_id);
    let range = read_range(at, range);
    at.field("department_id").optional_attribution_id(&department_id);
    SignUpsCall { workspace_id, range, department_id: non_empty(department_id) }
}

pub fn first_value(request: v1::GetTimeToFirstValueRequest) -> Decoded<SignUpsCall> {
    let v1::GetTimeToFirstValueRequest { workspace_id, range, department_id } = request;
    decode(|at| Some(sign_ups(at, workspace_id, range.as_ref(), department_id)))
}

pub fn never_active(
    request: v1::ListNeverActiveUsersRequest,
) -> Decoded<(SignUpsCall, Option<NeverActivePosition>, Page)> {
    let v1::ListNeverActiveUsersRequest { workspace_id, range, department_id, .. } = request;
    decode(|at| {
        let call = sign_ups(at, workspace_id, range.as_ref(), department_id);
        let v1::ReportRange { preset, first_date, last_date } = range.unwrap_or_default();
        let department = call.department_id.as_deref().unwrap_or_default();
        let (id, preset) = (&call.workspace_id, preset.to_string());
        let filter = ["never_active_users", id, department, &preset, &first_date, &last_date];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        let after =
            after.map(|(sign_up_time, user_id)| NeverActivePosition { sign_up_time, user_id });
        Some((call, after, page))
    })
}

/// The workspace, and the least time between two responses.
pub fn watch(request: v1::WatchLiveMetricsRequest) -> Decoded<(String, Micros)> {
    let v1::WatchLiveMetricsRequest { workspace_id, interval } = request;
    let (range, expected) = (MICROS_PER_SECOND..=MICROS_PER_HOUR, "expected 1 second to 1 hour");
    decode(|at| {
        at.workspace_id(&workspace_id);
        let at = at.field("interval");
        let interval = at.span(interval, range, expected, WATCH_INTERVAL_DEFAULT);
        Some((workspace_id, interval))
    })
}

/// Workspace, and least time between two messages.
pub fn watch_workspace(request: v1::WatchWorkspaceRequest) -> Decoded<(String, Duration)> {
    let v1::WatchWorkspaceRequest { workspace_id, interval } = request;
    let range = MICROS_PER_SECOND / 10..=15 * MICROS_PER_SECOND;
    let expected = "expected 100 milliseconds to 15 seconds";
    decode(|at| {
        at.workspace_id(&workspace_id);
        let interval = at.field("interval").span(interval, range, expected, MICROS_PER_SECOND);
        Some((workspace_id, Duration::from_micros(interval.unsigned_abs())))
    })
}

/// The field `range`; the last 30 days if absent.
pub fn read_range(at: Decoder<'_>, range: Option<&v1::ReportRange>) -> Range {
    let at = at.field("range");
    let Some(v1::ReportRange { preset, first_date, last_date }) = range else {
        return Range::default();
    };
    if let Some(preset) = at.field("preset").optional_enum(*preset) {
        for (field, text) in [("first_date", first_date), ("last_date", last_date)] {
            at.field(field).ensure(text.is_empty(), "expected none with a preset");
        }
        return Range::Preset(preset);
    }
    if first_date.is_empty() && last_date.is_empty() {
        return Range::default();
    }
    let first = at.field("first_date").date(first_date);
    let last = at.field("last_date").date(last_date);
    let (Some(first), Some(last)) = (first, last) else { return Range::default() };
    check_dates(at.field("last_date"), first, last);
    Range::Dates(first, last)
}

fn check_dates(at: Decoder<'_>, first: NaiveDate, last: NaiveDate) {
    let days = (last - first).num_days() + 1;
    if days < 1 {
        at.refuse("expected first_date or a later day");
    } else if days > DAYS_MAX {
        at.refuse(format!("expected at most {DAYS_MAX} days from first_date on, not {days}"));
    }
}

/// The field `filters`: restrictions, each of a dimension of its own.
pub fn read_filters(at: Decoder<'_>, filters: Vec<v1::UsageFilter>) -> Vec<Restriction> {
    let at = at.field("filters");
    let filters = at.at_most(filters, FILTERS_MAX);
    let mut restrictions: Vec<Restriction> = Vec::with_capacity(filters.len());
    for (index, filter) in filters.into_iter().enumerate() {
        let at = at.item(index);
        let Some(restriction) = read_restriction(at, filter) else { continue };
        if restrictions.iter().any(|earlier| earlier.dimension == restriction.dimension) {
            at.refuse("expected another dimension: an earlier filter restricts it");
            continue;
        }
        restrictions.push(restriction);
    }
    restrictions
}

/// One filter.
pub fn read_restriction(at: Decoder<'_>, filter: v1::UsageFilter) -> Option<Restriction> {
    let v1::UsageFilter { dimension, tag_key, values } = filter;
    let dimension = read_dimension(at, dimension, tag_key)?;
    let values = filter_values(at.field("values"), values, &dimension);
    Some(Restriction { dimension, values })
}

fn filter_values(
    at: Decoder<'_>,
    mut values: Vec<String>,
    dimension: &UsageDimension,
) -> Vec<String> {
    if values.is_empty() || values.len() > FILTER_VALUES_MAX {
        at.refuse(format!("expected 1 to {FILTER_VALUES_MAX}"));
        return Vec::new();
    }
    for (index, value) in values.iter().enumerate() {
        let at = at.item(index);
        at.text(value, 0..=FILTER_VALUE_CHARS_MAX);
        match dimension {
            UsageDimension::Limit => {
                let expected = "expected \"envelope\", or \"model_limit:\", \"quota:\", \
                                \"rate_limit:\" or \"rule:\" and what it names";
                at.ensure(limit_of_text(value).is_some(), expected);
            }
            UsageDimension::Of(Dimension::Outcome) => {
                let expected = "expected \"success\", \"error\" or \"cancelled\"";
                at.ensure(OUTCOMES.contains(&value.as_str()), expected);
            }
            _ => {}
        }
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Reports of usage cannot be restricted to limits.
pub fn refuse_limits(at: Decoder<'_>, restrictions: &[Restriction]) {
    let expected = "expected a dimension of usage: QueryUsage alone restricts to limits";
    for (index, restriction) in restrictions.iter().enumerate() {
        let is_limit = restriction.dimension == UsageDimension::Limit;
        at.field("filters").item(index).field("dimension").ensure(!is_limit, expected);
    }
}

/// The fields `dimension` and `tag_key`, which is set for tags alone. Dimensions of the protos and
/// of rollups have the same names.
pub fn read_dimension(at: Decoder<'_>, number: i32, tag_key: String) -> Option<UsageDimension> {
    let dimension = v1::UsageDimension::try_from(number).unwrap_or_default();
    let is_tag = dimension == v1::UsageDimension::Tag;
    let expected = "expected none without USAGE_DIMENSION_TAG";
    at.field("tag_key").ensure(is_tag || tag_key.is_empty(), expected);
    let name = dimension.as_str_name().trim_start_matches("USAGE_DIMENSION_");
    let is_named = |of: &Dimension| name.eq_ignore_ascii_case(of.as_str());
    let dimension = match dimension {
        v1::UsageDimension::Provider => Some(UsageDimension::Provider),
        v1::UsageDimension::Limit => Some(UsageDimension::Limit),
        v1::UsageDimension::Tag => {
            at.field("tag_key").text(&tag_key, 1..=TAG_KEY_CHARS_MAX);
            Some(UsageDimension::Tag(tag_key))
        }
        _ => Dimension::ALL.into_iter().find(is_named).map(UsageDimension::Of),
    };
    let expected = "expected a UsageDimension that is known";
    at.field("dimension").ensure(dimension.is_some(), expected);
    dimension
}

/// The field `top`: most places or groups; 0 for the default.
pub fn read_top(at: Decoder<'_>, top: i32, max: usize) -> usize {
    match usize::try_from(at.field("top").number(top.into(), 0..=max as i64)) {
        Ok(0) | Err(_) => TOP_DEFAULT,
        Ok(top) => top,
    }
}

/// The export of a link: of the workspace that the request names.
pub fn export_link(request: v1::CreateExportLinkRequest) -> Decoded<v1::ExportUsageRequest> {
    let v1::CreateExportLinkRequest { workspace_id, export } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let (at, export) = at.message("export", export)?;
        let is_same = [&*workspace_id, ""].contains(&&*export.workspace_id);
        at.field("workspace_id").ensure(is_same, "expected none, or that of the link");
        Some(v1::ExportUsageRequest { workspace_id, ..export })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_of_the_protos_is_one_of_usage() {
        // Up to a number that no dimension has.
        let numbers = (1..).take_while(|number| v1::UsageDimension::try_from(*number).is_ok());
        let read = |number| {
            let is_tag = number == i32::from(v1::UsageDimension::Tag);
            let tag_key = if is_tag { "team" } else { "" };
            decode(|at| read_dimension(at, number, tag_key.to_owned())).unwrap()
        };
        let dimensions: Vec<UsageDimension> = numbers.map(read).collect();
        assert_eq!(dimensions.len(), 15);
        for dimension in Dimension::ALL {
            let is_own = matches!(dimension, Dimension::Workspace | Dimension::Tag);
            assert_ne!(dimensions.contains(&UsageDimension::Of(dimension)), is_own);
        }
        assert_eq!(dimensions[12], UsageDimension::Tag("team".to_owned()));
    }
}
