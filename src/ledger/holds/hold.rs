//! A hold: the estimated cost of a request in flight, set aside until it is settled, released or
//! expires.

use std::sync::Arc;

use crate::domain::attribution::{Attribution, AttributionField, PackedAttribution, SubjectKind};
use crate::domain::catalog::price::Quote;
use crate::domain::check::{BudgetState, Reason, Subject, Verdict};
use crate::domain::quota::Consumption;
use crate::domain::time::Micros;
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};
use crate::ledger::keys::GroupIndex;
use crate::ledger::limits::Slots;
use crate::ledger::models::ModelIndex;

/// Holds expire at whole steps of time: those of one step are in one list. Small, so that a request
/// at whose time many expire is not delayed by them.
pub const EXPIRY_STEP: Micros = 1_000;

/// Bytes of memory for the place of a hold in the tables of holds.
const PLACE_BYTES: usize = 64;

#[derive(Clone, Debug)]
pub struct Hold {
    pub request_id: Arc<str>,
    /// The attempt that it is for: the one after the last that was recorded.
    pub attempt: i32,
    pub fingerprint: i64,
    /// The model whose meter holds it.
    pub model: ModelIndex,
    pub held: Amount,
    pub held_tokens: i64,
    /// Of these.
    pub held_cache_reads: i64,
    /// The subjects whose limits hold it.
    pub slots: Slots,
    /// The group that its API key was in.
    pub group: GroupIndex,
    /// Determines the windows that it is held in.
    pub check_time: Time,
    /// A whole number of steps.
    pub expire_time: Time,
    /// Absent if the model is unpriced.
    pub quote: Option<Quote>,
    pub tier: ServiceTier,
    /// Why it was routed, if it was. This and the next two repeat the decision.
    pub routed: Option<Reason>,
    pub state: BudgetState,
    pub verdicts: Option<Box<[Verdict]>>,
    pub attribution: Option<PackedAttribution>,
    /// It has expired and its estimate is being charged; it holds until that is settled.
    pub expiring: bool,
}

/// When a hold taken at `now` for `duration` expires: a whole step, rounded up.
pub fn expiry(now: Time, duration: Micros) -> Time {
    let end = (now + duration).micros();
    let steps = end.div_euclid(EXPIRY_STEP) + i64::from(end.rem_euclid(EXPIRY_STEP) != 0);
    Time::from_micros(steps * EXPIRY_STEP)
}

impl Hold {
    /// Bytes of memory that it takes, about: with its place in the tables of holds, and without
    /// what it shares with others.
    pub fn bytes(&self) -> usize {
        let attribution = self.attribution.as_ref().map_or(0, |held| held.as_bytes().len());
        let verdicts = self.verdicts.as_deref().map_or(0, size_of_val);
        PLACE_BYTES + size_of::<Hold>() + self.request_id.len() + attribution + verdicts
    }

    /// What it holds, in all units.
    pub fn used(&self) -> Consumption {
        Consumption {
            money: self.held,
            tokens: self.held_tokens,
            requests: 1,
            cache_reads: self.held_cache_reads,
        }
    }

    pub fn attribution(&self) -> Option<Attribution> {
        self.attribution.as_ref().map(PackedAttribution::unpack)
    }

    pub fn packed_attribution(&self) -> Option<&PackedAttribution> {
        self.attribution.as_ref()
    }

    pub fn is_of_user(&self, user_id: &str) -> bool {
        self.attribution.is_some() && self.field(AttributionField::User) == user_id
    }

    /// A field of its attribution; empty if it names none.
    pub fn field(&self, field: AttributionField) -> &str {
        self.attribution.as_ref().map_or("", |held| held.get(field))
    }

    /// Gives its user a pseudonym, also in the decision that is repeated.
    pub fn rename_user(&mut self, user_id: &str, pseudonym: &Arc<str>) {
        if !self.is_of_user(user_id) {
            return;
        }
        let renamed = |held: &PackedAttribution| held.with(AttributionField::User, pseudonym);
        self.attribution = self.attribution.as_ref().and_then(renamed);
        for verdict in self.verdicts.iter_mut().flatten() {
            if let Verdict { subject: Subject::Member { kind: SubjectKind::User, id }, .. } =
                verdict
                && **id == *user_id
            {
                *id = pseudonym.clone();
            }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::domain::attribution::SubjectIds;
    use crate::domain::catalog::Catalog;
    use crate::ledger::keys::Keys;
    use crate::ledger::limits::Limits;
    use crate::ledger::models::Models;

    static TEMPLATE: LazyLock<Hold> = LazyLock::new(|| Hold {
        request_id: "".into(),
        attempt: 0,
        fingerprint: 0,
        model: Models::default().find_or_add("m", &Catalog::default()),
        held: Amount::ZERO,
        held_tokens: 0,
        held_cache_reads: 0,
        slots: Limits::default().find_or_add_slots(&SubjectIds::none()),
        group: Keys::default().find_or_add_group(""),
        check_time: Time::default(),
        expire_time: Time::default(),
        quote: None,
        tier: ServiceTier::Standard,
        routed: None,
        state: BudgetState::NoPlan,
        verdicts: None,
        attribution: None,
        expiring: false,
    });

    /// A hold of nothing that lives for a second.
    pub fn hold(request_id: &str, check_time: Time) -> Hold {
        let expire_time = expiry(check_time, 1_000_000);
        Hold { request_id: request_id.into(), check_time, expire_time, ..TEMPLATE.clone() }
    }
}
