//! Credits, and the voiding of wrong records: entries of the log that take cost back.
//!
//! Both are money alone, as corrections are: tokens and requests were used all the same, and stay
//! counted. An entry says who made it and why, and is written in one transaction with its audit
//! event.

use serde_json::json;

use super::super::audit::Actor;
use super::super::error::{Error, Result};
use super::super::{Engine, InCurrency, Shared, WorkspaceHandle};
use crate::domain::record::{CreditReport, Record};
use crate::domain::usage::Note;
use crate::domain::{Amount, Currency};
use crate::ledger::Void;
use crate::storage::audit::AuditEvent;
use crate::storage::log::Appended;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credited {
    /// What was taken back: of a credit its amount, of a record its cost with its corrections.
    pub amount: Amount,
    /// It was taken back before.
    pub duplicate: bool,
    pub cycle_spent: Amount,
}

/// Which record is void.
#[derive(Clone, Debug)]
pub struct VoidRequest {
    pub workspace_id: String,
    pub request_id: String,
    pub attempt: i32,
    pub reason: String,
}

impl Engine {
    /// Records a credit; returns when it is durable.
    ///
    /// # Errors
    /// If the currency is not that of the workspace, or the id is in use with other content.
    pub async fn record_credit(
        &self,
        by: Actor,
        workspace_id: &str,
        currency: Currency,
        report: CreditReport,
    ) -> Result<InCurrency<Credited>> {
        let workspace = self.workspace(workspace_id).await?;
        let own = workspace.lock().workspace().currency;
        if own != currency {
            let field = "amount.currency_code".to_owned();
            return Err(Error::Field { field, expected: format!("expected {own}") });
        }
        let credited = self
            .in_writer(move |shared| async move { shared.credit(&workspace, &by, report).await })
            .await?;
        Ok(InCurrency { currency, value: credited })
    }

    /// Takes the cost of a wrong record back, with its corrections.
    ///
    /// # Errors
    /// If the log has no such record.
    pub async fn void_usage(
        &self,
        by: Actor,
        request: VoidRequest,
    ) -> Result<InCurrency<Credited>> {
        let workspace = self.workspace(&request.workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let value = self
            .in_writer(move |shared| async move { shared.void(&workspace, &by, request).await })
            .await?;
        Ok(InCurrency { currency, value })
    }
}

impl Shared {
    async fn credit(
        &self,
        workspace: &WorkspaceHandle,
        by: &Actor,
        report: CreditReport,
    ) -> Result<Credited> {
        let id = report.credit_id.clone();
        let seq = self.writer.next_seq();
        let record = {
            let mut ledger = workspace.lock();
            let prepared = ledger.prepare_credit(self.clock.now(), seq, report, &by.name);
            prepared.map_err(|error| Error::of_ledger(error, &id))?
        };
        let fingerprint = record.fingerprint;
        let amount = -record.cost;
        match self.write_by_hand(workspace, by, vec![record]).await? {
            Appended::New => Ok(self.credited(workspace, amount, false)),
            Appended::Existing(existing) if existing.fingerprint == fingerprint => {
                Ok(self.credited(workspace, -existing.cost, true))
            }
            Appended::Existing(_) => Err(Error::RequestIdReused { request_id: id.to_string() }),
        }
    }

    async fn void(
        &self,
        workspace: &WorkspaceHandle,
        by: &Actor,
        request: VoidRequest,
    ) -> Result<Credited> {
        let VoidRequest { request_id, attempt, reason, .. } = request;
        let mut entries = self.store.request_records(workspace.id(), &request_id).await?;
        entries.retain(|entry| entry.attempt == attempt);
        let note = Note { reason, reference: String::new(), actor: by.name.clone() };
        let void = {
            let next_seq = || self.writer.next_seq();
            workspace.lock().prepare_void(self.clock.now(), &entries, &note, next_seq)
        };
        let voids = match void.map_err(|error| Error::of_ledger(error, &request_id))? {
            Void::New(voids) => voids,
            Void::Before(amount) => return Ok(self.credited(workspace, amount, true)),
            Void::Missing => {
                let id = format!("{request_id}, attempt {attempt}");
                return Err(Error::ResourceNotFound { resource: "usage record", id });
            }
        };
        let amount = voids.iter().map(|entry| -entry.cost).sum();
        match self.write_by_hand(workspace, by, voids).await? {
            Appended::New => Ok(self.credited(workspace, amount, false)),
            // One task writes, and has just read the log: nothing else can be there.
            Appended::Existing(_) => {
                Err(Error::Internal("a key of the log was taken meanwhile".to_owned()))
            }
        }
    }

    fn credited(&self, workspace: &WorkspaceHandle, amount: Amount, duplicate: bool) -> Credited {
        let cycle_spent = workspace.lock().budget_status().cycle_spent;
        Credited { amount, duplicate, cycle_spent }
    }

    /// Appends entries that somebody makes by hand, and that the ledger expects, with their audit
    /// event, and settles them: all of them or none.
    async fn write_by_hand(
        &self,
        workspace: &WorkspaceHandle,
        by: &Actor,
        records: Vec<Record>,
    ) -> Result<Appended> {
        let event = audit_event(by, &records);
        let append = || self.store.append_audited(&records, event.as_slice());
        let appended = self.until_known(append).await;
        let now = self.clock.now();
        let mut ledger = workspace.lock();
        if matches!(appended, Ok(Appended::New)) {
            ledger.settle_together(now, &records);
            drop(ledger);
            self.publish(records);
            workspace.announce();
            return Ok(Appended::New);
        }
        for record in &records {
            ledger.abandon(record);
        }
        Ok(appended?)
    }
}

/// The audit event of entries of one record.
fn audit_event(by: &Actor, records: &[Record]) -> Option<AuditEvent> {
    let record = records.first()?;
    let note = record.extras.as_ref().and_then(|extras| extras.note.as_ref());
    let cost: Amount = records.iter().map(|record| record.cost).sum();
    let after = json!({
        "amount": cost,
        "attempt": record.attempt,
        "model_id": record.model_id,
        "reason": note.map(|note| &note.reason),
        "reference": note.map(|note| &note.reference),
    });
    let (workspace_id, id) = (&record.workspace_id, &record.request_id);
    by.event(record.record_time, workspace_id, "usage_record", id, None, Some(after))
}
