//! Voids: entries that take back what a wrong record has cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{Extras, Note, Usage};
use crate::domain::{Amount, Time};
use crate::ledger::error::Error;
use crate::ledger::state::Ledger;

/// What becomes of an attempt that somebody voids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Void {
    /// No usage was recorded under it.
    Missing,
    /// It is void already, and this was taken back.
    Before(Amount),
    /// These entries take back what it has cost with its corrections.
    New(Vec<Record>),
}

impl Ledger {
    /// Makes the entries that void an attempt, of which `entries` are all that the log has. They
    /// are written together, and then settled with [`Ledger::settle_together`], or abandoned each.
    /// There is one for each model on which it has cost something, and one of no cost where there
    /// is none: it says that the attempt is void. Tokens and requests were used all the same, and
    /// stay counted. Alerts that were raised stay raised.
    ///
    /// # Errors
    /// If the spend of a window would pass [`super::WINDOW_SPENT_MAX`].
    pub fn prepare_void(
        &mut self,
        now: Time,
        entries: &[Record],
        note: &Note,
        mut next_seq: impl FnMut() -> i64,
    ) -> Result<Void, Error> {
        let now = self.advance(now);
        let Some(record) = entries.iter().find(|entry| entry.kind == RecordKind::Usage) else {
            return Ok(Void::Missing);
        };
        let voids = || entries.iter().filter(|entry| entry.kind == RecordKind::Void);
        if voids().next().is_some() {
            return Ok(Void::Before(voids().map(|entry| -entry.cost).sum()));
        }
        let last_revision = entries.iter().map(|entry| entry.revision).max().unwrap_or(0);
        let mut voids = Vec::new();
        for (revision, (metered_model_id, cost)) in
            (last_revision + 1..).zip(costs(record, entries))
        {
            let void = Record {
                seq: next_seq(),
                revision,
                kind: RecordKind::Void,
                metered_model_id,
                usage: Usage::default(),
                extras: Extras { note: Some(note.clone()), ..Extras::default() }.boxed(),
                answer: None,
                cost: -cost,
                unpriced: false,
                large_above: None,
                record_time: now,
                latency: 0,
                ..record.clone()
            };
            voids.push(void);
        }
        self.expect_all(&voids)?;
        Ok(Void::New(voids))
    }

    /// Adds records that are written together to the pending spend: all of them or none.
    ///
    /// # Errors
    /// As [`Ledger::add_pending`].
    pub fn expect_all(&mut self, records: &[Record]) -> Result<(), Error> {
        for (index, record) in records.iter().enumerate() {
            if let Err(error) = self.add_pending(record) {
                for expected in &records[..index] {
                    self.abandon(expected);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What the entries of a record have cost, by metered model.
fn costs(record: &Record, entries: &[Record]) -> BTreeMap<Arc<str>, Amount> {
    let mut costs: BTreeMap<Arc<str>, Amount> = BTreeMap::new();
    for entry in entries {
        *costs.entry(entry.metered_model_id.clone()).or_default() += entry.cost;
    }
    costs.retain(|_, cost| !cost.is_zero());
    if costs.is_empty() {
        costs.insert(record.metered_model_id.clone(), Amount::ZERO);
    }
    costs
}
