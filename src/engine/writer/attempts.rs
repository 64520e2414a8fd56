//! Attempts of requests that were recorded before: which one a record is, by the usage log. Reads
//! the log only where a record needs it.

use std::sync::Arc;

use super::{Conflict, Recorded};
use crate::domain::record::{Record, UsageReport};
use crate::engine::error::{Error, Result};
use crate::engine::{Shared, WorkspaceHandle};
use crate::ledger::{self, ExpiryCharge, Placement};
use crate::storage::log::Appended;

impl Shared {
    /// Gives a report its attempt, where it names none and its hold is for a later one than the
    /// first. Returns the charge of an expired hold that it takes back, if it is not a repeat. A
    /// request with a live hold may have one, from an earlier check.
    pub(super) async fn place(
        &self,
        workspace: &WorkspaceHandle,
        report: &mut UsageReport,
    ) -> Result<Option<ExpiryCharge>> {
        let (must_place, may_be_charged) = {
            let ledger = workspace.lock();
            (ledger.must_place(report), ledger.workspace().may_have_expiry_charges)
        };
        if !must_place && !may_be_charged {
            return Ok(None);
        }
        let entries = self.store.request_records(workspace.id(), &report.request_id).await?;
        if must_place {
            let sent = (&*report.request_id, report.attempt, report.fingerprint());
            let placed = workspace.lock().place(sent, &entries);
            match placed.map_err(|error| Error::of_ledger(error, &report.request_id))? {
                Placement::New(attempt) => report.attempt = attempt,
                Placement::Repeat(existing) => report.attempt = existing.attempt,
                // The hold has ended meanwhile: the key decides.
                Placement::Taken => {}
            }
        }
        let is_known = entries.iter().any(|entry| entry.attempt == report.attempt);
        Ok(ExpiryCharge::in_force(&entries).filter(|_| !is_known))
    }

    /// Answers a record whose key is that of an entry with other content: it is a repeat of another
    /// attempt, a new one, or refused. Returns the workspace if it has raised alerts.
    pub(super) async fn resolve(&self, conflict: Conflict) -> Option<Arc<WorkspaceHandle>> {
        let Conflict { record, entry } = conflict;
        let workspace = entry.workspace.clone();
        let answer = self.record_elsewhere(&workspace, record).await;
        entry.answer(answer);
        let has_alerts = workspace.lock().has_alerts();
        has_alerts.then_some(workspace)
    }

    async fn record_elsewhere(
        &self,
        workspace: &WorkspaceHandle,
        record: Record,
    ) -> Result<Recorded> {
        let request_id = record.request_id.clone();
        let of_ledger = |error| Error::of_ledger(error, &request_id);
        let entries = self.store.request_records(workspace.id(), &request_id).await?;
        let (now, charge) = (self.clock.now(), ExpiryCharge::in_force(&entries));
        let mut records = {
            let mut ledger = workspace.lock();
            let sent = (&*request_id, record.attempt, record.fingerprint);
            match ledger.place(sent, &entries).map_err(of_ledger)? {
                Placement::Repeat(existing) => {
                    return Ok(Recorded::new(&existing, true, ledger.budget_status()));
                }
                Placement::Taken => return Err(of_ledger(ledger::Error::RequestIdReused)),
                Placement::New(attempt) => {
                    let check_time = charge.as_ref().map(|charge| charge.entry.charge_time);
                    let seq = self.writer.next_seq();
                    let again = (record, attempt);
                    vec![ledger.prepare_again(now, seq, again, check_time).map_err(of_ledger)?]
                }
            }
        };
        if let Some(charge) = charge {
            let refund = charge.refund(self.writer.next_seq(), now);
            if workspace.lock().add_pending(&refund).is_ok() {
                records.push(refund);
            }
        }
        self.append_together(workspace, records).await
    }

    /// Appends a record with what goes along, and settles them.
    async fn append_together(
        &self,
        workspace: &WorkspaceHandle,
        records: Vec<Record>,
    ) -> Result<Recorded> {
        let appended = self.append(&records).await;
        let mut ledger = workspace.lock();
        let is_new = |appended: &Vec<Appended>| appended.iter().all(|it| *it == Appended::New);
        match appended {
            Ok(appended) if is_new(&appended) => {
                let status = ledger.settle_together(self.clock.now(), &records);
                drop(ledger);
                let recorded = Recorded::new(&records[0], false, status);
                self.publish(records);
                workspace.announce();
                Ok(recorded)
            }
            // One task writes, and has just read the log: nothing else can be there.
            Ok(_) => {
                records.iter().for_each(|record| ledger.abandon(record));
                Err(Error::Internal("a key of the log was taken meanwhile".to_owned()))
            }
            Err(error) => {
                records.iter().for_each(|record| ledger.abandon(record));
                Err(Error::from(error))
            }
        }
    }

    /// The answer to a report that the ledger refuses: one that repeats a record, whose hold was
    /// live when that was made, is answered as that record.
    pub(super) async fn refuse(
        &self,
        workspace: &WorkspaceHandle,
        error: ledger::Error,
        request_id: &str,
    ) -> Result<Recorded> {
        let fingerprint = match error {
            ledger::Error::StartTimeOutOfRange { fingerprint } => fingerprint,
            error => return Err(Error::of_ledger(error, request_id)),
        };
        let entries = self.store.request_records(workspace.id(), request_id).await?;
        match entries.iter().find(|entry| entry.is_usage_of(fingerprint)) {
            Some(existing) => Ok(Recorded::new(existing, true, workspace.lock().budget_status())),
            None => Err(Error::of_ledger(error, request_id)),
        }
    }
}
