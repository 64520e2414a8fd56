//! The decision: may a request run, and on which model?

use std::sync::Arc;

use super::amount::Amount;
use super::catalogue::ModelEntry;
use super::decision::{
    Answer, Check, Decision, Error, HELD_RETRY_AFTER, HOLDS_MAX, LimitFigures, LimitKind,
    LimitPeriod, Reason, Subject, VERDICTS_MAX, Verdict,
};
use super::hold::{EXPIRY_STEP, Hold, Quote};
use super::limit::{Limit, Source};
use super::mutants::{self, Mutant};
use super::packed::PackedAttribution;
use super::price::Rate;
use super::quota::{Period, Unit};
use super::state::Ledger;
use super::time::{Micros, Time};
use super::usage::TOKENS_MAX;
use super::workspace::UnpricedModelPolicy;

/// A check, with what can be computed of it before its ledger is asked: the ledger is one, and
/// callers are many.
#[derive(Debug)]
pub struct PreparedCheck {
    check: Check,
    fingerprint: i64,
    attribution: Option<PackedAttribution>,
}

impl PreparedCheck {
    pub fn new(check: Check) -> PreparedCheck {
        let attribution = check.attribution.as_deref().and_then(PackedAttribution::new);
        PreparedCheck::with_attribution(check, attribution)
    }

    /// The same with the attribution packed already; that of `check` is not looked at.
    pub fn with_attribution(check: Check, attribution: Option<PackedAttribution>) -> PreparedCheck {
        let fingerprint = check.fingerprint(attribution.as_ref());
        PreparedCheck { check, fingerprint, attribution }
    }

    /// The model as the caller spelt it.
    pub fn into_model_id(self) -> String {
        self.check.model_id
    }

    pub fn request_id(&self) -> &Arc<str> {
        &self.check.request_id
    }
}

/// What a request would cost at most on one model.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    pub need: Amount,
    /// Absent if the model has no price: it then needs nothing.
    pub quote: Option<Quote>,
    /// Output tokens that the estimate counts with.
    pub output: i64,
}

impl Ledger {
    /// Decides on a request: see [`Ledger::decide`].
    ///
    /// # Errors
    /// As [`Ledger::decide`].
    pub fn check(&mut self, now: Time, check: Check) -> Result<Decision, Error> {
        self.decide(now, &mut PreparedCheck::new(check))
    }

    /// Decides on a request and sets its worst-case cost aside in every limit that applies: in all
    /// of them, or, if it is blocked, in none (I2). Rules are asked in a fixed order: the model is
    /// known, enabled, priced; then the limits; then, if only the model's cap is in the way,
    /// its fallbacks.
    ///
    /// # Errors
    /// If the request id is in use with other content, an exchange rate is missing, or there are
    /// too many live holds. Nothing has changed then.
    pub fn decide(&mut self, now: Time, prepared: &mut PreparedCheck) -> Result<Decision, Error> {
        let now = self.advance(now);
        let check = &prepared.check;
        if !check.dry_run {
            if let Some(hold) = self.holds.get(&check.request_id) {
                return self.answer_again(hold, prepared.fingerprint);
            }
            if self.holds.len() >= HOLDS_MAX {
                let max = i64::try_from(HOLDS_MAX).expect("a small number");
                return Err(Error::BoundReached { bound: "live holds of a workspace", max });
            }
        }
        let model = match self.usable_model(&check.model_id) {
            Ok(model) => model,
            Err(reason) => return Ok(self.refuse_model(&check.model_id, reason)),
        };
        let estimate = self.estimate(model, check, now)?;
        if estimate.quote.is_none() && self.workspace.unpriced_models == UnpricedModelPolicy::Deny {
            return Ok(self.refuse_model(&check.model_id, Reason::ModelUnpriced));
        }
        let mut verdicts = Vec::new();
        if estimate.quote.is_none() {
            verdicts.push(model_verdict(&self.models[model].id, Reason::ModelUnpriced));
        }
        if self.admit(model, estimate.need, &mut verdicts) {
            return Ok(self.grant(prepared, model, false, estimate, verdicts));
        }
        if let Some(reason) = self.reason_beyond_fallback(&verdicts) {
            return Ok(self.block(reason, verdicts));
        }
        let asked = verdicts.len();
        match self.find_fallback(model, check, estimate.need, &mut verdicts) {
            Some((model, own)) => {
                let at_asked = mutants::is(Mutant::FallbackAtThePriceOfTheAsked);
                let estimate = if at_asked { estimate } else { own };
                Ok(self.grant(prepared, model, true, estimate, verdicts))
            }
            None => {
                let retry_after = self.retry_after(&verdicts[..asked]);
                verdicts.push(model_verdict(&self.models[model].id, Reason::NoAllowedModel));
                let decision = self.block(Reason::NoAllowedModel, verdicts);
                Ok(Decision { retry_after, ..decision })
            }
        }
    }

    /// What must not be: a hold without asking any limit. None if the request has one.
    #[cfg(feature = "mutants")]
    pub fn hold_unchecked(
        &mut self,
        now: Time,
        check: &Check,
        model: &str,
        routed: bool,
    ) -> Option<Decision> {
        let now = self.advance(now);
        if self.holds.get(&check.request_id).is_some() {
            return None;
        }
        let model = self.model_index(model);
        let estimate = self.estimate(model, check, now).ok()?;
        let mut prepared = PreparedCheck::new(check.clone());
        Some(self.grant(&mut prepared, model, routed, estimate, Vec::new()))
    }

    /// The same answer as before for a request whose hold lives.
    fn answer_again(&self, hold: &Hold, fingerprint: i64) -> Result<Decision, Error> {
        if hold.fingerprint != fingerprint && !mutants::is(Mutant::OtherContentIsARepeat) {
            return Err(Error::RequestIdReused);
        }
        let routed = hold.routed.then(|| self.models[hold.model as usize].id.clone());
        Ok(Decision {
            reason: routed.is_some().then_some(Reason::ModelLimit),
            answer: routed.map_or(Answer::Allowed, Answer::Routed),
            held: hold.held,
            expire_time: Some(hold.expire_time),
            state: hold.state,
            verdicts: hold.verdicts.as_deref().unwrap_or_default().to_vec(),
            retry_after: None,
            limits: Vec::new(),
        })
    }

    /// Index of a model that the workspace may use, by id or alias.
    fn usable_model(&self, name: &str) -> Result<usize, Reason> {
        let by_id = self.by_id.get(name).copied();
        let index = match by_id.filter(|index| self.models[*index].entry.is_some()) {
            Some(index) => index,
            None => {
                let entry = self.catalogue.model(name).ok_or(Reason::ModelUnknown)?;
                *self.by_id.get(&entry.model().id).ok_or(Reason::ModelDisabled)?
            }
        };
        if self.models[index].is_enabled() { Ok(index) } else { Err(Reason::ModelDisabled) }
    }

    /// What a request costs at most on a model, with that model's price and its bounds.
    pub(super) fn estimate(
        &self,
        model: usize,
        check: &Check,
        now: Time,
    ) -> Result<Estimate, Error> {
        let state = &self.models[model];
        // An estimate, unlike what the caller declares, was not checked against the bound.
        let room = TOKENS_MAX - check.input.total_input();
        let declared = check.max_output.unwrap_or_else(|| state.outputs.estimate().min(room));
        let bound = state.entry.as_ref().and_then(|entry| entry.model().max_output);
        let output = bound.map_or(declared, |bound| declared.min(bound));
        // What is estimated must not carry a request over the bound that it keeps by itself.
        let output = output.min(TOKENS_MAX - check.input.total_input());
        let quote = self.quote(state.entry.as_deref(), now)?;
        let need = quote.as_ref().map_or(Amount::ZERO, |quote| {
            quote.card.worst_case(&check.input, output, check.tier, quote.rate)
        });
        Ok(Estimate { need, quote, output })
    }

    /// Price and exchange rate of a model at a time; none if it is unpriced.
    pub(super) fn quote(
        &self,
        entry: Option<&ModelEntry>,
        time: Time,
    ) -> Result<Option<Quote>, Error> {
        let Some(entry) = entry else { return Ok(None) };
        let Some(card) = entry.price_at(&self.workspace.id, time) else { return Ok(None) };
        let from = card.price().currency;
        let to = self.workspace.currency;
        let rate = match from == to {
            true => Some(Rate::ONE),
            false => self.catalogue.exchange_rate(from, to, time),
        };
        let rate = rate.ok_or(Error::ExchangeRateMissing { from, to })?;
        Ok(Some(Quote { card: card.clone(), rate }))
    }

    /// Asks every limit that applies to a request on a model; each that objects adds a verdict.
    fn admit(&self, model: usize, need: Amount, verdicts: &mut Vec<Verdict>) -> bool {
        let mut admitted = true;
        for limit in self.limits_of(model, need) {
            if let Some(reason) = limit.objection() {
                admitted = false;
                push_bounded(verdicts, self.limit_verdict(model, limit, reason));
            }
        }
        admitted
    }

    /// Why a request is blocked that no fallback can help: anything but a model's cap is in the
    /// way, or fallback is off.
    fn reason_beyond_fallback(&self, verdicts: &[Verdict]) -> Option<Reason> {
        for verdict in verdicts {
            if verdict.limit.as_ref().is_some_and(|limit| limit.kind == LimitKind::Envelope) {
                return verdict.reason;
            }
        }
        (!self.workspace.automatic_fallback).then_some(Reason::ModelLimit)
    }

    /// The first candidate, in their order, that can take the request and whose every limit
    /// passes, with its own price (I3).
    fn find_fallback(
        &self,
        asked: usize,
        check: &Check,
        asked_need: Amount,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<(usize, Estimate)> {
        let chain = self.models[asked].settings.as_ref().map(|set| &set.fallback_model_ids);
        let candidates = match chain {
            Some(chain) if !chain.is_empty() => self.chained(asked, chain, check, verdicts),
            _ => self.cheaper(asked, check, asked_need, verdicts),
        };
        candidates.into_iter().find(|(model, estimate)| self.admit(*model, estimate.need, verdicts))
    }

    /// The models of a configured chain that can take the request.
    fn chained(
        &self,
        asked: usize,
        chain: &[Arc<str>],
        check: &Check,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<(usize, Estimate)> {
        let mut candidates = Vec::new();
        for id in chain {
            match self.usable_model(id) {
                Ok(model) if model == asked => {}
                Ok(model) => candidates.extend(self.candidate(model, check, None, verdicts)),
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
        check: &Check,
        asked_need: Amount,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<(usize, Estimate)> {
        let mut candidates = Vec::new();
        for (index, model) in self.models.iter().enumerate() {
            if index == asked || !model.is_enabled() || model.entry.is_none() {
                continue;
            }
            candidates.extend(self.candidate(index, check, Some(asked_need), verdicts));
        }
        candidates.sort_by(|(a, a_estimate), (b, b_estimate)| {
            let by_need = b_estimate.need.cmp(&a_estimate.need);
            by_need.then_with(|| self.models[*a].id.cmp(&self.models[*b].id))
        });
        candidates
    }

    /// A model as a candidate, if it is priced, needs less than `below`, and has what the request
    /// needs.
    fn candidate(
        &self,
        model: usize,
        check: &Check,
        below: Option<Amount>,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<(usize, Estimate)> {
        let state = &self.models[model];
        let entry = state.entry.as_ref()?;
        // A candidate whose exchange rate is missing is as good as unpriced.
        let estimate = self.estimate(model, check, self.now).ok();
        let Some(estimate) = estimate.filter(|estimate| estimate.quote.is_some()) else {
            push_bounded(verdicts, model_verdict(&state.id, Reason::ModelUnpriced));
            return None;
        };
        let may_be_dearer = mutants::is(Mutant::FallbackMayBeDearer);
        if below.is_some_and(|below| estimate.need >= below) && !may_be_dearer {
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

    /// Takes the hold in every meter and answers.
    fn grant(
        &mut self,
        prepared: &mut PreparedCheck,
        model: usize,
        routed: bool,
        estimate: Estimate,
        verdicts: Vec<Verdict>,
    ) -> Decision {
        let state = self.state();
        let target = routed.then(|| self.models[model].id.clone());
        let mut expire_time = None;
        let check = &prepared.check;
        if !check.dry_run {
            let expires = expiry(self.now, check.hold_duration);
            expire_time = Some(expires);
            let window_start = self.cycle.start;
            let count = if mutants::is(Mutant::HoldInOneLimitOnly) { 1 } else { usize::MAX };
            for meter in self.meters_of(model).into_iter().take(count) {
                meter.hold(window_start, estimate.need);
            }
            self.holds.insert(Hold {
                request_id: check.request_id.clone(),
                fingerprint: prepared.fingerprint,
                model: model_number(model),
                held: estimate.need,
                check_time: self.now,
                window_start,
                expire_time: expires,
                quote: estimate.quote,
                tier: check.tier,
                routed,
                state,
                verdicts: (!verdicts.is_empty()).then(|| verdicts.clone().into_boxed_slice()),
                attribution: prepared.attribution.take(),
                expiring: false,
            });
        }
        Decision {
            reason: target.is_some().then_some(Reason::ModelLimit),
            answer: target.map_or(Answer::Allowed, Answer::Routed),
            held: estimate.need,
            expire_time,
            state,
            verdicts,
            retry_after: None,
            limits: Vec::new(),
        }
    }

    fn block(&self, reason: Reason, verdicts: Vec<Verdict>) -> Decision {
        Decision {
            answer: Answer::Blocked,
            held: Amount::ZERO,
            expire_time: None,
            state: self.state(),
            reason: Some(reason),
            retry_after: self.retry_after(&verdicts),
            verdicts,
            limits: Vec::new(),
        }
    }

    fn refuse_model(&self, name: &str, reason: Reason) -> Decision {
        self.block(reason, vec![model_verdict(&Arc::from(name), reason)])
    }

    /// How long until every limit that objected may let the request pass; none if one never will.
    fn retry_after(&self, verdicts: &[Verdict]) -> Option<Micros> {
        let mut wait = 0;
        for verdict in verdicts {
            let reset_time = verdict.limit.as_ref().and_then(|limit| limit.reset_time);
            wait = wait.max(match (verdict.reason, reset_time) {
                (Some(Reason::HeldInFlight), _) => HELD_RETRY_AFTER,
                (Some(Reason::Exhausted), Some(reset_time)) => reset_time - self.now,
                _ => return None,
            });
        }
        (wait > 0).then_some(wait)
    }

    fn limit_verdict(&self, model: usize, limit: Limit, reason: Reason) -> Verdict {
        let model_id = &self.models[model].id;
        let (kind, subject, model_id) = match limit.source {
            Source::ModelLimit => {
                (LimitKind::ModelLimit, Subject::Model(model_id.clone()), Some(model_id.clone()))
            }
            _ => (LimitKind::Envelope, Subject::Workspace(self.workspace.id.clone()), None),
        };
        let is_unset = kind == LimitKind::Envelope && self.workspace.plan.is_none();
        let figures = LimitFigures {
            kind,
            id: None,
            unit: Unit::Money,
            period: LimitPeriod::Fixed(Period::Cycle),
            enforcement: limit.enforcement,
            model_id,
            limit: limit.limit,
            spent: limit.spent,
            held: limit.held,
            need: limit.need,
            reset_time: limit.reset_time,
        };
        let reason = if is_unset { Reason::PlanNotSet } else { reason };
        Verdict {
            subject,
            reason: Some(reason),
            limit: Some(figures),
            blocking: true,
            retry_after: None,
            threshold: 0,
        }
    }
}

/// When a hold taken at `now` for `duration` ends: a whole step, rounded up.
pub(super) fn expiry(now: Time, duration: Micros) -> Time {
    let end = (now + duration).micros();
    let steps = end.div_euclid(EXPIRY_STEP) + i64::from(end.rem_euclid(EXPIRY_STEP) != 0);
    Time::from_micros(steps * EXPIRY_STEP)
}

/// Index of a model as a hold keeps it.
pub(super) fn model_number(index: usize) -> u32 {
    u32::try_from(index).expect("models of a workspace are bounded by what was recorded")
}

fn model_verdict(id: &Arc<str>, reason: Reason) -> Verdict {
    Verdict {
        subject: Subject::Model(id.clone()),
        reason: Some(reason),
        limit: None,
        blocking: true,
        retry_after: None,
        threshold: 0,
    }
}

fn push_bounded(verdicts: &mut Vec<Verdict>, verdict: Verdict) {
    if verdicts.len() < VERDICTS_MAX {
        verdicts.push(verdict);
    }
}
