//! Reprices records at the current prices and writes the differences as corrections. Changes no
//! record.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::{Error, Result};
use super::super::{Engine, InCurrency, Shared, WorkspaceHandle};
use crate::answers;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::Extras;
use crate::domain::{Amount, Time};
use crate::storage::log::{Order, RecordFilter, RecordPosition};

/// Records of a page: few, because records that were used wait meanwhile.
const PAGE_RECORDS: usize = 100;

#[derive(Clone, Debug)]
pub struct RepriceRequest {
    pub workspace_id: String,
    /// Matches `model_id` or `metered_model_id`; absent for every model.
    pub model_id: Option<String>,
    /// By charge time.
    pub from: Time,
    /// Exclusive; absent for now.
    pub to: Option<Time>,
    pub dry_run: bool,
}

/// What was corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repriced {
    pub examined: i64,
    pub corrected: i64,
    pub difference: Amount,
    /// Records that still have no price.
    pub unpriced: i64,
}

/// A record and what it has cost so far.
struct Billed {
    record: Record,
    /// With its corrections, by metered model.
    cost_by_model: BTreeMap<Arc<str>, Amount>,
    last_revision: i32,
}

impl Engine {
    /// Goes through the records page by page, each page a job of the writer, with other writes in
    /// between; a dry run only reads, beside the writer. Not atomic: an aborted call leaves the
    /// finished pages corrected, and is safe to repeat.
    pub async fn reprice(&self, request: RepriceRequest) -> Result<InCurrency<Repriced>> {
        let workspace = self.workspace(&request.workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let filter = RecordFilter {
            from: Some(request.from),
            to: Some(request.to.unwrap_or_else(|| self.now())),
            model_id: request.model_id,
            ..RecordFilter::of(workspace.id().clone())
        };
        let mut total = Repriced::default();
        let mut after = None;
        loop {
            let (page, next) = if request.dry_run {
                self.shared.reprice_page(&workspace, &filter, after, true).await?
            } else {
                let (workspace, filter) = (workspace.clone(), filter.clone());
                self.in_writer(move |shared| async move {
                    shared.reprice_page(&workspace, &filter, after, false).await
                })
                .await?
            };
            total.add(page);
            match next {
                Some(position) => after = Some(position),
                None => return Ok(InCurrency { currency, value: total }),
            }
        }
    }
}

impl Shared {
    async fn reprice_page(
        &self,
        workspace: &WorkspaceHandle,
        filter: &RecordFilter,
        after: Option<RecordPosition>,
        dry_run: bool,
    ) -> Result<(Repriced, Option<RecordPosition>)> {
        let records = self.store.records(filter, Order::OldestFirst, after, PAGE_RECORDS).await?;
        let last = records.last().map(RecordPosition::of);
        let next = last.filter(|_| records.len() == PAGE_RECORDS);
        let mut done = Repriced::default();
        for record in records {
            if record.kind != RecordKind::Usage {
                continue;
            }
            done.examined += 1;
            self.reprice_record(workspace, record, dry_run, &mut done).await?;
        }
        Ok((done, next))
    }

    async fn reprice_record(
        &self,
        workspace: &WorkspaceHandle,
        record: Record,
        dry_run: bool,
        done: &mut Repriced,
    ) -> Result<()> {
        let Some(priced) = workspace.lock().reprice(&read_again(&record)) else {
            done.unpriced += 1;
            return Ok(());
        };
        // What its price still lacks is not in the cost, as before.
        done.unpriced += i64::from(priced.unpriced);
        let unchanged = priced.cost == record.cost
            && priced.metered_model_id == record.metered_model_id
            && priced.price_id == record.price_id;
        let entries = self.store.request_records(workspace.id(), &record.request_id).await?;
        let is_void =
            |entry: &Record| entry.attempt == record.attempt && entry.kind == RecordKind::Void;
        if entries.iter().any(is_void) {
            return Ok(());
        }
        let billed = Billed::new(record, entries);
        if unchanged && billed.last_revision == 0 {
            return Ok(());
        }
        let corrections = billed.corrections(&priced, self.clock.now());
        if corrections.is_empty() {
            return Ok(());
        }
        done.corrected += 1;
        done.difference += corrections.iter().map(|correction| correction.cost).sum();
        if !dry_run {
            self.write_corrections(workspace, corrections).await?;
        }
        Ok(())
    }

    /// Appends and settles corrections of one record: all of them or none.
    async fn write_corrections(
        &self,
        workspace: &WorkspaceHandle,
        mut corrections: Vec<Record>,
    ) -> Result<()> {
        for correction in &mut corrections {
            correction.seq = self.writer.next_seq();
        }
        let expected = workspace.lock().expect_all(&corrections);
        expected.map_err(|error| Error::of_ledger(error, &corrections[0].request_id))?;
        // In one transaction: a cost that moves from one model to another is never in both.
        let appended = self.append(&corrections).await;
        let now = self.clock.now();
        let mut ledger = workspace.lock();
        let failed = match appended {
            Ok(_) => None,
            Err(error) => Some(Error::from(error)),
        };
        for correction in &corrections {
            match failed {
                None => {
                    ledger.settle(now, correction);
                }
                Some(_) => ledger.abandon(correction),
            }
        }
        drop(ledger);
        match failed {
            None => {
                self.publish(corrections);
                workspace.announce();
                Ok(())
            }
            Some(error) => Err(error),
        }
    }
}

/// The record with the usage that is read in its provider answer now, under what its caller said.
/// An answer that is still not read leaves it as it is.
fn read_again(record: &Record) -> Record {
    let mut read = record.clone();
    let Some(answer) = &mut read.answer else { return read };
    let Ok(reading) = answers::read(&[&answer.json], &answer.provider) else { return read };
    if let Some(provider) = &reading.provider {
        answer.provider = provider.to_string();
    }
    answer.others = reading.to_others();
    answer.is_unread = false;
    read.usage = reading.usage;
    read.extras = Extras::merged(answer.given.extras.as_deref(), reading.to_extras());
    read.tier = answer.given.tier.or(reading.service_tier).unwrap_or_default();
    read
}

impl Billed {
    /// `entries` are all records of the request.
    fn new(record: Record, entries: Vec<Record>) -> Billed {
        let mut cost_by_model: BTreeMap<Arc<str>, Amount> = BTreeMap::new();
        let mut last_revision = 0;
        for entry in entries {
            if entry.attempt == record.attempt {
                last_revision = last_revision.max(entry.revision);
                *cost_by_model.entry(entry.metered_model_id).or_default() += entry.cost;
            }
        }
        Billed { record, cost_by_model, last_revision }
    }

    /// The entries after which the record has cost what `priced` says.
    fn corrections(mut self, priced: &Record, now: Time) -> Vec<Record> {
        let target = self.cost_by_model.entry(priced.metered_model_id.clone()).or_default();
        *target -= priced.cost;
        let mut corrections = Vec::new();
        let mut revision = self.last_revision;
        for (model, surplus) in self.cost_by_model {
            if surplus.is_zero() {
                continue;
            }
            revision += 1;
            corrections.push(Record {
                seq: 0,
                revision,
                kind: RecordKind::Correction,
                metered_model_id: model,
                usage: Default::default(),
                extras: None,
                answer: None,
                cost: -surplus,
                unpriced: false,
                large_above: None,
                price_id: priced.price_id.clone(),
                exchange_rate: priced.exchange_rate,
                record_time: now,
                latency: 0,
                ..self.record.clone()
            });
        }
        corrections
    }
}

impl Repriced {
    fn add(&mut self, page: Repriced) {
        self.examined += page.examined;
        self.corrected += page.corrected;
        self.difference += page.difference;
        self.unpriced += page.unpriced;
    }
}
