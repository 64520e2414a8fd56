//! All rules of a workspace, and which of them apply to which subject.

use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;

use super::rule::{Rule, RuleIndex};
use crate::domain::attribution::{SubjectKind, SubjectMap, tag_of_subject};
use crate::domain::quota::{EACH_RULES_MAX, Quota, RESOURCES_MAX, SUBJECT_RULES_MAX, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::ledger::error::Error;

/// A rule that applies to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedRule {
    pub index: RuleIndex,
    /// A rule that names the subject overrides it: it counts, and does not limit.
    pub overridden: bool,
}

/// The rules that apply to a subject, in the order in which they are checked: quotas, then rate
/// limits.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Box<[AppliedRule]>,
    quota_count: usize,
}

impl RuleSet {
    pub fn iter(&self) -> impl Iterator<Item = &AppliedRule> {
        self.rules.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn quotas(&self) -> &[AppliedRule] {
        &self.rules[..self.quota_count]
    }

    pub fn rate_limits(&self) -> &[AppliedRule] {
        &self.rules[self.quota_count..]
    }
}

/// A set of kinds of subjects, as a bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(u16);

const _: () = assert!(SubjectKind::COUNT <= 16, "each kind has its bit");

impl KindSet {
    pub fn contains(self, kind: SubjectKind) -> bool {
        self.0 & bit(kind) != 0
    }

    pub fn set(&mut self, kind: SubjectKind, is_in: bool) {
        match is_in {
            true => self.0 |= bit(kind),
            false => self.0 &= !bit(kind),
        }
    }

    /// The kinds that are in both sets.
    pub fn intersect(self, other: KindSet) -> KindSet {
        KindSet(self.0 & other.0)
    }

    /// The kinds that are not in another set.
    pub fn without(self, other: KindSet) -> KindSet {
        KindSet(self.0 & !other.0)
    }

    /// In the order in which limits are checked.
    pub fn iter(self) -> impl Iterator<Item = SubjectKind> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let kind = SubjectKind::ALL.get(rest.trailing_zeros() as usize).copied();
            rest &= rest.wrapping_sub(1);
            kind
        })
    }
}

fn bit(kind: SubjectKind) -> u16 {
    1 << kind as u16
}

/// All rules of a workspace.
pub struct Rules {
    rules: Slab<Rule>,
    quotas: HashMap<Arc<str>, RuleIndex>,
    rate_limits: HashMap<Arc<str>, Vec<RuleIndex>>,
    /// Kinds of subjects that any rule applies to.
    kinds: KindSet,
    /// Kinds of subjects that a rate limit applies to, and how many rules of rate limits do.
    rate_limited_kinds: KindSet,
    rate_limit_counts: SubjectMap<u32>,
    /// Rules for each subject of a kind.
    each: SubjectMap<Vec<RuleIndex>>,
    /// The set of the subjects of a kind that no rule names.
    each_sets: SubjectMap<Arc<RuleSet>>,
    /// Rules that name a subject.
    named: SubjectMap<HashMap<Arc<str>, Vec<RuleIndex>>>,
    /// Keys of the tags that rules name, and how many rules do: a request may have many tags that
    /// none does.
    tag_keys: HashMap<String, u32>,
}

impl Default for Rules {
    fn default() -> Rules {
        let no_rules = Arc::<RuleSet>::default();
        Rules {
            rules: Slab::new(),
            quotas: HashMap::new(),
            rate_limits: HashMap::new(),
            kinds: KindSet::default(),
            rate_limited_kinds: KindSet::default(),
            rate_limit_counts: SubjectMap::default(),
            each: SubjectMap::default(),
            // A workspace has rules for few kinds: the others share a set.
            each_sets: SubjectMap::from_fn(|_| no_rules.clone()),
            named: SubjectMap::default(),
            tag_keys: HashMap::new(),
        }
    }
}

impl Rules {
    pub fn get(&self, rule: RuleIndex) -> &Rule {
        &self.rules[rule.get()]
    }

    pub fn get_mut(&mut self, rule: RuleIndex) -> &mut Rule {
        &mut self.rules[rule.get()]
    }

    pub fn quota(&self, id: &str) -> Option<(RuleIndex, &Arc<Quota>)> {
        let rule = *self.quotas.get(id)?;
        self.get(rule).quota().map(|quota| (rule, quota))
    }

    /// A rate limit with its rules.
    pub fn rate_limit(&self, id: &str) -> Option<(&[RuleIndex], &Arc<RateLimit>)> {
        let rules = self.rate_limits.get(id)?;
        self.get(*rules.first()?).rate_limit().map(|limit| (&rules[..], limit))
    }

    pub fn iter(&self) -> impl Iterator<Item = (RuleIndex, &Rule)> {
        self.rules.iter().map(|(position, rule)| (RuleIndex::new(position), rule))
    }

    /// The rules that name a subject.
    pub fn named(&self, kind: SubjectKind, subject_id: &str) -> &[RuleIndex] {
        self.named[kind].get(subject_id).map_or(&[], Vec::as_slice)
    }

    /// Whether a rule names a tag with this key.
    pub fn has_tag_key(&self, key: &str) -> bool {
        self.tag_keys.contains_key(key)
    }

    /// Quotas for subjects of a kind.
    pub fn quotas_of(&self, kind: SubjectKind) -> impl Iterator<Item = &Arc<Quota>> {
        self.iter()
            .filter(move |(_, rule)| rule.kind() == kind)
            .filter_map(|(_, rule)| rule.quota())
    }

    /// The rules for each subject of a kind.
    pub fn each(&self, kind: SubjectKind) -> &[RuleIndex] {
        &self.each[kind]
    }

    /// The set of the subjects of a kind that no rule names.
    pub fn each_set(&self, kind: SubjectKind) -> &Arc<RuleSet> {
        &self.each_sets[kind]
    }

    pub fn is_empty(&self) -> bool {
        self.kinds == KindSet::default()
    }

    /// Kinds of subjects that any rule applies to.
    pub fn kinds(&self) -> KindSet {
        self.kinds
    }

    /// Kinds of subjects that any rate limit applies to.
    pub fn rate_limited_kinds(&self) -> KindSet {
        self.rate_limited_kinds
    }

    /// The set of one subject.
    pub fn set_of(&self, kind: SubjectKind, subject_id: &str) -> Arc<RuleSet> {
        let named = self.named(kind, subject_id);
        if named.is_empty() {
            return self.each_set(kind).clone();
        }
        let is_overridden = |rule: RuleIndex| {
            let key = self.get(rule).override_key();
            named.iter().any(|other| self.get(*other).override_key() == key)
        };
        let each = self.each(kind).iter();
        let each = each.map(|rule| AppliedRule { index: *rule, overridden: is_overridden(*rule) });
        let named = named.iter().map(|rule| AppliedRule { index: *rule, overridden: false });
        self.in_check_order(each.chain(named).collect())
    }

    /// Adds a rule. Sets of subjects that it applies to are to be made again.
    pub fn add(&mut self, rule: Rule) -> RuleIndex {
        let scope = rule.scope().clone();
        let id = rule.id().clone();
        let is_rate_limit = rule.is_rate_limit();
        let index = RuleIndex::new(self.rules.insert(rule));
        self.rate_limit_counts[scope.kind] += u32::from(is_rate_limit);
        match is_rate_limit {
            false => drop(self.quotas.insert(id, index)),
            true => self.rate_limits.entry(id).or_default().push(index),
        }
        match scope.subject_id {
            None => {
                self.each[scope.kind].push(index);
                self.renew_each_set(scope.kind);
            }
            Some(subject_id) => {
                if let Some(key) = tag_key(scope.kind, &subject_id) {
                    *self.tag_keys.entry_ref(key).or_default() += 1;
                }
                self.named[scope.kind].entry(subject_id).or_default().push(index);
            }
        }
        self.renew_kinds(scope.kind);
        index
    }

    /// Removes a rule. Sets of subjects that it applied to are to be made again, and its counters
    /// to be dropped.
    pub fn remove(&mut self, index: RuleIndex) -> Rule {
        let rule = self.rules.remove(index.get());
        let scope = rule.scope().clone();
        self.rate_limit_counts[scope.kind] -= u32::from(rule.is_rate_limit());
        if !rule.is_rate_limit() {
            self.quotas.remove(rule.id());
        } else if let Some(rules) = self.rate_limits.get_mut(rule.id()) {
            rules.retain(|other| *other != index);
            if rules.is_empty() {
                self.rate_limits.remove(rule.id());
            }
        }
        match scope.subject_id {
            None => {
                self.each[scope.kind].retain(|other| *other != index);
                self.renew_each_set(scope.kind);
            }
            Some(subject_id) => {
                if let Some(key) = tag_key(scope.kind, &subject_id)
                    && let Some(count) = self.tag_keys.get_mut(key)
                {
                    *count -= 1;
                    if *count == 0 {
                        self.tag_keys.remove(key);
                    }
                }
                let named = &mut self.named[scope.kind];
                if let Some(rules) = named.get_mut(&subject_id) {
                    rules.retain(|other| *other != index);
                    if rules.is_empty() {
                        named.remove(&subject_id);
                    }
                }
            }
        }
        self.renew_kinds(scope.kind);
        rule
    }

    /// Rules of the same scope, for each subject or naming the same one.
    pub fn of_scope<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Rule> {
        let rules = match &scope.subject_id {
            None => self.each(scope.kind),
            Some(subject_id) => self.named(scope.kind, subject_id),
        };
        let rules = rules.iter().map(|rule| self.get(*rule));
        rules.filter(move |rule| rule.scope() == scope)
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for(&self, scope: &Scope) -> Result<(), Error> {
        match &scope.subject_id {
            None => {
                let count = self.each(scope.kind).len();
                Error::check_bound(count, "rules for each member of a kind", EACH_RULES_MAX)?;
            }
            Some(subject_id) => {
                let count = self.named(scope.kind, subject_id).len();
                Error::check_bound(count, "rules that name one member", SUBJECT_RULES_MAX)?;
            }
        }
        let bound = "quotas and rate limits of a workspace";
        Error::check_bound(self.rules.len(), bound, RESOURCES_MAX)
    }

    fn renew_kinds(&mut self, kind: SubjectKind) {
        self.kinds.set(kind, !self.each[kind].is_empty() || !self.named[kind].is_empty());
        self.rate_limited_kinds.set(kind, self.rate_limit_counts[kind] > 0);
    }

    fn renew_each_set(&mut self, kind: SubjectKind) {
        let each = self.each(kind).iter();
        let each = each.map(|rule| AppliedRule { index: *rule, overridden: false }).collect();
        self.each_sets[kind] = self.in_check_order(each);
    }

    fn in_check_order(&self, mut rules: Vec<AppliedRule>) -> Arc<RuleSet> {
        rules.sort_by(|a, b| self.get(a.index).check_order().cmp(&self.get(b.index).check_order()));
        let quota_count = rules.partition_point(|rule| !self.get(rule.index).is_rate_limit());
        Arc::new(RuleSet { rules: rules.into(), quota_count })
    }
}

/// The key of a tag that is named.
fn tag_key(kind: SubjectKind, subject_id: &str) -> Option<&str> {
    match kind {
        SubjectKind::Tag => tag_of_subject(subject_id).map(|(key, _)| key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_kinds_keeps_their_order() {
        let mut kinds = KindSet::default();
        assert_eq!(kinds.iter().next(), None);
        for kind in SubjectKind::ALL.into_iter().rev() {
            kinds.set(kind, true);
            kinds.set(kind, true);
            assert!(kinds.contains(kind));
        }
        assert!(kinds.iter().eq(SubjectKind::ALL));
        for kind in SubjectKind::ALL.into_iter().step_by(2) {
            kinds.set(kind, false);
            assert!(!kinds.contains(kind));
        }
        let odd = SubjectKind::ALL.into_iter().skip(1).step_by(2);
        assert!(kinds.iter().eq(odd.clone()));

        let mut first = KindSet::default();
        first.set(SubjectKind::ALL[0], true);
        first.set(SubjectKind::ALL[1], true);
        assert!(first.without(kinds).iter().eq([SubjectKind::ALL[0]]));
        assert!(first.intersect(kinds).iter().eq([SubjectKind::ALL[1]]));
        assert!(kinds.without(first).iter().eq(odd.skip(1)));
    }
}
