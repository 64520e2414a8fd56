//! The fold: sums committed usage records up into rollups.
//!
//! Records come from the writer through a queue; what was missed (at start, or because the queue
//! was full) is read from the log. Rows are added by the writer, with the cursor in the same
//! transaction, so nothing is folded twice or left out. A caller that needs more than is folded
//! wakes it ([`Engine::fold_now`]).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::Time;
use crate::engine::{Committed, Engine, Error, FoldedUpto};
use crate::storage::rollup::FoldCursor;
use crate::storage::rollup::accumulator::Accumulator;

/// How long records wait at most before they are folded, while storage answers. Long enough that
/// few records of a busy server wait for the fold's transaction, which writes as many rows for five
/// seconds as for one.
pub const FOLD_INTERVAL: Duration = Duration::from_secs(5);
/// Cells after which they are folded immediately, so that no transaction blocks the writer for
/// long: each makes at most three rows of sums, and mostly shares them with others.
pub const FOLD_CELLS_MAX: usize = 10_000;
/// Records read from the log at once.
const CATCH_UP_RECORDS: usize = 2_000;
/// Pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

struct Fold {
    engine: Engine,
    /// Up to here rollups are in storage.
    cursor: FoldCursor,
    /// Up to here records are in `sums`.
    position: i64,
    sums: Accumulator,
    /// Users that were erased before `sums` began.
    erasures: u64,
    /// Everything acknowledged before this is at or before `position`.
    as_of: Time,
}

/// Why the fold wakes up.
enum Wake {
    Due,
    Requested,
    Committed(Committed),
}

/// Runs until `stop`, then folds what is left.
pub async fn run(
    engine: Engine,
    mut committed: mpsc::Receiver<Committed>,
    stop: CancellationToken,
) {
    let Some(mut fold) = Fold::start(engine.clone(), &stop).await else { return };
    let mut deadline = Instant::now() + FOLD_INTERVAL;
    loop {
        let wake = tokio::select! {
            // In this order, so that a simulation is deterministic.
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(deadline) => Wake::Due,
            () = engine.fold_requested() => Wake::Requested,
            group = committed.recv() => match group {
                Some(group) => Wake::Committed(group),
                None => break,
            },
        };
        let is_due = matches!(wake, Wake::Due);
        if let Err(error) = fold.on_wake(wake, &mut committed).await {
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
    if let Err(error) = fold.write_upto(fold.position).await {
        warn!(%error, "the last records are folded at the next start");
    }
}

impl Fold {
    /// Reads what is not folded yet; tries until storage answers.
    async fn start(engine: Engine, stop: &CancellationToken) -> Option<Fold> {
        // Not the position that was handed out last: that entry may not be committed yet.
        let upto = engine.last_committed();
        loop {
            let erasures = engine.erasures();
            match engine.store().fold_cursor().await {
                Ok(cursor) => {
                    let mut fold = Fold {
                        engine,
                        cursor,
                        position: cursor.seq,
                        sums: Accumulator::default(),
                        erasures,
                        as_of: Time::from_micros(0),
                    };
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

    async fn on_wake(
        &mut self,
        wake: Wake,
        committed: &mut mpsc::Receiver<Committed>,
    ) -> Result<(), Error> {
        if let Wake::Committed(group) = wake {
            self.take(group).await?;
            if self.sums.len() < FOLD_CELLS_MAX {
                return Ok(());
            }
            return self.write().await.map(drop);
        }
        // In this order: what is committed later is acknowledged later.
        let now = self.engine.now();
        let upto = self.engine.last_committed();
        while self.position < upto
            && let Ok(group) = committed.try_recv()
        {
            self.take(group).await?;
        }
        self.catch_up(upto).await?;
        self.as_of = now;
        self.write_upto(upto).await
    }

    /// Folds up to a position that is committed.
    async fn write_upto(&mut self, upto: i64) -> Result<(), Error> {
        while !self.write().await? {
            self.catch_up(upto).await?;
        }
        Ok(())
    }

    /// Starts over from what is folded: the sums may name a user that was erased.
    async fn restart(&mut self) -> Result<(), Error> {
        // In this order: what is read afterwards does not name users that were erased before.
        let erasures = self.engine.erasures();
        let cursor = self.engine.store().fold_cursor().await?;
        self.sums = Accumulator::default();
        (self.erasures, self.cursor, self.position) = (erasures, cursor, cursor.seq);
        Ok(())
    }

    /// Adds a group; reads from the log first what is missing before it.
    async fn take(&mut self, group: Committed) -> Result<(), Error> {
        if group.upto <= self.position {
            return Ok(());
        }
        // A user whom the group names may have been erased since.
        if group.after != self.position || group.erasures != self.erasures {
            return self.catch_up(group.upto).await;
        }
        for record in &group.records {
            self.sums.add(record);
        }
        self.position = group.upto;
        Ok(())
    }

    /// Reads the log up to a position that is committed.
    async fn catch_up(&mut self, upto: i64) -> Result<(), Error> {
        while self.position < upto {
            let page = self.engine.store().records_after(self.position, CATCH_UP_RECORDS).await?;
            let Some(last) = page.last() else {
                // The positions up to there belong to records that were not written.
                self.position = upto;
                break;
            };
            // Later ones were recorded later.
            (self.position, self.as_of) = (last.seq, self.as_of.max(last.record_time));
            for record in &page {
                self.sums.add(record);
            }
            if self.sums.len() >= FOLD_CELLS_MAX {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// Writes the sums. False if the fold has started over instead.
    async fn write(&mut self) -> Result<bool, Error> {
        let to = FoldCursor { seq: self.position, batch: self.cursor.batch + 1 };
        let folded = std::mem::take(&mut self.sums).into_folded();
        if to.seq != self.cursor.seq || self.engine.has_refusals() {
            let folded = Arc::new(folded);
            // These rows must be written before any later ones: try until they are known to be.
            loop {
                let (from, folded) = (self.cursor, folded.clone());
                let error = match self.engine.fold(self.erasures, from, to, folded).await {
                    Ok(true) => break,
                    Ok(false) => {
                        self.position = self.cursor.seq;
                        self.restart().await?;
                        return Ok(false);
                    }
                    Err(error) => error,
                };
                if matches!(error, Error::Stopping | Error::Internal(_)) {
                    // What is not folded is read from the log again.
                    self.position = self.cursor.seq;
                    return Err(error);
                }
                warn!(%error, "fold is delayed");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            self.cursor = to;
        }
        self.engine.set_folded(FoldedUpto { seq: self.cursor.seq, as_of: self.as_of });
        Ok(true)
    }
}
