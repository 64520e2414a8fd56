//! Which answer a check deserves.

use std::sync::Arc;

use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::check::{Answer, Check, Decision, LimitKind, Reason, Subject, Verdict};
use tollgate::domain::quota::{Enforcement, Unit};
use tollgate::domain::record::RecordKind;
use tollgate::domain::time::{MICROS_PER_SECOND, Micros};
use tollgate::domain::usage::TokenClass;
use tollgate::domain::workspace::{UnknownKeyPolicy, UnpricedModelPolicy};
use tollgate::ledger::Error;

use super::facts::Offer;
use super::rules::{Bound, Who};
use super::{Hold, Oracle, amount, next_step};

/// What one limit thinks of a request.
#[derive(Clone, Debug)]
pub struct Opinion {
    pub bound: Bound,
    pub need: i128,
    /// Why the request does not fit; absent if it does.
    pub reason: Option<Reason>,
    pub retry_after: Option<Micros>,
}

/// What a request comes to.
enum Outcome {
    /// It runs on the model, and why it is another one than was asked for.
    Runs(Arc<str>, Box<Offer>, Option<Reason>),
    Blocked(Reason, Option<Micros>),
}

/// What is said while a request is decided on.
#[derive(Default)]
struct Said {
    verdicts: Vec<Verdict>,
    limits: Vec<Verdict>,
}

impl Opinion {
    fn objects(&self) -> bool {
        self.reason.is_some()
    }

    fn is_hard(&self) -> bool {
        self.bound.kind != LimitKind::ModelLimit && self.bound.enforcement == Enforcement::Hard
    }

    fn is_downgrade(&self) -> bool {
        self.bound.kind != LimitKind::ModelLimit && self.bound.enforcement == Enforcement::Downgrade
    }

    /// Whether it bounds the request on whichever model it runs.
    fn is_of_all_models(&self) -> bool {
        let is_of_provider =
            matches!(self.bound.subject, Subject::Member { kind: SubjectKind::Provider, .. });
        self.bound.model_id.is_none() && !is_of_provider
    }

    /// Keeps the request from running on the model, if nothing else helps.
    fn blocks(&self) -> bool {
        let lets_pass = [Enforcement::Soft, Enforcement::Shadow];
        self.objects() && !lets_pass.contains(&self.bound.enforcement)
    }

    fn is_same_limit(&self, other: &Opinion) -> bool {
        let key = |opinion: &Opinion| {
            let bound = &opinion.bound;
            (bound.kind, bound.id.clone(), bound.unit, bound.period)
        };
        key(self) == key(other)
    }

    fn verdict(&self, blocking: bool) -> Verdict {
        Verdict {
            subject: self.bound.subject.clone(),
            reason: self.reason,
            limit: Some(self.bound.figures(self.need)),
            blocking,
            // Who may pass needs no wait.
            retry_after: self.retry_after.filter(|_| blocking),
            threshold: 0,
        }
    }

    /// The verdict on a request that fits and takes the limit over a threshold.
    fn crossing(&self) -> Option<Verdict> {
        let bound = &self.bound;
        let before = (bound.spent + bound.held) * 100;
        let after = before + self.need * 100;
        let crosses = |threshold: &&u16| {
            let line = bound.limit * i128::from(**threshold);
            before < line && line <= after
        };
        // The highest that is reached: if that was reached before, none is crossed.
        let threshold = *bound.thresholds.iter().filter(crosses).max()?;
        let reason = Some(Reason::ThresholdCrossed);
        Some(Verdict { reason, threshold, ..self.verdict(false) })
    }
}

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
        let attempt = self.attempt_of(check);
        let asked = check;
        let added = self.kept_tokens(&check.context_id);
        let input = check.input.with(TokenClass::Input, check.input.get(TokenClass::Input) + added);
        let check = &Check { input, ..check.clone() };
        let mut said = Said::default();
        let who = self.who(check.attribution.as_deref());
        let outcome = self.choose(check, &who, &mut said)?;
        said.verdicts.truncate(64);
        let limits = if check.explain { said.limits } else { Vec::new() };
        let (model, offer, reason) = match outcome {
            Outcome::Runs(model, offer, reason) => (model, offer, reason),
            Outcome::Blocked(reason, retry_after) => {
                let decision = Decision {
                    answer: Answer::Blocked,
                    attempt,
                    held: amount(0),
                    expire_time: None,
                    state: self.state(),
                    reason: Some(reason),
                    verdicts: said.verdicts,
                    retry_after,
                    limits,
                };
                self.count_refusal(check, &decision);
                return Ok(decision);
            }
        };
        let expire_time = next_step(self.now + check.hold_duration);
        let decision = Decision {
            answer: match reason {
                Some(_) => Answer::Routed(model.clone()),
                None => Answer::Allowed,
            },
            attempt,
            held: amount(offer.need),
            expire_time: (!check.dry_run).then_some(expire_time),
            state: self.state(),
            reason,
            verdicts: said.verdicts,
            retry_after: None,
            limits,
        };
        self.count_refusal(check, &decision);
        if !check.dry_run {
            self.grant((asked, added), who, model, *offer, &decision);
        }
        Ok(decision)
    }

    /// The tokens of what a provider keeps of a conversation: those of the record that was written
    /// last of it. Nothing is known by an answer in which no tokens were found.
    fn kept_tokens(&self, context_id: &str) -> i64 {
        let mut tokens = 0;
        for record in self.log.iter().filter(|record| record.kind == RecordKind::Usage) {
            let Some(answer) = &record.answer else { continue };
            let counted: i64 = record.usage.tokens.iter().sum();
            let is_known = !answer.is_unread && counted > 0;
            if is_known && answer.context_ids.iter().any(|id| id == context_id) {
                tokens = counted;
            }
        }
        tokens
    }

    /// The attempt after those that were recorded. Who only asks while a hold lives is told that of
    /// the hold.
    fn attempt_of(&self, check: &Check) -> i32 {
        let held = self.hold(&check.request_id).map(|hold| hold.attempt);
        held.unwrap_or_else(|| self.next_attempt(&check.request_id))
    }

    fn grant(
        &mut self,
        (check, added): (&Check, i64),
        who: Who,
        model: Arc<str>,
        offer: Offer,
        decision: &Decision,
    ) {
        let asked = self.model(&check.model_id).expect("it is known").id.clone();
        let hold = Hold {
            check: check.clone(),
            added,
            attempt: decision.attempt,
            who: who.at(self.provider_of(&model)),
            model,
            held: amount(offer.need),
            tokens: check.input.total_input() + added + offer.output,
            cache_reads: offer.cache_reads,
            check_time: self.now,
            expire_time: decision.expire_time.expect("it is held"),
            output: offer.output,
            price: offer.price,
            decision: Decision { limits: Vec::new(), ..decision.clone() },
            is_up: false,
        };
        self.count_admission(&hold);
        self.holds.push(hold);
        if decision.reason.is_some() {
            self.alert_of_fallback(&asked);
        }
    }

    /// The model that may take the request, or why there is none and when to retry.
    fn choose(&self, check: &Check, who: &Who, said: &mut Said) -> Result<Outcome, Error> {
        if let Some(stop) = self.stop(who, said) {
            return Ok(stop);
        }
        let (asked, offer) = match self.asked(check, who, said)? {
            Ok(found) => found,
            Err(reason) => return Ok(Outcome::Blocked(reason, None)),
        };
        let opinions = self.opinions(who, &asked, &offer, check);
        said.limits = opinions.iter().map(|opinion| opinion.verdict(opinion.blocks())).collect();
        let blocking: Vec<&Opinion> = opinions.iter().filter(|opinion| opinion.blocks()).collect();
        if blocking.is_empty() || self.is_cheapest(&asked, &offer, check, &blocking) {
            said.verdicts.extend(verdicts_of_runner(&opinions));
            return Ok(Outcome::Runs(asked, Box::new(offer), None));
        }
        let objections = opinions.iter().filter(|opinion| opinion.objects());
        said.verdicts.extend(objections.map(|opinion| opinion.verdict(opinion.blocks())));
        let retry_after = longest(&blocking);
        if let Some(hard) = blocking.iter().find(|opinion| opinion.is_hard()) {
            let reason = hard.reason.expect("it objects");
            return Ok(Outcome::Blocked(reason, retry_after));
        }
        let has_cap = blocking.iter().any(|opinion| opinion.bound.kind == LimitKind::ModelLimit);
        let led_by = if has_cap { Reason::ModelLimit } else { Reason::Downgrade };
        if !self.workspace.automatic_fallback {
            return Ok(Outcome::Blocked(led_by, retry_after));
        }
        for candidate in self.candidates(&asked, &offer, check, who, &mut said.verdicts) {
            let offer = self.offer(&candidate, &cold(check)).expect("candidates are priced");
            let mut opinions = self.opinions(who, &candidate, &offer, check);
            // Being led to another model is what such a limit asks for.
            opinions.retain(|opinion| {
                let is_met = opinion.objects()
                    && opinion.is_downgrade()
                    && opinion.is_of_all_models()
                    && blocking.iter().any(|met| met.is_same_limit(opinion));
                !is_met
            });
            if !opinions.iter().any(Opinion::blocks) {
                said.verdicts.extend(verdicts_of_runner(&opinions));
                return Ok(Outcome::Runs(candidate, Box::new(offer), Some(led_by)));
            }
            let objections = opinions.iter().filter(|opinion| opinion.objects());
            said.verdicts.extend(objections.map(|opinion| opinion.verdict(opinion.blocks())));
        }
        said.verdicts.push(rule(&asked, Reason::NoAllowedModel));
        Ok(Outcome::Blocked(Reason::NoAllowedModel, retry_after))
    }

    /// Nothing runs in a workspace that is put away, nor for anybody who is frozen.
    fn stop(&self, who: &Who, said: &mut Said) -> Option<Outcome> {
        let workspace = || Subject::Workspace(self.workspace.id.clone());
        if self.workspace.archive_time.is_some() {
            let reason = Reason::WorkspaceArchived;
            said.verdicts.push(Verdict { subject: workspace(), ..rule("", reason) });
            return Some(Outcome::Blocked(reason, None));
        }
        let mut waits = Vec::new();
        for kind in SubjectKind::ALL {
            for id in who.subject_ids(kind) {
                let of_subject = |freeze: &&tollgate::domain::workspace::freeze::Freeze| {
                    (freeze.subject.kind, &*freeze.subject.id) == (kind, &*id)
                };
                let Some(freeze) = self.freezes.iter().find(of_subject) else { continue };
                let wait = freeze.end_time.map(|end| end - self.now);
                if wait.is_some_and(|wait| wait <= 0) {
                    continue;
                }
                let subject = match kind {
                    SubjectKind::Workspace => workspace(),
                    kind => Subject::Member { kind, id: id.clone() },
                };
                let verdict = Verdict { subject, ..rule("", Reason::Frozen) };
                said.verdicts.push(Verdict { retry_after: wait, ..verdict });
                waits.push(wait);
            }
        }
        if waits.is_empty() {
            return None;
        }
        // Where one has no end, no wait helps.
        let longest = waits.iter().copied().collect::<Option<Vec<Micros>>>();
        Some(Outcome::Blocked(Reason::Frozen, longest.and_then(|waits| waits.into_iter().max())))
    }

    /// First what is to be said of the key, then of the model itself.
    #[allow(clippy::type_complexity, reason = "read once, above")]
    fn asked(
        &self,
        check: &Check,
        who: &Who,
        said: &mut Said,
    ) -> Result<Result<(Arc<str>, Offer), Reason>, Error> {
        // A request has to say all that it must.
        let required = &self.workspace.required_fields;
        let missing = required.iter().filter(|field| who.attribution.get(**field).is_empty());
        let missing = missing.map(|field| Verdict {
            subject: Subject::Field(*field),
            ..rule("", Reason::AttributionMissing)
        });
        said.verdicts.extend(missing);
        if !said.verdicts.is_empty() {
            return Ok(Err(Reason::AttributionMissing));
        }
        if let Some(reason) = self.objection_to_key(who) {
            let id = who.attribution.api_key_id.as_str().into();
            let subject = Subject::Member { kind: SubjectKind::ApiKey, id };
            said.verdicts.push(Verdict { subject, ..rule("", reason) });
            return Ok(Err(reason));
        }
        let asked = match self.usable(&check.model_id) {
            Ok(asked) if self.is_allowed_for_key(who, &asked) => asked,
            Ok(_) => {
                said.verdicts.push(rule(&check.model_id, Reason::ModelNotAllowed));
                return Ok(Err(Reason::ModelNotAllowed));
            }
            Err(reason) => {
                said.verdicts.push(rule(&check.model_id, reason));
                return Ok(Err(reason));
            }
        };
        let offer = self.offer(&asked, check)?;
        if offer.unpriced {
            if self.workspace.unpriced_models == UnpricedModelPolicy::Deny {
                said.verdicts.push(rule(&check.model_id, Reason::ModelUnpriced));
                return Ok(Err(Reason::ModelUnpriced));
            }
            let blocking = false;
            said.verdicts.push(Verdict { blocking, ..rule(&asked, Reason::ModelUnpriced) });
        }
        Ok(Ok((asked, offer)))
    }

    fn objection_to_key(&self, who: &Who) -> Option<Reason> {
        let id = &who.attribution.api_key_id;
        let Some(key) = self.key(id) else {
            let is_denied = self.workspace.unknown_keys == UnknownKeyPolicy::Deny;
            return (is_denied && !id.is_empty()).then_some(Reason::KeyUnknown);
        };
        let is_expired = key.expire_time.is_some_and(|time| time <= self.now);
        match () {
            () if key.disabled => Some(Reason::KeyDisabled),
            () if is_expired => Some(Reason::KeyExpired),
            () => None,
        }
    }

    fn is_allowed_for_key(&self, who: &Who, model: &Arc<str>) -> bool {
        let key = self.key(&who.attribution.api_key_id);
        key.is_none_or(|key| {
            key.allowed_model_ids.is_empty() || key.allowed_model_ids.contains(model)
        })
    }

    /// What each limit that applies thinks of the request on a model.
    pub fn opinions(&self, who: &Who, model: &str, offer: &Offer, check: &Check) -> Vec<Opinion> {
        let bounds = self.bounds(who, model).into_iter();
        bounds
            .map(|bound| {
                let need = match bound.unit {
                    Unit::Money => offer.need,
                    Unit::Tokens => i128::from(check.input.total_input() + offer.output),
                    Unit::Requests => 1,
                    Unit::UncachedTokens => {
                        i128::from(check.input.total_input() + offer.output - offer.cache_reads)
                    }
                };
                self.opinion(bound, need)
            })
            .collect()
    }

    fn opinion(&self, bound: Bound, need: i128) -> Opinion {
        let slides = bound.kind == LimitKind::RateLimit;
        // Nothing at all is always welcome.
        let fits = need == 0 || bound.spent + bound.held + need <= bound.limit;
        let reason = match () {
            () if fits => None,
            () if bound.kind == LimitKind::Envelope && self.workspace.plan.is_none() => {
                Some(Reason::PlanNotSet)
            }
            () if need > bound.limit => Some(Reason::RequestTooLarge),
            () if slides => Some(Reason::RateLimited),
            () if bound.spent + need > bound.limit => Some(Reason::Exhausted),
            () => Some(Reason::HeldInFlight),
        };
        let retry_after = match reason {
            Some(Reason::HeldInFlight) => Some(MICROS_PER_SECOND),
            Some(Reason::Exhausted) => bound.reset_time.map(|time| time - self.now),
            Some(Reason::RateLimited) => Some(self.wait_for(&bound, need)),
            _ => None,
        };
        Opinion { bound, need, reason, retry_after }
    }

    /// Whether a request that limits for all models would lead to a cheaper model is on the
    /// cheapest already, of several: then it runs.
    fn is_cheapest(
        &self,
        asked: &str,
        offer: &Offer,
        check: &Check,
        blocking: &[&Opinion],
    ) -> bool {
        let leads_away = |opinion: &&Opinion| opinion.is_downgrade() && opinion.is_of_all_models();
        if !self.workspace.automatic_fallback || !blocking.iter().all(leads_away) {
            return false;
        }
        let mut needs = Vec::new();
        for settings in &self.models {
            let id = &settings.model_id;
            if **id == *asked || self.usable(id).as_ref() != Ok(id) {
                continue;
            }
            let other = self.offer(id, &cold(check)).ok().filter(|other| !other.unpriced);
            needs.extend(other.map(|other| other.need));
        }
        needs.iter().all(|need| *need >= offer.need) && needs.iter().any(|need| *need > offer.need)
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
        who: &Who,
        verdicts: &mut Vec<Verdict>,
    ) -> Vec<Arc<str>> {
        let chain = self.settings(asked).map(|settings| settings.fallback_model_ids.clone());
        let chain = chain.unwrap_or_default();
        if !chain.is_empty() {
            let mut candidates = Vec::new();
            for name in chain {
                match self.usable(&name) {
                    Ok(model) if *model == *asked => {}
                    Ok(model) => candidates.extend(self.able(model, None, check, who, verdicts)),
                    Err(reason) => verdicts.push(rule(&name, reason)),
                }
            }
            return candidates;
        }
        let mut cheaper = Vec::new();
        for settings in self.models.iter().filter(|settings| settings.enabled) {
            let id = &settings.model_id;
            if **id == *asked || !self.catalog.models.iter().any(|model| model.id == *id) {
                continue;
            }
            let below = Some(asked_offer.need);
            if let Some(model) = self.able(id.clone(), below, check, who, verdicts) {
                let offer = self.offer(&model, &cold(check)).expect("able models are priced");
                cheaper.push((offer.need, model));
            }
        }
        // The dearest first; equal ones by id.
        cheaper.sort_by(|(a_need, a), (b_need, b)| b_need.cmp(a_need).then(a.cmp(b)));
        cheaper.into_iter().map(|(_, model)| model).collect()
    }

    /// The model itself, if the key may use it, it is priced, cheaper if it must be, and has what
    /// the request needs.
    fn able(
        &self,
        model: Arc<str>,
        below: Option<i128>,
        check: &Check,
        who: &Who,
        verdicts: &mut Vec<Verdict>,
    ) -> Option<Arc<str>> {
        let fact = self.model(&model).expect("it is known");
        let needed = &check.required_capabilities;
        let offer = self.offer(&model, &cold(check)).ok().filter(|offer| !offer.unpriced);
        let reason = match offer {
            _ if !self.is_allowed_for_key(who, &model) => Reason::ModelNotAllowed,
            None => Reason::ModelUnpriced,
            Some(offer) if below.is_some_and(|below| offer.need >= below) => return None,
            Some(_) if needed.iter().any(|need| !fact.capabilities.contains(need)) => {
                Reason::CapabilityMissing
            }
            Some(offer) => {
                let input = check.input.total_input();
                let over_window =
                    fact.context_window.is_some_and(|window| input + offer.output > window);
                let over_input = fact.max_input.is_some_and(|max| input > max);
                if !over_window && !over_input {
                    return Some(model);
                }
                Reason::ContextWindowExceeded
            }
        };
        verdicts.push(rule(&model, reason));
        None
    }
}

/// What is said of the model that the request runs on: limits that would have been in the way, and
/// thresholds.
fn verdicts_of_runner(opinions: &[Opinion]) -> Vec<Verdict> {
    let verdict = |opinion: &Opinion| match opinion.objects() {
        true => Some(opinion.verdict(false)),
        false => opinion.crossing(),
    };
    opinions.iter().filter_map(verdict).collect()
}

/// When all that were in the way may have changed their minds; none if one never will.
fn longest(blocking: &[&Opinion]) -> Option<Micros> {
    let waits: Option<Vec<Micros>> = blocking.iter().map(|opinion| opinion.retry_after).collect();
    waits?.into_iter().max()
}

/// The same on another model, where nothing is in the cache.
fn cold(check: &Check) -> Check {
    let mut input = check.input;
    let read = input.get(TokenClass::CacheRead);
    input.set(TokenClass::Input, input.get(TokenClass::Input) + read);
    input.set(TokenClass::CacheRead, 0);
    Check { input, ..check.clone() }
}

fn rule(model: &str, reason: Reason) -> Verdict {
    Verdict {
        subject: Subject::Model(model.into()),
        reason: Some(reason),
        limit: None,
        blocking: true,
        retry_after: None,
        threshold: 0,
    }
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
        && a.extras == b.extras
        && a.context_id == b.context_id
}
