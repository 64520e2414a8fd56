//! Changes of rules, and of subjects with them. Counters of rules that stay are kept (I9).

use std::sync::Arc;

use super::Limits;
use super::rule::{Rule, RuleIndex, RuleWindow};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::boost::{Boost, BoostTarget};
use crate::domain::quota::{Period, Quota, Scope};
use crate::domain::rate_limit::RateLimit;

impl Limits {
    /// Adds all rules when a ledger is loaded.
    pub fn load(&mut self, rules: Vec<Rule>) {
        for rule in rules {
            let index = self.rules.add(rule);
            self.keep_named(index);
        }
        for kind in SubjectKind::ALL {
            self.renew_sets(kind, None);
        }
    }

    /// Adds a rule. What it is to count already is not counted yet.
    pub fn add_rule(&mut self, rule: Rule) -> RuleIndex {
        let index = self.rules.add(rule);
        self.keep_named(index);
        let scope = self.rules.get(index).scope().clone();
        self.renew_sets(scope.kind, scope.subject_id.as_deref());
        self.utilization.reset();
        index
    }

    /// Removes a rule with its counters.
    pub fn remove_rule(&mut self, index: RuleIndex) {
        let rule = self.rules.remove(index);
        self.raised_before.retain(|(_, other, ..), _| *other != index);
        let scope = rule.scope();
        match &scope.subject_id {
            Some(subject_id) => {
                if let Some(slot) = self.subjects.find(scope.kind, subject_id) {
                    let is_named = !self.rules.named(scope.kind, subject_id).is_empty();
                    let subject = self.subjects.get_mut(slot);
                    subject.is_named = is_named;
                    subject.counters.forget(index);
                }
            }
            None => {
                for (_, subject) in self.subjects.iter_mut() {
                    if subject.kind == scope.kind {
                        subject.counters.forget(index);
                    }
                }
            }
        }
        self.renew_sets(scope.kind, scope.subject_id.as_deref());
        self.utilization.reset();
    }

    /// Replaces a rule by one that counts the same.
    pub fn replace_rule(&mut self, index: RuleIndex, rule: Rule) {
        let after = rule.base_limit();
        let before = std::mem::replace(self.rules.get_mut(index), rule).base_limit();
        if before != after {
            self.change_limit(index, before, after);
        }
        self.utilization.reset();
    }

    /// Whether there is a quota of the same id that counts the same, so that its counters can be
    /// kept.
    pub fn is_counted(&self, quota: &Quota) -> bool {
        self.rules.quota(&quota.id).is_some_and(|(_, before)| counts_same(before, quota))
    }

    /// Whether there is a rate limit of the same id that counts every window and unit of this one.
    pub fn is_rate_counted(&self, limit: &RateLimit) -> bool {
        let Some((rules, _)) = self.rules.rate_limit(&limit.id) else { return false };
        limit.limits().all(|(span, unit, _)| {
            rules.iter().any(|rule| {
                let rule = self.rules.get(*rule);
                rule.window() == RuleWindow::Sliding(span) && rule.unit() == unit
            })
        })
    }

    /// Inserts a boost of a quota or replaces the one of the same id. Returns the scope of the
    /// quota; none if there is no such quota.
    pub fn put_boost(&mut self, now: Time, quota_id: &str, boost: Boost) -> Option<Scope> {
        let (index, quota) = self.rules.quota(quota_id)?;
        let scope = quota.scope.clone();
        let boosts = self.rules.get_mut(index).boosts_mut();
        boosts.retain(|other| other.id != boost.id && !other.is_over(now));
        boosts.push(Arc::new(boost));
        self.utilization.reset();
        Some(scope)
    }

    /// Whether live holds may count for a rule.
    pub fn may_have_holds(&self, index: RuleIndex) -> bool {
        let scope = self.rules.get(index).scope();
        let subject_id = scope.subject_id.as_ref();
        let slot = subject_id.and_then(|subject_id| self.subjects.find(scope.kind, subject_id));
        slot.is_none_or(|slot| self.subjects.get(slot).holds > 0)
    }

    /// The order by utilization depends on the bounds of windows: they have changed.
    pub fn reset_utilization(&mut self) {
        self.utilization.reset();
    }

    /// A subject that a rule names is present, also while it is idle.
    fn keep_named(&mut self, index: RuleIndex) {
        let scope = self.rules.get(index).scope();
        let Some(subject_id) = &scope.subject_id else { return };
        let slot = self.subjects.find(scope.kind, subject_id).unwrap_or_else(|| {
            let rules = self.rules.set_of(scope.kind, subject_id);
            self.subjects.add(scope.kind, subject_id, rules)
        });
        self.subjects.get_mut(slot).is_named = true;
    }

    /// Makes the sets of rules again: of one subject, or of all subjects of a kind.
    fn renew_sets(&mut self, kind: SubjectKind, subject_id: Option<&str>) {
        if let Some(subject_id) = subject_id {
            if let Some(slot) = self.subjects.find(kind, subject_id) {
                self.subjects.get_mut(slot).rules = self.rules.set_of(kind, subject_id);
            }
            return;
        }
        for (_, subject) in self.subjects.iter_mut() {
            if subject.kind == kind {
                subject.rules = self.rules.set_of(kind, &subject.id);
            }
        }
    }
}

/// Users that are erased.
impl Limits {
    /// How many quotas and rate limits name a user.
    pub fn count_naming_user(&self, user_id: &str) -> (usize, usize) {
        let mut quotas = 0;
        let mut rate_limits: Vec<&Arc<str>> = Vec::new();
        for index in self.rules.named(SubjectKind::User, user_id) {
            let rule = self.rules.get(*index);
            match rule.is_rate_limit() {
                true if rate_limits.contains(&rule.id()) => {}
                true => rate_limits.push(rule.id()),
                false => quotas += 1,
            }
        }
        (quotas, rate_limits.len())
    }

    /// How many boosts of quotas for each user are for this one alone.
    pub fn count_boosts_of_user(&self, user_id: &str) -> usize {
        let each = self.rules.each(SubjectKind::User).iter();
        let boosts = each.flat_map(|index| self.rules.get(*index).boosts());
        boosts.filter(|boost| is_only_for(boost, user_id)).count()
    }

    pub fn has_user(&self, user_id: &str) -> bool {
        self.subjects.find(SubjectKind::User, user_id).is_some()
    }

    /// Removes rules and boosts that name a user, and gives its subject another id, which no other
    /// has. What it used and holds still counts.
    pub fn erase_user(&mut self, user_id: &str, pseudonym: &str) {
        for index in self.rules.named(SubjectKind::User, user_id).to_vec() {
            self.remove_rule(index);
        }
        for index in self.rules.each(SubjectKind::User).to_vec() {
            let boosts = self.rules.get_mut(index).boosts_mut();
            boosts.retain(|boost| !is_only_for(boost, user_id));
        }
        if let Some(slot) = self.subjects.find(SubjectKind::User, user_id) {
            self.subjects.rename(slot, pseudonym);
        }
        self.utilization.reset();
    }
}

fn is_only_for(boost: &Boost, user_id: &str) -> bool {
    match &boost.target {
        BoostTarget::Quota { subject_id: Some(subject_id), .. } => **subject_id == *user_id,
        BoostTarget::Quota { subject_id: None, .. } | BoostTarget::Envelope => false,
    }
}

/// Whether two quotas count the same: then their counters have the same values.
fn counts_same(a: &Quota, b: &Quota) -> bool {
    let counted = |quota: &Quota| {
        let since = (quota.period == Period::UntilReset).then_some(quota.window_start);
        (quota.scope.clone(), quota.unit, quota.period, since)
    };
    counted(a) == counted(b)
}
