//! Changes of what bounds the subjects of a workspace, and what the usage log must be asked before
//! they apply: a rule that is made today counts what was used since its window began.
//!
//! Nothing here changes what was spent (I9).

use std::sync::Arc;

use super::counting::{ask_sent, ask_used, in_few};
use super::rules::{Rule, RuleWindow};
use super::state::{Ledger, calendar_of};
use crate::domain::Time;
use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::attribution::SubjectKind;
use crate::domain::backfill::{BackfillQueries, BackfillResults, LimitConfig};
use crate::domain::boost::{Boost, BoostTarget};
use crate::domain::calendar::Windows;
use crate::domain::quota::{Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::workspace::Workspace;
use crate::ledger::Error;

impl Ledger {
    /// What the usage log must be asked before [`Ledger::set_policy`].
    pub fn questions_of_policy(
        workspace: &Workspace,
        policy: &LimitConfig,
        now: Time,
    ) -> BackfillQueries {
        let calendar = calendar_of(workspace);
        let windows = Windows::at(&calendar, now);
        let mut questions = BackfillQueries::default();
        for quota in &policy.quotas {
            ask_used(&mut questions, quota, &calendar, &windows);
        }
        for limit in &policy.rate_limits {
            ask_sent(&mut questions, limit, now);
        }
        in_few(questions)
    }

    /// Takes everything that was set, when a ledger is loaded.
    pub fn set_policy(&mut self, now: Time, policy: LimitConfig, answers: BackfillResults) {
        self.advance(now);
        for group in policy.key_groups {
            self.keys.put_group(group);
        }
        for key in policy.api_keys {
            self.keys.put(key);
        }
        let mut rules = Vec::new();
        for quota in policy.quotas {
            rules.push(self.rule_of_quota(Arc::new(quota)));
        }
        for limit in policy.rate_limits {
            rules.extend(self.rules_of_rate_limit(Arc::new(limit)));
        }
        for rule in rules {
            let number = self.rules.add(rule);
            self.keep_named(number);
        }
        for boost in policy.boosts {
            self.keep_boost(boost);
        }
        for kind in SubjectKind::ALL {
            self.renew_sets(kind, None);
            self.link_holds(kind);
        }
        self.count_answers(&answers, None);
        self.count_holds(None);
        self.raise_all();
        self.policy_changed();
    }

    /// What the usage log must be asked before [`Ledger::put_quota`]; nothing if only the limit or
    /// what it does changes.
    pub fn questions_of_quota(&mut self, now: Time, quota: &Quota) -> BackfillQueries {
        self.advance(now);
        let mut questions = BackfillQueries::default();
        let known = self.rules.quota(&quota.id);
        if !known.is_some_and(|(_, before)| counts_alike(before, quota)) {
            ask_used(&mut questions, quota, &self.calendar, &self.windows);
        }
        questions
    }

    /// Inserts a quota or replaces the one of the same id.
    pub fn put_quota(&mut self, now: Time, quota: Quota, answers: BackfillResults) {
        self.advance(now);
        let rule = self.rule_of_quota(Arc::new(quota));
        let scope = rule.scope().clone();
        let known = self.rules.quota(rule.id()).map(|(number, before)| (number, before.clone()));
        match (known, rule.quota()) {
            (Some((number, before)), Some(quota)) if counts_alike(&before, quota) => {
                *self.rules.get_mut(number) = rule;
            }
            (known, _) => {
                if let Some((number, _)) = known {
                    self.drop_rule(number);
                }
                self.add_rule(rule, &answers);
            }
        }
        self.raise_scope(&scope);
        self.policy_changed();
    }

    /// Takes a quota out, with its boosts.
    pub fn remove_quota(&mut self, now: Time, id: &str) {
        self.advance(now);
        let Some((number, _)) = self.rules.quota(id) else { return };
        self.drop_rule(number);
        self.policy_changed();
    }

    /// What the usage log must be asked before [`Ledger::put_rate_limit`].
    pub fn questions_of_rate_limit(&mut self, now: Time, limit: &RateLimit) -> BackfillQueries {
        let now = self.advance(now);
        let mut questions = BackfillQueries::default();
        ask_sent(&mut questions, limit, now);
        // Windows and units that are bounded already have been counted.
        if let Some((rules, _)) = self.rules.rate_limit(&limit.id) {
            let is_counted = limit.limits().all(|(span, unit, _)| {
                rules.iter().any(|rule| {
                    let rule = self.rules.get(*rule);
                    rule.window == RuleWindow::Sliding(span) && rule.unit == unit
                })
            });
            if is_counted {
                questions.sent.clear();
            }
        }
        questions
    }

    /// Inserts a rate limit or replaces the one of the same id and scope. What was counted stays.
    pub fn put_rate_limit(&mut self, now: Time, limit: RateLimit, answers: BackfillResults) {
        self.advance(now);
        let limit = Arc::new(limit);
        let known =
            self.rules.rate_limit(&limit.id).map_or(Vec::new(), |(rules, _)| rules.to_vec());
        let mut fresh = self.rules_of_rate_limit(limit);
        for number in known {
            let rule = self.rules.get(number);
            let same = |other: &Rule| other.window == rule.window && other.unit == rule.unit;
            match fresh.iter().position(same) {
                Some(index) => *self.rules.get_mut(number) = fresh.swap_remove(index),
                None => self.drop_rule(number),
            }
        }
        for rule in fresh {
            self.add_rule(rule, &answers);
        }
        self.policy_changed();
    }

    pub fn remove_rate_limit(&mut self, now: Time, id: &str) {
        self.advance(now);
        let rules = self.rules.rate_limit(id).map_or(Vec::new(), |(rules, _)| rules.to_vec());
        for number in rules {
            self.drop_rule(number);
        }
        self.policy_changed();
    }

    /// Inserts a key or replaces the one of the same id. What it used stays with the group it was
    /// in.
    pub fn put_api_key(&mut self, now: Time, key: ApiKey) {
        self.advance(now);
        self.keys.put(key);
        self.revision += 1;
    }

    pub fn remove_api_key(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove(id);
        self.revision += 1;
    }

    pub fn put_key_group(&mut self, now: Time, group: KeyGroup) {
        self.advance(now);
        self.keys.put_group(group);
        self.revision += 1;
    }

    pub fn remove_key_group(&mut self, now: Time, id: &str) {
        self.advance(now);
        self.keys.remove_group(id);
        self.revision += 1;
    }

    /// Inserts a boost or replaces the one of the same id.
    pub fn put_boost(&mut self, now: Time, boost: Boost) {
        self.advance(now);
        match self.keep_boost(boost) {
            Some(scope) => self.raise_scope(&scope),
            None => self.raise_envelope(),
        }
        self.policy_changed();
    }

    /// Keeps a boost with what it raises. Answers the scope of the quota, if it raises one.
    fn keep_boost(&mut self, boost: Boost) -> Option<Scope> {
        let now = self.now;
        let (boosts, scope) = match &boost.target {
            BoostTarget::Envelope => (&mut self.boosts, None),
            BoostTarget::Quota { quota_id, .. } => {
                let (number, quota) = self.rules.quota(quota_id)?;
                let scope = quota.scope.clone();
                (&mut self.rules.get_mut(number).boosts, Some(scope))
            }
        };
        boosts.retain(|other| other.id != boost.id && !other.is_over(now));
        boosts.push(Arc::new(boost));
        scope
    }

    /// What the usage log must be asked before [`Ledger::set_workspace`]: nothing if the windows
    /// stay as they are.
    pub fn questions_of_recut(&self, workspace: &Workspace, now: Time) -> BackfillQueries {
        let calendar = calendar_of(workspace);
        let mut questions = BackfillQueries::default();
        if calendar != self.calendar {
            let windows = Windows::at(&calendar, now.max(self.now));
            for (_, rule) in self.rules.iter() {
                if let Some(quota) = rule.quota() {
                    ask_used(&mut questions, quota, &calendar, &windows);
                }
            }
        }
        in_few(questions)
    }

    /// Counts anew in windows that were cut anew.
    pub(super) fn recount(&mut self, answers: &BackfillResults) {
        for (_, subject) in self.subjects.iter_mut() {
            subject.counters.clear();
        }
        self.count_answers(answers, None);
        self.count_holds(None);
    }

    pub fn quota(&self, id: &str) -> Option<&Arc<Quota>> {
        self.rules.quota(id).map(|(_, quota)| quota)
    }

    pub fn rate_limit(&self, id: &str) -> Option<&Arc<RateLimit>> {
        self.rules.rate_limit(id).map(|(_, limit)| limit)
    }

    pub fn api_key(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.keys.key(id)
    }

    pub fn key_group(&self, id: &str) -> Option<&Arc<KeyGroup>> {
        self.keys.group(id)
    }

    /// How many keys are in a group.
    pub fn keys_in_group(&self, group_id: &str) -> i64 {
        self.keys.size_of(group_id)
    }

    /// Boosts of a limit that are not over, for whichever subjects, in no particular order.
    pub fn boosts_of(&self, target: &BoostTarget) -> impl Iterator<Item = &Arc<Boost>> {
        let boosts: &[Arc<Boost>] = match target {
            BoostTarget::Envelope => &self.boosts,
            BoostTarget::Quota { quota_id, .. } => {
                let quota = self.rules.quota(quota_id);
                quota.map_or(&[], |(number, _)| &self.rules.get(number).boosts)
            }
        };
        boosts.iter().filter(|boost| !boost.is_over(self.now))
    }

    /// The quota of the same scope, unit and period under another id.
    pub fn rival_quota(&self, quota: &Quota) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&quota.scope).filter_map(Rule::quota);
        let rival = others.find(|other| {
            other.id != quota.id && (other.unit, other.period) == (quota.unit, quota.period)
        });
        rival.map(|rival| rival.id.clone())
    }

    /// The rate limit of the same scope under another id.
    pub fn rival_rate_limit(&self, limit: &RateLimit) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&limit.scope).filter(|rule| rule.slides());
        others.find(|other| *other.id() != limit.id).map(|rival| rival.id().clone())
    }

    /// A quota or rate limit that names a subject, for people.
    pub fn names_subject(&self, kind: SubjectKind, id: &str) -> Option<String> {
        let rule = self.rules.get(*self.rules.named(kind, id).first()?);
        let what = if rule.slides() { "rate limit" } else { "quota" };
        Some(format!("{what} \"{}\"", rule.id()))
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for_rule(&self, scope: &Scope) -> Result<(), Error> {
        self.rules.room_for(scope)
    }

    fn rule_of_quota(&mut self, quota: Arc<Quota>) -> Rule {
        let model = self.model_of(&quota.scope);
        let known = self.rules.quota(&quota.id);
        let boosts = known.map_or(Vec::new(), |(number, _)| self.rules.get(number).boosts.clone());
        Rule::of_quota(quota, model, boosts)
    }

    fn rules_of_rate_limit(&mut self, limit: Arc<RateLimit>) -> Vec<Rule> {
        let model = self.model_of(&limit.scope);
        Rule::of_rate_limit(&limit, model)
    }

    fn model_of(&mut self, scope: &Scope) -> Option<u32> {
        let model_id = scope.model_id.clone()?;
        Some(super::check::model_number(self.model_index(&model_id)))
    }

    /// Adds a rule, with what the log and the live holds say of it.
    fn add_rule(&mut self, rule: Rule, answers: &BackfillResults) {
        let kind = rule.kind;
        let subject_id = rule.scope().subject_id.clone();
        // Where a rule is for each subject, holds count for all of them already.
        let are_linked = !self.rules.each_set(kind).is_empty();
        let number = self.rules.add(rule);
        self.keep_named(number);
        self.renew_sets(kind, subject_id.as_deref());
        if !are_linked {
            self.link_holds(kind);
        }
        self.count_answers(answers, Some(number));
        let slot = subject_id.and_then(|subject_id| self.subjects.find(kind, &subject_id));
        if slot.is_none_or(|slot| self.subjects.get(slot).holds > 0) {
            self.count_holds(Some(number));
        }
    }

    pub(super) fn drop_rule(&mut self, number: u32) {
        let rule = self.rules.remove(number);
        let subject_id = rule.scope().subject_id.clone();
        match &subject_id {
            Some(subject_id) => {
                if let Some(slot) = self.subjects.find(rule.kind, subject_id) {
                    let named = !self.rules.named(rule.kind, subject_id).is_empty();
                    let subject = self.subjects.get_mut(slot);
                    subject.named = named;
                    subject.forget(number);
                }
            }
            None => {
                for (_, subject) in self.subjects.iter_mut() {
                    if subject.kind == rule.kind {
                        subject.forget(number);
                    }
                }
            }
        }
        self.renew_sets(rule.kind, subject_id.as_deref());
    }

    /// A subject that a rule names is kept, also while it is idle.
    fn keep_named(&mut self, number: u32) {
        let rule = self.rules.get(number);
        let Some(subject_id) = rule.scope().subject_id.clone() else { return };
        let kind = rule.kind;
        match self.subjects.find(kind, &subject_id) {
            Some(slot) => self.subjects.get_mut(slot).named = true,
            None => {
                let set = self.rules.set_of(kind, &subject_id);
                self.subjects.add(kind, &subject_id, set, true);
            }
        }
    }

    /// Finds out anew which rules concern a subject, or all subjects of a kind.
    fn renew_sets(&mut self, kind: SubjectKind, subject_id: Option<&str>) {
        if let Some(subject_id) = subject_id {
            if let Some(slot) = self.subjects.find(kind, subject_id) {
                self.subjects.get_mut(slot).set = self.rules.set_of(kind, subject_id);
            }
            return;
        }
        for (_, subject) in self.subjects.iter_mut() {
            if subject.kind == kind {
                subject.set = self.rules.set_of(kind, &subject.id);
            }
        }
    }

    /// Raises what is due of one subject, or of everything where a rule is for each.
    fn raise_scope(&mut self, scope: &Scope) {
        match &scope.subject_id {
            None => self.raise_all(),
            Some(subject_id) => {
                if let Some(slot) = self.subjects.find(scope.kind, subject_id) {
                    self.raise_for(slot);
                }
            }
        }
    }

    /// After any change of rules the ranking is made anew.
    pub(super) fn policy_changed(&mut self) {
        self.ranking.reset();
        self.revision += 1;
    }
}

/// Whether what one quota has counted is what the other would have.
fn counts_alike(a: &Quota, b: &Quota) -> bool {
    let of = |quota: &Quota| {
        let since = quota.period == crate::domain::quota::Period::UntilReset;
        (quota.scope.clone(), quota.unit, quota.period, since.then_some(quota.window_start))
    };
    of(a) == of(b)
}
