//! The decision: may a request run, and on which model?

use super::estimate::Estimate;
use super::prepared::PreparedCheck;
use super::route::Grant;
use super::verdict::{
    Request, archive_verdict, freeze_verdict, key_verdict, missing_verdict, model_verdict,
    push_bounded, retry_after,
};
use crate::domain::api_key::ApiKey;
use crate::domain::attribution::{AttributionField, SubjectIds, SubjectKind};
use crate::domain::check::{Answer, Check, Decision, HOLDS_MAX, Reason, Verdict};
use crate::domain::workspace::UnpricedModelPolicy;
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;
use crate::ledger::holds::{Hold, expiry};
use crate::ledger::keys::{self, GroupIndex};
use crate::ledger::limits::Slots;
use crate::ledger::models::ModelIndex;
use crate::ledger::state::Ledger;

impl Ledger {
    /// [`Ledger::decide`] on a check that is not prepared.
    ///
    /// # Errors
    /// As [`Ledger::decide`].
    pub fn check(&mut self, now: Time, check: Check) -> Result<Decision, Error> {
        self.decide(now, &mut PreparedCheck::new(check))
    }

    /// Decides on a request and holds its worst-case cost in every limit that applies: in all of
    /// them, or, if it is blocked, in none (I2). The order is fixed: whether the workspace is
    /// archived, or a subject frozen; fields of the attribution that are required; rules about the
    /// key and the model (known, enabled, allowed for the key, priced); then all limits; then other
    /// models, if only the model's cap or limits that downgrade block it.
    ///
    /// # Errors
    /// If the request id is in use with other content, an exchange rate is missing, there are too
    /// many live holds or attempts of the request, or the workspace lets no more be held while
    /// storage takes no writes. Nothing has changed then.
    pub fn decide(&mut self, now: Time, prepared: &mut PreparedCheck) -> Result<Decision, Error> {
        self.advance(now);
        let is_dry = prepared.check().dry_run;
        let attempt = match self.holds.get_or_attempt(prepared.request_id()) {
            Ok(hold) if is_dry => hold.attempt,
            Ok(hold) => return self.repeat_decision(hold, prepared.fingerprint()),
            Err(attempt) => attempt,
        };
        if !is_dry {
            Error::check_bound(self.holds.len(), "live holds of a workspace", HOLDS_MAX)?;
            Error::check_attempt(attempt)?;
            self.outage.require_time(&self.context)?;
        }
        let decision = self.decide_new(prepared, attempt)?;
        Ok(Decision { attempt, ..decision })
    }

    /// Decides on a request without a live hold.
    fn decide_new(
        &mut self,
        prepared: &mut PreparedCheck,
        attempt: i32,
    ) -> Result<Decision, Error> {
        if let Some(filled) = self.departments.fill(prepared.attribution()) {
            prepared.set_attribution(filled);
        }
        prepared.add_input(self.contexts.tokens(&prepared.check().context_id));
        let check = prepared.check();
        let key_id = prepared.field(AttributionField::ApiKey);
        let known_key = self.keys.find(key_id);
        let group = known_key.map_or(GroupIndex::NONE, |(_, group)| group);
        let key = known_key.map(|(key, _)| key);
        if let Some(stopped) = self.stopped(prepared, group) {
            return Ok(self.refuse(prepared, stopped));
        }
        let missing = self.missing_fields(prepared);
        if !missing.is_empty() {
            return Ok(self.refuse(prepared, missing));
        }
        let (model, estimate) = match self.check_rules(check, key_id, key)? {
            Ok(admitted) => admitted,
            Err(verdict) => return Ok(self.refuse(prepared, vec![verdict])),
        };
        let subject_ids = match self.limits.is_empty() {
            // Only the key is needed, for the models that it may use.
            true => {
                let mut ids = SubjectIds::none();
                ids[SubjectKind::ApiKey] = key_id;
                ids
            }
            false => prepared.subject_ids(self.keys.group_id(group)),
        };
        let mut request =
            Request { check, slots: self.limits.find_slots(&subject_ids), subject_ids };
        let cost = estimate.cost;
        let (decision, granted) = self.route(&request, model, estimate);
        let limits = if check.explain { self.explain(&request, model) } else { Vec::new() };
        let decision = Decision { attempt, limits, ..decision };
        let granted = granted.filter(|_| !check.dry_run);
        if self.outage.is_on()
            && let Some(grant) = &granted
        {
            self.outage.hold(&self.context, grant.estimate.need(check).money)?;
        }
        let slots = match &granted {
            Some(grant) => {
                if self.limits.has_rules(SubjectKind::Provider) {
                    let provider_id = self.models.get(grant.model).provider_id();
                    request.subject_ids[SubjectKind::Provider] = provider_id;
                    self.limits.find_provider(&mut request.slots, provider_id);
                }
                self.limits.add_new(request.slots, &request.subject_ids)
            }
            None => request.slots,
        };
        if decision.answer != Answer::Allowed {
            self.count_refusal(prepared, cost, &decision);
        }
        match granted {
            Some(grant) => Ok(self.hold_grant(prepared, decision, grant, slots, group)),
            None => Ok(decision),
        }
    }

    /// The same decision as before for a request whose hold is live.
    fn repeat_decision(&self, hold: &Hold, fingerprint: i64) -> Result<Decision, Error> {
        if hold.fingerprint != fingerprint {
            return Err(Error::RequestIdReused);
        }
        let routed = hold.routed.map(|_| self.models.get(hold.model).id().clone());
        Ok(Decision {
            reason: hold.routed,
            answer: routed.map_or(Answer::Allowed, Answer::Routed),
            attempt: hold.attempt,
            held: hold.held,
            expire_time: Some(hold.expire_time),
            state: hold.state,
            verdicts: hold.verdicts.as_deref().unwrap_or_default().to_vec(),
            retry_after: None,
            limits: Vec::new(),
        })
    }

    /// Verdicts on an archived workspace, or on what is frozen; none if nothing is.
    fn stopped(&self, prepared: &PreparedCheck, group: GroupIndex) -> Option<Vec<Verdict>> {
        let workspace = self.context.workspace();
        if workspace.archive_time.is_some() {
            return Some(vec![archive_verdict(&workspace.id)]);
        }
        if self.freezes.is_empty() {
            return None;
        }
        let now = self.context.now();
        let subject_ids = prepared.subject_ids(self.keys.group_id(group));
        let mut verdicts = Vec::new();
        for freeze in self.freezes.stopping(&subject_ids, now) {
            push_bounded(&mut verdicts, freeze_verdict(&workspace.id, freeze, now));
        }
        (!verdicts.is_empty()).then_some(verdicts)
    }

    /// Verdicts on the fields of the attribution that the workspace requires and the request lacks.
    fn missing_fields(&self, prepared: &PreparedCheck) -> Vec<Verdict> {
        let required = self.context.workspace().required_fields.iter().copied();
        let missing = required.filter(|field| prepared.field(*field).is_empty());
        missing.map(missing_verdict).collect()
    }

    /// Checks the rules about the key and the model. Returns the model with its estimate, or the
    /// verdict of the rule that refuses the request.
    fn check_rules(
        &self,
        check: &Check,
        key_id: &str,
        key: Option<&ApiKey>,
    ) -> Result<Result<(ModelIndex, Estimate), Verdict>, Error> {
        let workspace = self.context.workspace();
        let now = self.context.now();
        if let Some(reason) = keys::denial(key_id, key, workspace.unknown_keys, now) {
            return Ok(Err(key_verdict(key_id, reason)));
        }
        let refused = |reason| Ok(Err(model_verdict(&check.model_id, reason)));
        let model = match self.models.find_usable(&check.model_id, self.context.catalog()) {
            Ok(model) => model,
            Err(reason) => return refused(reason),
        };
        if !keys::allows_model(key, self.models.get(model).id()) {
            return refused(Reason::ModelNotAllowed);
        }
        let estimate = self.estimate(model, check)?;
        if estimate.unpriced && workspace.unpriced_models == UnpricedModelPolicy::Deny {
            return refused(Reason::ModelUnpriced);
        }
        Ok(Ok((model, estimate)))
    }

    /// The decision on a request that is stopped, or that a rule about its attribution, key or
    /// model refuses.
    fn refuse(&mut self, prepared: &PreparedCheck, verdicts: Vec<Verdict>) -> Decision {
        let reason = verdicts.first().and_then(|verdict| verdict.reason);
        let wait = retry_after(&verdicts);
        let decision = self.blocked(reason.unwrap_or(Reason::ModelUnknown), verdicts, wait);
        let cost = self.requested_cost(prepared.check());
        self.count_refusal(prepared, cost, &decision);
        decision
    }

    fn count_refusal(&mut self, prepared: &PreparedCheck, cost: Amount, decision: &Decision) {
        if !prepared.check().dry_run {
            let user_id = prepared.field(AttributionField::User);
            let request = (self.models.unaliased(&prepared.check().model_id), user_id);
            self.refusals.count(&self.context, request, cost, decision);
        }
    }

    /// Holds what a granted request needs.
    fn hold_grant(
        &mut self,
        prepared: &mut PreparedCheck,
        decision: Decision,
        grant: Grant,
        slots: Slots,
        group: GroupIndex,
    ) -> Decision {
        let attribution = prepared.take_attribution();
        let check = prepared.check();
        let Grant { model, estimate } = grant;
        let need = estimate.need(check);
        let now = self.context.now();
        let expire_time = expiry(now, check.hold_duration);
        let verdicts = &decision.verdicts;
        let hold = Hold {
            request_id: check.request_id.clone(),
            attempt: decision.attempt,
            fingerprint: prepared.fingerprint(),
            model,
            held: need.money,
            held_tokens: need.tokens,
            held_cache_reads: need.cache_reads,
            slots,
            group,
            check_time: now,
            expire_time,
            quote: estimate.quote,
            tier: check.tier,
            routed: decision.reason,
            state: decision.state,
            verdicts: (!verdicts.is_empty()).then(|| verdicts.clone().into_boxed_slice()),
            attribution,
            expiring: false,
        };
        self.hold(&hold);
        self.limits.admit(&self.context, &hold.slots, model, &need, now);
        self.holds.insert(hold);
        if decision.reason.is_some() {
            self.raise_fallback(&check.model_id);
        }
        Decision { expire_time: Some(expire_time), ..decision }
    }

    fn raise_fallback(&mut self, model_name: &str) {
        let requested = self.models.find_usable(model_name, self.context.catalog());
        if let Ok(index) = requested {
            let id = self.models.get(index).id();
            self.alerts.raise_fallback(&self.context, index, id);
        }
    }
}
