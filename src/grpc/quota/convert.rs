//! Requests of `QuotaService` about quotas, and quotas as protos.

use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{COUNT_LIMIT_MAX, Enforcement, Period, Quota, THRESHOLDS_DEFAULT, Unit};
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{
    LimitChange, NewQuota, QuotaChange, QuotaUsage, RequestedLimit, ThresholdChange, UsageFilter,
    UsagePosition,
};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::mask::Mask;
use crate::grpc::shared::money;
use crate::grpc::shared::names::Names;
use crate::grpc::shared::page::Page;
use crate::grpc::shared::subject::{filter_texts, scope_to_proto, subject_to_proto};
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::search::Search;
use crate::storage::settings::LimitFilter;

/// How far in the past the window of a quota that is reset by hand may begin.
pub const WINDOW_START_AGE_MAX: Micros = 366 * MICROS_PER_DAY;

const NO_WINDOW: &str = "expected none: nothing is spent over this period";
const EXEMPT: &str = "expected none: the subject is exempt";
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
pub fn create(request: v1::CreateQuotaRequest, now: Time) -> Decoded<(String, NewQuota)> {
    let workspace_id = request.workspace_id;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let (at, quota) = at.message("quota", request.quota)?;
        let new = new_quota(at, &workspace_id, quota, now)?;
        Some((workspace_id, new))
    })
}

/// A quota to be created.
pub fn new_quota(
    at: Decoder<'_>,
    workspace_id: &str,
    quota: v1::Quota,
    now: Time,
) -> Option<NewQuota> {
    at.field("quota_id").optional_new_id(&quota.quota_id);
    let subject = at.limit_subject(workspace_id, quota.subject.as_ref(), quota.each_subject);
    at.field("model_id").optional_model_id(&quota.model_id);
    let unit = at.field("unit").required_enum(quota.unit);
    let limit = new_limit(at, &quota, unit);
    let period = at.field("period").required_enum(quota.period);
    check_unit(at.field("unit"), unit, period);
    let enforcement = at.field("enforcement").optional_enum(quota.enforcement);
    let thresholds = match thresholds(at, &quota) {
        _ if quota.no_alerts => Vec::new(),
        given if period.is_some_and(|period| !period.counts_spent()) => {
            let thresholds_at = at.field("alert_threshold_percents");
            thresholds_at.ensure(given.is_empty(), NO_WINDOW);
            Vec::new()
        }
        given if given.is_empty() => THRESHOLDS_DEFAULT.to_vec(),
        given => given,
    };
    at.display_name(&quota.display_name);
    let window_start = window_start(at, &quota, period, now);
    let (kind, subject_id) = subject?;
    Some(NewQuota {
        id: non_empty(quota.quota_id),
        display_name: quota.display_name,
        kind,
        subject_id,
        model_id: non_empty(quota.model_id),
        unit: unit?,
        period: period?,
        limit,
        enforcement: enforcement.unwrap_or(Enforcement::Hard),
        thresholds,
        window_start,
    })
}

/// Quotas count what every sum of the log knows; a request by itself is always one request.
fn check_unit(at: Decoder<'_>, unit: Option<Unit>, period: Option<Period>) {
    match (unit, period) {
        (Some(Unit::UncachedTokens), _) => {
            at.refuse("expected LIMIT_UNIT_MONEY, LIMIT_UNIT_TOKENS or LIMIT_UNIT_REQUESTS");
        }
        (Some(Unit::Requests), Some(Period::Request)) => {
            at.refuse("expected LIMIT_UNIT_MONEY or LIMIT_UNIT_TOKENS with LIMIT_PERIOD_REQUEST");
        }
        _ => {}
    }
}

/// The limit of a new quota, in its unit.
fn new_limit(at: Decoder<'_>, quota: &v1::Quota, unit: Option<Unit>) -> RequestedLimit {
    let money = money_limit(at, quota);
    let count = count_limit(at, quota);
    let (money_at, count_at) = (at.field("limit"), at.field("limit_count"));
    if quota.exempt {
        let workspace = SubjectKind::Workspace.number();
        let is_workspace = quota.subject.as_ref().is_some_and(|s| s.r#type == workspace);
        let expected = "expected false: only a subject that is named can be exempt";
        at.field("exempt").ensure(!quota.each_subject && !is_workspace, expected);
        money_at.ensure(money.is_none(), EXEMPT);
        count_at.ensure(count.is_none(), EXEMPT);
        return RequestedLimit::Exempt;
    }
    let limit = match unit {
        Some(Unit::Money) => {
            count_at.ensure(count.is_none(), "expected none: the unit is money");
            let money = money_at.required(money);
            money.map(|(currency, limit)| RequestedLimit::Money(currency, limit))
        }
        Some(Unit::Tokens | Unit::Requests) => {
            money_at.ensure(money.is_none(), "expected none: the unit is not money");
            count_at.required(count).map(RequestedLimit::Count)
        }
        Some(Unit::UncachedTokens) | None => None,
    };
    // Where there is none it is refused already.
    limit.unwrap_or(RequestedLimit::Exempt)
}

/// Workspace, id and changes of a quota.
pub fn update(request: v1::UpdateQuotaRequest) -> Decoded<(String, String, QuotaChange)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, quota) = root.message_or_default("quota", request.quota);
        at.field("quota_id").resource_id(&quota.quota_id);
        let mask = root.mask(request.update_mask, &FIELDS);
        let limit = limit_change(at, &quota, &mask);
        let enforcement = mask.change("enforcement", quota.enforcement != 0, || {
            at.field("enforcement").optional_enum(quota.enforcement)
        });
        let thresholds = threshold_change(at, &quota, &mask);
        let display_name = mask.display_name(at, &quota.display_name);
        let enforcement = enforcement.flatten();
        let change = QuotaChange { limit, enforcement, thresholds, display_name };
        Some((request.workspace_id, quota.quota_id, change))
    })
}

fn limit_change(at: Decoder<'_>, quota: &v1::Quota, mask: &Mask) -> LimitChange {
    let money = mask.change("limit", quota.limit.is_some(), || money_limit(at, quota));
    let count = mask.change("limit_count", quota.limit_count.is_some(), || count_limit(at, quota));
    let exempt = mask.change("exempt", quota.exempt, || quota.exempt);
    if exempt == Some(true) {
        at.field("limit").ensure(!matches!(money, Some(Some(_))), EXEMPT);
        at.field("limit_count").ensure(!matches!(count, Some(Some(_))), EXEMPT);
    }
    LimitChange { money, count, exempt }
}

fn threshold_change(at: Decoder<'_>, quota: &v1::Quota, mask: &Mask) -> Option<ThresholdChange> {
    let is_set = !quota.alert_threshold_percents.is_empty();
    let given = mask.change("alert_threshold_percents", is_set, || thresholds(at, quota));
    match (given, mask.has("no_alerts", quota.no_alerts)) {
        (_, true) if quota.no_alerts => Some(ThresholdChange::Set(Vec::new())),
        (Some(given), _) if given.is_empty() => {
            Some(ThresholdChange::Set(THRESHOLDS_DEFAULT.to_vec()))
        }
        (Some(given), _) => Some(ThresholdChange::Set(given)),
        (None, true) => Some(ThresholdChange::SomeAtLeast),
        (None, false) => None,
    }
}

fn money_limit(at: Decoder<'_>, quota: &v1::Quota) -> Option<(Currency, Amount)> {
    quota.limit.as_ref().map(|limit| at.field("limit").limit(limit))
}

fn count_limit(at: Decoder<'_>, quota: &v1::Quota) -> Option<i64> {
    quota.limit_count.map(|count| at.field("limit_count").number(count, 0..=COUNT_LIMIT_MAX))
}

fn thresholds(at: Decoder<'_>, quota: &v1::Quota) -> Vec<u16> {
    let at = at.field("alert_threshold_percents");
    let percents = &quota.alert_threshold_percents;
    if quota.no_alerts && !percents.is_empty() {
        at.refuse("expected none: no_alerts is set");
        return Vec::new();
    }
    at.thresholds(percents)
}

fn window_start(
    at: Decoder<'_>,
    quota: &v1::Quota,
    period: Option<Period>,
    now: Time,
) -> Option<Time> {
    let given = quota.window_start_time?;
    let at = at.field("window_start_time");
    if period.is_some_and(|period| period != Period::UntilReset) {
        at.refuse("expected none: only LIMIT_PERIOD_UNTIL_RESET begins at a given time");
        return None;
    }
    let time = at.instant(given)?;
    let is_in_range = (now - WINDOW_START_AGE_MAX..=now).contains(&time);
    at.ensure(is_in_range, "expected a time at most 366 days back, not ahead");
    Some(time)
}

/// Which quotas to list.
pub fn list(request: &v1::ListQuotasRequest) -> Decoded<(LimitFilter, Page, Search)> {
    let (workspace_id, model_id) = (&request.workspace_id, &request.model_id);
    decode(|at| {
        at.workspace_id(workspace_id);
        let subject = at.subject_filter(workspace_id, request.subject.as_ref());
        at.field("model_id").optional_model_id(model_id);
        let [kind, id] = filter_texts(request.subject.as_ref());
        let search = at.search(&request.query);
        let filter = ["quotas", workspace_id, &kind, &id, model_id, &request.query];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let (kind, subject_id) = subject.unzip();
        let model_id = non_empty(model_id.clone());
        Some((LimitFilter { kind, subject_id: subject_id.flatten(), model_id }, page, search))
    })
}

/// Which usage to list, and after which entry.
pub fn list_usage(
    request: &v1::ListQuotaUsageRequest,
) -> Decoded<(UsageFilter, Option<UsagePosition>, Page)> {
    let (workspace_id, quota_id) = (&request.workspace_id, &request.quota_id);
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field("quota_id").optional_resource_id(quota_id);
        let subject = at.subject_filter(workspace_id, request.subject.as_ref());
        let [kind, id] = filter_texts(request.subject.as_ref());
        let filter = ["quota_usage", workspace_id, quota_id, &kind, &id];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, usage_position);
        let quota_id = non_empty(quota_id.clone());
        Some((UsageFilter { quota_id, subject }, after, page))
    })
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
        each_subject: quota.scope.subject_id.is_none(),
        model_id: quota.scope.model_id.as_deref().unwrap_or_default().to_owned(),
        unit: quota.unit.number(),
        limit: quota.limit.filter(|_| is_money).map(money),
        limit_count: quota.limit.filter(|_| !is_money),
        exempt: quota.limit.is_none(),
        period: quota.period.number(),
        enforcement: quota.enforcement.number(),
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
    names: &Names,
) -> v1::QuotaUsage {
    let quota = &usage.quota;
    let remaining = usage.limit.map(|limit| limit.saturating_sub(usage.spent + usage.held));
    let of = |unit_is_money: bool, value: Option<i64>| {
        value.filter(|_| unit_is_money == (quota.unit == Unit::Money))
    };
    let money =
        |nanos| of(true, nanos).map(|nanos| money::to_proto(currency, Amount::from_nanos(nanos)));
    let count = |value| of(false, value).unwrap_or(0);
    let model_id = quota.scope.model_id.as_deref().unwrap_or_default();
    v1::QuotaUsage {
        quota_id: quota.id.to_string(),
        subject: Some(subject_to_proto(workspace_id, quota.scope.kind, &usage.subject_id)),
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
        unit: quota.unit.number(),
        period: quota.period.number(),
        enforcement: quota.enforcement.number(),
        model_id: model_id.to_owned(),
        quota_display_name: quota.display_name.clone(),
        subject_display_name: names.subject(quota.scope.kind, &usage.subject_id),
        model_display_name: names.models.display_name(model_id),
    }
}

/// For people to look at: nothing is decided by it.
fn share(usage: &QuotaUsage) -> f64 {
    match usage.limit {
        Some(limit) if limit != 0 => usage.spent as f64 / limit as f64,
        _ => 0.0,
    }
}
