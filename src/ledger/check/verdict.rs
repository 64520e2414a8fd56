//! Verdicts: which limit or rule denies a request, or is crossed by it, with its figures.

use std::sync::Arc;

use crate::domain::attribution::{AttributionField, SubjectIds, SubjectKind};
use crate::domain::check::{
    Check, HELD_RETRY_AFTER, LimitFigures, LimitKind, LimitPeriod, Reason, Subject, VERDICTS_MAX,
    Verdict,
};
use crate::domain::quota::{Consumption, Enforcement, Period, Unit};
use crate::domain::time::Micros;
use crate::domain::workspace::freeze::Freeze;
use crate::domain::{Amount, Time};
use crate::ledger::limits::{Limit, LimitSource, Rule, Slots};
use crate::ledger::models::{ModelIndex, Totals};
use crate::ledger::state::Ledger;

/// A request while it is being checked.
pub struct Request<'a> {
    pub check: &'a Check,
    pub slots: Slots,
    pub subject_ids: SubjectIds<'a>,
}

/// The verdict of a rule about a model, which blocks.
pub fn model_verdict(id: &str, reason: Reason) -> Verdict {
    rule_verdict(Subject::Model(id.into()), reason)
}

/// The verdict of a rule about an API key, which blocks.
pub fn key_verdict(id: &str, reason: Reason) -> Verdict {
    rule_verdict(Subject::Member { kind: SubjectKind::ApiKey, id: id.into() }, reason)
}

/// The verdict of a freeze, which blocks until its end.
pub fn freeze_verdict(workspace_id: &Arc<str>, freeze: &Freeze, now: Time) -> Verdict {
    let subject = match freeze.subject.kind {
        SubjectKind::Workspace => Subject::Workspace(workspace_id.clone()),
        kind => Subject::Member { kind, id: freeze.subject.id.clone() },
    };
    let retry_after = freeze.end_time.map(|end| end - now);
    Verdict { retry_after, ..rule_verdict(subject, Reason::Frozen) }
}

/// The verdict of a workspace that is archived.
pub fn archive_verdict(workspace_id: &Arc<str>) -> Verdict {
    rule_verdict(Subject::Workspace(workspace_id.clone()), Reason::WorkspaceArchived)
}

/// The verdict of a workspace that requires a field of the attribution.
pub fn missing_verdict(field: AttributionField) -> Verdict {
    rule_verdict(Subject::Field(field), Reason::AttributionMissing)
}

fn rule_verdict(subject: Subject, reason: Reason) -> Verdict {
    Verdict {
        subject,
        reason: Some(reason),
        limit: None,
        blocking: true,
        retry_after: None,
        threshold: 0,
    }
}

/// Adds a verdict unless there are too many.
pub fn push_bounded(verdicts: &mut Vec<Verdict>, verdict: Verdict) {
    if verdicts.len() < VERDICTS_MAX {
        verdicts.push(verdict);
    }
}

/// How long until every blocking limit may let the request pass; none if one never does.
pub fn retry_after(verdicts: &[Verdict]) -> Option<Micros> {
    let mut wait = 0;
    for verdict in verdicts.iter().filter(|verdict| verdict.blocking) {
        wait = wait.max(verdict.retry_after?);
    }
    (wait > 0).then_some(wait)
}

impl Ledger {
    /// Visits every limit that applies to a request on a model, in the order in which they are
    /// checked: the envelope, the model's cap, quotas and rate limits by kind of subject.
    pub(super) fn visit_limits(
        &self,
        request: &Request<'_>,
        model: ModelIndex,
        need: &Consumption,
        mut visit: impl FnMut(Limit),
    ) {
        let cycle = self.context.cycle();
        let limit_of_money = |source, amount: Amount, totals: Totals| Limit {
            source,
            enforcement: Enforcement::Hard,
            limit: amount.nanos(),
            spent: totals.spent.nanos(),
            held: totals.held.nanos(),
            need: need.money.nanos(),
            reset_time: Some(cycle.end),
        };
        let envelope = self.context.envelope();
        visit(limit_of_money(LimitSource::Envelope, envelope, self.models.totals(cycle)));
        let metered = self.models.get(model);
        if let Some(cap) = metered.cap() {
            visit(limit_of_money(LimitSource::ModelLimit, cap, metered.meter().totals(cycle)));
        }
        let subjects = (&request.slots, &request.subject_ids);
        let model = (model, metered.provider_id());
        self.limits.visit(&self.context, subjects, model, need, visit);
    }

    /// Every limit that applies on a model, with its verdict.
    pub(super) fn explain(&self, request: &Request<'_>, model: ModelIndex) -> Vec<Verdict> {
        let Ok(estimate) = self.estimate(model, request.check) else { return Vec::new() };
        let mut verdicts = Vec::new();
        self.visit_limits(request, model, &estimate.need(request.check), |limit| {
            verdicts.push(self.limit_verdict(request, model, &limit, limit.denial()));
        });
        verdicts
    }

    /// The verdict of a limit that denies a request for a reason, or does not.
    pub(super) fn limit_verdict(
        &self,
        request: &Request<'_>,
        model: ModelIndex,
        limit: &Limit,
        denial: Option<Reason>,
    ) -> Verdict {
        let rule = self.rule_of(limit);
        let can_block = matches!(limit.enforcement, Enforcement::Hard | Enforcement::Downgrade);
        let reason = denial.map(|denial| self.reason(limit, denial));
        let blocking_reason = reason.filter(|_| can_block);
        Verdict {
            subject: self.subject_of(request, model, limit, rule),
            reason,
            limit: Some(self.figures(model, limit, rule)),
            blocking: blocking_reason.is_some(),
            retry_after: blocking_reason.and_then(|reason| self.retry_after_limit(limit, reason)),
            threshold: 0,
        }
    }

    /// The reason of a denial: an envelope without a plan is named as such.
    pub(super) fn reason(&self, limit: &Limit, denial: Reason) -> Reason {
        let has_plan = self.context.workspace().plan.is_some();
        match limit.source {
            LimitSource::Envelope if !has_plan => Reason::PlanNotSet,
            _ => denial,
        }
    }

    fn rule_of(&self, limit: &Limit) -> Option<&Rule> {
        match limit.source {
            LimitSource::Envelope | LimitSource::ModelLimit => None,
            LimitSource::Rule { rule, .. } => Some(self.limits.rule(rule)),
        }
    }

    fn subject_of(
        &self,
        request: &Request<'_>,
        model: ModelIndex,
        limit: &Limit,
        rule: Option<&Rule>,
    ) -> Subject {
        match (limit.source, rule.map(Rule::kind)) {
            (LimitSource::ModelLimit, _) => Subject::Model(self.models.get(model).id().clone()),
            (_, None | Some(SubjectKind::Workspace)) => {
                Subject::Workspace(self.context.workspace().id.clone())
            }
            (_, Some(kind)) => {
                let named = || rule.and_then(|rule| rule.scope().subject_id.as_deref());
                let id = match kind {
                    SubjectKind::Provider => self.models.get(model).provider_id(),
                    SubjectKind::Tag => named().unwrap_or_default(),
                    kind => request.subject_ids[kind],
                };
                Subject::Member { kind, id: id.into() }
            }
        }
    }

    fn figures(&self, model: ModelIndex, limit: &Limit, rule: Option<&Rule>) -> LimitFigures {
        let kind = match limit.source {
            LimitSource::Envelope => LimitKind::Envelope,
            LimitSource::ModelLimit => LimitKind::ModelLimit,
            LimitSource::Rule { is_rate_limit: false, .. } => LimitKind::Quota,
            LimitSource::Rule { is_rate_limit: true, .. } => LimitKind::RateLimit,
        };
        let model_id = match limit.source {
            LimitSource::ModelLimit => Some(self.models.get(model).id().clone()),
            _ => rule.and_then(|rule| rule.scope().model_id.clone()),
        };
        LimitFigures {
            kind,
            id: rule.map(|rule| rule.id().clone()),
            unit: rule.map_or(Unit::Money, Rule::unit),
            period: rule.map_or(LimitPeriod::Fixed(Period::Cycle), Rule::period),
            enforcement: limit.enforcement,
            model_id,
            limit: limit.limit,
            spent: limit.spent,
            held: limit.held,
            need: limit.need,
            reset_time: limit.reset_time,
        }
    }

    /// How long until one limit alone may let the request pass; none if it never does.
    fn retry_after_limit(&self, limit: &Limit, reason: Reason) -> Option<Micros> {
        let now = self.context.now();
        match (reason, limit.source) {
            (Reason::HeldInFlight, _) => Some(HELD_RETRY_AFTER),
            (Reason::Exhausted, _) => limit.reset_time.map(|reset_time| reset_time - now),
            (Reason::RateLimited, LimitSource::Rule { rule, slot, .. }) => {
                self.limits.retry_after(now, (rule, slot), limit.need, limit.limit)
            }
            _ => None,
        }
    }
}
