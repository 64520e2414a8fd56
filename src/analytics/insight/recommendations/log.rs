//! The usage of the last weeks, from the entries of the log: sizes of single requests, tiers and
//! times of the day are in no rollup.

use super::Sources;
use crate::analytics::Result;
use crate::analytics::batch::Batch;
use crate::analytics::insight::series::past_days;
use crate::domain::time::calendar::Window;
use crate::insight::recommendation::usage::Usages;
use crate::storage::log::RecordPosition;
use crate::storage::reports::RECORDS_MAX;

/// Whole local days that are looked at.
const DAYS: i64 = 28;
/// Entries of one read.
const PAGE_RECORDS: usize = 1_000;

/// The usage of the last 28 whole days; of as many fewer, by halves, as have at most
/// [`RECORDS_MAX`] entries. Of a workspace with more in one day there is none.
///
/// # Errors
/// If storage fails.
pub async fn usages(sources: &Sources<'_>) -> Result<Usages> {
    let scope = &sources.scope;
    let mut days = DAYS;
    loop {
        let window = past_days(scope, days).days.window;
        let mut batch = Batch::default();
        let count = batch.record_count(window);
        let count = batch.run(scope).await?.take(count)?;
        if count <= RECORDS_MAX as i64 {
            return read(sources, window).await;
        }
        if days == 1 {
            return Ok(Usages::new(window));
        }
        days /= 2;
    }
}

async fn read(sources: &Sources<'_>, window: Window) -> Result<Usages> {
    let id = &sources.scope.workspace.id;
    let mut usages = Usages::new(window);
    let mut after = None;
    loop {
        let records = sources.store.export_records(id, window, after, PAGE_RECORDS).await?;
        records.iter().for_each(|record| usages.add(record));
        if records.len() < PAGE_RECORDS {
            return Ok(usages);
        }
        after = records.last().map(RecordPosition::of);
    }
}
