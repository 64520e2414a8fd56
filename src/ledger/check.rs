//! The decision: may a request run, and on which model?

use std::sync::Arc;

use super::asking::Slots;
use super::hold::{EXPIRY_STEP, Hold};
use super::keys::{self, NO_GROUP};
use super::output::OutputHistory;
use super::state::Ledger;
use crate::domain::attribution::{AttributionField, PackedAttribution, SubjectIds, SubjectKind};
use crate::domain::catalog::ModelEntry;
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::check::{Answer, Check, Decision, HOLDS_MAX, Reason, Subject, Verdict};
use crate::domain::quota::Consumption;
use crate::domain::time::Micros;
use crate::domain::usage::TOKENS_MAX;
use crate::domain::workspace::UnpricedModelPolicy;
use crate::domain::{Amount, Time};
use crate::ledger::Error;

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

    pub(super) fn model_id(&self) -> &str {
        &self.check.model_id
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.check.dry_run
    }

    /// Empty if it names none.
    pub(super) fn user_id(&self) -> &str {
        self.attribution.as_ref().map_or("", |attribution| attribution.get(AttributionField::User))
    }

    fn api_key_id(&self) -> &str {
        self.attribution
            .as_ref()
            .map_or("", |attribution| attribution.get(AttributionField::ApiKey))
    }

    /// Who it is for.
    fn subject_ids<'a>(&'a self, group: &'a str) -> SubjectIds<'a> {
        SubjectIds::packed(self.attribution.as_ref(), group)
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

impl Estimate {
    /// What the request uses at most.
    pub fn used(&self, check: &Check) -> Consumption {
        let tokens = check.input.total_input() + self.output;
        Consumption { money: self.need, tokens, requests: 1 }
    }
}

/// A request on its way through the limits.
pub(super) struct Request<'a> {
    pub check: &'a Check,
    pub slots: Slots,
    pub subject_ids: SubjectIds<'a>,
}

/// What is granted: the model that the request runs on, at its price.
pub(super) struct Grant {
    pub model: usize,
    pub estimate: Estimate,
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
    /// of them, or, if it is blocked, in none (I2). Rules are asked in a fixed order: the key may
    /// be used; the model is known, enabled, allowed for the key, priced; then all limits; then, if
    /// only a model's cap or limits that downgrade are in the way, other models.
    ///
    /// # Errors
    /// If the request id is in use with other content, an exchange rate is missing, or there are
    /// too many live holds. Nothing has changed then.
    pub fn decide(&mut self, now: Time, prepared: &mut PreparedCheck) -> Result<Decision, Error> {
        let now = self.advance(now);
        if !prepared.check.dry_run {
            let check = &prepared.check;
            if let Some(hold) = self.holds.get(&check.request_id) {
                return self.answer_again(hold, prepared.fingerprint);
            }
            if self.holds.len() >= HOLDS_MAX {
                let max = i64::try_from(HOLDS_MAX).expect("a small number");
                return Err(Error::BoundReached { bound: "live holds of a workspace", max });
            }
        }
        if let Some(filled) = self.with_department(prepared.attribution.as_ref()) {
            prepared.attribution = Some(filled);
        }
        let check = &prepared.check;
        let key_id = prepared.api_key_id();
        let known = self.keys.known(key_id);
        let group = known.map_or(NO_GROUP, |(_, group)| group);
        let key = known.map(|(key, _)| key);
        if let Some(reason) = keys::objection(key_id, key, self.workspace.unknown_keys, now) {
            let verdict = key_verdict(key_id, reason);
            return Ok(self.refuse(prepared, verdict));
        }
        let model = match self.usable_model(&check.model_id) {
            Ok(model) => model,
            Err(reason) => {
                let verdict = model_verdict(&check.model_id, reason);
                return Ok(self.refuse(prepared, verdict));
            }
        };
        if !keys::allows(key, &self.models[model].id) {
            let verdict = model_verdict(&check.model_id, Reason::ModelNotAllowed);
            return Ok(self.refuse(prepared, verdict));
        }
        let estimate = self.estimate(model, check, now)?;
        if estimate.quote.is_none() && self.workspace.unpriced_models == UnpricedModelPolicy::Deny {
            let verdict = model_verdict(&check.model_id, Reason::ModelUnpriced);
            return Ok(self.refuse(prepared, verdict));
        }
        let group_name = self.keys.shared_group_name(group);
        let subject_ids = match self.rules.is_empty() {
            // Nobody asks for the others.
            true => {
                let mut ids = SubjectIds::of("");
                ids[SubjectKind::ApiKey] = key_id;
                ids
            }
            false => prepared.subject_ids(group_name.as_deref().unwrap_or("")),
        };
        let request = Request { check, slots: self.find_slots(&subject_ids), subject_ids };
        let need = estimate.need;
        let (decision, granted) = self.choose(&request, model, estimate);
        let limits = if check.explain { self.explain(&request, model) } else { Vec::new() };
        if decision.answer != Answer::Allowed {
            self.count_refusal(prepared, need, &decision);
        }
        match granted {
            Some(grant) => {
                let slots = match check.dry_run {
                    true => request.slots,
                    false => self.add_fresh(request.slots, &request.subject_ids),
                };
                Ok(Decision { limits, ..self.grant(prepared, decision, grant, slots, group) })
            }
            None => Ok(Decision { limits, ..decision }),
        }
    }

    /// The same answer as before for a request whose hold lives.
    fn answer_again(&self, hold: &Hold, fingerprint: i64) -> Result<Decision, Error> {
        if hold.fingerprint != fingerprint {
            return Err(Error::RequestIdReused);
        }
        let routed = hold.routed.map(|_| self.models[hold.model as usize].id.clone());
        Ok(Decision {
            reason: hold.routed,
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
    pub(super) fn usable_model(&self, name: &str) -> Result<usize, Reason> {
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
        self.estimate_of(state.entry.as_deref(), &state.outputs, check, now)
    }

    /// What a request would have cost at most as it was asked for; zero where nobody can say.
    fn need_as_asked(&self, check: &Check) -> Amount {
        let Some(entry) = self.catalogue.model(&check.model_id) else { return Amount::ZERO };
        let estimate = match self.by_id.get(&entry.model().id) {
            Some(index) => self.estimate(*index, check, self.now),
            None => self.estimate_of(Some(entry), &OutputHistory::default(), check, self.now),
        };
        estimate.map_or(Amount::ZERO, |estimate| estimate.need)
    }

    fn estimate_of(
        &self,
        entry: Option<&ModelEntry>,
        outputs: &OutputHistory,
        check: &Check,
        now: Time,
    ) -> Result<Estimate, Error> {
        // An estimate, unlike what the caller declares, was not checked against the bound.
        let room = TOKENS_MAX - check.input.total_input();
        let declared = check.max_output.unwrap_or_else(|| outputs.estimate().min(room));
        let bound = entry.and_then(|entry| entry.model().max_output);
        let output = bound.map_or(declared, |bound| declared.min(bound));
        // What is estimated must not carry a request over the bound that it keeps by itself.
        let output = output.min(TOKENS_MAX - check.input.total_input());
        let quote = self.quote(entry, now)?;
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

    /// Takes the hold in everything that counts it.
    fn grant(
        &mut self,
        prepared: &mut PreparedCheck,
        decision: Decision,
        grant: Grant,
        slots: Slots,
        group: u32,
    ) -> Decision {
        let check = &prepared.check;
        if check.dry_run {
            return decision;
        }
        let Grant { model, estimate } = grant;
        let need = estimate.used(check);
        let expire_time = expiry(self.now, check.hold_duration);
        self.take(&slots, model, &need, self.now);
        self.send(&slots, model, &need, self.now);
        self.holds.insert(Hold {
            request_id: check.request_id.clone(),
            fingerprint: prepared.fingerprint,
            model: model_number(model),
            held: need.money,
            held_tokens: need.tokens,
            slots,
            group,
            check_time: self.now,
            expire_time,
            quote: estimate.quote,
            tier: check.tier,
            routed: decision.reason,
            state: decision.state,
            verdicts: (!decision.verdicts.is_empty())
                .then(|| decision.verdicts.clone().into_boxed_slice()),
            attribution: prepared.attribution.take(),
            expiring: false,
        });
        if decision.reason.is_some()
            && let Ok(asked) = self.usable_model(&prepared.check.model_id)
        {
            self.raise_fallback(asked);
        }
        Decision { expire_time: Some(expire_time), ..decision }
    }

    /// The answer to a request that a rule refuses before any limit is asked.
    fn refuse(&mut self, prepared: &PreparedCheck, verdict: Verdict) -> Decision {
        let reason = verdict.reason.unwrap_or(Reason::ModelUnknown);
        let decision = self.block(reason, vec![verdict], None);
        let need = self.need_as_asked(&prepared.check);
        self.count_refusal(prepared, need, &decision);
        decision
    }

    pub(super) fn block(
        &self,
        reason: Reason,
        mut verdicts: Vec<Verdict>,
        retry_after: Option<Micros>,
    ) -> Decision {
        verdicts.retain(|verdict| verdict.reason != Some(Reason::ThresholdCrossed));
        Decision {
            answer: Answer::Blocked,
            held: Amount::ZERO,
            expire_time: None,
            state: self.state(),
            reason: Some(reason),
            retry_after,
            verdicts,
            limits: Vec::new(),
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

pub(super) fn model_verdict(id: &str, reason: Reason) -> Verdict {
    rule_verdict(Subject::Model(id.into()), reason)
}

fn key_verdict(id: &str, reason: Reason) -> Verdict {
    rule_verdict(Subject::Member { kind: SubjectKind::ApiKey, id: id.into() }, reason)
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
