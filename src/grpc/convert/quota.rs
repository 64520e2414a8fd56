//! What `QuotaService` is asked and answers about quotas.

use super::super::page::Page;
use super::limits::{
    enforcement, enforcement_to_proto, member_to_proto, period, period_to_proto, scope,
    scope_to_proto, subject_filter, thresholds, unit, unit_to_proto,
};
use super::mask::Mask;
use super::text::{self, DISPLAY_NAME_CHARS_MAX, MODEL_ID_CHARS_MAX, RESOURCE_ID_CHARS_MAX};
use super::time::{instant, to_timestamp};
use super::{Path, Violations, money, number, required};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{COUNT_LIMIT_MAX, Enforcement, Period, Quota, THRESHOLDS_DEFAULT, Unit};
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{AskedLimit, LimitChange, NewQuota, QuotaChange, ThresholdChange};
use crate::ledger::{QuotaUsage, UsageFilter, UsagePosition};
use crate::proto::v1;
use crate::storage::policy::RuleFilter;

/// How far back the window of a quota that is reset by hand may begin.
pub const WINDOW_START_AGE_MAX: Micros = 366 * MICROS_PER_DAY;

const QUOTA: Path<'static> = Path::Field(&Path::Request, "quota");
const FIELDS: [&str; 7] = [
    "limit",
    "limit_count",
    "exempt",
    "enforcement",
    "alert_threshold_percents",
    "no_alerts",
    "display_name",
];

/// Workspace and quota.
///
/// # Errors
/// If a field is out of its range.
pub fn create(
    request: v1::CreateQuotaRequest,
    now: Time,
) -> Result<(String, NewQuota), Violations> {
    let mut violations = Violations::default();
    let workspace_id = request.workspace_id;
    text::check_workspace_id(&workspace_id, &mut violations);
    let Some(quota) = required(request.quota, QUOTA, &mut violations) else {
        return Err(violations);
    };
    let path = |field| QUOTA.field(field);
    text::check(&quota.quota_id, 0..=RESOURCE_ID_CHARS_MAX, path("quota_id"), &mut violations);
    let (kind, subject_id) =
        scope(&workspace_id, quota.subject.clone(), quota.each_member, QUOTA, &mut violations);
    text::check(&quota.model_id, 0..=MODEL_ID_CHARS_MAX, path("model_id"), &mut violations);
    let unit = unit(quota.unit, path("unit"), &mut violations);
    let limit = new_limit(&quota, unit, &mut violations);
    let period = period(quota.period, path("period"), &mut violations);
    let enforcement = enforcement(quota.enforcement, path("enforcement"), &mut violations);
    let thresholds = match given_thresholds(&quota, &mut violations) {
        _ if quota.no_alerts => Vec::new(),
        given if given.is_empty() => THRESHOLDS_DEFAULT.to_vec(),
        given => given,
    };
    check_display_name(&quota.display_name, &mut violations);
    let window_start = window_start(&quota, period, now, &mut violations);
    let new = NewQuota {
        id: (!quota.quota_id.is_empty()).then_some(quota.quota_id),
        display_name: quota.display_name,
        kind,
        subject_id,
        model_id: (!quota.model_id.is_empty()).then_some(quota.model_id),
        unit: unit.unwrap_or(Unit::Money),
        period: period.unwrap_or(Period::Day),
        limit,
        enforcement: enforcement.unwrap_or(Enforcement::Hard),
        thresholds,
        window_start,
    };
    violations.accept((workspace_id, new))
}

/// The limit of a new quota, in its unit.
fn new_limit(quota: &v1::Quota, unit: Option<Unit>, violations: &mut Violations) -> AskedLimit {
    let (limit_path, count_path) = (QUOTA.field("limit"), QUOTA.field("limit_count"));
    let money = given_limit(quota, violations);
    let count = given_count(quota, violations);
    let mut refuse = |path: Path<'_>, is_given: bool, expected: &str| {
        if is_given {
            violations.add(path, expected);
        }
    };
    if quota.exempt {
        let workspace = i32::from(v1::SubjectType::Workspace);
        let is_workspace = quota.subject.as_ref().is_some_and(|s| s.r#type == workspace);
        let expected = "expected false: only a member that is named can be excepted";
        refuse(QUOTA.field("exempt"), quota.each_member || is_workspace, expected);
        refuse(limit_path, money.is_some(), "expected none: the member is exempt");
        refuse(count_path, count.is_some(), "expected none: the member is exempt");
        return AskedLimit::Exempt;
    }
    match unit {
        Some(Unit::Money) => {
            refuse(count_path, count.is_some(), "expected none: the unit is money");
            let money = required(money, limit_path, violations);
            money.map_or(AskedLimit::Exempt, |(currency, limit)| AskedLimit::Money(currency, limit))
        }
        Some(Unit::Tokens | Unit::Requests) => {
            refuse(limit_path, money.is_some(), "expected none: the unit is not money");
            required(count, count_path, violations).map_or(AskedLimit::Exempt, AskedLimit::Count)
        }
        // Refused already.
        None => AskedLimit::Exempt,
    }
}

/// Workspace, id and changes of a quota.
///
/// # Errors
/// If a field is out of its range, or the mask names one that cannot be changed.
pub fn update(
    request: v1::UpdateQuotaRequest,
) -> Result<(String, String, QuotaChange), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let quota = required(request.quota, QUOTA, &mut violations).unwrap_or_default();
    check_id(&quota.quota_id, QUOTA.field("quota_id"), &mut violations);
    let mask = Mask::read(request.update_mask, &FIELDS, &mut violations);
    let mut change = QuotaChange::default();
    let LimitChange { money, count, exempt } = &mut change.limit;
    if mask.asks("limit", quota.limit.is_some()) {
        *money = Some(given_limit(&quota, &mut violations));
    }
    if mask.asks("limit_count", quota.limit_count.is_some()) {
        *count = Some(given_count(&quota, &mut violations));
    }
    if mask.asks("exempt", quota.exempt) {
        *exempt = Some(quota.exempt);
    }
    if *exempt == Some(true) {
        for (is_given, field) in [
            (matches!(money, Some(Some(_))), "limit"),
            (matches!(count, Some(Some(_))), "limit_count"),
        ] {
            if is_given {
                violations.add(QUOTA.field(field), "expected none: the member is exempt");
            }
        }
    }
    if mask.asks("enforcement", quota.enforcement != 0) {
        let path = QUOTA.field("enforcement");
        change.enforcement = enforcement(quota.enforcement, path, &mut violations);
    }
    change.thresholds = threshold_change(&quota, &mask, &mut violations);
    if mask.asks("display_name", !quota.display_name.is_empty()) {
        check_display_name(&quota.display_name, &mut violations);
        change.display_name = Some(quota.display_name);
    }
    violations.accept((request.workspace_id, quota.quota_id, change))
}

fn threshold_change(
    quota: &v1::Quota,
    mask: &Mask,
    violations: &mut Violations,
) -> Option<ThresholdChange> {
    let is_given = !quota.alert_threshold_percents.is_empty();
    let asks_percents = mask.asks("alert_threshold_percents", is_given);
    let asks_none = mask.asks("no_alerts", quota.no_alerts);
    let given = if asks_percents { given_thresholds(quota, violations) } else { Vec::new() };
    match (asks_percents, asks_none) {
        (_, true) if quota.no_alerts => Some(ThresholdChange::Set(Vec::new())),
        (true, _) if given.is_empty() => Some(ThresholdChange::Set(THRESHOLDS_DEFAULT.to_vec())),
        (true, _) => Some(ThresholdChange::Set(given)),
        (false, true) => Some(ThresholdChange::SomeAtLeast),
        (false, false) => None,
    }
}

fn given_limit(quota: &v1::Quota, violations: &mut Violations) -> Option<(Currency, Amount)> {
    let limit = quota.limit.as_ref()?;
    Some(money::limit(limit, QUOTA.field("limit"), violations))
}

fn given_count(quota: &v1::Quota, violations: &mut Violations) -> Option<i64> {
    let path = QUOTA.field("limit_count");
    Some(number(quota.limit_count?, 0..=COUNT_LIMIT_MAX, path, violations))
}

fn given_thresholds(quota: &v1::Quota, violations: &mut Violations) -> Vec<u16> {
    let path = QUOTA.field("alert_threshold_percents");
    let percents = &quota.alert_threshold_percents;
    if quota.no_alerts && !percents.is_empty() {
        violations.add(path, "expected none: no_alerts is set");
        return Vec::new();
    }
    thresholds(percents, path, violations)
}

fn check_display_name(name: &str, violations: &mut Violations) {
    text::check(name, 0..=DISPLAY_NAME_CHARS_MAX, QUOTA.field("display_name"), violations);
}

fn window_start(
    quota: &v1::Quota,
    period: Option<Period>,
    now: Time,
    violations: &mut Violations,
) -> Option<Time> {
    let given = quota.window_start_time?;
    let path = QUOTA.field("window_start_time");
    if period.is_some_and(|period| period != Period::UntilReset) {
        violations.add(path, "expected none: only LIMIT_PERIOD_UNTIL_RESET begins at a given time");
        return None;
    }
    let before = violations.count();
    let time = instant(given, path, violations);
    if violations.count() == before && !(now - WINDOW_START_AGE_MAX..=now).contains(&time) {
        violations.add(path, "expected a time at most 366 days back, not ahead");
    }
    Some(time)
}

/// Names something that exists.
pub fn check_id(id: &str, path: Path<'_>, violations: &mut Violations) {
    text::check(id, 1..=RESOURCE_ID_CHARS_MAX, path, violations);
}

/// Workspace and id of something.
///
/// # Errors
/// If they cannot be.
pub fn named(workspace_id: &str, id: &str, field: &'static str) -> Result<(), Violations> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    check_id(id, Path::Request.field(field), &mut violations);
    violations.accept(())
}

/// Which quotas to list.
///
/// # Errors
/// If a field is out of its range.
pub fn list(request: &v1::ListQuotasRequest) -> Result<(RuleFilter, Page), Violations> {
    let mut violations = Violations::default();
    let (workspace_id, model_id) = (&request.workspace_id, &request.model_id);
    text::check_workspace_id(workspace_id, &mut violations);
    let subject = subject_filter(workspace_id, request.subject.clone(), &mut violations);
    let model_path = Path::Request.field("model_id");
    text::check(model_id, 0..=MODEL_ID_CHARS_MAX, model_path, &mut violations);
    let (kind, subject_id) = subject_texts(&request.subject);
    let filter = ["quotas", workspace_id, &kind, subject_id, model_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let (kind, subject_id) = subject.unzip();
    let model_id = (!model_id.is_empty()).then(|| model_id.clone());
    violations.accept((RuleFilter { kind, subject_id: subject_id.flatten(), model_id }, page))
}

/// What a page token is bound to of a filter by subject.
pub fn subject_texts(subject: &Option<v1::Subject>) -> (String, &str) {
    let kind = subject.as_ref().map_or(0, |subject| subject.r#type).to_string();
    (kind, subject.as_ref().map_or("", |subject| &subject.id))
}

/// Which usage to list, from where on.
///
/// # Errors
/// If a field is out of its range.
pub fn list_usage(
    request: &v1::ListQuotaUsageRequest,
) -> Result<(UsageFilter, Option<UsagePosition>, Page), Violations> {
    let mut violations = Violations::default();
    let (workspace_id, quota_id) = (&request.workspace_id, &request.quota_id);
    text::check_workspace_id(workspace_id, &mut violations);
    let path = Path::Request.field("quota_id");
    text::check(quota_id, 0..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    let subject = subject_filter(workspace_id, request.subject.clone(), &mut violations);
    let (kind, subject_id) = subject_texts(&request.subject);
    let filter = ["quota_usage", workspace_id, quota_id, &kind, subject_id];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let after = page.after_parsed(usage_position, &mut violations);
    let quota_id = (!quota_id.is_empty()).then(|| quota_id.clone());
    violations.accept((UsageFilter { quota_id, subject }, after, page))
}

pub fn usage_position_to_text(usage: &QuotaUsage) -> String {
    let (quota_id, subject_id) = (&usage.quota.id, &usage.subject_id);
    format!("{}.{}.{quota_id}{subject_id}", usage.utilization, quota_id.len())
}

fn usage_position(text: &str) -> Option<UsagePosition> {
    let (utilization, rest) = text.split_once('.')?;
    let (length, ids) = rest.split_once('.')?;
    let (quota_id, subject_id) = ids.split_at_checked(length.parse().ok()?)?;
    let utilization = utilization.parse().ok()?;
    Some(UsagePosition {
        utilization,
        quota_id: quota_id.to_owned(),
        subject_id: subject_id.to_owned(),
    })
}

pub fn to_proto(workspace_id: &str, currency: Currency, quota: &Quota) -> v1::Quota {
    let is_money = quota.unit == Unit::Money;
    let money = |nanos| money::to_proto(currency, Amount::from_nanos(nanos));
    v1::Quota {
        quota_id: quota.id.to_string(),
        subject: Some(scope_to_proto(workspace_id, &quota.scope)),
        each_member: quota.scope.subject_id.is_none(),
        model_id: quota.scope.model_id.as_deref().unwrap_or_default().to_owned(),
        unit: unit_to_proto(quota.unit).into(),
        limit: quota.limit.filter(|_| is_money).map(money),
        limit_count: quota.limit.filter(|_| !is_money),
        exempt: quota.limit.is_none(),
        period: period_to_proto(quota.period).into(),
        enforcement: enforcement_to_proto(quota.enforcement).into(),
        alert_threshold_percents: quota.thresholds.iter().map(|&percent| percent.into()).collect(),
        no_alerts: quota.thresholds.is_empty(),
        display_name: quota.display_name.clone(),
        window_start_time: (quota.period == Period::UntilReset)
            .then(|| to_timestamp(quota.window_start)),
        create_time: Some(to_timestamp(quota.create_time)),
        update_time: Some(to_timestamp(quota.update_time)),
    }
}

pub fn usage_to_proto(
    workspace_id: &str,
    currency: Currency,
    usage: &QuotaUsage,
) -> v1::QuotaUsage {
    let quota = &usage.quota;
    let remaining = usage.limit.map(|limit| limit.saturating_sub(usage.spent + usage.held));
    let of = |unit_is_money: bool, value: Option<i64>| {
        value.filter(|_| unit_is_money == (quota.unit == Unit::Money))
    };
    let money =
        |nanos| of(true, nanos).map(|nanos| money::to_proto(currency, Amount::from_nanos(nanos)));
    let count = |value| of(false, value).unwrap_or(0);
    let kind: SubjectKind = quota.scope.kind;
    v1::QuotaUsage {
        quota_id: quota.id.to_string(),
        subject: Some(member_to_proto(workspace_id, kind, &usage.subject_id)),
        limit: money(usage.limit),
        spent: money(Some(usage.spent)),
        held: money(Some(usage.held)),
        remaining: money(remaining),
        limit_count: count(usage.limit),
        spent_count: count(Some(usage.spent)),
        held_count: count(Some(usage.held)),
        remaining_count: count(remaining),
        utilization: share(usage),
        window_start_time: Some(to_timestamp(usage.window_start)),
        reset_time: usage.window_end.map(to_timestamp),
        unit: unit_to_proto(quota.unit).into(),
        period: period_to_proto(quota.period).into(),
        enforcement: enforcement_to_proto(quota.enforcement).into(),
        model_id: quota.scope.model_id.as_deref().unwrap_or_default().to_owned(),
    }
}

/// For people to look at: nothing is decided by it.
fn share(usage: &QuotaUsage) -> f64 {
    match usage.limit {
        Some(limit) if limit != 0 => usage.spent as f64 / limit as f64,
        _ => 0.0,
    }
}
