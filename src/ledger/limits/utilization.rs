//! An index of quota usage by utilization, so that a page does not go through all subjects. It is
//! built when it is first read, and updated from then on for the subjects that changed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::rule::RuleIndex;
use super::rules::Rules;
use super::subject::Subject;
use super::subjects::{Slot, Subjects};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Quota;
use crate::ledger::context::Context;

/// Usage of a quota by one subject in the running window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUsage {
    pub quota: Arc<Quota>,
    pub subject_id: Arc<str>,
    /// With its boosts; absent if the subject is exempt.
    pub limit: Option<i64>,
    pub spent: i64,
    pub held: i64,
    /// Spent in parts per million of the limit; 0 where there is none, or it is zero.
    pub utilization: u64,
    pub window_start: Time,
    /// Absent for a window that is reset by hand.
    pub window_end: Option<Time>,
}

/// Which quotas to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    pub quota_id: Option<String>,
    /// Quotas of this kind of subject, or of this subject.
    pub subject: Option<(SubjectKind, Option<String>)>,
}

/// Position in the order by (utilization, largest first; quota; subject).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsagePosition {
    pub utilization: u64,
    pub quota_id: String,
    pub subject_id: String,
}

type Key = (Reverse<u64>, Arc<str>, SmolStr);

#[derive(Default)]
pub struct Utilization {
    /// Absent until it is read.
    index: Option<Index>,
    /// Subjects whose entries may have changed; all of them are present.
    changed: Vec<Slot>,
}

#[derive(Default)]
struct Index {
    valid_for: Validity,
    all: BTreeSet<Key>,
    /// The same entries by quota.
    by_quota: HashMap<Arc<str>, BTreeSet<Key>>,
    /// The same entries by subject.
    by_subject: HashMap<Slot, SmallVec<[Key; 1]>>,
}

/// What an index depends on besides counters and rules: start of the running hour, and when the
/// next boost begins or ends.
type Validity = (Time, Option<Time>);

impl Utilization {
    /// A subject used or holds something else than before.
    pub fn note(&mut self, slot: Slot, subject: &mut Subject) {
        if self.index.is_some() && !subject.is_unsorted {
            subject.is_unsorted = true;
            self.changed.push(slot);
        }
    }

    /// A subject is removed.
    pub fn forget(&mut self, slot: Slot) {
        self.changed.retain(|changed| *changed != slot);
        if let Some(index) = &mut self.index {
            index.remove(slot);
        }
    }

    /// Limits have changed: the index is to be built again.
    pub fn reset(&mut self) {
        self.index = None;
    }

    /// Usage of quotas, most utilised first, after a position.
    pub fn page(
        &mut self,
        context: &Context,
        rules: &Rules,
        subjects: &mut Subjects,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        count: usize,
    ) -> Vec<QuotaUsage> {
        if let Some((kind, Some(subject_id))) = &filter.subject {
            let of_subject = (*kind, subject_id.as_str());
            return page_of_subject(context, rules, subjects, of_subject, filter, after, count);
        }
        let index = self.update(context, rules, subjects);
        let keys = match &filter.quota_id {
            Some(id) => index.by_quota.get(id.as_str()),
            None => Some(&index.all),
        };
        let Some(keys) = keys else { return Vec::new() };
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(key_of(after)));
        let kind = filter.subject.as_ref().map(|(kind, _)| *kind);
        let mut usages = Vec::new();
        for (_, quota_id, subject_id) in keys.range((after, Bound::Unbounded)) {
            if usages.len() == count {
                break;
            }
            let Some((rule, quota)) = rules.quota(quota_id) else { continue };
            if kind.is_none_or(|kind| kind == quota.scope.kind) {
                let slot = subjects.find(quota.scope.kind, subject_id);
                let subject = slot.map(|slot| subjects.get(slot));
                let subject_id = Arc::from(subject_id.as_str());
                usages.push(usage(context, rules, (rule, quota.clone()), subject, subject_id));
            }
        }
        usages
    }

    /// How many entries match, counted to `most`; as of the last page.
    pub fn count(
        &self,
        rules: &Rules,
        subjects: &Subjects,
        filter: &UsageFilter,
        most: usize,
    ) -> usize {
        if let Some((kind, Some(subject_id))) = &filter.subject {
            let subject = subjects.find(*kind, subject_id).map(|slot| subjects.get(slot));
            let set = subject.map_or(rules.each_set(*kind), |subject| &subject.rules);
            let applied = set.quotas().iter().filter(|applied| !applied.overridden);
            let quotas = applied.filter_map(|applied| rules.get(applied.index).quota());
            let is_asked =
                |quota: &&Arc<Quota>| filter.quota_id.as_deref().is_none_or(|id| *id == *quota.id);
            return quotas.filter(is_asked).count().min(most);
        }
        let Some(index) = &self.index else { return 0 };
        let count_of = |quota: &Quota| index.by_quota.get(&quota.id).map_or(0, BTreeSet::len);
        let kind = filter.subject.as_ref().map(|(kind, _)| *kind);
        let count = match (&filter.quota_id, kind) {
            (Some(id), kind) => rules
                .quota(id)
                .filter(|(_, quota)| kind.is_none_or(|kind| kind == quota.scope.kind))
                .map_or(0, |(_, quota)| count_of(quota)),
            (None, None) => index.all.len(),
            (None, Some(kind)) => {
                let mut count = 0;
                for quota in rules.quotas_of(kind) {
                    count += count_of(quota);
                    if count >= most {
                        break;
                    }
                }
                count
            }
        };
        count.min(most)
    }

    /// Updates the index, or builds it.
    fn update(&mut self, context: &Context, rules: &Rules, subjects: &mut Subjects) -> &Index {
        let valid_for = (context.windows().hour.start, next_boost_change(context, rules));
        let changed = std::mem::take(&mut self.changed);
        match self.index.take_if(|index| index.valid_for == valid_for) {
            Some(mut index) => {
                for slot in changed {
                    index.remove(slot);
                    subjects.get_mut(slot).is_unsorted = false;
                    index.insert(slot, keys_of(context, rules, subjects.get(slot)));
                }
                self.index.insert(index)
            }
            None => {
                for (_, subject) in subjects.iter_mut() {
                    subject.is_unsorted = false;
                }
                self.index.insert(Index::build(context, rules, subjects, valid_for))
            }
        }
    }
}

impl Index {
    /// Sorts the entries of all subjects at once, which is several times faster than to insert
    /// them one by one.
    fn build(context: &Context, rules: &Rules, subjects: &Subjects, valid_for: Validity) -> Index {
        let mut by_subject = HashMap::with_capacity(subjects.len());
        let mut all = Vec::with_capacity(subjects.len());
        let mut by_quota: HashMap<Arc<str>, Vec<Key>> = HashMap::new();
        for (slot, subject) in subjects.iter() {
            let keys = keys_of(context, rules, subject);
            all.extend(keys.iter().cloned());
            for key in &keys {
                by_quota.entry(key.1.clone()).or_default().push(key.clone());
            }
            if !keys.is_empty() {
                by_subject.insert(slot, keys);
            }
        }
        let by_quota = by_quota.into_iter().map(|(id, keys)| (id, keys.into_iter().collect()));
        let (all, by_quota) = (all.into_iter().collect(), by_quota.collect());
        Index { valid_for, all, by_quota, by_subject }
    }

    fn remove(&mut self, slot: Slot) {
        for key in self.by_subject.remove(&slot).unwrap_or_default() {
            self.all.remove(&key);
            if let Some(of_quota) = self.by_quota.get_mut(&key.1) {
                of_quota.remove(&key);
            }
        }
    }

    fn insert(&mut self, slot: Slot, keys: SmallVec<[Key; 1]>) {
        for key in &keys {
            self.all.insert(key.clone());
            self.by_quota.entry(key.1.clone()).or_default().insert(key.clone());
        }
        if !keys.is_empty() {
            self.by_subject.insert(slot, keys);
        }
    }
}

/// Entries of one subject: quotas that name it, and those for each subject where it used or holds
/// something.
fn keys_of(context: &Context, rules: &Rules, subject: &Subject) -> SmallVec<[Key; 1]> {
    let mut keys = SmallVec::new();
    for (position, applied) in subject.rules.quotas().iter().enumerate() {
        if applied.overridden {
            continue;
        }
        let rule = rules.get(applied.index);
        let Some(quota) = rule.quota() else { continue };
        let Some((start, _)) = rule.running_window(context) else { continue };
        let counter = subject.counters.get(position, applied.index, start);
        if quota.scope.subject_id.is_some() || counter.spent != 0 || counter.held != 0 {
            let limit = rule.limit_for(&subject.id, context.now());
            let utilization = utilization(counter.spent, limit);
            keys.push((Reverse(utilization), quota.id.clone(), subject.id.clone()));
        }
    }
    keys
}

/// One subject has few quotas: they are sorted each time.
fn page_of_subject(
    context: &Context,
    rules: &Rules,
    subjects: &Subjects,
    (kind, subject_id): (SubjectKind, &str),
    filter: &UsageFilter,
    after: Option<&UsagePosition>,
    count: usize,
) -> Vec<QuotaUsage> {
    let slot = subjects.find(kind, subject_id);
    let subject = slot.map(|slot| subjects.get(slot));
    let set = subject.map_or(rules.each_set(kind), |subject| &subject.rules);
    let subject_id: Arc<str> = subject_id.into();
    let mut usages = Vec::new();
    for applied in set.quotas().iter().filter(|applied| !applied.overridden) {
        let Some(quota) = rules.get(applied.index).quota() else { continue };
        if filter.quota_id.as_deref().is_none_or(|id| *id == *quota.id) {
            let rule = (applied.index, quota.clone());
            usages.push(usage(context, rules, rule, subject, subject_id.clone()));
        }
    }
    usages.sort_by_key(key);
    let after = after.map(key_of);
    usages.retain(|usage| after.as_ref().is_none_or(|after| key(usage) > *after));
    usages.truncate(count);
    usages
}

fn usage(
    context: &Context,
    rules: &Rules,
    (index, quota): (RuleIndex, Arc<Quota>),
    subject: Option<&Subject>,
    subject_id: Arc<str>,
) -> QuotaUsage {
    let rule = rules.get(index);
    let (start, end) = rule.running_window(context).expect("windows of quotas are fixed");
    let counted = subject.map(|subject| subject.counters.get(0, index, start));
    let (spent, held) = counted.map_or((0, 0), |counter| (counter.spent, counter.held));
    let limit = rule.limit_for(&subject_id, context.now());
    QuotaUsage {
        quota,
        subject_id,
        limit,
        spent,
        held,
        utilization: utilization(spent, limit),
        window_start: start,
        window_end: end,
    }
}

/// When a boost of a quota begins or ends next.
fn next_boost_change(context: &Context, rules: &Rules) -> Option<Time> {
    let boosts = rules.iter().flat_map(|(_, rule)| rule.boosts());
    let times = boosts.flat_map(|boost| [boost.start_time, boost.end_time]);
    times.filter(|time| *time > context.now()).min()
}

fn key(usage: &QuotaUsage) -> Key {
    (Reverse(usage.utilization), usage.quota.id.clone(), usage.subject_id.as_ref().into())
}

fn key_of(position: &UsagePosition) -> Key {
    let (quota_id, subject_id) = (position.quota_id.as_str(), position.subject_id.as_str());
    (Reverse(position.utilization), quota_id.into(), subject_id.into())
}

fn utilization(spent: i64, limit: Option<i64>) -> u64 {
    match limit {
        Some(limit) if limit > 0 && spent > 0 => {
            let parts = i128::from(spent) * 1_000_000 / i128::from(limit);
            u64::try_from(parts).unwrap_or(u64::MAX)
        }
        _ => 0,
    }
}
