//! What `AnalyticsService` is asked: days, filters, sizes.

use chrono::NaiveDate;

use super::super::page::Page;
use super::text::{self, ATTRIBUTION_CHARS_MAX, MODEL_ID_CHARS_MAX, TAG_KEY_CHARS_MAX};
use super::time::{date, span};
use super::{Path, Violations, at_most, number};
use crate::analytics::axis::{Restriction, UsageDimension, limit_of_text};
use crate::analytics::range::{DAYS_MAX, Granularity, Preset, Range};
use crate::analytics::reports::first_value::NeverActivePosition;
use crate::domain::Time;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use crate::proto::v1;
use crate::storage::reports::SignUp;
use crate::storage::rollup::Dimension;

/// Most restrictions of one report.
pub const FILTERS_MAX: usize = 8;
/// Most values of one restriction.
pub const FILTER_VALUES_MAX: usize = 100;
/// Longest of them, in characters.
pub const FILTER_VALUE_CHARS_MAX: usize = MODEL_ID_CHARS_MAX;
/// Most places of a ranking.
pub const RANKING_TOP_MAX: usize = 1_000;
pub const TOP_DEFAULT: usize = 10;
/// Time between two answers of a watch.
pub const WATCH_INTERVAL_DEFAULT: Micros = 5 * MICROS_PER_SECOND;

const OUTCOMES: [&str; 3] = ["success", "error", "cancelled"];

/// What most reports are asked by.
pub struct ReportCall {
    pub workspace_id: String,
    pub range: Range,
    pub restrictions: Vec<Restriction>,
}

/// # Errors
/// If a field is out of its range.
pub fn report(
    workspace_id: String,
    asked_range: Option<&v1::ReportRange>,
    asked_filters: Vec<v1::UsageFilter>,
    violations: &mut Violations,
) -> ReportCall {
    text::check_workspace_id(&workspace_id, violations);
    let range = range(asked_range, Path::Request.field("range"), violations);
    let path = Path::Request.field("filters");
    let restrictions = filters(asked_filters, path, violations);
    refuse_limits(&restrictions, path, violations);
    ReportCall { workspace_id, range, restrictions }
}

/// What several reports share, and nothing else.
///
/// # Errors
/// If a field is out of its range.
pub fn plain_report(
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
) -> Result<ReportCall, Violations> {
    let mut violations = Violations::default();
    let call = report(workspace_id, range, filters, &mut violations);
    violations.accept(call)
}

/// The same, with the most places of a ranking.
///
/// # Errors
/// If a field is out of its range.
pub fn ranking(
    workspace_id: String,
    range: Option<&v1::ReportRange>,
    filters: Vec<v1::UsageFilter>,
    asked_top: i32,
    top_max: usize,
) -> Result<(ReportCall, usize), Violations> {
    let mut violations = Violations::default();
    let call = report(workspace_id, range, filters, &mut violations);
    let top = top(asked_top, top_max, Path::Request.field("top"), &mut violations);
    violations.accept((call, top))
}

/// # Errors
/// If a field is out of its range.
pub fn active_users(
    request: v1::GetActiveUsersRequest,
) -> Result<(ReportCall, Granularity), Violations> {
    let mut violations = Violations::default();
    let v1::GetActiveUsersRequest { workspace_id, range, filters, granularity: asked } = request;
    let call = report(workspace_id, range.as_ref(), filters, &mut violations);
    let granularity = user_granularity(asked, Path::Request, &mut violations);
    violations.accept((call, granularity))
}

/// Buckets of active users: days if unspecified.
pub fn user_granularity(asked: i32, path: Path<'_>, violations: &mut Violations) -> Granularity {
    let path = path.field("granularity");
    match granularity(asked, path, violations).unwrap_or(Granularity::Day) {
        Granularity::Hour => {
            violations.add(path, "expected days, weeks or months");
            Granularity::Day
        }
        longer => longer,
    }
}

/// Workspace, days and department of sign-ups.
pub struct SignUpsCall {
    pub workspace_id: String,
    pub range: Range,
    pub department_id: Option<String>,
}

/// # Errors
/// If a field is out of its range.
pub fn first_value(request: v1::GetTimeToFirstValueRequest) -> Result<SignUpsCall, Violations> {
    let mut violations = Violations::default();
    let v1::GetTimeToFirstValueRequest { workspace_id, range, department_id } = request;
    let call = sign_ups(workspace_id, range.as_ref(), department_id, &mut violations);
    violations.accept(call)
}

fn sign_ups(
    workspace_id: String,
    asked: Option<&v1::ReportRange>,
    department_id: String,
    violations: &mut Violations,
) -> SignUpsCall {
    text::check_workspace_id(&workspace_id, violations);
    let range = range(asked, Path::Request.field("range"), violations);
    let path = Path::Request.field("department_id");
    text::check(&department_id, 0..=ATTRIBUTION_CHARS_MAX, path, violations);
    let department_id = (!department_id.is_empty()).then_some(department_id);
    SignUpsCall { workspace_id, range, department_id }
}

/// # Errors
/// If a field is out of its range.
pub fn never_active(
    request: v1::ListNeverActiveUsersRequest,
) -> Result<(SignUpsCall, Option<NeverActivePosition>, Page), Violations> {
    let mut violations = Violations::default();
    let v1::ListNeverActiveUsersRequest {
        workspace_id,
        range,
        department_id,
        page_size,
        page_token,
    } = request;
    let asked = range.clone().unwrap_or_default();
    let preset = asked.preset.to_string();
    let call = sign_ups(workspace_id, range.as_ref(), department_id, &mut violations);
    let department = call.department_id.as_deref().unwrap_or_default();
    let (first, last) = (&asked.first_date, &asked.last_date);
    let filter = ["never_active_users", &call.workspace_id, department, &preset, first, last];
    let page = Page::read(&filter, page_size, &page_token, &mut violations);
    let after = page.after_parsed(never_active_position, &mut violations);
    violations.accept((call, after, page))
}

pub fn never_active_position_to_text(user: &SignUp) -> String {
    format!("{}.{}", user.sign_up_time.micros(), user.user_id)
}

fn never_active_position(text: &str) -> Option<NeverActivePosition> {
    let (micros, user_id) = text.split_once('.')?;
    let sign_up_time = Time::from_micros(micros.parse().ok()?);
    Some(NeverActivePosition { sign_up_time, user_id: user_id.to_owned() })
}

/// The workspace, and the least time between two answers.
///
/// # Errors
/// If a field is out of its range.
pub fn watch(request: v1::WatchLiveMetricsRequest) -> Result<(String, Micros), Violations> {
    let mut violations = Violations::default();
    let v1::WatchLiveMetricsRequest { workspace_id, interval } = request;
    text::check_workspace_id(&workspace_id, &mut violations);
    let interval = span(
        interval,
        MICROS_PER_SECOND..=MICROS_PER_HOUR,
        "expected 1 second to 1 hour",
        WATCH_INTERVAL_DEFAULT,
        Path::Request.field("interval"),
        &mut violations,
    );
    violations.accept((workspace_id, interval))
}

/// # Errors
/// If it cannot be the id of a workspace.
pub fn workspace_id(id: &str) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(id, &mut violations);
    violations.accept(())
}

/// Which days; the last 30 if absent.
pub fn range(
    asked: Option<&v1::ReportRange>,
    path: Path<'_>,
    violations: &mut Violations,
) -> Range {
    let Some(v1::ReportRange { preset: asked, first_date, last_date }) = asked else {
        return Range::default();
    };
    let preset = preset(*asked, path.field("preset"), violations);
    let dates = [("first_date", first_date), ("last_date", last_date)];
    if let Some(preset) = preset {
        for (field, _) in dates.into_iter().filter(|(_, text)| !text.is_empty()) {
            violations.add(path.field(field), "expected none with a preset");
        }
        return Range::Preset(preset);
    }
    if first_date.is_empty() && last_date.is_empty() {
        return Range::default();
    }
    let before = violations.count();
    let [first, last] = dates.map(|(field, text)| date(text, path.field(field), violations));
    if violations.count() == before {
        check_dates(first, last, path.field("last_date"), violations);
    }
    Range::Dates(first, last)
}

fn check_dates(first: NaiveDate, last: NaiveDate, path: Path<'_>, violations: &mut Violations) {
    let days = (last - first).num_days() + 1;
    if days < 1 {
        violations.add(path, "expected first_date or a later day");
    } else if days > DAYS_MAX {
        let expected = format!("expected at most {DAYS_MAX} days from first_date on, not {days}");
        violations.add(path, expected);
    }
}

fn preset(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Preset> {
    let Ok(known) = v1::ReportPreset::try_from(value) else {
        violations.add(path, "expected a ReportPreset that is known");
        return None;
    };
    match known {
        v1::ReportPreset::Unspecified => None,
        v1::ReportPreset::Today => Some(Preset::Today),
        v1::ReportPreset::Yesterday => Some(Preset::Yesterday),
        v1::ReportPreset::Last7Days => Some(Preset::Last7Days),
        v1::ReportPreset::Last30Days => Some(Preset::Last30Days),
        v1::ReportPreset::Last90Days => Some(Preset::Last90Days),
        v1::ReportPreset::Last365Days => Some(Preset::Last365Days),
        v1::ReportPreset::ThisWeek => Some(Preset::ThisWeek),
        v1::ReportPreset::LastWeek => Some(Preset::LastWeek),
        v1::ReportPreset::ThisMonth => Some(Preset::ThisMonth),
        v1::ReportPreset::LastMonth => Some(Preset::LastMonth),
        v1::ReportPreset::ThisCycle => Some(Preset::ThisCycle),
        v1::ReportPreset::LastCycle => Some(Preset::LastCycle),
    }
}

/// Restrictions, each of a dimension of its own.
pub fn filters(
    asked: Vec<v1::UsageFilter>,
    path: Path<'_>,
    violations: &mut Violations,
) -> Vec<Restriction> {
    let asked = at_most(asked, FILTERS_MAX, path, violations);
    let mut restrictions: Vec<Restriction> = Vec::with_capacity(asked.len());
    for (index, v1::UsageFilter { dimension: asked, tag_key, values }) in
        asked.into_iter().enumerate()
    {
        let path = path.item(index);
        let Some(dimension) = dimension(asked, tag_key, path, violations) else { continue };
        if restrictions.iter().any(|restriction| restriction.dimension == dimension) {
            violations.add(path, "expected another dimension: an earlier filter restricts it");
            continue;
        }
        let values = filter_values(values, &dimension, path.field("values"), violations);
        restrictions.push(Restriction { dimension, values });
    }
    restrictions
}

fn filter_values(
    mut values: Vec<String>,
    dimension: &UsageDimension,
    path: Path<'_>,
    violations: &mut Violations,
) -> Vec<String> {
    if values.is_empty() || values.len() > FILTER_VALUES_MAX {
        violations.add(path, format!("expected 1 to {FILTER_VALUES_MAX}"));
        return Vec::new();
    }
    for (index, value) in values.iter().enumerate() {
        let path = path.item(index);
        text::check(value, 0..=FILTER_VALUE_CHARS_MAX, path, violations);
        match dimension {
            UsageDimension::Limit if limit_of_text(value).is_none() => {
                let expected = "expected \"envelope\", or \"model_limit:\", \"quota:\", \
                                \"rate_limit:\" or \"rule:\" and what it names";
                violations.add(path, expected);
            }
            UsageDimension::Of(Dimension::Outcome) if !OUTCOMES.contains(&value.as_str()) => {
                violations.add(path, "expected \"success\", \"error\" or \"cancelled\"");
            }
            _ => {}
        }
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Reports that are of usage cannot be restricted to limits.
pub fn refuse_limits(restrictions: &[Restriction], path: Path<'_>, violations: &mut Violations) {
    for (index, restriction) in restrictions.iter().enumerate() {
        if restriction.dimension == UsageDimension::Limit {
            let expected = "expected a dimension of usage: QueryUsage alone restricts to limits";
            violations.add(path.item(index).field("dimension"), expected);
        }
    }
}

/// A dimension, with the key of the tag where it is one.
pub fn dimension(
    value: i32,
    tag_key: String,
    path: Path<'_>,
    violations: &mut Violations,
) -> Option<UsageDimension> {
    use UsageDimension::Of;
    let known = v1::UsageDimension::try_from(value).unwrap_or_default();
    if known != v1::UsageDimension::Tag && !tag_key.is_empty() {
        violations.add(path.field("tag_key"), "expected none without USAGE_DIMENSION_TAG");
    }
    let dimension = match known {
        v1::UsageDimension::Unspecified => {
            violations.add(path.field("dimension"), "expected a UsageDimension that is known");
            return None;
        }
        v1::UsageDimension::Model => Of(Dimension::Model),
        v1::UsageDimension::Provider => UsageDimension::Provider,
        v1::UsageDimension::Department => Of(Dimension::Department),
        v1::UsageDimension::User => Of(Dimension::User),
        v1::UsageDimension::ApiKey => Of(Dimension::ApiKey),
        v1::UsageDimension::KeyGroup => Of(Dimension::KeyGroup),
        v1::UsageDimension::Assistant => Of(Dimension::Assistant),
        v1::UsageDimension::Workflow => Of(Dimension::Workflow),
        v1::UsageDimension::Feature => Of(Dimension::Feature),
        v1::UsageDimension::Project => Of(Dimension::Project),
        v1::UsageDimension::Investigation => Of(Dimension::Investigation),
        v1::UsageDimension::Session => Of(Dimension::Session),
        v1::UsageDimension::Tag => {
            text::check(&tag_key, 1..=TAG_KEY_CHARS_MAX, path.field("tag_key"), violations);
            UsageDimension::Tag(tag_key)
        }
        v1::UsageDimension::Outcome => Of(Dimension::Outcome),
        v1::UsageDimension::Limit => UsageDimension::Limit,
    };
    Some(dimension)
}

/// Buckets; none if unspecified.
pub fn granularity(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Granularity> {
    match v1::TimeGranularity::try_from(value) {
        Ok(v1::TimeGranularity::Unspecified) => None,
        Ok(v1::TimeGranularity::Hour) => Some(Granularity::Hour),
        Ok(v1::TimeGranularity::Day) => Some(Granularity::Day),
        Ok(v1::TimeGranularity::Week) => Some(Granularity::Week),
        Ok(v1::TimeGranularity::Month) => Some(Granularity::Month),
        Err(_) => {
            violations.add(path, "expected a TimeGranularity that is known");
            None
        }
    }
}

/// Most places or groups; 0 for the default.
pub fn top(value: i32, max: usize, path: Path<'_>, violations: &mut Violations) -> usize {
    let top = number(value.into(), 0..=max as i64, path, violations);
    match usize::try_from(top) {
        Ok(0) | Err(_) => TOP_DEFAULT,
        Ok(top) => top,
    }
}
