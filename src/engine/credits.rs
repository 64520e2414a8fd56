//! Credits, and the voiding of wrong records: entries of the log that take cost back.
//!
//! Both are money alone, as corrections are: tokens and requests were used all the same, and stay
//! counted. An entry says who made it and why, so that none is without; the audit event is written
//! behind it, and again if the call is repeated.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::audit::Actor;
use super::error::{Error, Result};
use super::{Engine, InCurrency, Shared, WorkspaceHandle};
use crate::domain::record::{CREDIT_ATTEMPT, CreditReport, Fingerprint, Record, RecordKind};
use crate::domain::usage::{Extras, Note};
use crate::domain::{Amount, Currency, Time};
use crate::storage::audit::AuditEvent;

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
            .in_writer(move |shared| async move {
                let (is_new, record) = shared.write_credit(&workspace, &by, report).await?;
                shared.audit_entry(&by, &record, record.cost).await?;
                Ok(shared.credited(&workspace, -record.cost, !is_new))
            })
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
    /// Appends a credit, unless it is there. Whether it is new, and the entry.
    async fn write_credit(
        &self,
        workspace: &WorkspaceHandle,
        by: &Actor,
        report: CreditReport,
    ) -> Result<(bool, Record)> {
        let id = report.credit_id.clone();
        let seq = self.writer.next_seq();
        let record = {
            let mut ledger = workspace.lock();
            let prepared = ledger.prepare_credit(self.clock.now(), seq, report, &by.name);
            prepared.map_err(|error| Error::of_ledger(error, &id))?
        };
        if self.append_and_settle(workspace, record.clone()).await? {
            workspace.announce();
            return Ok((true, record));
        }
        let entries = self.store.request_records(workspace.id(), &id).await?;
        let existing = entries.into_iter().find(|entry| entry.attempt == CREDIT_ATTEMPT);
        match existing {
            Some(existing) if existing.fingerprint == record.fingerprint => Ok((false, existing)),
            _ => Err(Error::RequestIdReused { request_id: id.to_string() }),
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
        let is_void = |entry: &&Record| entry.kind == RecordKind::Void;
        let before: Vec<Record> = entries.iter().filter(is_void).cloned().collect();
        if let Some(first) = before.first() {
            let amount: Amount = before.iter().map(|entry| -entry.cost).sum();
            self.audit_entry(by, first, -amount).await?;
            return Ok(self.credited(workspace, amount, true));
        }
        let Some(record) = entries.iter().find(|entry| entry.kind == RecordKind::Usage) else {
            let id = format!("{request_id}, attempt {attempt}");
            return Err(Error::ResourceNotFound { resource: "usage record", id });
        };
        let voids = voids(record, &entries, &reason, &by.name, self.clock.now());
        let amount: Amount = voids.iter().map(|entry| -entry.cost).sum();
        let first = voids[0].clone();
        self.write_corrections(workspace, voids).await?;
        self.audit_entry(by, &first, -amount).await?;
        Ok(self.credited(workspace, amount, false))
    }

    fn credited(&self, workspace: &WorkspaceHandle, amount: Amount, duplicate: bool) -> Credited {
        let cycle_spent = workspace.lock().budget_status().cycle_spent;
        Credited { amount, duplicate, cycle_spent }
    }

    /// Writes the audit event of an entry. Its id is a function of the entry, so that a repeat does
    /// not write it again.
    async fn audit_entry(&self, by: &Actor, record: &Record, cost: Amount) -> Result<()> {
        let mut print = Fingerprint::default();
        print.text(&record.workspace_id);
        print.text(&record.request_id);
        print.int(record.attempt.into());
        print.text(record.kind.as_str());
        let hash = print.finish().cast_unsigned();
        let id = uuid::Uuid::from_u64_pair(hash, hash.rotate_left(32));
        let note = record.extras.as_ref().and_then(|extras| extras.note.as_ref());
        let after = json!({
            "amount": cost,
            "attempt": record.attempt,
            "model_id": record.model_id,
            "reason": note.map(|note| &note.reason),
            "reference": note.map(|note| &note.reference),
        });
        let event = AuditEvent {
            id: id.to_string(),
            time: record.record_time,
            actor: note.map_or_else(|| by.name.clone(), |note| note.actor.clone()),
            on_behalf_of: by.on_behalf_of.clone(),
            action: by.action.to_owned(),
            workspace_id: record.workspace_id.to_string(),
            resource_type: "usage_record".to_owned(),
            resource_id: record.request_id.to_string(),
            before: None,
            after: Some(after.to_string()),
        };
        self.until_known(|| {
            self.store.change(&record.workspace_id, &[], std::slice::from_ref(&event))
        })
        .await?;
        Ok(())
    }
}

/// The entries that take back what a record and its corrections have cost, one for each model that
/// it counts in: at least one, which says that the record is void.
fn voids(record: &Record, entries: &[Record], reason: &str, actor: &str, now: Time) -> Vec<Record> {
    let mut cost_by_model: BTreeMap<&Arc<str>, Amount> = BTreeMap::new();
    let mut revision = 0;
    for entry in entries {
        revision = revision.max(entry.revision);
        *cost_by_model.entry(&entry.metered_model_id).or_default() += entry.cost;
    }
    if cost_by_model.values().any(|cost| !cost.is_zero()) {
        cost_by_model.retain(|_, cost| !cost.is_zero());
    }
    let note =
        Note { reason: reason.to_owned(), reference: String::new(), actor: actor.to_owned() };
    let void = |(model, cost): (&Arc<str>, Amount)| {
        revision += 1;
        Record {
            seq: 0,
            revision,
            kind: RecordKind::Void,
            metered_model_id: model.clone(),
            usage: Default::default(),
            extras: Extras { note: Some(note.clone()), ..Extras::default() }.boxed(),
            cost: -cost,
            unpriced: false,
            record_time: now,
            latency: 0,
            ..record.clone()
        }
    };
    cost_by_model.into_iter().map(void).collect()
}
