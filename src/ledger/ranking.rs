//! Where quotas stand, most utilised first, without going through all subjects for each page: an
//! order that is made when it is first asked for, and from then on follows those that changed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::state::Ledger;
use super::subjects::Subject;
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::Quota;

/// Where a quota stands for one subject in the running window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUsage {
    pub quota: Arc<Quota>,
    pub subject_id: Arc<str>,
    /// With its boosts; absent if the subject is excepted.
    pub limit: Option<i64>,
    pub spent: i64,
    pub held: i64,
    /// Spent in parts per million of the limit; 0 where there is none, or it is zero.
    pub utilization: u64,
    pub window_start: Time,
    /// Absent for a window that is reset by hand.
    pub window_end: Option<Time>,
}

/// Which quotas to show. Absent parts do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    pub quota_id: Option<String>,
    /// Quotas that bound this kind, or this subject.
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
pub struct Ranking {
    /// Absent until it is asked for.
    order: Option<Order>,
    /// Slots of subjects whose place may have changed.
    due: Vec<u32>,
}

#[derive(Default)]
struct Order {
    /// Start of the day, and the time of the next boost's beginning or end, that it was made for.
    made_for: (Time, Option<Time>),
    all: BTreeSet<Key>,
    /// The same of each quota alone.
    by_quota: HashMap<Arc<str>, BTreeSet<Key>>,
    /// Where each subject stands.
    places: HashMap<u32, SmallVec<[Key; 1]>>,
}

impl Ranking {
    /// A subject used or holds something else than before.
    pub fn note(&mut self, slot: u32, subject: &mut Subject) {
        if self.order.is_some() && !subject.ranking_is_due {
            subject.ranking_is_due = true;
            self.due.push(slot);
        }
    }

    /// A subject is gone.
    pub fn forget(&mut self, slot: u32) {
        self.due.retain(|due| *due != slot);
        if let Some(order) = &mut self.order {
            order.take_out(slot);
        }
    }

    /// Limits have changed: the order is made anew when it is asked for.
    pub fn reset(&mut self) {
        self.order = None;
    }
}

impl Order {
    fn take_out(&mut self, slot: u32) {
        for key in self.places.remove(&slot).unwrap_or_default() {
            self.all.remove(&key);
            if let Some(of_quota) = self.by_quota.get_mut(&key.1) {
                of_quota.remove(&key);
            }
        }
    }

    fn put_in(&mut self, slot: u32, keys: SmallVec<[Key; 1]>) {
        for key in &keys {
            self.all.insert(key.clone());
            self.by_quota.entry(key.1.clone()).or_default().insert(key.clone());
        }
        if !keys.is_empty() {
            self.places.insert(slot, keys);
        }
    }
}

impl Ledger {
    /// Where quotas stand, most utilised first, after a position.
    pub fn quota_usage(
        &mut self,
        now: Time,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        limit: usize,
    ) -> Vec<QuotaUsage> {
        self.advance(now);
        if let Some((kind, Some(subject_id))) = &filter.subject {
            return self.usage_of_subject(*kind, subject_id, filter, after, limit);
        }
        self.rank();
        let Some(order) = &self.ranking.order else { return Vec::new() };
        let keys = match &filter.quota_id {
            Some(id) => order.by_quota.get(id.as_str()),
            None => Some(&order.all),
        };
        let Some(keys) = keys else { return Vec::new() };
        let keys: Box<dyn Iterator<Item = &Key>> = match after {
            Some(after) => {
                let after = key_of(after);
                Box::new(keys.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded)))
            }
            None => Box::new(keys.iter()),
        };
        let kind = filter.subject.as_ref().map(|(kind, _)| *kind);
        let mut usages = Vec::new();
        for (_, quota_id, subject_id) in keys {
            if usages.len() == limit {
                break;
            }
            let Some((number, quota)) = self.rules.quota(quota_id) else { continue };
            if kind.is_none_or(|kind| kind == quota.scope.kind) {
                let slot = self.subjects.find(quota.scope.kind, subject_id);
                let subject = slot.map(|slot| self.subjects.get(slot));
                let subject_id = super::raise::shared(subject_id);
                usages.push(self.usage(number, quota.clone(), subject, subject_id));
            }
        }
        usages
    }

    /// Of one subject there are few: they are sorted each time.
    fn usage_of_subject(
        &self,
        kind: SubjectKind,
        subject_id: &str,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        limit: usize,
    ) -> Vec<QuotaUsage> {
        let slot = self.subjects.find(kind, subject_id);
        let subject = slot.map(|slot| self.subjects.get(slot));
        let set = subject.map_or(self.rules.each_set(kind), |subject| &subject.set).clone();
        let subject_id: Arc<str> = super::raise::shared(subject_id);
        let mut usages = Vec::new();
        for entry in set.iter().filter(|entry| !entry.overruled) {
            let Some(quota) = self.rules.get(entry.rule).quota() else { continue };
            if filter.quota_id.as_deref().is_none_or(|id| *id == *quota.id) {
                usages.push(self.usage(entry.rule, quota.clone(), subject, subject_id.clone()));
            }
        }
        usages.sort_by_key(key);
        let after = after.map(key_of);
        usages.retain(|usage| after.as_ref().is_none_or(|after| key(usage) > *after));
        usages.truncate(limit);
        usages
    }

    fn usage(
        &self,
        number: u32,
        quota: Arc<Quota>,
        subject: Option<&Subject>,
        subject_id: Arc<str>,
    ) -> QuotaUsage {
        let rule = self.rules.get(number);
        let (start, end) = rule.running(&self.windows).expect("quotas do not slide");
        let counted = subject.map(|subject| subject.counted(number, start));
        let (spent, held) = counted.map_or((0, 0), |counter| (counter.spent, counter.held));
        let limit = rule.limit_for(&subject_id, self.now);
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

    /// Brings the order up to date, or makes it.
    fn rank(&mut self) {
        let made_for = (self.windows.day.start, self.next_boost_change());
        if self.ranking.order.as_ref().is_some_and(|order| order.made_for != made_for) {
            self.ranking.reset();
        }
        let due = std::mem::take(&mut self.ranking.due);
        let Some(mut order) = self.ranking.order.take() else {
            self.ranking.order = Some(self.ranked(made_for));
            for (_, subject) in self.subjects.iter_mut() {
                subject.ranking_is_due = false;
            }
            return;
        };
        for slot in due {
            order.take_out(slot);
            if self.subjects.contains(slot) {
                self.subjects.get_mut(slot).ranking_is_due = false;
                order.put_in(slot, self.keys_of(self.subjects.get(slot)));
            }
        }
        self.ranking.order = Some(order);
    }

    /// The order of all subjects: sorted at once, which is several times faster than one by one.
    fn ranked(&self, made_for: (Time, Option<Time>)) -> Order {
        let mut places = HashMap::with_capacity(self.subjects.len());
        let mut all = Vec::with_capacity(self.subjects.len());
        let mut by_quota: HashMap<Arc<str>, Vec<Key>> = HashMap::new();
        for (slot, subject) in self.subjects.iter() {
            let keys = self.keys_of(subject);
            all.extend(keys.iter().cloned());
            for key in &keys {
                by_quota.entry(key.1.clone()).or_default().push(key.clone());
            }
            if !keys.is_empty() {
                places.insert(slot, keys);
            }
        }
        let by_quota = by_quota.into_iter().map(|(id, keys)| (id, keys.into_iter().collect()));
        Order { made_for, all: all.into_iter().collect(), by_quota: by_quota.collect(), places }
    }

    /// Where one subject stands in the quotas that bound it. Of those for each subject only where it
    /// used or holds something.
    fn keys_of(&self, subject: &Subject) -> SmallVec<[Key; 1]> {
        let mut keys = SmallVec::new();
        for entry in subject.set.iter().filter(|entry| !entry.overruled) {
            let rule = self.rules.get(entry.rule);
            let Some(quota) = rule.quota() else { continue };
            let Some((start, _)) = rule.running(&self.windows) else { continue };
            let counter = subject.counted(entry.rule, start);
            if quota.scope.subject_id.is_some() || counter.spent != 0 || counter.held != 0 {
                let limit = rule.limit_for(&subject.id, self.now);
                let utilization = utilization(counter.spent, limit);
                keys.push((Reverse(utilization), quota.id.clone(), subject.id.clone()));
            }
        }
        keys
    }

    /// When a boost begins or ends next.
    fn next_boost_change(&self) -> Option<Time> {
        let boosts = self.rules.iter().flat_map(|(_, rule)| &rule.boosts);
        let times = boosts.flat_map(|boost| [boost.start_time, boost.end_time]);
        times.filter(|time| *time > self.now).min()
    }
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
