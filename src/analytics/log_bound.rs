//! Bound on how many records of the usage log a report may read where no rollup answers it.

use super::batch::{Answers, Batch};
use super::{Error, Result, Scope};
use crate::domain::time::calendar::Window;
use crate::storage::reports::RECORDS_MAX;

/// Runs a batch over these windows; one that reads records is checked first.
///
/// # Errors
/// As [`check`].
pub async fn run(batch: Batch, scope: &Scope<'_>, windows: &[Window]) -> Result<Answers> {
    if batch.reads_records() {
        check(scope, windows).await?;
    }
    batch.run(scope).await
}

/// Refuses to read the records of windows that have too many, or that begin before the retained
/// part of the log.
///
/// # Errors
/// If it refuses, or storage fails.
pub async fn check(scope: &Scope<'_>, windows: &[Window]) -> Result<()> {
    let mut batch = Batch::default();
    let counts: Vec<_> = windows.iter().map(|window| batch.record_count(*window)).collect();
    let dropped_before = batch.dropped_before();
    let mut answers = batch.run(scope).await?;
    let start = windows.iter().map(|window| window.start).min();
    if let Some(kept_from) = answers.take(dropped_before)?
        && start.is_some_and(|start| start < kept_from)
    {
        return Err(Error::Dropped { kept_from: scope.calendar().date(kept_from) });
    }
    let mut record_count = 0_i64;
    for count in counts {
        record_count = record_count.saturating_add(answers.take(count)?);
    }
    let record_count_max = RECORDS_MAX as i64;
    if record_count > record_count_max {
        return Err(Error::TooBroad { record_count_max });
    }
    Ok(())
}
