//! Writes a generated workspace: its settings, its directory, its log, and the sums of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate::domain::attribution::directory::Entry;
use tollgate::domain::check::{RefusalCounts, RefusalKey};
use tollgate::domain::record::Record;
use tollgate::domain::workspace::{Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::engine::Actor;
use tollgate::storage::rollup::accumulator::Accumulator;
use tollgate::storage::rollup::{FoldCursor, RefusalRow};
use tollgate::storage::settings::Change;
use tollgate::storage::{Result, Store};

use super::models::Priced;
use super::records::Day;

/// Entries appended in one transaction.
const BATCH_RECORDS: usize = 16_384;
/// Cells that are folded in one transaction.
const FOLD_CELLS: usize = 200_000;
/// Entries of the directory written in one transaction.
const DIRECTORY_BATCH: usize = 1_000;

/// Author of these changes in the audit log.
pub fn actor() -> Actor {
    Actor::new("command line", "generate")
}

pub async fn put_workspace(
    store: &dyn Store,
    workspace: &Workspace,
    models: &[Priced],
    now: Time,
) -> Result<()> {
    let mut changes = vec![Change::PutWorkspace(workspace.clone())];
    changes.extend(models.iter().map(|model| {
        Change::PutWorkspaceModel(WorkspaceModel {
            model_id: model.id.clone(),
            enabled: true,
            limit: None,
            limit_enabled: false,
            fallback_model_ids: Vec::new(),
        })
    }));
    let id = &workspace.id;
    let after = serde_json::json!({ "workspace_id": &**id });
    let event = actor().event(now, id, "workspace", id, None, Some(after));
    let events: Vec<_> = event.into_iter().collect();
    store.change(id, &changes, &events).await
}

pub async fn put_plan(store: &dyn Store, workspace: &Workspace) -> Result<()> {
    let changes = [Change::PutWorkspace(workspace.clone())];
    store.change(&workspace.id, &changes, &[]).await
}

pub async fn put_directory(store: &dyn Store, workspace_id: &str, entries: &[Entry]) -> Result<()> {
    for part in entries.chunks(DIRECTORY_BATCH) {
        let changes = [Change::PutEntries(part.to_vec())];
        store.change(workspace_id, &changes, &[]).await?;
    }
    Ok(())
}

/// Appends records, and folds them.
pub struct Writer<'a> {
    store: &'a dyn Store,
    workspace_id: Arc<str>,
    records: usize,
    spent: Amount,
    cursor: FoldCursor,
    /// Up to here records are in `accumulator`.
    position: i64,
    /// Absent where folding is left to the server.
    accumulator: Option<Accumulator>,
    refusals: BTreeMap<RefusalKey, RefusalCounts>,
}

impl<'a> Writer<'a> {
    pub async fn new(
        store: &'a dyn Store,
        workspace_id: &str,
        last_seq: i64,
        fold: bool,
    ) -> Result<Writer<'a>> {
        let cursor = store.fold_cursor().await?;
        // Where older entries wait to be folded, all are folded in order by the server.
        let folds = fold && cursor.seq == last_seq;
        Ok(Writer {
            store,
            workspace_id: workspace_id.into(),
            records: 0,
            spent: Amount::ZERO,
            cursor,
            position: cursor.seq,
            accumulator: folds.then(Accumulator::default),
            refusals: BTreeMap::new(),
        })
    }

    pub async fn write(&mut self, day: Day, progress: &mut impl FnMut(usize)) -> Result<()> {
        for (key, counts) in day.refusals {
            self.refusals.entry(key).or_default().add(&counts);
        }
        for part in day.records.chunks(BATCH_RECORDS) {
            self.store.append(part).await?;
            self.count(part);
            progress(self.records);
            if self.accumulator.as_ref().is_some_and(|sums| sums.len() >= FOLD_CELLS) {
                self.fold().await?;
            }
        }
        Ok(())
    }

    /// Number of records, their cost, and whether they are folded.
    pub async fn finish(mut self) -> Result<(usize, Amount, bool)> {
        self.fold().await?;
        Ok((self.records, self.spent, self.accumulator.is_some()))
    }

    fn count(&mut self, records: &[Record]) {
        self.records += records.len();
        for record in records {
            self.spent += record.cost;
            if let Some(accumulator) = &mut self.accumulator {
                accumulator.add(record);
                self.position = record.seq;
            }
        }
    }

    /// Writes the sums, and the refusals, which are not in the log.
    async fn fold(&mut self) -> Result<()> {
        let sums = self.accumulator.as_mut().map(std::mem::take).unwrap_or_default();
        let mut folded = sums.into_folded();
        for (key, counts) in std::mem::take(&mut self.refusals) {
            folded.refusals.push(RefusalRow {
                workspace_id: self.workspace_id.clone(),
                hour: key.hour,
                limit: key.limit,
                model_id: key.model_id,
                user_id: key.user_id,
                counts,
            });
        }
        let to = FoldCursor { seq: self.position, batch: self.cursor.batch + 1 };
        self.store.fold(self.cursor, to, &folded).await?;
        self.cursor = to;
        Ok(())
    }
}
