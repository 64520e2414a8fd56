//! On which model a request may run: its limits are asked for the model that was asked for, and,
//! where only a model's cap or a limit that downgrades is in the way, for cheaper ones.

use std::sync::Arc;

use smallvec::SmallVec;

use super::check::{Estimate, Grant, Request, model_verdict};
use super::keys;
use super::limit::{Limit, Source};
use super::state::Ledger;
use crate::domain::attribution::SubjectKind;
use crate::domain::check::{
    Answer, Check, Decision, HELD_RETRY_AFTER, LimitFigures, LimitKind, LimitPeriod, Reason,
    Subject, VERDICTS_MAX, Verdict,
};
use crate::domain::quota::{Enforcement, Period, Unit};
use crate::domain::time::Micros;

/// What is in the way of a request on one model.
#[derive(Default)]
struct Blockers {
    /// Why the first limit that is firm objects.
    firm: Option<Reason>,
    /// The cap of the model objects.
    cap: bool,
    /// A limit that downgrades, and counts this model alone, objects.
    downgrade_of_model: bool,
    /// Limits that downgrade, and count all models, that object.
    downgrades: SmallVec<[u32; 4]>,
}

impl Blockers {
    fn is_nothing(&self) -> bool {
        self.firm.is_none() && !self.cap && !self.downgrade_of_model && self.downgrades.is_empty()
    }

    /// Why another model is looked for.
    fn reason(&self) -> Reason {
        if self.cap { Reason::ModelLimit } else { Reason::Downgrade }
    }
}

impl Ledger {
    /// The answer to a request that is known, priced and asked for on `asked`, and what is to be
    /// held if it is granted. Changes nothing.
    pub(super) fn choose(
        &self,
        request: &Request<'_>,
        asked: usize,
        estimate: Estimate,
    ) -> (Decision, Option<Grant>) {
        let mut verdicts = Vec::new();
        if estimate.quote.is_none() {
            let verdict = model_verdict(&self.models[asked].id, Reason::ModelUnpriced);
            verdicts.push(Verdict { blocking: false, ..verdict });
        }
        let way = self.ask(request, asked, &estimate, &[], &mut verdicts);
        if way.is_nothing() {
            return self.granted_on(asked, estimate, None, verdicts);
        }
        let retry_after = self.retry_after(&verdicts);
        if let Some(reason) = way.firm {
            return (self.block(reason, verdicts, retry_after), None);
        }
        if !self.workspace.automatic_fallback {
            return (self.block(way.reason(), verdicts, retry_after), None);
        }
        if !way.cap && !way.downgrade_of_model && self.is_cheapest(request, asked, &estimate) {
            // There is nothing to downgrade to: it is what a downgrade leads to.
            for verdict in &mut verdicts {
                verdict.blocking = false;
                verdict.retry_after = None;
            }
            return self.granted_on(asked, estimate, None, verdicts);
        }
        verdicts.retain(|verdict| verdict.reason != Some(Reason::ThresholdCrossed));
        let tolerated = &way.downgrades;
        match self.find_fallback(request, asked, &estimate, tolerated, &mut verdicts) {
            Some((model, own)) => self.granted_on(model, own, Some(way.reason()), verdicts),
            None => {
                push_bounded(
                    &mut verdicts,
                    model_verdict(&self.models[asked].id, Reason::NoAllowedModel),
                );
                (self.block(Reason::NoAllowedModel, verdicts, retry_after), None)
            }
        }
    }

    /// Every limit that applies on a model, with what it has against the request.
    pub(super) fn explain(&self, request: &Request<'_>, model: usize) -> Vec<Verdict> {
        let Ok(estimate) = self.estimate(model, request.check, self.now) else { return Vec::new() };
        let mut limits = Vec::new();
        let need = estimate.used(request.check);
        self.visit_limits((&request.slots, &request.subject_ids), model, &need, |limit| {
            limits.push(self.limit_verdict(request, model, &limit, limit.objection()));
        });
        limits
    }

    fn granted_on(
        &self,
        model: usize,
        estimate: Estimate,
        routed: Option<Reason>,
        verdicts: Vec<Verdict>,
    ) -> (Decision, Option<Grant>) {
        let decision = self.granted(model, &estimate, routed, verdicts);
        (decision, Some(Grant { model, estimate }))
    }

    /// The answer to a request that may run on a model; routed there for a reason, or as asked.
    pub(super) fn granted(
        &self,
        model: usize,
        estimate: &Estimate,
        routed: Option<Reason>,
        verdicts: Vec<Verdict>,
    ) -> Decision {
        let target = routed.map(|_| self.models[model].id.clone());
        Decision {
            reason: routed,
            answer: target.map_or(Answer::Allowed, Answer::Routed),
            held: estimate.need,
            expire_time: None,
            state: self.state(),
            verdicts,
            retry_after: None,
            limits: Vec::new(),
        }
    }

    /// Asks every limit that applies on a model; each that speaks adds a verdict. Limits that
    /// downgrade and are `tolerated` are met by the request being on its way to a cheaper model.
    fn ask(
        &self,
        request: &Request<'_>,
        model: usize,
        estimate: &Estimate,
        tolerated: &[u32],
        verdicts: &mut Vec<Verdict>,
    ) -> Blockers {
        let mut way = Blockers::default();
        let need = estimate.used(request.check);
        self.visit_limits((&request.slots, &request.subject_ids), model, &need, |limit| {
            let Some(reason) = limit.objection() else {
                return self.note_threshold(request, model, &limit, verdicts);
            };
            match (limit.source, limit.enforcement) {
                (Source::ModelLimit, _) => way.cap = true,
                (Source::Rule { rule, .. }, Enforcement::Downgrade) => {
                    match self.rules.get(rule).model {
                        Some(_) => way.downgrade_of_model = true,
                        None if tolerated.contains(&rule) => return,
                        None => way.downgrades.push(rule),
                    }
                }
                (_, Enforcement::Hard | Enforcement::Downgrade) => {
                    way.firm = way.firm.or(Some(self.said(&limit, reason)));
                }
                (_, Enforcement::Soft | Enforcement::Shadow) => {}
            }
            push_bounded(verdicts, self.limit_verdict(request, model, &limit, Some(reason)));
        });
        way
    }

    /// Adds a verdict if the request takes the limit over a threshold.
    fn note_threshold(
        &self,
        request: &Request<'_>,
        model: usize,
        limit: &Limit,
        verdicts: &mut Vec<Verdict>,
    ) {
        let alerts = &self.workspace.alerts;
        let thresholds = match limit.source {
            Source::Envelope => &alerts.envelope[..],
            Source::ModelLimit => &alerts.model_limits[..],
            Source::Rule { rule, .. } => self.rules.get(rule).thresholds(),
        };
        if let Some(threshold) = limit.crossed(thresholds) {
            let verdict = self.limit_verdict(request, model, limit, None);
            let reason = Some(Reason::ThresholdCrossed);
            push_bounded(verdicts, Verdict { reason, threshold, ..verdict });
        }
    }

    /// Whether no enabled model needs less for this request, and some model needs more.
    fn is_cheapest(&self, request: &Request<'_>, asked: usize, estimate: &Estimate) -> bool {
        let mut is_a_cheaper_choice = false;
        for (index, model) in self.models.iter().enumerate() {
            if index == asked || !model.is_enabled() || model.entry.is_none() {
                continue;
            }
            let Ok(other) = self.estimate(index, request.check, self.now) else { continue };
            if other.quote.is_none() {
                continue;
            }
            if other.need < estimate.need {
                return false;
            }
            is_a_cheaper_choice |= other.need > estimate.need;
        }
        is_a_cheaper_choice
    }

    /// The first candidate, in their order, that can take the request and whose every limit
    /// passes, with its own price (I3).
    fn find_fallback(
        &self,
        request: &Request<'_>,
        asked: usize,
        asked_estimate: &Estimate,
        tolerated: &[u32],
        verdicts: &mut Vec<Verdict>,
    ) -> Option<(usize, Estimate)> {
        let chain = self.models[asked].settings.as_ref().map(|set| &set.fallback_model_ids);
        let candidates = match chain {
            Some(chain) if !chain.is_empty() => self.chained(asked, chain, request, verdicts),
            _ => self.cheaper(asked, asked_estimate, request, verdicts),
        };
        for (model, estimate) in candidates {
            let before = verdicts.len();
            if self.ask(request, model, &estimate, tolerated, verdicts).is_nothing() {
                return Some((model, estimate));
            }
            let mut position = 0;
            verdicts.retain(|verdict| {
                position += 1;
                position <= before || verdict.reason != Some(Reason::ThresholdCrossed)
            });
        }
        None
    }

    /// The models of a configured chain that can take the request.
    fn chained(
        &self,
        asked: usize,
        chain: &[Arc<str>],
        request: &Request<'_>,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<(usize, Estimate)> {
        let mut candidates = Vec::new();
        for id in chain {
            match self.usable_model(id) {
                Ok(model) if model == asked => {}
                Ok(model) => candidates.extend(self.candidate(model, request, None, verdicts)),
                Err(reason) => push_bounded(verdicts, model_verdict(id, reason)),
            }
        }
        candidates
    }

    /// Every enabled model that is strictly cheaper for this request's tokens and can take it,
    /// dearest first: the nearest in quality. Equal ones by id, so that the order is defined.
    fn cheaper(
        &self,
        asked: usize,
        asked_estimate: &Estimate,
        request: &Request<'_>,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<(usize, Estimate)> {
        let mut candidates = Vec::new();
        for (index, model) in self.models.iter().enumerate() {
            if index == asked || !model.is_enabled() || model.entry.is_none() {
                continue;
            }
            let below = Some(asked_estimate.need);
            candidates.extend(self.candidate(index, request, below, verdicts));
        }
        candidates.sort_by(|(a, a_estimate), (b, b_estimate)| {
            let by_need = b_estimate.need.cmp(&a_estimate.need);
            by_need.then_with(|| self.models[*a].id.cmp(&self.models[*b].id))
        });
        candidates
    }

    /// A model as a candidate, if the key may use it, it is priced, needs less than `below`, and
    /// has what the request needs.
    fn candidate(
        &self,
        model: usize,
        request: &Request<'_>,
        below: Option<crate::domain::Amount>,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<(usize, Estimate)> {
        let state = &self.models[model];
        let entry = state.entry.as_ref()?;
        let check: &Check = request.check;
        let key_id = request.subject_ids[SubjectKind::ApiKey];
        if !keys::allows(self.keys.key(key_id).map(|key| &**key), &state.id) {
            push_bounded(verdicts, model_verdict(&state.id, Reason::ModelNotAllowed));
            return None;
        }
        // A candidate whose exchange rate is missing is as good as unpriced.
        let estimate = self.estimate(model, check, self.now).ok();
        let Some(estimate) = estimate.filter(|estimate| estimate.quote.is_some()) else {
            push_bounded(verdicts, model_verdict(&state.id, Reason::ModelUnpriced));
            return None;
        };
        if below.is_some_and(|below| estimate.need >= below) {
            return None;
        }
        let mut required = check.required_capabilities.iter();
        if !required.all(|capability| entry.model().capabilities.contains(capability)) {
            push_bounded(verdicts, model_verdict(&state.id, Reason::CapabilityMissing));
            return None;
        }
        let tokens = check.input.total_input() + estimate.output;
        if entry.model().context_window.is_some_and(|window| window < tokens) {
            push_bounded(verdicts, model_verdict(&state.id, Reason::ContextWindowExceeded));
            return None;
        }
        Some((model, estimate))
    }

    /// How long until every limit in the way may let the request pass; none if one never will.
    fn retry_after(&self, verdicts: &[Verdict]) -> Option<Micros> {
        let mut wait = 0;
        for verdict in verdicts.iter().filter(|verdict| verdict.blocking) {
            wait = wait.max(verdict.retry_after?);
        }
        (wait > 0).then_some(wait)
    }

    /// What a limit says of a request on a model.
    fn limit_verdict(
        &self,
        request: &Request<'_>,
        model: usize,
        limit: &Limit,
        reason: Option<Reason>,
    ) -> Verdict {
        let figures = self.figures(model, limit);
        let blocks = matches!(limit.enforcement, Enforcement::Hard | Enforcement::Downgrade);
        // Who may pass needs no wait.
        let in_the_way = reason.filter(|_| blocks);
        let retry_after = in_the_way.and_then(|reason| self.retry_alone(request, limit, reason));
        Verdict {
            subject: self.subject_of(request, model, limit),
            reason: reason.map(|reason| self.said(limit, reason)),
            limit: Some(figures),
            blocking: blocks && reason.is_some(),
            retry_after,
            threshold: 0,
        }
    }

    /// A limit that does not exist yet is named as such.
    fn said(&self, limit: &Limit, reason: Reason) -> Reason {
        let is_unset = limit.source == Source::Envelope && self.workspace.plan.is_none();
        if is_unset { Reason::PlanNotSet } else { reason }
    }

    fn subject_of(&self, request: &Request<'_>, model: usize, limit: &Limit) -> Subject {
        match limit.source {
            Source::Envelope => Subject::Workspace(self.workspace.id.clone()),
            Source::ModelLimit => Subject::Model(self.models[model].id.clone()),
            Source::Rule { rule, .. } => match self.rules.get(rule).kind {
                SubjectKind::Workspace => Subject::Workspace(self.workspace.id.clone()),
                kind => Subject::Member { kind, id: request.subject_ids[kind].into() },
            },
        }
    }

    fn figures(&self, model: usize, limit: &Limit) -> LimitFigures {
        let rule = match limit.source {
            Source::Rule { rule, .. } => Some(self.rules.get(rule)),
            Source::Envelope | Source::ModelLimit => None,
        };
        let kind = match (limit.source, rule.is_some_and(|rule| rule.slides())) {
            (Source::Envelope, _) => LimitKind::Envelope,
            (Source::ModelLimit, _) => LimitKind::ModelLimit,
            (Source::Rule { .. }, false) => LimitKind::Quota,
            (Source::Rule { .. }, true) => LimitKind::RateLimit,
        };
        let model_id = match (limit.source, rule) {
            (Source::ModelLimit, _) => Some(self.models[model].id.clone()),
            (_, Some(rule)) => rule.scope().model_id.clone(),
            (_, None) => None,
        };
        LimitFigures {
            kind,
            id: rule.map(|rule| rule.id().clone()),
            unit: rule.map_or(Unit::Money, |rule| rule.unit),
            period: rule.map_or(LimitPeriod::Fixed(Period::Cycle), |rule| rule.period()),
            enforcement: limit.enforcement,
            model_id,
            limit: limit.limit,
            spent: limit.spent,
            held: limit.held,
            need: limit.need,
            reset_time: limit.reset_time,
        }
    }

    /// How long until one limit alone would let the request pass; none if no wait helps.
    fn retry_alone(&self, request: &Request<'_>, limit: &Limit, reason: Reason) -> Option<Micros> {
        match (self.said(limit, reason), limit.source) {
            (Reason::HeldInFlight, _) => Some(HELD_RETRY_AFTER),
            (Reason::Exhausted, _) => limit.reset_time.map(|reset_time| reset_time - self.now),
            (Reason::RateLimited, Source::Rule { rule, .. }) => {
                let slot = request.slots[self.rules.get(rule).kind];
                self.wait(slot, rule, limit.need, limit.limit)
            }
            _ => None,
        }
    }
}

fn push_bounded(verdicts: &mut Vec<Verdict>, verdict: Verdict) {
    if verdicts.len() < VERDICTS_MAX {
        verdicts.push(verdict);
    }
}
