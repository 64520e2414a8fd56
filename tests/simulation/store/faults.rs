//! Faults that storage plays: it lies to the engine about what it has written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tollgate::domain::record::{Record, RecordKind};
use tollgate::storage;
use tollgate::storage::log::Appended;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record is acknowledged before its commit, which may fail.
    AnswerBeforeCommit,
    /// A record that was not written is charged, although its caller gets an error.
    FailureIsCharged,
    /// A repeated record counts as a new one.
    NoDedupe,
    /// A write of unknown outcome counts as failed.
    UnknownIsFailure,
    /// A repeated record refunds the charge of an expired hold.
    RepeatRefundsCharge,
    /// The shutdown snapshot has no holds.
    SnapshotWithoutHolds,
    /// Holds are not stored as they are taken.
    HoldsAreLost,
    /// The shutdown snapshot has no counts of rate limits.
    SnapshotWithoutRates,
    /// A change is answered and not stored.
    ChangeIsLost,
    /// An entry that is made by hand is stored without its audit event.
    AuditEventIsLost,
    /// An alert is not stored.
    AlertIsLost,
    /// A batch is added to the rollups twice.
    FoldTwice,
    /// A decision is made under one lock and applied under another.
    CheckThenUpdate,
}

/// A request with the number of its attempt.
type Key = ((String, String), i32);

/// The fault of a run, if it has one.
#[derive(Clone, Default)]
pub struct Faults {
    fault: Option<Fault>,
    /// Records that were not written, for [`Fault::FailureIsCharged`].
    pub failed: Arc<Mutex<BTreeSet<Key>>>,
}

impl Faults {
    pub fn new(fault: Option<Fault>) -> Faults {
        Faults { fault, failed: Arc::default() }
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What storage answers to the append of records.
    pub fn appended(
        &self,
        records: &[Record],
        answer: storage::Result<Vec<Appended>>,
    ) -> storage::Result<Vec<Appended>> {
        let all_new = || vec![Appended::New; records.len()];
        match (self.fault, answer) {
            (Some(Fault::NoDedupe), Ok(_)) => Ok(all_new()),
            (Some(Fault::UnknownIsFailure), Err(storage::Error::Unknown(cause))) => {
                Err(storage::Error::NotApplied(cause))
            }
            (Some(Fault::FailureIsCharged), Err(storage::Error::NotApplied(_))) => {
                self.failed.lock().unwrap().extend(records.iter().map(key));
                Ok(all_new())
            }
            (_, answer) => answer,
        }
    }

    /// What storage answers about the entries of a request.
    pub fn request_records(&self, mut records: Vec<Record>) -> Vec<Record> {
        if self.has(Fault::RepeatRefundsCharge) {
            records.retain(|record| record.kind != RecordKind::Usage);
        }
        records
    }
}

fn key(record: &Record) -> Key {
    ((record.workspace_id.to_string(), record.request_id.to_string()), record.attempt)
}
