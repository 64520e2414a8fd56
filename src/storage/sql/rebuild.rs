//! Making anew what is derived from the log.
//!
//! The log is gone through once, in the order in which it was written, and what it says is added
//! part by part, as the fold does: however long it is, no more than a part is in memory.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::records::{self, COLUMNS};
use super::rollups::{FOLD_CURSOR, read_cursor};
use super::session::Write;
use super::verify::{DROPPED, Dropped};
use crate::storage::Result;
use crate::storage::accumulator::Accumulator;
use crate::storage::rollup::FoldCursor;

/// Records read at once.
const PAGE_RECORDS: i64 = 5_000;
/// Cells after which what was summed up is added.
const CELLS_MAX: usize = 100_000;

/// Of dropped days the entries are gone: what they left stays. Hours do not know their day; those
/// up to the last entry of a dropped day stay.
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
    // Last: the first statement asks it.
    "DELETE FROM local_days WHERE NOT EXISTS (SELECT 1 FROM workspaces \
       WHERE id = workspace_id AND day < dropped_before)",
];

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn remake_rollups(&self) -> Result<()> {
        let mut write = self.session.begin().await?;
        let cursor = read_cursor::<DB>(&write.rows(FOLD_CURSOR.into_sql_str(), &[]).await?)?;
        let dropped = Dropped::read::<DB>(&write.rows(DROPPED.into_sql_str(), &[]).await?)?;
        for statement in CLEAR {
            write.run(statement, &[]).await?;
        }
        // What stays of dropped days has the entries up to the cursor in it already.
        write.add_from_log(0, cursor.seq, Some(&dropped)).await?;
        let last = write.add_from_log(cursor.seq, i64::MAX, None).await?;
        let to = FoldCursor { seq: cursor.seq.max(last), batch: cursor.batch + 1 };
        write.set_fold_cursor(to).await?;
        write.commit().await
    }
}

impl<DB: Backend> Write<'_, DB> {
    /// Adds what the entries with `after < seq <= upto` say, but for what is to be left out.
    /// Answers the last `seq`.
    async fn add_from_log(
        &mut self,
        mut after: i64,
        upto: i64,
        left_out: Option<&Dropped>,
    ) -> Result<i64> {
        let sql = format!(
            "SELECT {COLUMNS} FROM usage_records WHERE seq > $1 AND seq <= $2 \
             ORDER BY seq LIMIT $3"
        );
        let mut sums = Accumulator::default();
        loop {
            let values = [Value::Int(after), Value::Int(upto), Value::Int(PAGE_RECORDS)];
            let rows = self.rows(AssertSqlSafe(sql.clone()).into_sql_str(), &values).await?;
            for row in &rows {
                let record = records::read::<DB>(row)?;
                after = record.seq;
                sums.add(&record);
            }
            let is_last = rows.is_empty();
            if sums.len() >= CELLS_MAX || is_last {
                let mut folded = std::mem::take(&mut sums).into_folded();
                if let Some(dropped) = left_out {
                    dropped.leave_out(&mut folded);
                }
                self.add_folded(&folded).await?;
            }
            if is_last {
                return Ok(after);
            }
        }
    }
}
