//! Which attempt of its request a record is.
//!
//! A request that was recorded and is checked again gets the next attempt with its hold. Its record
//! names that attempt, or none. What the ledger remembers is bounded, and a caller may repeat
//! itself: so where the key of a record is taken, or may be that of an earlier run, the entries of
//! the usage log decide, by the content that was sent. Does not read them itself.

use crate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;
use crate::ledger::state::Ledger;

/// What a report is among the entries of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A new one, of this attempt.
    New(i32),
    /// One that is in the log already.
    Repeat(Box<Record>),
    /// None: its attempt is in the log with other content.
    Taken,
}

/// The charge of an expired hold that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryCharge {
    pub entry: Record,
    /// All entries of its attempt together.
    pub net: Amount,
    pub last_revision: i32,
}

impl ExpiryCharge {
    /// The charge that the entries of a request have not taken back.
    pub fn in_force(entries: &[Record]) -> Option<ExpiryCharge> {
        let charges = entries.iter().filter(|entry| entry.attempt == EXPIRY_ATTEMPT);
        let net: Amount = charges.clone().map(|entry| entry.cost).sum();
        let last_revision = charges.clone().map(|entry| entry.revision).max()?;
        let latest = charges.rev().find(|entry| entry.kind == RecordKind::ExpiryCharge)?;
        (!net.is_zero()).then(|| ExpiryCharge { entry: latest.clone(), net, last_revision })
    }

    /// The entry that takes it back.
    pub fn refund(self, seq: i64, now: Time) -> Record {
        Record {
            seq,
            revision: self.last_revision + 1,
            kind: RecordKind::Correction,
            cost: -self.net,
            large_above: None,
            latency: 0,
            record_time: now,
            ..self.entry
        }
    }
}

impl Ledger {
    /// Whether a report has to be placed before it is prepared: it names no attempt, and the live
    /// hold of its request is for a later one than the first.
    pub fn must_place(&self, report: &UsageReport) -> bool {
        report.attempt == 0 && self.live_attempt(&report.request_id).is_some_and(|live| live > 0)
    }

    /// Places what was sent for a request, with the attempt that it names and its fingerprint:
    /// where its key is taken, or [`Ledger::must_place`] says so. `entries` are all of the request.
    ///
    /// # Errors
    /// If it would be one attempt too many.
    pub fn place(
        &self,
        (request_id, named, fingerprint): (&str, i32, i64),
        entries: &[Record],
    ) -> Result<Placement, Error> {
        let is_usage = |entry: &&Record| entry.kind == RecordKind::Usage;
        let recorded = || entries.iter().filter(is_usage);
        if let Some(same) = recorded().find(|entry| entry.is_usage_of(fingerprint)) {
            return Ok(Placement::Repeat(Box::new(same.clone())));
        }
        let next = recorded().map(|entry| entry.attempt + 1).max().unwrap_or(0);
        let names_none = named == 0;
        let attempt = match self.live_attempt(request_id) {
            Some(live) if names_none || named == live => Some(next.max(live)),
            Some(_) => None,
            None => {
                let is_awaited = ExpiryCharge::in_force(entries).is_some()
                    || self
                        .holds
                        .expired()
                        .any(|hold| *hold.request_id == *request_id && hold.attempt >= next);
                (names_none && is_awaited).then_some(next)
            }
        };
        let Some(attempt) = attempt else { return Ok(Placement::Taken) };
        Error::check_attempt(attempt)?;
        Ok(Placement::New(attempt))
    }

    /// Remembers an attempt that is in the log, when a ledger is loaded.
    pub fn note_recorded(&mut self, request_id: &str, attempt: i32) {
        self.holds.note_recorded(request_id, attempt);
    }

    fn live_attempt(&self, request_id: &str) -> Option<i32> {
        self.holds.get(request_id).map(|hold| hold.attempt)
    }
}
