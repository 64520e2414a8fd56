//! Faults of an engine, played by what is around it: storage that lies to it, or a client that uses
//! it in the wrong way. A run with one must fail, or the auditor is blind to it.

use std::time::Duration;

use tollgate::domain::check::{Answer, Check, Decision};
use tollgate::domain::record::UsageReport;
use tollgate::engine::{Engine, Error, Recorded};

pub use super::store::faults::{Fault, Faults};

/// Each with the assertions that must notice it, in one run or another.
pub const FAULTS: [(Fault, &[&str]); 13] = [
    (Fault::AnswerBeforeCommit, &["I13: an acknowledged record is durable"]),
    (Fault::FailureIsCharged, &["I4: spent", "rollup of"]),
    (Fault::NoDedupe, &["I5: counted twice", "I5: credited twice"]),
    (Fault::UnknownIsFailure, &["I4: spent", "rollup of"]),
    (Fault::RepeatRefundsCharge, &["a charge is taken back by a record"]),
    (Fault::HoldsAreLost, &["a hold that was answered is stored"]),
    (Fault::SnapshotWithoutHolds, &["a live hold is stored"]),
    (Fault::SnapshotWithoutRates, &["in a minute"]),
    (Fault::ChangeIsLost, &["settings are those", "quotas are those"]),
    (Fault::AuditEventIsLost, &["audit events are those of the entries"]),
    (Fault::AlertIsLost, &["I14: "]),
    (Fault::FoldTwice, &["rollup of"]),
    (Fault::CheckThenUpdate, &["I1: "]),
];

impl Faults {
    /// What the caller of a record is answered.
    pub fn recorded(
        &self,
        workspace: &str,
        report: &UsageReport,
        reply: Result<Recorded, Error>,
    ) -> Result<Recorded, Error> {
        let request = (workspace.to_owned(), report.request_id.to_string());
        let attempt = reply.as_ref().map_or(report.attempt, |recorded| recorded.attempt);
        match self.failed.lock().unwrap().contains(&(request, attempt)) {
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
