//! Rebuilding the rollups from the log.
//!
//! The log is read once, in the order in which it was written, and added part by part, as the fold
//! does: however long it is, no more than a part is in memory.

use super::FOLD_CURSOR;
use super::verify::Dropped;
use crate::domain::record::Record;
use crate::storage::Result;
use crate::storage::rollup::FoldCursor;
use crate::storage::rollup::accumulator::Accumulator;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::log::erasing::{self, Begun};
use crate::storage::sql::log::{erasure, select_records};
use crate::storage::sql::row::Value;

/// Records read at once.
const PAGE_RECORDS: i64 = 5_000;
/// Cells after which what was summed up is added.
const CELLS_MAX: usize = 100_000;

/// What is derived from dropped days stays: their records are no longer in the log. Hours do not
/// have their day; those up to the last record of a dropped day stay.
const CLEAR: [&str; 6] = [
    "DELETE FROM rollups_by_hour WHERE NOT EXISTS (SELECT 1 FROM local_days \
       JOIN workspaces ON workspaces.id = local_days.workspace_id \
       WHERE local_days.workspace_id = rollups_by_hour.workspace_id \
       AND local_days.day < workspaces.dropped_before \
       AND local_days.last_time >= rollups_by_hour.hour)",
    "DELETE FROM rollups_by_day WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND day < dropped_before)",
    "DELETE FROM rollups_by_model WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND day < dropped_before)",
    "DELETE FROM rollup_latencies WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND day < dropped_before)",
    "DELETE FROM seen WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND dropped_before IS NOT NULL)",
    // Last: the first statement reads it.
    "DELETE FROM local_days WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND day < dropped_before)",
];

/// See [`crate::storage::rollup::RollupStore::rebuild_rollups`].
pub async fn rebuild<DB: Backend>(write: &mut Write<'_, DB>) -> Result<()> {
    let cursor: FoldCursor = write.row(FOLD_CURSOR, &[]).await?;
    let dropped = Dropped::new(write.rows(Dropped::SELECT, &[]).await?);
    for statement in CLEAR {
        write.execute(statement, &[]).await?;
    }
    // What stays of dropped days has the records up to the cursor in it already.
    add_from_log(write, 0, cursor.seq, Some(&dropped)).await?;
    let last = add_from_log(write, cursor.seq, i64::MAX, None).await?;
    let to = FoldCursor { seq: cursor.seq.max(last), batch: cursor.batch + 1 };
    write.set_fold_cursor(to).await
}

/// Adds the records with `after < seq <= upto`, but for what is to be left out. Returns the last
/// `seq`.
async fn add_from_log<DB: Backend>(
    write: &mut Write<'_, DB>,
    mut after: i64,
    upto: i64,
    left_out: Option<&Dropped>,
) -> Result<i64> {
    let mut sums = Accumulator::default();
    let begun: Begun = write.rows(erasure::begun(), &[]).await?;
    loop {
        let page = select_records("WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3");
        let values = [Value::Int(after), Value::Int(upto), Value::Int(PAGE_RECORDS)];
        let mut records: Vec<Record> = write.rows(page, &values).await?;
        erasing::rename(&begun, &mut records);
        for record in &records {
            after = record.seq;
            sums.add(record);
        }
        let is_last = records.is_empty();
        if sums.len() >= CELLS_MAX || is_last {
            let mut folded = std::mem::take(&mut sums).into_folded();
            if let Some(dropped) = left_out {
                dropped.leave_out(&mut folded);
            }
            write.add_folded(&folded).await?;
        }
        if is_last {
            return Ok(after);
        }
    }
}
