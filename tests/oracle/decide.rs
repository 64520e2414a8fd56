//! Which answer a check deserves.

use std::sync::Arc;

use tollgate::ledger::decision::{
    Answer, Check, Decision, Error, LimitFigures, LimitKind, Reason, Subject, Verdict,
};
use tollgate::ledger::time::{MICROS_PER_SECOND, Micros};
use tollgate::ledger::usage::Attribution;
use tollgate::ledger::workspace::UnpricedModelPolicy;

use super::facts::Offer;
use super::{Hold, Oracle, amount, next_step};

impl Oracle {
    /// Answers a check and, if it is granted, takes its hold.
    pub fn check(&mut self, check: &Check) -> Result<Decision, Error> {
        if let Some(hold) = self.hold(&check.request_id).filter(|_| !check.dry_run) {
            return match same_content(&hold.check, check) {
                true => {
                    let expire_time = Some(hold.expire_time);
                    Ok(Decision { expire_time, ..hold.decision.clone() })
                }
                false => Err(Error::RequestIdReused),
            };
        }
        let mut verdicts = Vec::new();
        let (model, offer) = match self.choose(check, &mut verdicts)? {
            Ok(chosen) => chosen,
            Err((reason, retry_after)) => {
                return Ok(Decision {
                    answer: Answer::Blocked,
                    held: amount(0),
                    expire_time: None,
                    state: self.state(),
                    reason: Some(reason),
                    verdicts,
                    retry_after,
                });
            }
        };
        let is_routed = Some(&model) != self.model(&check.model_id).map(|model| &model.id);
        let expire_time = next_step(self.now + check.hold_duration);
        let decision = Decision {
            answer: if is_routed { Answer::Routed(model.clone()) } else { Answer::Allowed },
            held: amount(offer.need),
            expire_time: (!check.dry_run).then_some(expire_time),
            state: self.state(),
            reason: is_routed.then_some(Reason::ModelLimit),
            verdicts,
            retry_after: None,
        };
        if !check.dry_run {
            self.holds.push(Hold {
                check: check.clone(),
                model,
                held: amount(offer.need),
                check_time: self.now,
                expire_time,
                output: offer.output,
                price: offer.price,
                decision: decision.clone(),
                is_up: false,
            });
        }
        Ok(decision)
    }

    /// The model that may take the request, or why there is none and when to retry.
    #[allow(clippy::type_complexity, reason = "read once, here")]
    fn choose(
        &self,
        check: &Check,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<Result<(Arc<str>, Offer), (Reason, Option<Micros>)>, Error> {
        // First what is to be said of the model itself.
        let asked = match self.usable(&check.model_id) {
            Ok(asked) => asked,
            Err(reason) => {
                verdicts.push(rule(&check.model_id, reason));
                return Ok(Err((reason, None)));
            }
        };
        let offer = self.offer(&asked, check)?;
        if offer.price.is_none() {
            let denied = self.workspace.unpriced_models == UnpricedModelPolicy::Deny;
            let name = if denied { &*check.model_id } else { &*asked };
            verdicts.push(rule(name, Reason::ModelUnpriced));
            if denied {
                return Ok(Err((Reason::ModelUnpriced, None)));
            }
        }
        // Then its limits.
        let objections = self.objections(&asked, offer.need);
        verdicts.extend(objections.iter().cloned());
        let Some(first) = objections.first() else { return Ok(Ok((asked, offer))) };
        let retry_after = self.retry_after(&objections);
        if first.limit.is_some_and(|figures| figures.kind == LimitKind::Envelope) {
            return Ok(Err((first.reason, retry_after)));
        }
        if !self.workspace.automatic_fallback {
            return Ok(Err((Reason::ModelLimit, retry_after)));
        }
        // Then, with only the model's cap in the way, other models.
        for candidate in self.candidates(&asked, &offer, check, verdicts) {
            let offer = self.offer(&candidate, check).expect("candidates are priced");
            let objections = self.objections(&candidate, offer.need);
            if objections.is_empty() {
                return Ok(Ok((candidate, offer)));
            }
            verdicts.extend(objections);
        }
        verdicts.push(rule(&asked, Reason::NoAllowedModel));
        Ok(Err((Reason::NoAllowedModel, retry_after)))
    }

    /// The id of a model that is known and enabled.
    fn usable(&self, name: &str) -> Result<Arc<str>, Reason> {
        let model = self.model(name).ok_or(Reason::ModelUnknown)?;
        let is_enabled = self.settings(&model.id).is_some_and(|settings| settings.enabled);
        if is_enabled { Ok(model.id.clone()) } else { Err(Reason::ModelDisabled) }
    }

    /// Models that may stand in, in the order in which they are asked.
    fn candidates(
        &self,
        asked: &str,
        asked_offer: &Offer,
        check: &Check,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<Arc<str>> {
        let chain = self.settings(asked).map(|settings| settings.fallback_model_ids.clone());
        let chain = chain.unwrap_or_default();
        if !chain.is_empty() {
            let mut candidates = Vec::new();
            for name in chain {
                match self.usable(&name) {
                    Ok(model) if *model == *asked => {}
                    Ok(model) => candidates.extend(self.able(model, check, verdicts)),
                    Err(reason) => verdicts.push(rule(&name, reason)),
                }
            }
            return candidates;
        }
        let mut cheaper = Vec::new();
        for settings in self.models.iter().filter(|settings| settings.enabled) {
            let id = &settings.model_id;
            if **id == *asked || !self.catalogue.models.iter().any(|model| model.id == *id) {
                continue;
            }
            let offer = self.offer(id, check).ok().filter(|offer| offer.price.is_some());
            if offer.as_ref().is_some_and(|offer| offer.need >= asked_offer.need) {
                continue;
            }
            if let Some(model) = self.able(id.clone(), check, verdicts) {
                cheaper.push((offer.expect("able models are priced").need, model));
            }
        }
        // The dearest first; equal ones by id.
        cheaper.sort_by(|(a_need, a), (b_need, b)| b_need.cmp(a_need).then(a.cmp(b)));
        cheaper.into_iter().map(|(_, model)| model).collect()
    }

    /// The model itself, if it is priced and has what the request needs.
    fn able(
        &self,
        model: Arc<str>,
        check: &Check,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Arc<str>> {
        let fact = self.model(&model).expect("it is known");
        let needed = &check.required_capabilities;
        let offer = self.offer(&model, check).ok().filter(|offer| offer.price.is_some());
        let reason = match offer {
            None => Reason::ModelUnpriced,
            Some(_) if needed.iter().any(|need| !fact.capabilities.contains(need)) => {
                Reason::CapabilityMissing
            }
            Some(offer)
                if fact
                    .context_window
                    .is_some_and(|window| check.input.total_input() + offer.output > window) =>
            {
                Reason::ContextWindowExceeded
            }
            Some(_) => return Some(model),
        };
        verdicts.push(rule(&model, reason));
        None
    }

    /// What the envelope and the model's cap have against a need. Zero is always welcome.
    pub fn objections(&self, model: &str, need: i128) -> Vec<Verdict> {
        if need == 0 {
            return Vec::new();
        }
        let cycle = self.cycle();
        let workspace = Subject::Workspace(self.workspace.id.clone());
        let (_, envelope) = self.budget_and_envelope();
        let mut limits = vec![(LimitKind::Envelope, workspace, envelope, None)];
        if let Some(cap) = self.cap(model) {
            limits.push((LimitKind::ModelLimit, Subject::Model(model.into()), cap, Some(model)));
        }
        let mut objections = Vec::new();
        for (kind, subject, limit, of_model) in limits {
            let (spent, held) = (self.spent(of_model, cycle), self.held(of_model, cycle));
            if spent + held + need <= limit {
                continue;
            }
            let reason = match () {
                () if kind == LimitKind::Envelope && self.workspace.plan.is_none() => {
                    Reason::PlanNotSet
                }
                () if need > limit => Reason::RequestTooLarge,
                () if spent + need > limit => Reason::Exhausted,
                () => Reason::HeldInFlight,
            };
            let limit = Some(LimitFigures {
                kind,
                limit: amount(limit),
                spent: amount(spent),
                held: amount(held),
                need: amount(need),
                reset_time: cycle.end,
            });
            objections.push(Verdict { subject, reason, limit });
        }
        objections
    }

    /// When every limit that objected may have changed its mind.
    fn retry_after(&self, objections: &[Verdict]) -> Option<Micros> {
        let mut waits = Vec::new();
        for objection in objections {
            waits.push(match objection.reason {
                Reason::HeldInFlight => MICROS_PER_SECOND,
                Reason::Exhausted => self.cycle().end - self.now,
                _ => return None,
            });
        }
        waits.into_iter().max()
    }
}

fn rule(model: &str, reason: Reason) -> Verdict {
    Verdict { subject: Subject::Model(model.into()), reason, limit: None }
}

fn same_content(a: &Check, b: &Check) -> bool {
    let said = |check: &Check| {
        let attribution = check.attribution.as_deref().cloned();
        attribution.filter(|attribution| *attribution != Attribution::default())
    };
    a.model_id == b.model_id
        && a.input == b.input
        && a.max_output == b.max_output
        && a.tier == b.tier
        && a.required_capabilities == b.required_capabilities
        && a.hold_duration == b.hold_duration
        && said(a) == said(b)
}
