//! Faults of an engine, played by what is around it: storage that lies to it, or a client that uses
//! it in the wrong way. A run with one must fail, or the auditor is blind to it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::domain::check::{Answer, Check, Decision};
use tollgate::domain::record::{Record, RecordKind, UsageReport};
use tollgate::engine::{Engine, Error, Recorded};
use tollgate::storage::{self, Appended};

use super::auditor::Request;

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
    /// The shutdown snapshot has no counts of rate limits.
    SnapshotWithoutRates,
    /// A change is answered and not stored.
    ChangeIsLost,
    /// An alert is not stored.
    AlertIsLost,
    /// A batch is added to the rollups twice.
    FoldTwice,
    /// A decision is made under one lock and applied under another.
    CheckThenUpdate,
}

/// Each with the assertions that must notice it, in one run or another.
pub const FAULTS: [(Fault, &[&str]); 11] = [
    (Fault::AnswerBeforeCommit, &["I13: an acknowledged record is durable"]),
    (Fault::FailureIsCharged, &["I4: spent", "rollup of"]),
    (Fault::NoDedupe, &["I5: counted twice"]),
    (Fault::UnknownIsFailure, &["I4: spent", "rollup of"]),
    (Fault::RepeatRefundsCharge, &["a charge is taken back by a record"]),
    (Fault::SnapshotWithoutHolds, &["a live hold is written down"]),
    (Fault::SnapshotWithoutRates, &["in a minute"]),
    (Fault::ChangeIsLost, &["settings are those", "quotas are those"]),
    (Fault::AlertIsLost, &["I14: "]),
    (Fault::FoldTwice, &["rollup of"]),
    (Fault::CheckThenUpdate, &["I1: "]),
];

/// A request with the number of its attempt.
type Key = (Request, i32);

/// The fault of a run, if it has one.
#[derive(Clone, Default)]
pub struct Faults {
    fault: Option<Fault>,
    /// Records that were not written, for [`Fault::FailureIsCharged`].
    failed: Arc<Mutex<BTreeSet<Key>>>,
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

    /// What the caller of a record is answered.
    pub fn recorded(
        &self,
        workspace: &str,
        report: &UsageReport,
        reply: Result<Recorded, Error>,
    ) -> Result<Recorded, Error> {
        let request = (workspace.to_owned(), report.request_id.to_string());
        match self.failed.lock().unwrap().contains(&(request, report.attempt)) {
            true => Err(Error::StorageUnavailable),
            false => reply,
        }
    }

    /// A check: a caller that may run is not refused any more, whatever came between.
    pub async fn check(
        &self,
        engine: &Engine,
        workspace: &str,
        check: Check,
    ) -> Result<Decision, Error> {
        if !self.has(Fault::CheckThenUpdate) || check.dry_run {
            return Ok(engine.check(workspace, check).await?.value);
        }
        let dry_run = Check { dry_run: true, ..check.clone() };
        let decided = engine.check(workspace, dry_run).await?.value;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let expire_time = engine.now() + check.hold_duration;
        let applied = engine.check(workspace, check).await?.value;
        if applied.answer == Answer::Blocked && decided.answer != Answer::Blocked {
            return Ok(Decision { expire_time: Some(expire_time), ..decided });
        }
        Ok(applied)
    }
}

fn key(record: &Record) -> Key {
    ((record.workspace_id.to_string(), record.request_id.to_string()), record.attempt)
}
