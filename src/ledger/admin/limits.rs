//! Changes of quotas, rate limits and boosts. A new rule counts what was used since its window
//! began: `backfill_for_…` returns the queries of the usage log for a change, which is then given
//! their results.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::attribution::{SubjectIds, SubjectKind};
use crate::domain::backfill::{BackfillQueries, BackfillResults, LimitConfig};
use crate::domain::boost::{Boost, BoostTarget};
use crate::domain::quota::{Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::time::calendar::Windows;
use crate::domain::workspace::Workspace;
use crate::ledger::context::calendar_of;
use crate::ledger::error::Error;
use crate::ledger::limits::backfill::{merged, query_quota, query_rate_limit};
use crate::ledger::limits::{Rule, RuleIndex};
use crate::ledger::models::ModelIndex;
use crate::ledger::state::Ledger;

/// Loading.
impl Ledger {
    /// The backfill that [`Ledger::load_limits`] needs.
    pub fn backfill_for_load(
        workspace: &Workspace,
        config: &LimitConfig,
        now: Time,
    ) -> BackfillQueries {
        let calendar = calendar_of(workspace);
        let windows = Windows::at(&calendar, now);
        let mut queries = BackfillQueries::default();
        for quota in &config.quotas {
            query_quota(&mut queries, quota, &calendar, &windows);
        }
        for limit in &config.rate_limits {
            query_rate_limit(&mut queries, limit, now);
        }
        merged(queries)
    }

    /// Adds everything that is configured, when a ledger is loaded.
    pub fn load_limits(&mut self, now: Time, config: LimitConfig, backfill: BackfillResults) {
        let now = self.advance(now);
        for group in config.key_groups {
            self.keys.put_group(group);
        }
        for key in config.api_keys {
            self.keys.put(key);
        }
        let mut rules = Vec::new();
        for quota in config.quotas {
            rules.push(self.rule_of_quota(quota));
        }
        for limit in config.rate_limits {
            rules.extend(self.rules_of_rate_limit(limit));
        }
        self.limits.load(rules);
        for boost in config.boosts {
            self.keep_boost(now, boost);
        }
        config.freezes.into_iter().for_each(|freeze| self.freezes.put(freeze));
        for kind in SubjectKind::ALL {
            self.link_holds(kind);
        }
        self.limits.backfill(&self.context, &backfill, None);
        self.count_holds(None);
        self.raise_all();
        self.revision += 1;
    }
}

/// Quotas.
impl Ledger {
    pub fn quota(&self, id: &str) -> Option<&Arc<Quota>> {
        self.limits.quota(id).map(|(_, quota)| quota)
    }

    /// The quota of the same scope, unit and period under another id.
    pub fn conflicting_quota(&self, quota: &Quota) -> Option<Arc<str>> {
        self.limits.conflicting_quota(quota)
    }

    /// The backfill that [`Ledger::put_quota`] needs: nothing if only the limit or its enforcement
    /// changes.
    pub fn backfill_for_quota(&mut self, now: Time, quota: &Quota) -> BackfillQueries {
        self.advance(now);
        let mut queries = BackfillQueries::default();
        if !self.limits.is_counted(quota) {
            let context = &self.context;
            query_quota(&mut queries, quota, context.calendar(), context.windows());
        }
        queries
    }

    /// Inserts a quota or replaces the one of the same id, whose boosts it keeps.
    pub fn put_quota(&mut self, now: Time, quota: Quota, backfill: BackfillResults) {
        self.advance(now);
        let scope = quota.scope.clone();
        let is_counted = self.limits.is_counted(&quota);
        let before = self.limits.quota(&quota.id).map(|(index, _)| index);
        let rule = self.rule_of_quota(quota);
        match before {
            Some(index) if is_counted => self.limits.replace_rule(index, rule),
            before => {
                if let Some(index) = before {
                    self.limits.remove_rule(index);
                }
                self.add_rule(rule, &backfill);
            }
        }
        self.raise_scope(&scope);
        self.revision += 1;
    }

    /// Removes a quota with its boosts.
    pub fn remove_quota(&mut self, now: Time, id: &str) {
        self.advance(now);
        let Some((index, _)) = self.limits.quota(id) else { return };
        self.limits.remove_rule(index);
        self.revision += 1;
    }

    fn rule_of_quota(&mut self, quota: Quota) -> Rule {
        let model = self.only_model(&quota.scope);
        let boosts = self.limits.boosts(&quota.id).to_vec();
        Rule::of_quota(Arc::new(quota), model, boosts)
    }
}

/// Rate limits.
impl Ledger {
    pub fn rate_limit(&self, id: &str) -> Option<&Arc<RateLimit>> {
        self.limits.rate_limit(id).map(|(_, limit)| limit)
    }

    /// The rate limit of the same scope under another id.
    pub fn conflicting_rate_limit(&self, limit: &RateLimit) -> Option<Arc<str>> {
        self.limits.conflicting_rate_limit(limit)
    }

    /// The backfill that [`Ledger::put_rate_limit`] needs: nothing if every window and unit is
    /// limited already.
    pub fn backfill_for_rate_limit(&mut self, now: Time, limit: &RateLimit) -> BackfillQueries {
        let now = self.advance(now);
        let mut queries = BackfillQueries::default();
        if !self.limits.is_rate_counted(limit) {
            query_rate_limit(&mut queries, limit, now);
        }
        queries
    }

    /// Inserts a rate limit or replaces the one of the same id and scope, whose counts it keeps.
    pub fn put_rate_limit(&mut self, now: Time, limit: RateLimit, backfill: BackfillResults) {
        self.advance(now);
        let before = self.limits.rate_limit(&limit.id).map(|(rules, _)| rules.to_vec());
        let mut rules = self.rules_of_rate_limit(limit);
        for index in before.unwrap_or_default() {
            let old = self.limits.rule(index);
            let is_same = |rule: &Rule| rule.window() == old.window() && rule.unit() == old.unit();
            match rules.iter().position(is_same) {
                Some(position) => self.limits.replace_rule(index, rules.swap_remove(position)),
                None => self.limits.remove_rule(index),
            }
        }
        for rule in rules {
            self.add_rule(rule, &backfill);
        }
        self.revision += 1;
    }

    pub fn remove_rate_limit(&mut self, now: Time, id: &str) {
        self.advance(now);
        let rules = self.limits.rate_limit(id).map(|(rules, _)| rules.to_vec());
        for index in rules.unwrap_or_default() {
            self.limits.remove_rule(index);
        }
        self.revision += 1;
    }

    fn rules_of_rate_limit(&mut self, limit: RateLimit) -> Vec<Rule> {
        let model = self.only_model(&limit.scope);
        Rule::of_rate_limit(&Arc::new(limit), model)
    }
}

/// Boosts.
impl Ledger {
    /// Boosts of a limit that are not over, of all subjects, in no particular order.
    pub fn boosts_of(&self, target: &BoostTarget) -> impl Iterator<Item = &Arc<Boost>> {
        let boosts = match target {
            BoostTarget::Envelope => self.context.boosts(),
            BoostTarget::Quota { quota_id, .. } => self.limits.boosts(quota_id),
        };
        boosts.iter().filter(|boost| !boost.is_over(self.context.now()))
    }

    /// Inserts a boost or replaces the one of the same id.
    pub fn put_boost(&mut self, now: Time, boost: Boost) {
        let now = self.advance(now);
        match self.keep_boost(now, boost) {
            Some(scope) => self.raise_scope(&scope),
            None => self.raise_envelope(),
        }
        self.revision += 1;
    }

    /// Raises what is due of one subject, or of everything if a quota is for each: boosts end by
    /// the clock, so that more may be due than what has changed.
    fn raise_scope(&mut self, scope: &Scope) {
        match &scope.subject_id {
            None => self.raise_all(),
            Some(subject_id) => {
                let subject = (scope.kind, &**subject_id);
                self.limits.raise_subject(&self.context, subject, &mut self.alerts);
            }
        }
    }

    /// Adds a boost to what it raises. Returns the scope of the quota, if it raises one.
    fn keep_boost(&mut self, now: Time, boost: Boost) -> Option<Scope> {
        match boost.target.clone() {
            BoostTarget::Envelope => {
                self.context.put_boost(boost);
                None
            }
            BoostTarget::Quota { quota_id, .. } => self.limits.put_boost(now, &quota_id, boost),
        }
    }
}

/// Rules of both.
impl Ledger {
    /// Describes the first quota or rate limit that names a subject.
    pub fn limit_naming(&self, kind: SubjectKind, id: &str) -> Option<String> {
        let rule = self.limits.rule_naming(kind, id)?;
        let resource = if rule.is_rate_limit() { "rate limit" } else { "quota" };
        Some(format!("{resource} \"{}\"", rule.id()))
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_rule(&self, scope: &Scope) -> Result<(), Error> {
        self.limits.room_for(scope)
    }

    /// The only model that a rule of a scope counts.
    fn only_model(&mut self, scope: &Scope) -> Option<ModelIndex> {
        let model_id = scope.model_id.as_ref()?;
        Some(self.models.find_or_add(model_id, self.context.catalog()))
    }

    /// Adds a rule, and counts for it what the log and the live holds say.
    fn add_rule(&mut self, rule: Rule, backfill: &BackfillResults) {
        let kind = rule.kind();
        // Where a rule is for each subject of the kind, holds are linked to all of them already.
        let are_linked = self.limits.has_rules_for_each(kind);
        let index = self.limits.add_rule(rule);
        if !are_linked {
            self.link_holds(kind);
        }
        self.limits.backfill(&self.context, backfill, Some(index));
        if self.limits.may_have_holds(index) {
            self.count_holds(Some(index));
        }
    }

    /// Links live holds to subjects of a kind that no rule applied to when they were taken.
    fn link_holds(&mut self, kind: SubjectKind) {
        if !self.limits.has_rules(kind) {
            return;
        }
        for hold in self.holds.iter_mut() {
            if hold.slots.get(kind).is_none() {
                let group_id = self.keys.group_id(hold.group);
                let mut subject_ids = SubjectIds::packed(hold.attribution.as_ref(), group_id);
                let provider_id = self.models.get(hold.model).provider_id();
                subject_ids[SubjectKind::Provider] = provider_id;
                self.limits.link_hold(kind, &subject_ids, &mut hold.slots);
            }
        }
    }

    /// Counts the live holds for one new rule, or again for all quotas.
    pub(super) fn count_holds(&mut self, only: Option<RuleIndex>) {
        for hold in self.holds.iter() {
            let held = (&hold.used(), hold.check_time);
            self.limits.count_hold(&self.context, &hold.slots, hold.model, held, only);
        }
    }
}
