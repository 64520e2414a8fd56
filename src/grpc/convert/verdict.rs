//! What limits and rules said, as protos.

use super::limits::{enforcement_to_proto, period_to_proto, subject_kind_to_proto, unit_to_proto};
use super::money;
use super::time::{to_duration, to_timestamp};
use crate::domain::check::{LimitFigures, LimitKind, LimitPeriod, Reason, Subject, Verdict};
use crate::domain::quota::Unit;
use crate::domain::rate_limit::RateWindow;
use crate::domain::{Amount, Currency};
use crate::proto::v1;

pub fn verdict_to_proto(currency: Currency, verdict: Verdict) -> v1::Verdict {
    let rule = v1::Verdict {
        subject: Some(subject_to_proto(verdict.subject)),
        reason: verdict.reason.map_or(v1::Reason::Unspecified, reason_to_proto).into(),
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
    let kind = match figures.kind {
        LimitKind::Envelope => v1::LimitKind::Envelope,
        LimitKind::ModelLimit => v1::LimitKind::ModelLimit,
        LimitKind::Quota => v1::LimitKind::Quota,
        LimitKind::RateLimit => v1::LimitKind::RateLimit,
    };
    let period = match figures.period {
        LimitPeriod::Fixed(period) => period_to_proto(period),
        LimitPeriod::Sliding(RateWindow::Minute) => v1::LimitPeriod::SlidingMinute,
        LimitPeriod::Sliding(RateWindow::Hour) => v1::LimitPeriod::SlidingHour,
        LimitPeriod::Sliding(RateWindow::Day) => v1::LimitPeriod::SlidingDay,
    };
    let verdict = v1::Verdict {
        limit_kind: kind.into(),
        reset_time: figures.reset_time.map(to_timestamp),
        unit: unit_to_proto(figures.unit).into(),
        limit_id: figures.id.map_or_else(String::new, |id| id.to_string()),
        enforcement: enforcement_to_proto(figures.enforcement).into(),
        period: period.into(),
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
        Subject::Workspace(id) => (v1::SubjectType::Workspace, id),
        Subject::Model(id) => (v1::SubjectType::Model, id),
        Subject::Member { kind, id } => (subject_kind_to_proto(kind), id),
    };
    v1::Subject { r#type: kind.into(), id: id.to_string() }
}

pub fn reason_to_proto(reason: Reason) -> v1::Reason {
    match reason {
        Reason::Exhausted => v1::Reason::Exhausted,
        Reason::HeldInFlight => v1::Reason::HeldInFlight,
        Reason::RequestTooLarge => v1::Reason::RequestTooLarge,
        Reason::ModelLimit => v1::Reason::ModelLimit,
        Reason::NoAllowedModel => v1::Reason::NoAllowedModel,
        Reason::ModelUnknown => v1::Reason::ModelUnknown,
        Reason::ModelDisabled => v1::Reason::ModelDisabled,
        Reason::ModelUnpriced => v1::Reason::ModelUnpriced,
        Reason::PlanNotSet => v1::Reason::PlanNotSet,
        Reason::CapabilityMissing => v1::Reason::CapabilityMissing,
        Reason::ContextWindowExceeded => v1::Reason::ContextWindowExceeded,
        Reason::RateLimited => v1::Reason::RateLimited,
        Reason::KeyUnknown => v1::Reason::KeyUnknown,
        Reason::KeyDisabled => v1::Reason::KeyDisabled,
        Reason::KeyExpired => v1::Reason::KeyExpired,
        Reason::ModelNotAllowed => v1::Reason::ModelNotAllowed,
        Reason::Downgrade => v1::Reason::Downgrade,
        Reason::ThresholdCrossed => v1::Reason::ThresholdCrossed,
    }
}
