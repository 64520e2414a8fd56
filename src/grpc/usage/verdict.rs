//! Verdicts of limits and rules as protos.

use super::explanation::explain;
use crate::domain::check::{LimitFigures, LimitPeriod, Reason, Subject, Verdict};
use crate::domain::quota::Unit;
use crate::domain::{Amount, Currency};
use crate::engine::Engine;
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::money;
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::proto::v1;

proto_enum!(Reason as Reason {
    Exhausted, HeldInFlight, RequestTooLarge, ModelLimit, NoAllowedModel, ModelUnknown,
    ModelDisabled, ModelUnpriced, PlanNotSet, CapabilityMissing, ContextWindowExceeded, RateLimited,
    AttributionMissing, KeyUnknown, KeyDisabled, KeyExpired, ModelNotAllowed, Downgrade,
    ThresholdCrossed, Frozen, WorkspaceArchived,
} "expected a Reason that is known");

/// Says in words what the verdicts of a check say.
pub fn explain_all(check: &mut v1::CheckAndRouteResponse, engine: &Engine, workspace_id: &str) {
    add_near(&mut check.verdicts, engine);
    for verdict in check.verdicts.iter_mut().chain(&mut check.limits) {
        explain(verdict, workspace_id);
    }
}

/// Adds to verdicts about unknown models which ones may have been meant.
pub fn add_near(verdicts: &mut [v1::Verdict], engine: &Engine) {
    for verdict in verdicts.iter_mut().filter(|v| v.reason() == v1::Reason::ModelUnknown) {
        let name = verdict.subject.as_ref().map_or("", |subject| &subject.id);
        let near = engine.catalog().near(name);
        verdict.near_model_ids = near.iter().map(ToString::to_string).collect();
    }
}

/// Unspecified where there is none.
pub fn reason_number(reason: Option<Reason>) -> i32 {
    reason.map_or(0, ProtoEnum::number)
}

pub fn verdict_to_proto(currency: Currency, verdict: Verdict) -> v1::Verdict {
    let attribution_field = match verdict.subject {
        Subject::Field(field) => field.name().to_owned(),
        _ => String::new(),
    };
    let rule = v1::Verdict {
        attribution_field,
        subject: Some(subject_to_proto(verdict.subject)),
        reason: reason_number(verdict.reason),
        blocking: verdict.blocking,
        retry_after: verdict.retry_after.map(to_duration),
        threshold_percent: verdict.threshold.into(),
        ..Default::default()
    };
    match verdict.limit {
        Some(figures) => with_figures(rule, currency, figures),
        None => rule,
    }
}

fn with_figures(rule: v1::Verdict, currency: Currency, figures: LimitFigures) -> v1::Verdict {
    let period = match figures.period {
        LimitPeriod::Fixed(period) => period.number(),
        LimitPeriod::Sliding(window) => window.number(),
    };
    let verdict = v1::Verdict {
        limit_kind: figures.kind.number(),
        reset_time: figures.reset_time.map(to_timestamp),
        unit: figures.unit.number(),
        limit_id: figures.id.map_or_else(String::new, |id| id.to_string()),
        enforcement: figures.enforcement.number(),
        period,
        model_id: figures.model_id.map_or_else(String::new, |id| id.to_string()),
        ..rule
    };
    if figures.unit == Unit::Money {
        let money = |nanos| Some(money::to_proto(currency, Amount::from_nanos(nanos)));
        return v1::Verdict {
            limit: money(figures.limit),
            spent: money(figures.spent),
            held: money(figures.held),
            need: money(figures.need),
            ..verdict
        };
    }
    v1::Verdict {
        limit_count: figures.limit,
        spent_count: figures.spent,
        held_count: figures.held,
        need_count: figures.need,
        ..verdict
    }
}

fn subject_to_proto(subject: Subject) -> v1::Subject {
    let (kind, id) = match subject {
        Subject::Workspace(id) => (v1::SubjectType::Workspace.into(), id),
        Subject::Model(id) => (v1::SubjectType::Model.into(), id),
        Subject::Member { kind, id } => (kind.number(), id),
        // Nothing is named; the type tells what is missing, where it is a subject.
        Subject::Field(field) => (field.subject().map_or(0, |kind| kind.number()), "".into()),
    };
    v1::Subject { r#type: kind, id: id.to_string() }
}
