//! What `AlertService` is asked and answers.

use lettre::Address;
use url::Url;

use super::super::page::Page;
use super::limits::{member_to_proto, subject_kind, thresholds, unit_to_proto};
use super::mask::Mask;
use super::text::{self, ATTRIBUTION_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, RESOURCE_ID_CHARS_MAX};
use super::time::{instant, to_timestamp};
use super::{Path, Violations, money, required};
use crate::domain::alert::{AlertPolicy, AlertSubject, AlertType};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Unit;
use crate::domain::{Amount, Time};
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::wording::Wording;
use crate::engine::alerts::{NewEmailReceiver, NewWebhook, WebhookChange};
use crate::proto::v1;
use crate::storage::alerts::{
    AlertFilter, AlertSubjectFilter, Delivery, DeliveryFilter, DeliveryState, EmailReceiver,
    Receiver, StoredAlert, Webhook,
};

/// Longest e-mail address.
pub const ADDRESS_CHARS_MAX: usize = 254;
/// Types of alerts, in their order.
const TYPES: [(v1::AlertType, AlertType); 6] = [
    (v1::AlertType::Threshold, AlertType::Threshold),
    (v1::AlertType::InOverage, AlertType::InOverage),
    (v1::AlertType::Exhausted, AlertType::Exhausted),
    (v1::AlertType::FallbackBegan, AlertType::FallbackBegan),
    (v1::AlertType::UnpricedModel, AlertType::UnpricedModel),
    (v1::AlertType::HoldsExpired, AlertType::HoldsExpired),
];

const POLICY: Path<'static> = Path::Field(&Path::Request, "alert_policy");
const WEBHOOK: Path<'static> = Path::Field(&Path::Request, "webhook");
const EMAIL_RECEIVER: Path<'static> = Path::Field(&Path::Request, "email_receiver");
const WEBHOOK_FIELDS: [&str; 4] = ["url", "types", "disabled", "display_name"];

type Read<T> = Result<T, Violations>;

pub fn workspace_id(id: &str) -> Read<()> {
    let mut violations = Violations::default();
    text::check_workspace_id(id, &mut violations);
    violations.accept(())
}

/// A thing of a workspace that is named by its id.
pub fn named(workspace_id: &str, id: &str, field: &'static str) -> Read<()> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    text::check(id, 1..=RESOURCE_ID_CHARS_MAX, Path::Request.field(field), &mut violations);
    violations.accept(())
}

pub fn alert_of(workspace_id: &str, alert_id: i64) -> Read<()> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    if alert_id < 1 {
        violations.add("alert_id", "expected the id of an alert: 1 or more");
    }
    violations.accept(())
}

pub fn watch(workspace_id: &str, after: Option<i64>) -> Read<()> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    if after.is_some_and(|after| after < 0) {
        violations.add("after_alert_id", "expected the id of an alert, or 0 for all");
    }
    violations.accept(())
}

pub fn policy(request: &v1::SetAlertPolicyRequest) -> Read<AlertPolicy> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let policy = required(request.alert_policy.as_ref(), POLICY, &mut violations);
    let Some(policy) = policy else { return Err(violations) };
    let envelope = &policy.envelope_threshold_percents;
    let path = POLICY.field("envelope_threshold_percents");
    let envelope = thresholds(envelope, path, &mut violations);
    let model_limits = &policy.model_limit_threshold_percents;
    let path = POLICY.field("model_limit_threshold_percents");
    let model_limits = thresholds(model_limits, path, &mut violations);
    violations.accept(AlertPolicy { envelope, model_limits })
}

pub fn policy_to_proto(policy: &AlertPolicy) -> v1::AlertPolicy {
    let percents = |thresholds: &[u16]| thresholds.iter().copied().map(i32::from).collect();
    v1::AlertPolicy {
        envelope_threshold_percents: percents(&policy.envelope),
        model_limit_threshold_percents: percents(&policy.model_limits),
    }
}

/// Which alerts, which page of them, and before which one it begins.
pub fn list_alerts(request: v1::ListAlertsRequest) -> Read<(AlertFilter, Page, Option<i64>)> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let bound_to = format!(
        "{:?} {:?} {} {:?} {:?}",
        request.types,
        request.subject,
        request.unacknowledged_only,
        request.start_time,
        request.end_time
    );
    let page = Page::read(
        &["alerts", &request.workspace_id, &request.limit_id, &bound_to],
        request.page_size,
        &request.page_token,
        &mut violations,
    );
    let before = page.after_parsed(|text| text.parse().ok(), &mut violations);
    let types = types(&request.types, Path::Request.field("types"), &mut violations);
    let path = Path::Request.field("limit_id");
    text::check(&request.limit_id, 0..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    let subject = request.subject;
    let subject =
        subject.and_then(|subject| subject_filter(&request.workspace_id, subject, &mut violations));
    let mut time = |time: Option<_>, field| {
        time.map(|time| instant(time, Path::Request.field(field), &mut violations))
    };
    let (from, to) = (time(request.start_time, "start_time"), time(request.end_time, "end_time"));
    let filter = AlertFilter {
        workspace_id: request.workspace_id,
        types,
        quota_id: (!request.limit_id.is_empty()).then_some(request.limit_id),
        subject,
        unacknowledged_only: request.unacknowledged_only,
        from,
        to,
    };
    violations.accept((filter, page, before))
}

fn subject_filter(
    workspace_id: &str,
    subject: v1::Subject,
    violations: &mut Violations,
) -> Option<AlertSubjectFilter> {
    let path = Path::Request.field("subject");
    let id_path = path.field("id");
    if subject.r#type() == v1::SubjectType::Model {
        text::check_model_id(&subject.id, id_path, violations);
        return Some(AlertSubjectFilter::Model(subject.id));
    }
    let kind = subject_kind(subject.r#type, path.field("type"), violations)?;
    if kind == SubjectKind::Workspace {
        if !subject.id.is_empty() && subject.id != workspace_id {
            violations.add(id_path, "expected none, or the id of the workspace itself");
        }
        return Some(AlertSubjectFilter::Workspace);
    }
    text::check(&subject.id, 1..=ATTRIBUTION_CHARS_MAX, id_path, violations);
    Some(AlertSubjectFilter::Member { kind, subject_id: subject.id })
}

/// Each once, in their order.
fn types(values: &[i32], path: Path<'_>, violations: &mut Violations) -> Vec<AlertType> {
    let mut types = Vec::new();
    for (index, value) in values.iter().enumerate() {
        match TYPES.iter().find(|(proto, _)| i32::from(*proto) == *value) {
            Some((_, alert_type)) if types.contains(alert_type) => {}
            Some((_, alert_type)) => types.push(*alert_type),
            None => violations.add(path.item(index), "expected an AlertType that is known"),
        }
    }
    types.sort_unstable();
    types
}

fn type_to_proto(alert_type: AlertType) -> v1::AlertType {
    let found = TYPES.iter().find(|(_, known)| *known == alert_type);
    found.map_or(v1::AlertType::Unspecified, |(proto, _)| *proto)
}

fn types_to_proto(types: &[AlertType]) -> Vec<i32> {
    types.iter().map(|alert_type| type_to_proto(*alert_type).into()).collect()
}

pub fn alert_to_proto(stored: &StoredAlert, wording: &Wording) -> v1::Alert {
    let alert = &stored.alert;
    let key = &alert.key;
    let told = v1::Alert {
        alert_id: stored.seq,
        workspace_id: stored.workspace_id.to_string(),
        r#type: type_to_proto(key.alert_type).into(),
        limit_kind: limit_kind(stored).into(),
        limit_id: stored.quota_id().map_or_else(String::new, |id| id.to_string()),
        subject: Some(subject_to_proto(stored)),
        threshold_percent: key.threshold.into(),
        unit: alert.unit.map_or(v1::LimitUnit::Unspecified, unit_to_proto).into(),
        window_start_time: Some(to_timestamp(key.window_start)),
        window_end_time: alert.window_end.map(to_timestamp),
        create_time: Some(to_timestamp(alert.time)),
        acknowledge_time: stored.acknowledged.as_ref().map(|(time, _)| to_timestamp(*time)),
        acknowledge_actor: stored.acknowledged.clone().map_or_else(String::new, |(_, by)| by),
        message: wording.sentence(stored),
        ..Default::default()
    };
    let money = |nanos| Some(money::to_proto(wording.currency, Amount::from_nanos(nanos)));
    match alert.unit {
        Some(Unit::Money) => {
            v1::Alert { limit: money(alert.limit), spent: money(alert.spent), ..told }
        }
        Some(Unit::Tokens | Unit::Requests) => {
            v1::Alert { limit_count: alert.limit, spent_count: alert.spent, ..told }
        }
        None => told,
    }
}

fn limit_kind(stored: &StoredAlert) -> v1::LimitKind {
    let key = &stored.alert.key;
    match (&key.subject, key.alert_type) {
        (AlertSubject::Quota { .. }, _) => v1::LimitKind::Quota,
        (AlertSubject::Model(_), AlertType::Threshold) => v1::LimitKind::ModelLimit,
        (
            AlertSubject::Workspace,
            AlertType::Threshold | AlertType::InOverage | AlertType::Exhausted,
        ) => v1::LimitKind::Envelope,
        (AlertSubject::Model(_) | AlertSubject::Workspace, _) => v1::LimitKind::Unspecified,
    }
}

fn subject_to_proto(stored: &StoredAlert) -> v1::Subject {
    let workspace_id = &stored.workspace_id;
    match &stored.alert.key.subject {
        AlertSubject::Workspace => member_to_proto(workspace_id, SubjectKind::Workspace, ""),
        AlertSubject::Quota { kind, subject_id, .. } => {
            member_to_proto(workspace_id, *kind, subject_id)
        }
        AlertSubject::Model(id) => {
            v1::Subject { r#type: v1::SubjectType::Model.into(), id: id.to_string() }
        }
    }
}

pub fn new_webhook(
    request: v1::CreateWebhookRequest,
    rules: AddressRules,
) -> Read<(String, NewWebhook)> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let webhook = required(request.webhook, WEBHOOK, &mut violations).unwrap_or_default();
    let id_path = WEBHOOK.field("webhook_id");
    text::check(&webhook.webhook_id, 0..=RESOURCE_ID_CHARS_MAX, id_path, &mut violations);
    let url = url(&webhook.url, rules, &mut violations);
    let types = types(&webhook.types, WEBHOOK.field("types"), &mut violations);
    check_display_name(&webhook.display_name, &mut violations);
    let Some(url) = url else { return Err(violations) };
    let new = NewWebhook {
        id: webhook.webhook_id,
        url,
        types,
        disabled: webhook.disabled,
        display_name: webhook.display_name,
    };
    violations.accept((request.workspace_id, new))
}

/// Workspace, id, and what is to be changed.
pub fn webhook(
    request: v1::UpdateWebhookRequest,
    rules: AddressRules,
) -> Read<(String, String, WebhookChange)> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let webhook = required(request.webhook, WEBHOOK, &mut violations).unwrap_or_default();
    let id_path = WEBHOOK.field("webhook_id");
    text::check(&webhook.webhook_id, 1..=RESOURCE_ID_CHARS_MAX, id_path, &mut violations);
    let mask = Mask::read(request.update_mask, &WEBHOOK_FIELDS, &mut violations);
    let mut change = WebhookChange::default();
    if mask.asks("url", !webhook.url.is_empty()) {
        change.url = url(&webhook.url, rules, &mut violations);
    }
    if mask.asks("types", !webhook.types.is_empty()) {
        change.types = Some(types(&webhook.types, WEBHOOK.field("types"), &mut violations));
    }
    if mask.asks("disabled", webhook.disabled) {
        change.disabled = Some(webhook.disabled);
    }
    if mask.asks("display_name", !webhook.display_name.is_empty()) {
        check_display_name(&webhook.display_name, &mut violations);
        change.display_name = Some(webhook.display_name);
    }
    violations.accept((request.workspace_id, webhook.webhook_id, change))
}

fn url(text: &str, rules: AddressRules, violations: &mut Violations) -> Option<Url> {
    let checked = rules.check(text);
    checked.map_err(|expected| violations.add(WEBHOOK.field("url"), expected)).ok()
}

fn check_display_name(name: &str, violations: &mut Violations) {
    text::check(name, 0..=DISPLAY_NAME_CHARS_MAX, WEBHOOK.field("display_name"), violations);
}

pub fn webhook_to_proto(webhook: Webhook) -> v1::Webhook {
    v1::Webhook {
        webhook_id: webhook.id.to_string(),
        url: webhook.url,
        types: types_to_proto(&webhook.types),
        disabled: webhook.disabled,
        display_name: webhook.display_name,
        create_time: Some(to_timestamp(webhook.create_time)),
        update_time: Some(to_timestamp(webhook.update_time)),
    }
}

pub fn new_email_receiver(
    request: v1::CreateEmailReceiverRequest,
) -> Read<(String, NewEmailReceiver)> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let receiver = required(request.email_receiver, EMAIL_RECEIVER, &mut violations);
    let receiver = receiver.unwrap_or_default();
    let path = |field| EMAIL_RECEIVER.field(field);
    let (id, address) = (receiver.email_receiver_id, receiver.address);
    let id_path = path("email_receiver_id");
    text::check(&id, 0..=RESOURCE_ID_CHARS_MAX, id_path, &mut violations);
    let is_address =
        address.chars().count() <= ADDRESS_CHARS_MAX && address.parse::<Address>().is_ok();
    if !is_address {
        let expected =
            format!("expected an e-mail address of at most {ADDRESS_CHARS_MAX} characters");
        violations.add(path("address"), expected);
    }
    let types = types(&receiver.types, path("types"), &mut violations);
    violations.accept((request.workspace_id, NewEmailReceiver { id, address, types }))
}

pub fn email_receiver_to_proto(receiver: EmailReceiver) -> v1::EmailReceiver {
    v1::EmailReceiver {
        email_receiver_id: receiver.id.to_string(),
        address: receiver.address,
        types: types_to_proto(&receiver.types),
        create_time: Some(to_timestamp(receiver.create_time)),
    }
}

/// A page of the webhooks or e-mail receivers of a workspace.
pub fn receivers(list: &str, workspace_id: &str, page_size: i32, page_token: &str) -> Read<Page> {
    let mut violations = Violations::default();
    text::check_workspace_id(workspace_id, &mut violations);
    let page = Page::read(&[list, workspace_id], page_size, page_token, &mut violations);
    violations.accept(page)
}

type DeliveryPosition = (Time, String);

/// Which deliveries, which page of them, and after which one it begins.
pub fn list_deliveries(
    request: v1::ListDeliveriesRequest,
) -> Read<(DeliveryFilter, Page, Option<DeliveryPosition>)> {
    let mut violations = Violations::default();
    text::check_workspace_id(&request.workspace_id, &mut violations);
    let path = Path::Request.field("receiver_id");
    text::check(&request.receiver_id, 0..=RESOURCE_ID_CHARS_MAX, path, &mut violations);
    if request.alert_id < 0 {
        violations.add("alert_id", "expected the id of an alert, or 0 for all");
    }
    let state = match v1::DeliveryState::try_from(request.state) {
        Ok(v1::DeliveryState::Unspecified) => None,
        Ok(v1::DeliveryState::Pending) => Some(DeliveryState::Pending),
        Ok(v1::DeliveryState::Delivered) => Some(DeliveryState::Delivered),
        Ok(v1::DeliveryState::Dead) => Some(DeliveryState::Dead),
        Err(_) => {
            violations.add("state", "expected a DeliveryState that is known");
            None
        }
    };
    let (alert_id, state_text) = (request.alert_id.to_string(), request.state.to_string());
    let filter =
        ["deliveries", &request.workspace_id, &request.receiver_id, &alert_id, &state_text];
    let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
    let after = page.after_parsed(parse_position, &mut violations);
    let filter = DeliveryFilter {
        workspace_id: request.workspace_id,
        receiver_id: (!request.receiver_id.is_empty()).then_some(request.receiver_id),
        alert_seq: (request.alert_id > 0).then_some(request.alert_id),
        state,
    };
    violations.accept((filter, page, after))
}

pub fn position_of_delivery(delivery: &Delivery) -> String {
    format!("{}.{}", delivery.create_time.micros(), delivery.id)
}

fn parse_position(text: &str) -> Option<DeliveryPosition> {
    let (micros, id) = text.split_once('.')?;
    Some((Time::from_micros(micros.parse().ok()?), id.to_owned()))
}

pub fn delivery_to_proto(delivery: Delivery) -> v1::Delivery {
    let (webhook_id, email_receiver_id) = match &delivery.receiver {
        Receiver::Webhook(id) => (id.to_string(), String::new()),
        Receiver::Email(id) => (String::new(), id.to_string()),
    };
    let (state, is_due) = match delivery.state {
        DeliveryState::Pending => (v1::DeliveryState::Pending, true),
        DeliveryState::Delivered => (v1::DeliveryState::Delivered, false),
        DeliveryState::Dead => (v1::DeliveryState::Dead, false),
    };
    v1::Delivery {
        delivery_id: delivery.id.to_string(),
        alert_id: delivery.alert_seq,
        webhook_id,
        email_receiver_id,
        state: state.into(),
        attempt_count: delivery.attempts,
        next_attempt_time: is_due.then(|| to_timestamp(delivery.next_attempt_time)),
        last_error: delivery.last_error,
        create_time: Some(to_timestamp(delivery.create_time)),
        finish_time: delivery.finish_time.map(to_timestamp),
    }
}
