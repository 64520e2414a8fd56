//! Rollups: what is derived from the usage log, and how it is added to, verified and rebuilt.

mod consumption;
pub mod cut;
mod tags;
mod rebuild;
pub mod refusals;
mod verify;
mod write;

use async_trait::async_trait;

use super::SqlStore;
use super::connection::backend::Backend;
use super::row::row;
use super::table::{Table, columns_of};
use crate::domain::attribution::Dimension;
use crate::storage::directory::Seen;
use crate::storage::rollup::{
    DayRow, Difference, FoldCursor, Folded, Grain, RollupStore, SeenRow, Sums,
};
use crate::storage::{Error, Result};

pub const FOLD_CURSOR: &str = "SELECT seq, batch FROM fold_cursor WHERE id = 1";

pub static SEEN: Table<SeenRow> = Table::new("seen", &["workspace_id", "dimension", "value"]);
static LOCAL_DAYS: Table<DayRow> = Table::new("local_days", &["workspace_id", "day"]);

row! { FoldCursor { seq, batch } }
row! { SeenRow { workspace_id, dimension, value, seen } }
row! { Seen { first_time, last_time, first_success_time } }
row! { DayRow { workspace_id, day, first_time, last_time } }
row! {
    Sums { record_count, error_count, cancelled_count, cost_nanos, tokens, latency }
}

/// The table of a grain and the columns of its key.
pub fn table(grain: Grain) -> (&'static str, &'static str) {
    match grain {
        Grain::Hour => ("rollups_by_hour", "workspace_id, dimension, hour, value"),
        Grain::Day => ("rollups_by_day", "workspace_id, dimension, day, value"),
        Grain::DayByModel => ("rollups_by_model", "workspace_id, dimension, day, value, model"),
    }
}

/// The columns of [`Sums`].
pub fn sum_columns() -> Vec<&'static str> {
    columns_of::<Sums>().iter().map(|column| column.name).collect()
}

/// The column whose value a record counts under. Not of tags and outcomes, which have none.
pub fn column(dimension: Dimension) -> &'static str {
    match (dimension.field(), dimension) {
        (Some(field), _) => field.name(),
        (None, Dimension::KeyGroup) => "key_group_id",
        (None, Dimension::Model) => "metered_model_id",
        (None, _) => "''",
    }
}

#[async_trait]
impl<DB: Backend> RollupStore for SqlStore<DB> {
    async fn fold_cursor(&self) -> Result<FoldCursor> {
        self.row(FOLD_CURSOR, &[]).await
    }

    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()> {
        let mut write = self.session.begin().await?;
        let cursor: FoldCursor = write.row(FOLD_CURSOR, &[]).await?;
        if cursor == to {
            return write.commit().await;
        }
        if cursor != from {
            return Err(Error::Corrupt(format!(
                "the fold is at {cursor:?}, not at {from:?} nor at {to:?}"
            )));
        }
        write.add_folded(folded).await?;
        refusals::add(&mut write, &folded.refusals).await?;
        write.set_fold_cursor(to).await?;
        write.commit().await
    }

    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        let mut snapshot = self.snapshot().await?;
        let found = verify::differences(&mut snapshot, limit).await?;
        snapshot.end().await?;
        Ok(found)
    }

    async fn rebuild_rollups(&self) -> Result<()> {
        let mut write = self.session.begin().await?;
        write.allow_long_statements();
        rebuild::rebuild(&mut write).await?;
        write.commit().await
    }
}
