//! The life of a hold: it is taken from every limit that applies, and given back when the request
//! is settled, when its caller releases it, or when it expires.

use std::sync::Arc;

use crate::domain::quota::Consumption;
use crate::domain::record::Record;
use crate::domain::time::Micros;
use crate::domain::workspace::{HoldDurability, HoldExpiryPolicy};
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;
use crate::ledger::holds::{Hold, Stored, expiry};
use crate::ledger::state::Ledger;
use crate::ledger::state::view::HoldView;

impl Ledger {
    /// Releases a hold whose request never ran. Returns its amount.
    ///
    /// # Errors
    /// If there is no live hold.
    pub fn release(&mut self, now: Time, request_id: &str) -> Result<Amount, Error> {
        self.advance(now);
        self.holds.get_live(request_id)?;
        let hold = self.holds.remove(request_id).ok_or(Error::HoldNotFound)?;
        self.retract_tokens(&hold);
        self.release_held(&hold);
        Ok(hold.held)
    }

    /// Moves the expiry of a live hold to `duration` from now, never earlier. Returns it.
    ///
    /// # Errors
    /// If there is no live hold.
    pub fn extend(&mut self, now: Time, request_id: &str, duration: Micros) -> Result<Time, Error> {
        let now = self.advance(now);
        let hold = self.holds.get_live(request_id)?;
        let expire_time = hold.expire_time.max(expiry(now, duration));
        self.holds.extend(request_id, expire_time);
        Ok(expire_time)
    }

    /// Has storage keep the holds, if the workspace says so.
    pub(in crate::ledger) fn keep_holds(&mut self) {
        let durability = self.context.workspace().hold_durability;
        let is_committed = durability == HoldDurability::Committed;
        self.holds.set_kept(durability != HoldDurability::Memory, is_committed);
    }

    /// Whether holds are to be written to storage, or deleted there.
    pub fn has_unstored_holds(&self) -> bool {
        self.holds.has_unstored()
    }

    /// What storage has of the hold of a request; none where there is no live one, or one for
    /// another attempt.
    pub fn stored_hold(&self, request_id: &str, attempt: Option<i32>) -> Option<Stored> {
        self.holds.stored(request_id, attempt)
    }

    /// Releases the hold of an attempt, unless its caller, or another one, may have been answered
    /// that it is held.
    pub fn release_unanswered(&mut self, now: Time, request_id: &str, attempt: i32) {
        let is_committed = self.context.workspace().hold_durability == HoldDurability::Committed;
        let stored = self.holds.stored(request_id, Some(attempt));
        if is_committed && stored.is_some_and(|stored| !stored.is_answered()) {
            // One that has expired is about to end anyway.
            let _ = self.release(now, request_id);
        }
    }

    /// Takes at most `limit` holds that are to be written to storage, and the requests whose holds
    /// are to be deleted there before. Answered with [`Ledger::end_storing`].
    pub fn take_unstored(&mut self, limit: usize) -> (Vec<HoldView>, Vec<Arc<str>>) {
        let unwritten = self.holds.take_unwritten(limit);
        let view = |hold: &Hold| {
            let model_id = self.models.get(hold.model).id().clone();
            HoldView { hold: hold.clone(), model_id, live: true }
        };
        (unwritten.into_iter().map(view).collect(), self.holds.take_ended())
    }

    /// What was taken has been written and deleted, or none of it.
    pub fn end_storing(&mut self, is_stored: bool, ended: Vec<Arc<str>>) {
        self.holds.end_writing(is_stored, ended);
    }

    /// A record is written with the hold that it ends: whether storage may have that. Answered with
    /// [`Ledger::settle`] or [`Ledger::abandon`].
    pub fn begin_ending(&mut self, record: &Record) -> bool {
        record.ends_hold() && self.holds.begin_ending(&record.request_id, record.attempt)
    }

    /// Takes the requests whose hold has expired and whose estimate is to be charged. What could
    /// not be written is put back with [`Ledger::retry_charges`].
    pub fn take_due_charges(&mut self, now: Time) -> Vec<Arc<str>> {
        self.advance(now);
        self.holds.take_due_charges()
    }

    pub fn retry_charges(&mut self, requests: impl IntoIterator<Item = Arc<str>>) {
        self.holds.put_back_due_charges(requests);
    }

    /// Whether the clock alone changes something by `now`: a hold expires, or is to be charged.
    pub fn has_due(&self, now: Time) -> bool {
        self.holds.has_due(now)
    }

    /// Ends an expired hold whose charge exists in the log already: the request had expired and was
    /// charged before, and is charged for that once.
    pub fn expire_charged(&mut self, request_id: &str) {
        if self.holds.get(request_id).is_some_and(|hold| hold.expiring) {
            self.expire_request(request_id);
        }
    }

    /// Ends the holds that have expired, or marks them to be charged.
    pub(in crate::ledger) fn expire_holds(&mut self) {
        let now = self.context.now();
        match self.context.workspace().hold_expiry {
            HoldExpiryPolicy::Release => {
                while let Some(hold) = self.holds.take_expired(now) {
                    self.expire(hold);
                }
            }
            HoldExpiryPolicy::ChargeEstimate => {
                let durability = self.context.workspace().hold_durability;
                let only_answered = durability == HoldDurability::Committed;
                while let Some(hold) = self.holds.mark_expired(now, only_answered) {
                    self.expire(hold);
                }
            }
        }
    }

    pub(super) fn expire_request(&mut self, request_id: &str) {
        if let Some(hold) = self.holds.remove(request_id) {
            self.expire(hold);
        }
    }

    fn expire(&mut self, hold: Hold) {
        self.release_held(&hold);
        self.holds.keep_expired(hold);
        self.alerts.raise_holds_expired(&self.context, self.holds.expired_count());
    }

    /// Holds the amount of a hold in everything that counts it: meters and quotas.
    pub(in crate::ledger) fn hold(&mut self, hold: &Hold) {
        let window_start = self.context.cycle_of(hold.check_time).start;
        self.models.hold(hold.model, window_start, hold.held);
        let need = hold.used();
        self.limits.hold(&self.context, &hold.slots, hold.model, &need, hold.check_time);
    }

    /// Reverses [`Ledger::hold`], in the same windows (I7).
    pub(super) fn release_held(&mut self, hold: &Hold) {
        let window_start = self.context.cycle_of(hold.check_time).start;
        self.models.release(hold.model, window_start, hold.held);
        let held = hold.used();
        self.limits.release(&self.context, &hold.slots, hold.model, &held, hold.check_time);
    }

    /// Takes the estimated tokens of a hold out of the rate limits that counted them.
    pub(super) fn retract_tokens(&mut self, hold: &Hold) {
        let (tokens, cache_reads) = (-hold.held_tokens, -hold.held_cache_reads);
        let tokens = Consumption { tokens, cache_reads, ..Consumption::default() };
        self.limits.admit(&self.context, &hold.slots, hold.model, &tokens, hold.check_time);
    }
}
