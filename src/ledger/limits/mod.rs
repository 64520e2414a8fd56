//! Limits: quotas and rate limits of subjects, with what counts against each. They are found by
//! the subjects of a request, in the same time whether a workspace has ten rules or a million.
//!
//! Finds, counts and shows; what a decision makes of a limit is in `check/`.

mod limit;
mod rate_usage;
mod rule;
mod rules;
mod sliding_window;
mod counters;
mod subject;
mod subjects;
mod crash;
mod utilization;
mod update;
mod thresholds;
mod snapshot;
pub mod audit;
pub mod backfill;

use std::sync::Arc;

use super::alerts::Alerts;
use super::context::Context;
use super::error::Error;
use super::models::ModelIndex;
use crate::domain::Time;
use crate::domain::attribution::{SubjectIds, SubjectKind, tag_subject_id};
use crate::domain::boost::Boost;
use crate::domain::quota::{Consumption, Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::time::Micros;
use crash::CrashPenalty;
use rules::AppliedRule;
use rules::Rules;
use subject::Subject;
use subjects::{Subjects, TagSlots};
use thresholds::RaisedBefore;
use utilization::Utilization;

pub use crash::penalty_end;
pub use limit::{Limit, LimitSource};
pub use rate_usage::{Cursor, RateUsage};
pub use rule::{Rule, RuleIndex};
pub use rules::KindSet as DueKinds;
pub use subjects::{Slot, Slots};
pub use utilization::{QuotaUsage, UsageFilter, UsagePosition};

#[derive(Default)]
pub struct Limits {
    rules: Rules,
    subjects: Subjects,
    utilization: Utilization,
    crash_penalty: CrashPenalty,
    raised_before: RaisedBefore,
}

/// Finding the limits of a request.
impl Limits {
    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn rule(&self, index: RuleIndex) -> &Rule {
        self.rules.get(index)
    }

    /// The subjects of a request that rules apply to.
    pub fn find_slots(&self, subject_ids: &SubjectIds<'_>) -> Slots {
        let mut slots = Slots::none();
        for kind in self.rules.kinds().iter() {
            if kind == SubjectKind::Tag {
                slots.set_tags(self.find_tags(subject_ids));
            } else if let Some(slot) = self.find_slot(kind, subject_ids[kind]) {
                slots.set(kind, slot);
            }
        }
        slots
    }

    /// The slot of one subject that rules apply to; [`Slot::NEW`] if it has used nothing yet.
    fn find_slot(&self, kind: SubjectKind, id: &str) -> Option<Slot> {
        if id.is_empty() && kind != SubjectKind::Workspace {
            return None;
        }
        // Subjects that a rule names are always present.
        let new = || (!self.rules.each_set(kind).is_empty()).then_some(Slot::NEW);
        self.subjects.find(kind, id).or_else(new)
    }

    /// The tags of a request that rules name.
    fn find_tags(&self, subject_ids: &SubjectIds<'_>) -> TagSlots {
        let mut tags: TagSlots = None;
        subject_ids.each_tag(|key, value| {
            if self.rules.has_tag_key(key)
                && let Some(id) = tag_subject_id(key, value)
                && let Some(slot) = self.subjects.find(SubjectKind::Tag, &id)
            {
                tags.get_or_insert_default().push(slot);
            }
        });
        tags
    }

    /// Sets the provider of the model that a request runs on, if rules apply to it.
    pub fn find_provider(&self, slots: &mut Slots, provider_id: &str) {
        if let Some(slot) = self.find_slot(SubjectKind::Provider, provider_id) {
            slots.set(SubjectKind::Provider, slot);
        }
    }

    /// Adds the subjects of a request that have used nothing yet.
    pub fn add_new(&mut self, mut slots: Slots, subject_ids: &SubjectIds<'_>) -> Slots {
        for kind in slots.kinds().iter() {
            if slots.get(kind) == Some(Slot::NEW) {
                let rules = self.rules.each_set(kind).clone();
                slots.set(kind, self.subjects.add(kind, subject_ids[kind], rules));
            }
        }
        slots
    }

    /// Finds the subjects of a request and adds those that have used nothing yet.
    pub fn find_or_add_slots(&mut self, subject_ids: &SubjectIds<'_>) -> Slots {
        self.add_new(self.find_slots(subject_ids), subject_ids)
    }

    /// [`Limits::find_or_add_slots`] without a search where they are the same as `likely`: a record
    /// is mostly for the subjects of its hold. Tags are searched for, if any are named.
    pub fn find_or_add_slots_like(
        &mut self,
        likely: Option<&Slots>,
        subject_ids: &SubjectIds<'_>,
    ) -> Slots {
        let Some(likely) = likely else { return self.find_or_add_slots(subject_ids) };
        let other_kinds = self.rules.kinds().without(likely.kinds());
        let is_subject = |(kind, slot)| self.subjects.get(slot).id.as_str() == subject_ids[kind];
        let is_same = other_kinds.iter().all(|kind| subject_ids[kind].is_empty())
            && likely.one_by_kind().all(is_subject);
        if !is_same {
            return self.find_or_add_slots(subject_ids);
        }
        let mut slots = likely.clone();
        if self.has_rules(SubjectKind::Tag) {
            slots.set_tags(self.find_tags(subject_ids));
        }
        slots
    }

    /// Links a hold to its subject of a kind, or to its tags, that no rule applied to when it was
    /// taken: it is counted there from now on.
    pub fn link_hold(
        &mut self,
        kind: SubjectKind,
        subject_ids: &SubjectIds<'_>,
        slots: &mut Slots,
    ) {
        if kind == SubjectKind::Tag {
            for slot in self.find_tags(subject_ids).into_iter().flat_map(|tags| *tags) {
                self.subjects.get_mut(slot).holds += u32::from(slots.add_tag(slot));
            }
        } else if slots.get(kind).is_none()
            && let Some(slot) = self.find_or_add(kind, subject_ids[kind])
        {
            self.subjects.get_mut(slot).holds += 1;
            slots.set(kind, slot);
        }
    }

    /// The slot of a subject that rules apply to; it is added if it is absent.
    fn find_or_add(&mut self, kind: SubjectKind, subject_id: &str) -> Option<Slot> {
        match self.find_slot(kind, subject_id)? {
            Slot::NEW => {
                let rules = self.rules.each_set(kind).clone();
                Some(self.subjects.add(kind, subject_id, rules))
            }
            slot => Some(slot),
        }
    }

    /// Visits the limits that apply to a request for a model of a provider, in the order in which
    /// they are checked.
    pub fn visit(
        &self,
        context: &Context,
        (slots, subject_ids): (&Slots, &SubjectIds<'_>),
        (model, provider_id): (ModelIndex, &str),
        need: &Consumption,
        mut visit: impl FnMut(Limit),
    ) {
        let provider = match self.has_rules(SubjectKind::Provider) {
            true => self.find_slot(SubjectKind::Provider, provider_id),
            false => None,
        };
        let provider = provider.map(|slot| (SubjectKind::Provider, slot));
        for (kind, slot) in slots.one_by_kind().chain(provider).chain(slots.tags()) {
            let (rules, subject) = match slot {
                Slot::NEW => (self.rules.each_set(kind), None),
                slot => {
                    let subject = self.subjects.get(slot);
                    (&subject.rules, Some(subject))
                }
            };
            let subject_id = match (subject, kind) {
                (Some(subject), _) => subject.id.as_str(),
                (None, SubjectKind::Provider) => provider_id,
                (None, _) => subject_ids[kind],
            };
            for place in rules.iter().enumerate() {
                let subject = (slot, subject, subject_id);
                if let Some(limit) = self.limit(context, place, subject, model, need) {
                    visit(limit);
                }
            }
        }
    }

    /// A rule with what counts against it; none if the request is not limited by it.
    fn limit(
        &self,
        context: &Context,
        (position, applied): (usize, &AppliedRule),
        (slot, subject, subject_id): (Slot, Option<&Subject>, &str),
        model: ModelIndex,
        need: &Consumption,
    ) -> Option<Limit> {
        let index = applied.index;
        let rule = self.rules.get(index);
        if applied.overridden || !rule.counts(model) {
            return None;
        }
        let now = context.now();
        let limit = rule.limit_for(subject_id, now)?;
        let (spent, held, reset_time) = match rule.running_window(context) {
            Some((start, end)) => {
                let counter = subject.map(|subject| subject.counters.get(position, index, start));
                let (spent, held) = counter.map_or((0, 0), |it| (it.spent, it.held));
                (spent, held, end)
            }
            None => {
                let window = subject.and_then(|subject| subject.counters.sliding(index));
                let count = window.map_or(0, |window| window.count(now));
                let is_full = self.crash_penalty.applies_to(rule, now);
                (if is_full { count.max(limit) } else { count }, 0, None)
            }
        };
        Some(Limit {
            source: LimitSource::Rule { rule: index, slot, is_rate_limit: rule.is_rate_limit() },
            enforcement: rule.enforcement(),
            limit,
            spent,
            held,
            need: need.in_unit(rule.unit()),
            reset_time,
        })
    }

    /// How long until a rate limit admits a request of a subject, without further ones; none if it
    /// never does.
    pub fn retry_after(
        &self,
        now: Time,
        (index, slot): (RuleIndex, Slot),
        need: i64,
        limit: i64,
    ) -> Option<Micros> {
        if need > limit {
            return None;
        }
        let rule = self.rules.get(index);
        let slot = Some(slot).filter(|slot| *slot != Slot::NEW);
        let window = slot.and_then(|slot| self.subjects.get(slot).counters.sliding(index));
        let wait = match window {
            Some(window) if window.count(now) + need > limit => {
                window.retry_after(now, need, limit)?
            }
            _ => 0,
        };
        match self.crash_penalty.applies_to(rule, now) {
            true => Some(wait.max(self.crash_penalty.remaining(now))),
            false => Some(wait),
        }
    }
}

/// Counting.
impl Limits {
    /// Holds the need of a request in the quotas that apply to it.
    pub fn hold(
        &mut self,
        context: &Context,
        slots: &Slots,
        model: ModelIndex,
        need: &Consumption,
        check_time: Time,
    ) {
        for (_, slot) in slots.iter() {
            let subject = self.subjects.get_mut(slot);
            subject.holds += 1;
            self.utilization.note(slot, subject);
            subject.hold(&self.rules, context, model, need, check_time, 1);
        }
    }

    /// Reverses [`Limits::hold`], in the same windows (I7).
    pub fn release(
        &mut self,
        context: &Context,
        slots: &Slots,
        model: ModelIndex,
        held: &Consumption,
        check_time: Time,
    ) {
        for (_, slot) in slots.iter() {
            let subject = self.subjects.get_mut(slot);
            subject.holds -= 1;
            self.utilization.note(slot, subject);
            subject.hold(&self.rules, context, model, held, check_time, -1);
        }
    }

    /// Counts a request in the rate limits that apply to it.
    pub fn admit(
        &mut self,
        context: &Context,
        slots: &Slots,
        model: ModelIndex,
        used: &Consumption,
        time: Time,
    ) {
        for slot in slots.of_kinds(self.rules.rate_limited_kinds()) {
            self.subjects.get_mut(slot).admit(&self.rules, context, model, used, time);
        }
    }

    /// Charges what was used to the quotas that apply to it. Returns whose alerts are due.
    pub fn charge(
        &mut self,
        context: &Context,
        slots: &Slots,
        model: ModelIndex,
        (used, charge_time): (&Consumption, Time),
    ) -> DueKinds {
        let mut due = DueKinds::default();
        for (kind, slot) in slots.iter() {
            let subject = self.subjects.get_mut(slot);
            if subject.charge(&self.rules, context, model, used, charge_time) {
                due.set(kind, true);
            }
            self.utilization.note(slot, subject);
        }
        due
    }

    /// Raises the alerts that [`Limits::charge`] said are due.
    pub fn raise_due(
        &mut self,
        context: &Context,
        slots: &Slots,
        due: DueKinds,
        alerts: &mut Alerts,
    ) {
        for slot in slots.of_kinds(due) {
            self.raise_thresholds(context, slot, alerts);
        }
    }

    /// Counts a live hold for one rule, or again for all quotas.
    pub fn count_hold(
        &mut self,
        context: &Context,
        slots: &Slots,
        model: ModelIndex,
        (held, check_time): (&Consumption, Time),
        only: Option<RuleIndex>,
    ) {
        for (_, slot) in slots.iter() {
            let subject = self.subjects.get_mut(slot);
            subject.count_hold(&self.rules, context, model, (held, check_time), only);
        }
    }

    /// Sets what was counted as spent by subjects of a kind to nothing, before it is filled again.
    pub fn clear_spent(&mut self, kind: SubjectKind) {
        for (_, subject) in self.subjects.iter_mut().filter(|(_, subject)| subject.kind == kind) {
            subject.counters.all_fixed_mut().for_each(|counter| counter.spent = 0);
        }
        self.utilization.reset();
    }

    /// Drops counters of fixed windows, before they are filled again.
    pub fn clear_counters(&mut self) {
        for (_, subject) in self.subjects.iter_mut() {
            subject.counters.clear_fixed();
        }
        self.raised_before.clear();
    }

    /// Looks at some subjects in turn: drops those that are idle, and of the others what is over.
    /// Returns how many are left.
    pub fn sweep(&mut self, context: &Context, count: u32) -> usize {
        for _ in 0..self.subjects.capacity().min(count as usize) {
            let Some(slot) = self.subjects.step() else { continue };
            let subject = self.subjects.get_mut(slot);
            subject.counters.forget_over(&self.rules, context);
            if subject.is_idle() {
                self.utilization.forget(slot);
                self.raised_before.retain(|(other, ..), _| *other != slot);
                self.subjects.remove(slot);
            }
        }
        self.subjects.len()
    }
}

/// What is configured and used.
impl Limits {
    pub fn quota(&self, id: &str) -> Option<(RuleIndex, &Arc<Quota>)> {
        self.rules.quota(id)
    }

    /// A rate limit with its rules.
    pub fn rate_limit(&self, id: &str) -> Option<(&[RuleIndex], &Arc<RateLimit>)> {
        self.rules.rate_limit(id)
    }

    pub fn quotas(&self) -> impl Iterator<Item = &Arc<Quota>> {
        self.rules.iter().filter_map(|(_, rule)| rule.quota())
    }

    /// Quotas for subjects of a kind.
    pub fn quotas_of(&self, kind: SubjectKind) -> impl Iterator<Item = &Arc<Quota>> {
        self.rules.quotas_of(kind)
    }

    /// Whether any rule applies to subjects of a kind.
    pub fn has_rules(&self, kind: SubjectKind) -> bool {
        self.rules.kinds().contains(kind)
    }

    /// Whether a rule applies to each subject of a kind.
    pub fn has_rules_for_each(&self, kind: SubjectKind) -> bool {
        !self.rules.each(kind).is_empty()
    }

    /// The first rule that names a subject.
    pub fn rule_naming(&self, kind: SubjectKind, subject_id: &str) -> Option<&Rule> {
        self.rules.named(kind, subject_id).first().map(|index| self.rules.get(*index))
    }

    /// Whether one more quota or rate limit of a scope stays within the bounds.
    ///
    /// # Errors
    /// If it does not.
    pub fn room_for(&self, scope: &Scope) -> Result<(), Error> {
        self.rules.room_for(scope)
    }

    /// The quota of the same scope, unit and period under another id.
    pub fn conflicting_quota(&self, quota: &Quota) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&quota.scope).filter_map(Rule::quota);
        let rival = others.find(|other| {
            other.id != quota.id && (other.unit, other.period) == (quota.unit, quota.period)
        });
        rival.map(|rival| rival.id.clone())
    }

    /// The rate limit of the same scope under another id.
    pub fn conflicting_rate_limit(&self, limit: &RateLimit) -> Option<Arc<str>> {
        let mut others = self.rules.of_scope(&limit.scope).filter_map(Rule::rate_limit);
        others.find(|other| other.id != limit.id).map(|rival| rival.id.clone())
    }

    /// Boosts of a quota, some of which may be over.
    pub fn boosts(&self, quota_id: &str) -> &[Arc<Boost>] {
        self.rules.quota(quota_id).map_or(&[], |(index, _)| self.rules.get(index).boosts())
    }

    /// Usage of quotas, most utilised first, after a position.
    pub fn quota_usage(
        &mut self,
        context: &Context,
        filter: &UsageFilter,
        after: Option<&UsagePosition>,
        count: usize,
    ) -> Vec<QuotaUsage> {
        let (rules, subjects) = (&self.rules, &mut self.subjects);
        self.utilization.page(context, rules, subjects, filter, after, count)
    }

    /// How many entries of it match, counted to `most`.
    pub fn count_quota_usage(&self, filter: &UsageFilter, most: usize) -> usize {
        self.utilization.count(&self.rules, &self.subjects, filter, most)
    }
}
