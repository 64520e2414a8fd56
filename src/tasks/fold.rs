//! Folds committed usage records into what is derived from them.
//!
//! Records come from the writer while it keeps up; what was missed (at start, or because the queue
//! was full) is read from the log. Rows are added by the writer, with the cursor in the same
//! transaction, so nothing is folded twice or left out. Whoever needs more than is folded asks for
//! it ([`Engine::fold_now`]).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::Time;
use crate::engine::{Committed, Engine, Error, FoldedUpto};
use crate::storage::accumulator::Accumulator;
use crate::storage::rollup::FoldCursor;

/// How long records wait at most before they are folded, while storage answers. Long enough that
/// few records of a busy server wait behind the fold's transaction: it writes as many rows for
/// five seconds as for one.
pub const FOLD_INTERVAL: Duration = Duration::from_secs(5);
/// Cells after which they are folded at once, so that no transaction holds the writer up for long:
/// each makes at most three rows of sums, and mostly shares them with others.
pub const FOLD_CELLS_MAX: usize = 10_000;
/// Records read from the log at once.
const CATCH_UP_RECORDS: usize = 2_000;
/// Pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

struct Fold {
    engine: Engine,
    /// Up to here rows are in storage.
    cursor: FoldCursor,
    /// Up to here records are in `sums`.
    position: i64,
    sums: Accumulator,
    /// How many users were erased before `sums` were begun.
    erasures: u64,
    /// Everything acknowledged before is at or before `position`.
    as_of: Time,
}

/// Why the fold goes on.
enum Woken {
    Due,
    Asked,
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
        let woken = tokio::select! {
            // In this order: a simulation runs the same way twice.
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(deadline) => Woken::Due,
            () = engine.fold_asked() => Woken::Asked,
            group = committed.recv() => match group {
                Some(group) => Woken::Committed(group),
                None => break,
            },
        };
        let is_due = matches!(woken, Woken::Due);
        if let Err(error) = fold.go_on(woken, &mut committed).await {
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
    /// Reads what was left unfolded; tries until storage answers.
    async fn start(engine: Engine, stop: &CancellationToken) -> Option<Fold> {
        // Not the position that was handed out last: that entry may not be there yet.
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

    async fn go_on(
        &mut self,
        woken: Woken,
        committed: &mut mpsc::Receiver<Committed>,
    ) -> Result<(), Error> {
        if let Woken::Committed(group) = woken {
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

    /// Begins anew from what is folded: a user was erased, whom the sums may name.
    async fn begin_anew(&mut self) -> Result<(), Error> {
        // In this order: what is read after it does not name who was erased before.
        let erasures = self.engine.erasures();
        let cursor = self.engine.store().fold_cursor().await?;
        self.sums = Accumulator::default();
        (self.erasures, self.cursor, self.position) = (erasures, cursor, cursor.seq);
        Ok(())
    }

    /// Adds a group; reads from the log first what lies between.
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
                // The positions up to there were given to records that did not reach the log.
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

    /// Folds what is summed up. False if that is begun anew instead, where the fold is.
    async fn write(&mut self) -> Result<bool, Error> {
        let to = FoldCursor { seq: self.position, batch: self.cursor.batch + 1 };
        let folded = std::mem::take(&mut self.sums).into_folded();
        if to.seq != self.cursor.seq || self.engine.has_refusals() {
            let folded = Arc::new(folded);
            // The rows must be written before any later ones: try until it is known that they are.
            loop {
                let (from, folded) = (self.cursor, folded.clone());
                let error = match self.engine.fold(self.erasures, from, to, folded).await {
                    Ok(true) => break,
                    Ok(false) => {
                        self.position = self.cursor.seq;
                        self.begin_anew().await?;
                        return Ok(false);
                    }
                    Err(error) => error,
                };
                if matches!(error, Error::Stopping | Error::Internal(_)) {
                    // What is not folded is read from the log once more.
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
