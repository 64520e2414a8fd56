//! Routing: on which model a request may run. Its limits are checked for the requested model, and
//! for cheaper ones where it is blocked only by that model's cap or by limits that downgrade.

use std::sync::Arc;

use smallvec::SmallVec;

use super::estimate::Estimate;
use super::verdict::{Request, model_verdict, push_bounded, retry_after};
use crate::domain::Amount;
use crate::domain::attribution::SubjectKind;
use crate::domain::check::{Answer, Decision, Reason, Verdict};
use crate::domain::quota::Enforcement;
use crate::domain::time::Micros;
use crate::ledger::keys;
use crate::ledger::limits::{Limit, LimitSource, RuleIndex};
use crate::ledger::models::ModelIndex;
use crate::ledger::state::Ledger;

/// A model that a request may run on, at its price.
pub struct Grant {
    pub model: ModelIndex,
    pub estimate: Estimate,
}

/// What blocks a request on one model.
#[derive(Default)]
struct Blockers {
    /// Reason of the first hard limit.
    hard: Option<Reason>,
    /// The cap of the model.
    cap: bool,
    /// A limit that downgrades, and counts this model or its provider alone.
    downgrade_of_model: bool,
    /// Limits that downgrade, and count all models.
    downgrades: SmallVec<[RuleIndex; 4]>,
}

impl Blockers {
    fn is_empty(&self) -> bool {
        self.hard.is_none() && !self.cap && !self.downgrade_of_model && self.downgrades.is_empty()
    }

    /// Why the request is routed.
    fn routing_reason(&self) -> Reason {
        if self.cap { Reason::ModelLimit } else { Reason::Downgrade }
    }
}

impl Ledger {
    /// The decision on a request that passed the rules about its key and model, and what is to be
    /// held if it is granted. Changes nothing.
    pub(super) fn route(
        &self,
        request: &Request<'_>,
        requested: ModelIndex,
        estimate: Estimate,
    ) -> (Decision, Option<Grant>) {
        let requested_id = self.models.get(requested).id();
        let mut verdicts = Vec::new();
        if estimate.unpriced {
            let verdict = model_verdict(requested_id, Reason::ModelUnpriced);
            verdicts.push(Verdict { blocking: false, ..verdict });
        }
        let blockers = self.check_limits(request, requested, &estimate, &[], &mut verdicts);
        if blockers.is_empty() {
            return self.granted(requested, estimate, None, verdicts);
        }
        let retry_after = retry_after(&verdicts);
        if let Some(reason) = blockers.hard {
            return (self.blocked(reason, verdicts, retry_after), None);
        }
        if !self.context.workspace().automatic_fallback {
            return (self.blocked(blockers.routing_reason(), verdicts, retry_after), None);
        }
        let only_downgrades = !blockers.cap && !blockers.downgrade_of_model;
        if only_downgrades && self.is_cheapest(request, requested, &estimate) {
            // Downgrades lead to this model.
            for verdict in &mut verdicts {
                verdict.blocking = false;
                verdict.retry_after = None;
            }
            return self.granted(requested, estimate, None, verdicts);
        }
        verdicts.retain(|verdict| verdict.reason != Some(Reason::ThresholdCrossed));
        let ignored = &blockers.downgrades;
        match self.find_fallback(request, requested, &estimate, ignored, &mut verdicts) {
            Some(Grant { model, estimate }) => {
                self.granted(model, estimate, Some(blockers.routing_reason()), verdicts)
            }
            None => {
                let reason = Reason::NoAllowedModel;
                push_bounded(&mut verdicts, model_verdict(requested_id, reason));
                (self.blocked(reason, verdicts, retry_after), None)
            }
        }
    }

    /// A request that may run on a model: as requested, or routed there for a reason.
    fn granted(
        &self,
        model: ModelIndex,
        estimate: Estimate,
        routed: Option<Reason>,
        verdicts: Vec<Verdict>,
    ) -> (Decision, Option<Grant>) {
        let target = routed.map(|_| self.models.get(model).id().clone());
        let decision = Decision {
            reason: routed,
            answer: target.map_or(Answer::Allowed, Answer::Routed),
            attempt: 0,
            held: estimate.cost,
            expire_time: None,
            state: self.budget_status().state,
            verdicts,
            retry_after: None,
            limits: Vec::new(),
        };
        (decision, Some(Grant { model, estimate }))
    }

    pub(super) fn blocked(
        &self,
        reason: Reason,
        mut verdicts: Vec<Verdict>,
        retry_after: Option<Micros>,
    ) -> Decision {
        verdicts.retain(|verdict| verdict.reason != Some(Reason::ThresholdCrossed));
        Decision {
            answer: Answer::Blocked,
            attempt: 0,
            held: Amount::ZERO,
            expire_time: None,
            state: self.budget_status().state,
            reason: Some(reason),
            retry_after,
            verdicts,
            limits: Vec::new(),
        }
    }

    /// Checks every limit that applies on a model, and adds the verdicts of those that deny the
    /// request or are crossed by it. Limits that downgrade and are `ignored` are satisfied by the
    /// request being routed to a cheaper model.
    fn check_limits(
        &self,
        request: &Request<'_>,
        model: ModelIndex,
        estimate: &Estimate,
        ignored: &[RuleIndex],
        verdicts: &mut Vec<Verdict>,
    ) -> Blockers {
        let mut blockers = Blockers::default();
        let need = estimate.need(request.check);
        self.visit_limits(request, model, &need, |limit| {
            let Some(denial) = limit.denial() else {
                return self.note_threshold(request, model, &limit, verdicts);
            };
            match (limit.source, limit.enforcement) {
                (LimitSource::ModelLimit, _) => blockers.cap = true,
                (LimitSource::Rule { rule, .. }, Enforcement::Downgrade) => {
                    match self.limits.rule(rule).is_of_models() {
                        true => blockers.downgrade_of_model = true,
                        false if ignored.contains(&rule) => return,
                        false => blockers.downgrades.push(rule),
                    }
                }
                (_, Enforcement::Hard | Enforcement::Downgrade) => {
                    blockers.hard = blockers.hard.or(Some(self.reason(&limit, denial)));
                }
                (_, Enforcement::Soft | Enforcement::Shadow) => {}
            }
            push_bounded(verdicts, self.limit_verdict(request, model, &limit, Some(denial)));
        });
        blockers
    }

    /// Adds a verdict if the request takes the limit across a threshold.
    fn note_threshold(
        &self,
        request: &Request<'_>,
        model: ModelIndex,
        limit: &Limit,
        verdicts: &mut Vec<Verdict>,
    ) {
        let alerts = &self.context.workspace().alerts;
        let thresholds = match limit.source {
            LimitSource::Envelope => &alerts.envelope[..],
            LimitSource::ModelLimit => &alerts.model_limits[..],
            LimitSource::Rule { rule, .. } => self.limits.rule(rule).thresholds(),
        };
        if let Some(threshold) = limit.crossed_threshold(thresholds) {
            let verdict = self.limit_verdict(request, model, limit, None);
            let reason = Some(Reason::ThresholdCrossed);
            push_bounded(verdicts, Verdict { reason, threshold, ..verdict });
        }
    }

    /// Whether no usable model costs less for this request, and some model costs more.
    fn is_cheapest(
        &self,
        request: &Request<'_>,
        requested: ModelIndex,
        estimate: &Estimate,
    ) -> bool {
        let mut is_cheaper_than_another = false;
        for (index, model) in self.models.iter() {
            if index == requested || !model.is_usable() {
                continue;
            }
            let Ok(other) = self.estimate_cold(index, request.check) else { continue };
            if other.unpriced {
                continue;
            }
            if other.cost < estimate.cost {
                return false;
            }
            is_cheaper_than_another |= other.cost > estimate.cost;
        }
        is_cheaper_than_another
    }

    /// The first candidate that can run the request and that every limit allows, with its own
    /// price (I3).
    fn find_fallback(
        &self,
        request: &Request<'_>,
        requested: ModelIndex,
        estimate: &Estimate,
        ignored: &[RuleIndex],
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Grant> {
        let settings = self.models.get(requested).settings();
        let chain = settings.map_or(&[][..], |settings| &settings.fallback_model_ids);
        let candidates = match chain.is_empty() {
            true => self.cheaper_candidates(requested, estimate, request, verdicts),
            false => self.chained_candidates(requested, chain, request, verdicts),
        };
        for candidate in candidates {
            let before = verdicts.len();
            let Grant { model, estimate } = &candidate;
            if self.check_limits(request, *model, estimate, ignored, verdicts).is_empty() {
                return Some(candidate);
            }
            let mut position = 0;
            verdicts.retain(|verdict| {
                position += 1;
                position <= before || verdict.reason != Some(Reason::ThresholdCrossed)
            });
        }
        None
    }

    /// The models of a configured chain that can run the request.
    fn chained_candidates(
        &self,
        requested: ModelIndex,
        chain: &[Arc<str>],
        request: &Request<'_>,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<Grant> {
        let mut candidates = Vec::new();
        for id in chain {
            match self.models.find_usable(id, self.context.catalog()) {
                Ok(model) if model == requested => {}
                Ok(model) => candidates.extend(self.candidate(model, request, None, verdicts)),
                Err(reason) => push_bounded(verdicts, model_verdict(id, reason)),
            }
        }
        candidates
    }

    /// The usable models that cost less for this request and can run it, the most expensive first:
    /// the nearest in quality. Equal ones by id, so that the order is defined.
    fn cheaper_candidates(
        &self,
        requested: ModelIndex,
        estimate: &Estimate,
        request: &Request<'_>,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<Grant> {
        let mut candidates = Vec::new();
        for (index, model) in self.models.iter() {
            if index != requested && model.is_usable() {
                let below = Some(estimate.cost);
                candidates.extend(self.candidate(index, request, below, verdicts));
            }
        }
        candidates.sort_by(|a, b| {
            let by_cost = b.estimate.cost.cmp(&a.estimate.cost);
            let id = |grant: &Grant| self.models.get(grant.model).id();
            by_cost.then_with(|| id(a).cmp(id(b)))
        });
        candidates
    }

    /// A model as a candidate, if the key may use it, it has a price, costs less than `below`, and
    /// has what the request requires.
    fn candidate(
        &self,
        index: ModelIndex,
        request: &Request<'_>,
        below: Option<Amount>,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Grant> {
        let model = self.models.get(index);
        let entry = model.entry()?.model();
        let check = request.check;
        let mut reject = |reason| {
            push_bounded(verdicts, model_verdict(model.id(), reason));
            None
        };
        let key = self.keys.get(request.subject_ids[SubjectKind::ApiKey]);
        if !keys::allows_model(key.map(|key| &**key), model.id()) {
            return reject(Reason::ModelNotAllowed);
        }
        // A candidate without an exchange rate counts as unpriced.
        let estimate = self.estimate_cold(index, check).ok();
        let Some(estimate) = estimate.filter(|estimate| !estimate.unpriced) else {
            return reject(Reason::ModelUnpriced);
        };
        if below.is_some_and(|below| estimate.cost >= below) {
            return None;
        }
        let mut required = check.required_capabilities.iter();
        if !required.all(|capability| entry.capabilities.contains(capability)) {
            return reject(Reason::CapabilityMissing);
        }
        if !entry.fits(check.input.total_input(), estimate.output_tokens) {
            return reject(Reason::ContextWindowExceeded);
        }
        Some(Grant { model: index, estimate })
    }
}
