//! Shutdown snapshots: holds and counts of rate limits that were in memory at a graceful stop, and
//! when a crash lost such counts.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use crate::domain::Time;
use crate::domain::backfill::RateCounts;
use crate::storage::Result;
use crate::storage::log::HoldChanges;
use crate::storage::shutdown::{ShutdownStore, StoredCrash, StoredHold, StoredRate};
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{OrEmpty, Value, row, time};
use crate::storage::sql::table::Table;

pub static HOLDS: Table<StoredHold> = Table::new("holds", &["workspace_id", "request_id"]);
static RATE_COUNTS: Table<StoredRate> =
    Table::new("rate_counts", &["workspace_id", "rate_limit_id", "subject_id", "span", "unit"]);

/// Most workspaces that one statement marks.
const CRASHES_MAX: usize = 128;
/// Most holds that one statement deletes.
const DELETED_MAX: usize = 256;

row! {
    StoredHold {
        workspace_id,
        request_id,
        attempt,
        model_id,
        routed,
        held = "held_nanos",
        held_tokens,
        held_cache_reads,
        check_time,
        expire_time,
        price_id as OrEmpty,
        exchange_rate_nanos,
        tier,
        fingerprint,
        attribution,
        key_group_id,
    }
}

row! { StoredRate { workspace_id, counts } }
row! { RateCounts { rate_limit_id, span, unit, subject_id, buckets } }

#[async_trait]
impl<DB: Backend> ShutdownStore for SqlStore<DB> {
    async fn save_snapshot(
        &self,
        holds: &[StoredHold],
        rates: &[StoredRate],
        crashes: &[StoredCrash],
    ) -> Result<()> {
        let mut write = self.session.begin().await?;
        HOLDS.put(&mut write, holds).await?;
        RATE_COUNTS.put(&mut write, rates).await?;
        // All that one crash hit, together.
        for of_crash in crashes.chunk_by(|one, next| one.time == next.time) {
            for part in of_crash.chunks(CRASHES_MAX) {
                put_crash(&mut write, part).await?;
            }
        }
        write.execute("UPDATE owner SET stopped = TRUE", &[]).await?;
        write.commit().await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.select(HOLDS.of(workspace_id).sorted("check_time, request_id")).await
    }

    async fn rate_counts(&self, workspace_id: &str) -> Result<Vec<StoredRate>> {
        let order = "rate_limit_id, subject_id, span, unit";
        self.select(RATE_COUNTS.of(workspace_id).sorted(order)).await
    }

    async fn crash_time(&self, workspace_id: &str) -> Result<Option<Time>> {
        let sql = "SELECT crash_time FROM workspaces WHERE id = $1";
        let found: Vec<Option<Time>> = self.rows(sql, &[Value::Text(workspace_id)]).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn delete_snapshot(&self, workspace_id: &str, keep_holds: bool) -> Result<()> {
        let mut write = self.session.begin().await?;
        if !keep_holds {
            let sql = "DELETE FROM holds WHERE workspace_id = $1";
            write.execute(sql, &[Value::Text(workspace_id)]).await?;
        }
        for sql in [
            "DELETE FROM rate_counts WHERE workspace_id = $1",
            "UPDATE workspaces SET crash_time = NULL WHERE id = $1 AND crash_time IS NOT NULL",
        ] {
            write.execute(sql, &[Value::Text(workspace_id)]).await?;
        }
        write.commit().await
    }

    async fn snapshot_workspaces(&self) -> Result<Vec<String>> {
        let sql = "SELECT workspace_id FROM holds UNION SELECT workspace_id FROM rate_counts \
                   UNION SELECT id FROM workspaces WHERE crash_time IS NOT NULL \
                   ORDER BY workspace_id";
        self.rows(sql, &[]).await
    }
}

/// Deletes holds that have ended, and stores those that were taken.
pub async fn change_holds<DB: Backend>(
    write: &mut Write<'_, DB>,
    holds: &HoldChanges,
) -> Result<()> {
    for of_workspace in holds.ended.chunk_by(|(one, _), (next, _)| one == next) {
        for part in of_workspace.chunks(DELETED_MAX) {
            let mut values = vec![Value::Shared(&part[0].0)];
            values.extend(part.iter().map(|(_, request_id)| Value::Shared(request_id)));
            let ids = numbers(2..=values.len());
            let sql =
                format!("DELETE FROM holds WHERE workspace_id = $1 AND request_id IN ({ids})");
            write.execute(AssertSqlSafe(sql), &values).await?;
        }
    }
    HOLDS.put(write, &holds.taken).await
}

/// `$2, $3`: placeholders with these numbers.
fn numbers(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Stores the time of one crash with the workspaces that it hit.
async fn put_crash<DB: Backend>(write: &mut Write<'_, DB>, hit: &[StoredCrash]) -> Result<()> {
    let Some(first) = hit.first() else { return Ok(()) };
    let mut values = vec![time(first.time)];
    values.extend(hit.iter().map(|crash| Value::Shared(&crash.workspace_id)));
    let ids = numbers(2..=values.len());
    let sql = format!("UPDATE workspaces SET crash_time = $1 WHERE id IN ({ids})");
    write.execute(AssertSqlSafe(sql), &values).await.map(drop)
}
