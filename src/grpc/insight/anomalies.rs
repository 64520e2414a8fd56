//! Requests and answers about anomalies and their policy.

use crate::analytics::insight::anomalies::{DAILY_MEMBERS_MAX, HOURLY_MEMBERS_MAX};
use crate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyContributor, AnomalyFeedback, AnomalyKind, AnomalyMember,
    AnomalyMetric, AnomalyMute, AnomalySensitivity, AnomalySeverity, AnomalyStep, HUNDREDTHS,
    MUTES_MAX,
};
use crate::domain::attribution::{Dimension, SubjectKind};
use crate::domain::{Amount, Currency};
use crate::engine::InCurrency;
use crate::engine::alerts::{AnomalyPage, AnomalyPolicyChange, AnomalyPolicyView};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::money;
use crate::grpc::shared::page::{Page, TimePosition, parse_time_position, time_position, to_count};
use crate::grpc::shared::subject::{filter_texts, subject_to_proto};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::anomalies::AnomalyFilter;

const POLICY_FIELDS: [&str; 3] = ["least_impact", "sensitivity", "mutes"];
const PERCENT: f64 = 100.0;

proto_enum!(AnomalyKind as AnomalyKind { Spike, Drop, Shift, Failures, CostPerRequest }
    "expected an AnomalyKind that is known");
proto_enum!(AnomalyMetric as AnomalyMetric { Cost, Requests, FailedRequests, CostPerRequest }
    "expected an AnomalyMetric that is known");
proto_enum!(AnomalySeverity as AnomalySeverity { Low, Medium, High }
    "expected an AnomalySeverity that is known");
proto_enum!(AnomalyFeedback as AnomalyFeedback { Real, Expected, False }
    "expected ANOMALY_FEEDBACK_REAL, _EXPECTED or _FALSE");
proto_enum!(AnomalySensitivity as AnomalySensitivity { Low, Medium, High }
    "expected ANOMALY_SENSITIVITY_LOW, _MEDIUM or _HIGH");

/// Which anomalies, which page of them, and after which one it begins.
pub fn list(
    request: v1::ListAnomaliesRequest,
) -> Decoded<(AnomalyFilter, Page, Option<TimePosition>)> {
    let v1::ListAnomaliesRequest { workspace_id, state, subject, unacknowledged_only, .. } =
        request;
    let (from, to) = (request.start_time, request.end_time);
    decode(|at| {
        at.workspace_id(&workspace_id);
        let [kind, id] = filter_texts(subject.as_ref());
        let bound_to = format!("{state} {unacknowledged_only} {from:?} {to:?}");
        let filter = ["anomalies", &workspace_id, &kind, &id, &bound_to];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let after = page.after_parsed(at, parse_time_position);
        let filter = AnomalyFilter {
            is_open: is_open(at.field("state"), state),
            member: subject.and_then(|it| member(at.field("subject"), &workspace_id, &it)),
            unacknowledged_only,
            from: from.and_then(|time| at.field("start_time").instant(time)),
            to: to.and_then(|time| at.field("end_time").instant(time)),
            workspace_id,
        };
        Some((filter, page, after))
    })
}

fn is_open(at: Decoder<'_>, state: i32) -> Option<bool> {
    match v1::AnomalyState::try_from(state) {
        Ok(v1::AnomalyState::Unspecified) => None,
        Ok(v1::AnomalyState::Open) => Some(true),
        Ok(v1::AnomalyState::Closed) => Some(false),
        Err(_) => {
            at.refuse("expected ANOMALY_STATE_OPEN or _CLOSED");
            None
        }
    }
}

/// A subject that anomalies are looked for of.
fn member(at: Decoder<'_>, workspace_id: &str, subject: &v1::Subject) -> Option<AnomalyMember> {
    let of = |dimension| Some(AnomalyMember { dimension, id: subject.id.as_str().into() });
    match subject.r#type() {
        v1::SubjectType::Workspace => {
            at.field("id").own_id(workspace_id, &subject.id);
            return Some(AnomalyMember::workspace());
        }
        v1::SubjectType::Model => {
            at.field("id").model_id(&subject.id);
            return of(Dimension::Model);
        }
        _ => {}
    }
    let dimension = match SubjectKind::from_number(subject.r#type) {
        Some(SubjectKind::Department) => Dimension::Department,
        Some(SubjectKind::Feature) => Dimension::Feature,
        Some(SubjectKind::Assistant) => Dimension::Assistant,
        Some(SubjectKind::ApiKey) => Dimension::ApiKey,
        _ => {
            let expected = "expected SUBJECT_TYPE_WORKSPACE, _MODEL, _DEPARTMENT, _FEATURE, \
                            _ASSISTANT or _API_KEY";
            at.field("type").refuse(expected);
            return None;
        }
    };
    at.field("id").attribution_id(&subject.id);
    of(dimension)
}

pub fn acknowledge(
    request: v1::AcknowledgeAnomalyRequest,
) -> Decoded<(String, String, AnomalyFeedback)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        at.field("anomaly_id").resource_id(&request.anomaly_id);
        let feedback = at.field("feedback").required_enum(request.feedback)?;
        Some((request.workspace_id, request.anomaly_id, feedback))
    })
}

pub fn policy(request: v1::SetAnomalyPolicyRequest) -> Decoded<(String, AnomalyPolicyChange)> {
    let v1::SetAnomalyPolicyRequest { workspace_id, anomaly_policy, update_mask } = request;
    decode(|root| {
        root.workspace_id(&workspace_id);
        let mask = root.mask(update_mask, &POLICY_FIELDS);
        let (at, policy) = root.message("anomaly_policy", anomaly_policy)?;
        let v1::AnomalyPolicy { least_impact, sensitivity, mutes, .. } = policy;
        let is_set = least_impact.is_some();
        let least_impact = mask.change("least_impact", is_set, || {
            least_impact.map(|money| at.field("least_impact").limit(&money))
        });
        let sensitivity = mask.change("sensitivity", sensitivity != 0, || {
            let set = at.field("sensitivity").optional_enum(sensitivity);
            set.unwrap_or(AnomalySensitivity::Medium)
        });
        let is_set = !mutes.is_empty();
        let mutes = mask.change("mutes", is_set, || read_mutes(at, &workspace_id, mutes));
        Some((workspace_id, AnomalyPolicyChange { least_impact, sensitivity, mutes }))
    })
}

fn read_mutes(
    at: Decoder<'_>,
    workspace_id: &str,
    mutes: Vec<v1::AnomalyMute>,
) -> Vec<AnomalyMute> {
    let at = at.field("mutes");
    let mut read: Vec<AnomalyMute> = Vec::new();
    for (index, mute) in at.at_most(mutes, MUTES_MAX).into_iter().enumerate() {
        let at = at.item(index);
        let subject = at.field("subject").required(mute.subject.as_ref());
        let member = subject.and_then(|it| member(at.field("subject"), workspace_id, it));
        let end = at.field("end_time").required(mute.end_time);
        let end = end.and_then(|end| at.field("end_time").instant(end));
        let (Some(member), Some(end_time)) = (member, end) else { continue };
        let is_new = read.iter().all(|other| other.member != member);
        at.field("subject").ensure(is_new, "expected each subject once");
        read.push(AnomalyMute { member, end_time });
    }
    read
}

pub fn page_to_proto(
    found: AnomalyPage,
    page: &Page,
    workspace_id: &str,
    currency: Currency,
) -> v1::ListAnomaliesResponse {
    let position = |last: &Anomaly| time_position(last.start_time, &last.id);
    let to_proto = |anomaly: Anomaly| anomaly_to_proto(&anomaly, workspace_id, currency);
    let (anomalies, next_page_token) = page.cut(found.anomalies, position, to_proto);
    v1::ListAnomaliesResponse {
        anomalies,
        next_page_token,
        total_count: to_count(found.total),
        looked_until_time: found.looked.map(|looked| to_timestamp(looked.until)),
        hourly_member_max: HOURLY_MEMBERS_MAX as i32,
        daily_member_max: DAILY_MEMBERS_MAX as i32,
        members_left_out: found.looked.is_some_and(|looked| looked.members_left_out),
    }
}

pub fn anomaly_to_proto(anomaly: &Anomaly, workspace_id: &str, currency: Currency) -> v1::Anomaly {
    let quantity = |value| Some(quantity(anomaly.metric, value, currency));
    let granularity = match anomaly.step {
        AnomalyStep::Hour => v1::TimeGranularity::Hour,
        AnomalyStep::Day => v1::TimeGranularity::Day,
    };
    let state = if anomaly.is_open { v1::AnomalyState::Open } else { v1::AnomalyState::Closed };
    let said = anomaly.feedback.as_ref();
    v1::Anomaly {
        anomaly_id: anomaly.id.to_string(),
        kind: anomaly.kind.number(),
        subject: Some(member_to_proto(workspace_id, &anomaly.member)),
        metric: anomaly.metric.number(),
        granularity: granularity.into(),
        start_time: Some(to_timestamp(anomaly.start_time)),
        end_time: Some(to_timestamp(anomaly.end_time)),
        detect_time: Some(to_timestamp(anomaly.detect_time)),
        expected: quantity(anomaly.expected),
        actual: quantity(anomaly.actual),
        normal: Some(v1::AnomalyRange { low: quantity(anomaly.low), high: quantity(anomaly.high) }),
        impact: Some(money::to_proto(currency, anomaly.impact)),
        impact_percent: percent(anomaly.impact_percent),
        severity: anomaly.severity.number(),
        contributors: anomaly
            .contributors
            .iter()
            .map(|it| contributor_to_proto(it, anomaly.metric, workspace_id, currency))
            .collect(),
        state: state.into(),
        feedback: said.map_or(0, |(feedback, _, _)| feedback.number()),
        feedback_time: said.map(|(_, time, _)| to_timestamp(*time)),
        feedback_actor: said.map_or_else(String::new, |(_, _, actor)| actor.clone()),
        alerted: anomaly.alerts != AnomalyAlerts::Suppressed,
    }
}

fn percent(hundredths: i64) -> f64 {
    hundredths as f64 * PERCENT / HUNDREDTHS as f64
}

/// What a cost per request rises by is given in cost.
fn contributor_to_proto(
    contributor: &AnomalyContributor,
    metric: AnomalyMetric,
    workspace_id: &str,
    currency: Currency,
) -> v1::AnomalyContributor {
    v1::AnomalyContributor {
        subject: Some(member_to_proto(workspace_id, &contributor.member)),
        share: contributor.share as f64 / HUNDREDTHS as f64,
        before: Some(quantity(metric, contributor.before, currency)),
        after: Some(quantity(metric, contributor.after, currency)),
    }
}

fn quantity(metric: AnomalyMetric, value: i64, currency: Currency) -> v1::Quantity {
    let quantity = if metric.is_money() {
        v1::quantity::Quantity::Cost(money::to_proto(currency, Amount::from_nanos(value)))
    } else {
        v1::quantity::Quantity::Count(value)
    };
    v1::Quantity { quantity: Some(quantity) }
}

/// The subject that a member is.
pub fn member_to_proto(workspace_id: &str, member: &AnomalyMember) -> v1::Subject {
    let kind = SubjectKind::ALL
        .into_iter()
        .find(|kind| kind.field().and_then(|field| field.dimension()) == Some(member.dimension));
    match (member.dimension, kind) {
        (Dimension::Model, _) => {
            v1::Subject { r#type: v1::SubjectType::Model.into(), id: member.id.to_string() }
        }
        (_, Some(kind)) => subject_to_proto(workspace_id, kind, &member.id),
        (_, None) => subject_to_proto(workspace_id, SubjectKind::Workspace, ""),
    }
}

pub fn policy_to_proto(
    view: &InCurrency<AnomalyPolicyView>,
    workspace_id: &str,
) -> v1::AnomalyPolicy {
    let InCurrency { currency, value: view } = view;
    let money = |amount| money::to_proto(*currency, amount);
    let subject = |member: &AnomalyMember| Some(member_to_proto(workspace_id, member));
    v1::AnomalyPolicy {
        least_impact: view.policy.least_impact.map(money),
        sensitivity: view.policy.sensitivity.number(),
        mutes: view
            .policy
            .mutes
            .iter()
            .map(|mute| v1::AnomalyMute {
                subject: subject(&mute.member),
                end_time: Some(to_timestamp(mute.end_time)),
            })
            .collect(),
        effective_least_impact: Some(money(view.least_impact)),
        raised_bars: view
            .raised_bars
            .iter()
            .map(|(member, until)| v1::AnomalyRaisedBar {
                subject: subject(member),
                until_time: Some(to_timestamp(*until)),
            })
            .collect(),
    }
}
