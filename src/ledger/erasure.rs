//! A user that is to be forgotten: a pseudonym takes its place, and what it used still counts.

use std::sync::Arc;

use super::hold::Hold;
use super::state::Ledger;
use crate::domain::Time;
use crate::domain::alert::AlertSubject;
use crate::domain::attribution::{AttributionField, PackedAttribution, SubjectKind};
use crate::domain::boost::BoostTarget;
use crate::domain::check::{Subject, Verdict};

/// Pseudonyms begin with this; a random UUID follows.
pub const PSEUDONYM_PREFIX: &str = "erased-";
/// Length of a UUID as text.
const UUID_BYTES: usize = 36;

/// What a ledger knows of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTraces {
    /// Quotas that name it.
    pub quotas: usize,
    /// Rate limits that name it.
    pub rate_limits: usize,
    /// Boosts of quotas for each user that are for it alone.
    pub boosts: usize,
    /// Whether it has a live hold, or is known in any other way.
    pub is_known: bool,
}

/// Whether an id has the form of a pseudonym.
pub fn is_pseudonym(id: &str) -> bool {
    id.strip_prefix(PSEUDONYM_PREFIX).is_some_and(|random| random.len() == UUID_BYTES)
}

impl Ledger {
    pub fn traces_of_user(&self, user_id: &str) -> UserTraces {
        let mut traces = UserTraces::default();
        let mut rate_limits: Vec<&Arc<str>> = Vec::new();
        for number in self.rules.named(SubjectKind::User, user_id) {
            let rule = self.rules.get(*number);
            match rule.slides() {
                true if rate_limits.contains(&rule.id()) => {}
                true => rate_limits.push(rule.id()),
                false => traces.quotas += 1,
            }
        }
        traces.rate_limits = rate_limits.len();
        for number in self.rules.each(SubjectKind::User) {
            let boosts = self.rules.get(*number).boosts.iter();
            traces.boosts += boosts.filter(|boost| is_only_for(&boost.target, user_id)).count();
        }
        let is_held = || {
            let mut holds = self.holds.iter().chain(&self.expired);
            holds.any(|hold| is_of(hold, user_id))
        };
        traces.is_known = traces.quotas + traces.rate_limits + traces.boosts > 0
            || self.departments.of(user_id).is_some()
            || self.subjects.find(SubjectKind::User, user_id).is_some()
            || is_held();
        traces
    }

    /// Forgets a user: rules that name it go, and a pseudonym that nobody else has takes its place
    /// in everything that lives here. What it used and holds counts on.
    pub fn erase_user(&mut self, now: Time, user_id: &str, pseudonym: &Arc<str>) {
        self.advance(now);
        self.departments.remove(user_id);
        for number in self.rules.named(SubjectKind::User, user_id).to_vec() {
            self.drop_rule(number);
        }
        for number in self.rules.each(SubjectKind::User).to_vec() {
            let boosts = &mut self.rules.get_mut(number).boosts;
            boosts.retain(|boost| !is_only_for(&boost.target, user_id));
        }
        if let Some(slot) = self.subjects.find(SubjectKind::User, user_id) {
            self.subjects.rename(slot, pseudonym);
        }
        for hold in self.holds.iter_mut().chain(&mut self.expired) {
            rename(hold, user_id, pseudonym);
        }
        for alert in self.raised.due_mut() {
            if let AlertSubject::Quota { kind: SubjectKind::User, subject_id, .. } =
                &mut alert.key.subject
                && **subject_id == *user_id
            {
                *subject_id = pseudonym.clone();
            }
        }
        self.rename_refused(user_id, pseudonym);
        self.policy_changed();
    }
}

fn is_only_for(target: &BoostTarget, user_id: &str) -> bool {
    match target {
        BoostTarget::Quota { subject_id: Some(subject_id), .. } => **subject_id == *user_id,
        BoostTarget::Quota { subject_id: None, .. } | BoostTarget::Envelope => false,
    }
}

fn is_of(hold: &Hold, user_id: &str) -> bool {
    hold.attribution.as_ref().is_some_and(|held| held.get(AttributionField::User) == user_id)
}

fn rename(hold: &mut Hold, user_id: &str, pseudonym: &Arc<str>) {
    if !is_of(hold, user_id) {
        return;
    }
    let with_pseudonym = |held: &PackedAttribution| held.with(AttributionField::User, pseudonym);
    hold.attribution = hold.attribution.as_ref().and_then(with_pseudonym);
    // What is answered to a repeat of its check.
    for verdict in hold.verdicts.iter_mut().flatten() {
        if let Verdict { subject: Subject::Member { kind: SubjectKind::User, id }, .. } = verdict
            && **id == *user_id
        {
            *id = pseudonym.clone();
        }
    }
}
