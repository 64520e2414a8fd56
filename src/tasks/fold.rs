//! Folds committed usage records into rollups.
//!
//! Records come from the writer while it keeps up; what was missed (at start, or because the queue
//! was full) is read from the log. Rows are added by the writer, with the cursor in the same
//! transaction, so nothing is folded twice or left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::{Committed, Engine, Error};
use crate::storage::rollup::Accumulator;

/// How long records wait at most before they are folded, while storage answers. Long enough that
/// few records of a busy server wait behind the fold's transaction: it writes as many rows for
/// five seconds as for one.
pub const FOLD_INTERVAL: Duration = Duration::from_secs(5);
/// Rows after which they are folded at once, so that no transaction holds the writer up for long.
pub const FOLD_ROWS_MAX: usize = 5_000;
/// Records read from the log at once.
const CATCH_UP_RECORDS: usize = 2_000;
/// Pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Position of the log up to which rollups are complete.
#[derive(Clone, Default)]
pub struct Progress(Arc<AtomicI64>);

impl Progress {
    pub fn folded(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Fold {
    engine: Engine,
    progress: Progress,
    /// Up to here rows are in storage.
    cursor: i64,
    /// Up to here records are in `rows`.
    position: i64,
    rows: Accumulator,
}

/// Runs until `stop`, then folds what is left.
pub async fn run(
    engine: Engine,
    mut committed: mpsc::Receiver<Committed>,
    progress: Progress,
    stop: CancellationToken,
) {
    let Some(mut fold) = Fold::start(engine, progress, &stop).await else { return };
    let mut deadline = Instant::now() + FOLD_INTERVAL;
    loop {
        let taken = tokio::select! {
            // In this order: a simulation runs the same way twice.
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(deadline) => None,
            group = committed.recv() => match group {
                Some(group) => Some(group),
                None => break,
            },
        };
        let is_due = taken.is_none();
        let taken = match taken {
            Some(group) => fold.take(group).await,
            None => Ok(()),
        };
        let done = match taken {
            Ok(()) if is_due || fold.rows.len() >= FOLD_ROWS_MAX => fold.write().await,
            other => other,
        };
        if let Err(error) = done {
            warn!(%error, "fold is delayed");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        if is_due {
            deadline = Instant::now() + FOLD_INTERVAL;
        }
    }
    while let Ok(group) = committed.try_recv() {
        if fold.take(group).await.is_err() {
            return;
        }
    }
    if let Err(error) = fold.write().await {
        warn!(%error, "the last records are folded at the next start");
    }
}

impl Fold {
    /// Reads what was left unfolded; tries until storage answers.
    async fn start(engine: Engine, progress: Progress, stop: &CancellationToken) -> Option<Fold> {
        // Not the position that was handed out last: that entry may not be there yet.
        let upto = engine.last_committed();
        loop {
            match engine.store().fold_cursor().await {
                Ok(cursor) => {
                    let rows = Accumulator::default();
                    let mut fold = Fold { engine, progress, cursor, position: cursor, rows };
                    fold.progress.0.store(cursor, Ordering::Relaxed);
                    while let Err(error) = fold.catch_up(upto).await {
                        warn!(%error, "fold is delayed");
                        stop.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await?;
                    }
                    return Some(fold);
                }
                Err(error) => warn!(%error, "fold is delayed"),
            }
            stop.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await?;
        }
    }

    /// Adds a group; reads from the log first what lies between.
    async fn take(&mut self, group: Committed) -> Result<(), Error> {
        if group.upto <= self.position {
            return Ok(());
        }
        if group.after != self.position {
            return self.catch_up(group.upto).await;
        }
        for record in &group.records {
            self.rows.add(record);
        }
        self.position = group.upto;
        Ok(())
    }

    /// Reads the log up to a position that is committed.
    async fn catch_up(&mut self, upto: i64) -> Result<(), Error> {
        while self.position < upto {
            let page = self.engine.store().records_after(self.position, CATCH_UP_RECORDS).await?;
            let Some(last) = page.last() else {
                // The positions up to there were given to records that did not reach the log.
                self.position = upto;
                break;
            };
            let last = last.seq;
            for record in &page {
                self.rows.add(record);
            }
            self.position = last;
            if self.rows.len() >= FOLD_ROWS_MAX {
                self.write().await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Error> {
        if self.position == self.cursor {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows).into_rows();
        let kept = Arc::new(rows);
        let (from, to) = (self.cursor, self.position);
        // The rows must be written before any later ones: try until it is known that they are.
        while let Err(error) = self.engine.fold(from, to, kept.clone()).await {
            if matches!(error, Error::Stopping | Error::Internal(_)) {
                return Err(error);
            }
            warn!(%error, "fold is delayed");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        self.cursor = to;
        self.progress.0.store(to, Ordering::Relaxed);
        Ok(())
    }
}
