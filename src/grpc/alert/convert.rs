//! Requests of `AlertService`; alerts, receivers and deliveries as protos.

use lettre::Address;
use url::Url;

use crate::domain::Amount;
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::domain::alert::{AlertAnomaly, AlertPolicy, AlertRecord, AlertSubject, AlertType};
use crate::domain::attribution::SubjectKind;
use crate::domain::catalog::bill::COST_MAX;
use crate::domain::quota::Unit;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::webhook_test::Tested;
use crate::engine::alerts::wording::Wording;
use crate::engine::alerts::{NewEmailReceiver, NewWebhook, WebhookChange};
use crate::engine::{AlertPolicyChange, InCurrency};
use crate::grpc::insight::member_to_proto;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::money;
use crate::grpc::shared::page::{Page, TimePosition, parse_time_position};
use crate::grpc::shared::subject::subject_to_proto;
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::proto::v1;
use crate::storage::alerts::{
    AlertFilter, AlertSubjectFilter, Delivery, DeliveryFilter, DeliveryState, Receiver, StoredAlert,
};

/// Longest e-mail address.
pub const ADDRESS_CHARS_MAX: usize = 254;

const WEBHOOK_FIELDS: [&str; 4] = ["url", "types", "disabled", "display_name"];

proto_enum!(DeliveryState as DeliveryState { Pending, Delivered, Dead }
    "expected a DeliveryState that is known");

pub fn alert_of(workspace_id: &str, alert_id: i64) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        let expected = "expected the id of an alert: 1 or more";
        at.field("alert_id").ensure(alert_id >= 1, expected);
        Some(())
    })
}

pub fn watch(workspace_id: &str, after: Option<i64>) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        let expected = "expected the id of an alert, or 0 for all";
        at.field("after_alert_id").ensure(after.is_none_or(|after| after >= 0), expected);
        Some(())
    })
}

pub fn policy(request: &v1::SetAlertPolicyRequest) -> Decoded<AlertPolicyChange> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, policy) = at.message("alert_policy", request.alert_policy.as_ref())?;
        let (envelope, model_limits) =
            (at.field("envelope_threshold_percents"), at.field("model_limit_threshold_percents"));
        let cost = at.field("large_record_cost");
        let large_record_cost = policy.large_record_cost.as_ref();
        Some(AlertPolicyChange {
            envelope: envelope.thresholds(&policy.envelope_threshold_percents),
            model_limits: model_limits.thresholds(&policy.model_limit_threshold_percents),
            large_record_cost: large_record_cost.map(|it| cost.money(it, 1..=COST_MAX.nanos())),
        })
    })
}

pub fn policy_to_proto(policy: &InCurrency<AlertPolicy>) -> v1::AlertPolicy {
    let InCurrency { currency, value: policy } = policy;
    let percents = |thresholds: &[u16]| thresholds.iter().copied().map(i32::from).collect();
    v1::AlertPolicy {
        envelope_threshold_percents: percents(&policy.envelope),
        model_limit_threshold_percents: percents(&policy.model_limits),
        large_record_cost: policy.large_record_cost.map(|cost| money::to_proto(*currency, cost)),
    }
}

/// Which alerts, which page of them, and before which one it begins.
pub fn list_alerts(request: v1::ListAlertsRequest) -> Decoded<(AlertFilter, Page, Option<i64>)> {
    let v1::ListAlertsRequest { workspace_id, types, limit_id, subject, .. } = request;
    let (unacknowledged_only, from, to) =
        (request.unacknowledged_only, request.start_time, request.end_time);
    decode(|at| {
        at.workspace_id(&workspace_id);
        let bound_to = format!("{types:?} {subject:?} {unacknowledged_only} {from:?} {to:?}");
        let filter = ["alerts", &workspace_id, &limit_id, &bound_to];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let before = page.after_parsed(at, |text| text.parse().ok());
        let types = read_types(at, &types);
        at.field("limit_id").optional_resource_id(&limit_id);
        let subject = subject.and_then(|subject| subject_filter(at, &workspace_id, subject));
        let filter = AlertFilter {
            types,
            quota_id: non_empty(limit_id),
            subject,
            unacknowledged_only,
            from: from.and_then(|time| at.field("start_time").instant(time)),
            to: to.and_then(|time| at.field("end_time").instant(time)),
            workspace_id,
        };
        Some((filter, page, before))
    })
}

fn subject_filter(
    at: Decoder<'_>,
    workspace_id: &str,
    subject: v1::Subject,
) -> Option<AlertSubjectFilter> {
    let at = at.field("subject");
    if subject.r#type() == v1::SubjectType::Model {
        at.field("id").model_id(&subject.id);
        return Some(AlertSubjectFilter::Model(subject.id));
    }
    let kind = at.field("type").required_enum(subject.r#type)?;
    if kind == SubjectKind::Workspace {
        at.field("id").own_id(workspace_id, &subject.id);
        return Some(AlertSubjectFilter::Workspace);
    }
    let subject_id = at.field("id").subject_id(kind, &subject.id);
    Some(AlertSubjectFilter::Subject { kind, subject_id })
}

/// The field `types`: each once, in their order.
fn read_types(at: Decoder<'_>, numbers: &[i32]) -> Vec<AlertType> {
    let at = at.field("types");
    let types = numbers.iter().enumerate();
    let mut types: Vec<AlertType> =
        types.filter_map(|(index, number)| at.item(index).required_enum(*number)).collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn types_to_proto(types: &[AlertType]) -> Vec<i32> {
    types.iter().map(|alert_type| alert_type.number()).collect()
}

pub fn alert_to_proto(stored: &StoredAlert, wording: &Wording) -> v1::Alert {
    let alert = &stored.alert;
    let key = &alert.key;
    let proto = v1::Alert {
        alert_id: stored.seq,
        workspace_id: stored.workspace_id.to_string(),
        r#type: key.alert_type.number(),
        limit_kind: limit_kind(stored).into(),
        limit_id: stored.quota_id().map_or_else(String::new, |id| id.to_string()),
        subject: Some(subject_of(stored)),
        threshold_percent: key.threshold.into(),
        unit: alert.unit.map_or(0, ProtoEnum::number),
        window_start_time: Some(to_timestamp(key.window_start)),
        window_end_time: alert.window_end.map(to_timestamp),
        create_time: Some(to_timestamp(alert.time)),
        acknowledge_time: stored.acknowledged.as_ref().map(|(time, _)| to_timestamp(*time)),
        acknowledge_actor: stored.acknowledged.clone().map_or_else(String::new, |(_, by)| by),
        message: wording.sentence(stored),
        spent_count: stored.large_record_number().unwrap_or(0),
        record: alert.record.as_deref().map(record_to_proto),
        anomaly: alert.anomaly.as_deref().map(anomaly_to_proto),
        ..Default::default()
    };
    let money = |nanos| Some(money::to_proto(wording.currency, Amount::from_nanos(nanos)));
    match alert.unit {
        Some(Unit::Money) => {
            v1::Alert { limit: money(alert.limit), spent: money(alert.spent), ..proto }
        }
        Some(Unit::Tokens | Unit::Requests | Unit::UncachedTokens) => {
            v1::Alert { limit_count: alert.limit, spent_count: alert.spent, ..proto }
        }
        None => proto,
    }
}

fn record_to_proto(record: &AlertRecord) -> v1::AlertRecord {
    v1::AlertRecord {
        sequence: record.seq,
        request_id: record.request_id.to_string(),
        attempt: record.attempt,
        model_id: record.model_id.to_string(),
        user_id: record.user_id.to_string(),
        api_key_id: record.api_key_id.to_string(),
    }
}

fn anomaly_to_proto(anomaly: &AlertAnomaly) -> v1::AlertAnomaly {
    v1::AlertAnomaly {
        anomaly_id: anomaly.anomaly_id.to_string(),
        kind: anomaly.kind.number(),
        metric: anomaly.metric.number(),
        over: anomaly.is_over,
        explained_by: anomaly.explained_by.iter().map(|it| member_to_proto("", it)).collect(),
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
        (AlertSubject::Model(_) | AlertSubject::Workspace | AlertSubject::Member { .. }, _) => {
            v1::LimitKind::Unspecified
        }
    }
}

fn subject_of(stored: &StoredAlert) -> v1::Subject {
    let workspace_id = &stored.workspace_id;
    match &stored.alert.key.subject {
        AlertSubject::Workspace => subject_to_proto(workspace_id, SubjectKind::Workspace, ""),
        AlertSubject::Quota { kind, subject_id, .. }
        | AlertSubject::Member { kind, subject_id } => {
            subject_to_proto(workspace_id, *kind, subject_id)
        }
        AlertSubject::Model(id) => {
            v1::Subject { r#type: v1::SubjectType::Model.into(), id: id.to_string() }
        }
    }
}

pub fn new_webhook(
    request: v1::CreateWebhookRequest,
    rules: AddressRules,
) -> Decoded<(String, NewWebhook)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, webhook) = at.message_or_default("webhook", request.webhook);
        at.field("webhook_id").optional_new_id(&webhook.webhook_id);
        let url = url(at, &webhook.url, rules);
        let types = read_types(at, &webhook.types);
        at.display_name(&webhook.display_name);
        let new = NewWebhook {
            id: webhook.webhook_id,
            url: url?,
            types,
            disabled: webhook.disabled,
            display_name: webhook.display_name,
        };
        Some((request.workspace_id, new))
    })
}

/// Workspace, id and changes of a webhook.
pub fn webhook(
    request: v1::UpdateWebhookRequest,
    rules: AddressRules,
) -> Decoded<(String, String, WebhookChange)> {
    decode(|root| {
        root.workspace_id(&request.workspace_id);
        let (at, webhook) = root.message_or_default("webhook", request.webhook);
        at.field("webhook_id").resource_id(&webhook.webhook_id);
        let mask = root.mask(request.update_mask, &WEBHOOK_FIELDS);
        let url = mask.change("url", !webhook.url.is_empty(), || url(at, &webhook.url, rules));
        let types =
            mask.change("types", !webhook.types.is_empty(), || read_types(at, &webhook.types));
        let change = WebhookChange {
            url: url.flatten(),
            types,
            disabled: mask.change("disabled", webhook.disabled, || webhook.disabled),
            display_name: mask.display_name(at, &webhook.display_name),
        };
        Some((request.workspace_id, webhook.webhook_id, change))
    })
}

fn url(at: Decoder<'_>, text: &str, rules: AddressRules) -> Option<Url> {
    rules.check(text).map_err(|expected| at.field("url").refuse(expected)).ok()
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
) -> Decoded<(String, NewEmailReceiver)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let (at, receiver) = at.message_or_default("email_receiver", request.email_receiver);
        let (id, address) = (receiver.email_receiver_id, receiver.address);
        at.field("email_receiver_id").optional_new_id(&id);
        let is_short = address.chars().count() <= ADDRESS_CHARS_MAX;
        if !is_short || address.parse::<Address>().is_err() {
            at.field("address").refuse(format!(
                "expected an e-mail address of at most {ADDRESS_CHARS_MAX} characters"
            ));
        }
        let types = read_types(at, &receiver.types);
        Some((request.workspace_id, NewEmailReceiver { id, address, types }))
    })
}

pub fn email_receiver_to_proto(receiver: EmailReceiver) -> v1::EmailReceiver {
    v1::EmailReceiver {
        email_receiver_id: receiver.id.to_string(),
        address: receiver.address,
        types: types_to_proto(&receiver.types),
        create_time: Some(to_timestamp(receiver.create_time)),
    }
}

/// Which deliveries, which page of them, and after which one it begins.
pub fn list_deliveries(
    request: v1::ListDeliveriesRequest,
) -> Decoded<(DeliveryFilter, Page, Option<TimePosition>)> {
    let v1::ListDeliveriesRequest { workspace_id, receiver_id, alert_id, .. } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        at.field("receiver_id").optional_resource_id(&receiver_id);
        let expected = "expected the id of an alert, or 0 for all";
        at.field("alert_id").ensure(alert_id >= 0, expected);
        let state = at.field("state").optional_enum(request.state);
        let (alert, state_number) = (alert_id.to_string(), request.state.to_string());
        let filter = ["deliveries", &workspace_id, &receiver_id, &alert, &state_number];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        let filter = DeliveryFilter {
            workspace_id,
            receiver_id: non_empty(receiver_id),
            alert_seq: (alert_id > 0).then_some(alert_id),
            state,
        };
        Some((filter, page, after))
    })
}

pub fn delivery_to_proto(delivery: Delivery) -> v1::Delivery {
    let (webhook_id, email_receiver_id) = match &delivery.receiver {
        Receiver::Webhook(id) => (id.to_string(), String::new()),
        Receiver::Email(id) => (String::new(), id.to_string()),
    };
    let is_due = delivery.state == DeliveryState::Pending;
    v1::Delivery {
        delivery_id: delivery.id.to_string(),
        alert_id: delivery.alert_seq,
        webhook_id,
        email_receiver_id,
        state: delivery.state.number(),
        attempt_count: delivery.attempts,
        next_attempt_time: is_due.then(|| to_timestamp(delivery.next_attempt_time)),
        last_error: delivery.last_error,
        create_time: Some(to_timestamp(delivery.create_time)),
        finish_time: delivery.finish_time.map(to_timestamp),
    }
}
pub fn tested_to_proto(tested: Tested) -> v1::TestWebhookResponse {
    let Tested { delivery_id, posted } = tested;
    let micros = i64::try_from(posted.latency.as_micros()).unwrap_or(i64::MAX);
    v1::TestWebhookResponse {
        delivered: posted.error.is_empty(),
        http_status: posted.http_status.unwrap_or_default().into(),
        error: posted.error,
        latency: Some(to_duration(micros)),
        delivery_id,
    }
}
