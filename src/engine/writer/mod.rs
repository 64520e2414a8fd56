//! The writer: the one task that writes. Usage records are committed in groups, everything else one
//! by one. What was begun is finished also if its caller is gone.
//!
//! Group commit without waiting: the next group is what queued up during the last commit. Who waits
//! for whom is said in `queue.rs`, and what callers get while storage fails in `outage.rs`.

mod attempts;
mod durable;
mod holds;
mod measure;
mod outage;
mod queue;

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::check::BudgetStatus;
use crate::domain::record::{Record, UsageReport};
use crate::domain::usage::{Extras, Usage};
use crate::domain::{Amount, Time};
use crate::engine::error::{Error, Result};
use crate::engine::workspace::WorkspaceHandle;
use crate::engine::{Shared, WRITE_DEADLINE};
use crate::storage::log::Appended;
use holds::DueHolds;
use outage::{OUTAGE_KNOWN_AFTER, Outage};
use queue::{Queue, Work};

pub use outage::Written;
pub use queue::{QUEUED_RECORDS_IN_ALL_MAX, QUEUED_RECORDS_MAX};

/// Most records in one transaction.
pub const GROUP_RECORDS_MAX: usize = 2_048;
/// As many are in one at any speed of storage.
const GROUP_RECORDS_MIN: usize = 128;
/// Target duration of one group: a record that arrives meanwhile waits for it.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Most groups that wait for the fold; what it misses it reads from the log.
pub const FOLD_QUEUE_MAX: usize = 64;

/// One record that waits to be written.
pub(super) struct PendingRecord {
    pub workspace: Arc<WorkspaceHandle>,
    pub report: UsageReport,
    pub reply: oneshot::Sender<Result<Recorded>>,
}

/// Any other write, run between groups.
pub(super) type Job =
    Box<dyn FnOnce(Arc<Shared>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The result of a record that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The attempt that it was recorded under.
    pub attempt: i32,
    pub cost: Amount,
    pub duplicate: bool,
    pub unpriced: bool,
    pub unread: bool,
    pub usage: Usage,
    pub extras: Option<Box<Extras>>,
    /// Model that it counts for.
    pub model_id: Arc<str>,
    pub start_time_adjusted: bool,
    pub large: bool,
    pub status: BudgetStatus,
}

impl Recorded {
    fn new(record: &Record, duplicate: bool, status: BudgetStatus) -> Recorded {
        Recorded {
            attempt: record.attempt,
            cost: record.cost,
            duplicate,
            unpriced: record.unpriced,
            unread: record.answer.as_deref().is_some_and(|answer| answer.is_unread),
            usage: record.usage,
            extras: record.extras.clone(),
            model_id: record.metered_model_id.clone(),
            start_time_adjusted: record.start_time_adjusted,
            large: record.large_above.is_some(),
            status,
        }
    }
}

/// Entries of the log that were committed, for the fold.
pub struct Committed {
    /// Position of the last entry committed before.
    pub after: i64,
    /// Position of the last of these.
    pub upto: i64,
    /// [`crate::engine::Engine::erasures`] when they were committed.
    pub erasures: u64,
    pub records: Vec<Record>,
}

/// An entry of the group that is being written.
struct Entry {
    workspace: Arc<WorkspaceHandle>,
    /// Absent for a correction that goes along.
    reply: Option<oneshot::Sender<Result<Recorded>>>,
    /// Whether storage may have the hold that it ends.
    ends_stored_hold: bool,
}

/// The queue of the writer, and what is known of its writes.
pub(super) struct WriterHandle {
    queue: Arc<Queue<PendingRecord>>,
    holds: DueHolds,
    /// Position of the latest entry of the log that was handed out.
    last_seq: AtomicI64,
    /// Position of the last entry that was committed.
    last_committed: AtomicI64,
    committed: mpsc::Sender<Committed>,
    /// [`boot_time`] at which the first try of the write under way began; 0 for none.
    unanswered_since: AtomicI64,
    outage: Outage,
    /// Cancelled when this server must not go on: another has taken over.
    fatal: CancellationToken,
    task: AsyncMutex<Option<JoinHandle<()>>>,
}

impl WriterHandle {
    /// With the committed groups, for the fold.
    pub fn new(last_seq: i64) -> (WriterHandle, mpsc::Receiver<Committed>) {
        let (committed, committed_receiver) = mpsc::channel(FOLD_QUEUE_MAX);
        let handle = WriterHandle {
            queue: Arc::default(),
            holds: DueHolds::default(),
            last_seq: AtomicI64::new(last_seq),
            last_committed: AtomicI64::new(last_seq),
            committed,
            unanswered_since: AtomicI64::new(0),
            outage: Outage::default(),
            fatal: CancellationToken::new(),
            task: AsyncMutex::new(None),
        };
        (handle, committed_receiver)
    }

    pub async fn start(&self, shared: &Arc<Shared>) {
        let writer = Writer {
            shared: shared.clone(),
            queue: self.queue.clone(),
            group_records: GROUP_RECORDS_MAX,
        };
        *self.task.lock().await = Some(tokio::spawn(writer.run()));
    }

    /// Lets the writer finish what it was handed.
    pub async fn stop(&self) {
        self.queue.close();
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }

    /// Ends the writer in the middle of what it does.
    pub async fn abort(&self) {
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Runs a job, see [`crate::engine::Engine::in_writer`].
    pub async fn run<T, F>(&self, job: impl FnOnce(Arc<Shared>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let (reply, answer) = oneshot::channel();
        self.require_storage()?;
        self.queue.push_job(Box::new(move |shared| {
            Box::pin(async move {
                let _ = reply.send(job(shared).await);
            })
        }))?;
        self.answered(answer).await
    }

    /// Queues a record and waits until it is durable.
    pub async fn record(
        &self,
        workspace: Arc<WorkspaceHandle>,
        report: UsageReport,
    ) -> Result<Recorded> {
        let (reply, answer) = oneshot::channel();
        let id = workspace.id().clone();
        let record = PendingRecord { workspace, report, reply };
        let queued = self.require_storage().and_then(|()| self.queue.push_record(&id, record));
        queued.inspect_err(measure::not_queued)?;
        self.answered(answer).await
    }

    /// # Errors
    /// While an outage of storage is known.
    pub fn require_storage(&self) -> Result<()> {
        if self.outage.is_known() { Err(Error::StorageUnavailable) } else { Ok(()) }
    }

    /// Waits for an answer, at most [`WRITE_DEADLINE`], and not while an outage is known.
    async fn answered<T>(&self, mut answer: oneshot::Receiver<Result<T>>) -> Result<T> {
        let deadline = Instant::now() + WRITE_DEADLINE;
        loop {
            match tokio::time::timeout(OUTAGE_KNOWN_AFTER, &mut answer).await {
                Ok(Ok(answered)) => return answered,
                // The work has failed, unless nothing is done any more.
                Ok(Err(_)) if self.queue.is_closed() => return Err(Error::Stopping),
                Ok(Err(_)) => return Err(Error::Quarantined),
                Err(_) if Instant::now() >= deadline => return Err(Error::StorageUnavailable),
                Err(_) => self.require_storage()?,
            }
        }
    }

    pub fn next_seq(&self) -> i64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn last_seq(&self) -> i64 {
        self.last_seq.load(Ordering::Relaxed)
    }

    pub fn last_committed(&self) -> i64 {
        self.last_committed.load(Ordering::Relaxed)
    }

    pub fn fatal(&self) -> &CancellationToken {
        &self.fatal
    }

    pub fn storage_answers(&self) -> watch::Receiver<bool> {
        self.outage.answers()
    }

    /// When the oldest write began that storage has not taken; none while it takes them.
    #[inline]
    pub fn unwritten_since(&self) -> Option<Time> {
        self.outage.unwritten_since()
    }

    /// Whether a write takes too long.
    pub fn is_stuck(&self) -> bool {
        self.outage.is_stuck()
    }
}

struct Writer {
    shared: Arc<Shared>,
    queue: Arc<Queue<PendingRecord>>,
    /// Most records of the next group.
    group_records: usize,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Writer {
    /// Runs until the queue is closed. If it ends in any other way, the server must not go on.
    async fn run(mut self) {
        let fatal = self.shared.writer.fatal.clone().drop_guard();
        self.serve().await;
        fatal.disarm();
    }

    async fn serve(&mut self) {
        let shared = self.shared.clone();
        loop {
            let work = tokio::select! {
                biased;
                work = self.queue.next(self.group_records) => work,
                () = shared.writer.holds.wait() => Some(Work::Group(Vec::new())),
            };
            match work {
                None => break,
                Some(Work::Job(job)) => {
                    self.perform(job).await;
                    if shared.writer.holds.are_due() {
                        self.write(Vec::new()).await;
                    }
                }
                Some(Work::Group(group)) => {
                    let (records, start) = (group.len(), Instant::now());
                    self.write(group).await;
                    // Holds alone say nothing of records.
                    if records > 0 {
                        self.group_records =
                            next_group_records(self.group_records, records, start.elapsed());
                    }
                }
            }
        }
        self.store_all_holds().await;
    }

    /// Runs a job. One that panics in the ledger of a workspace fails alone: its caller gets an
    /// error, and the workspace is loaded again. Any other panic ends the writer.
    async fn perform(&self, job: Job) {
        if let Err(panic) = AssertUnwindSafe(job(self.shared.clone())).catch_unwind().await
            && !self.shared.workspaces.all().iter().any(|workspace| workspace.notice_failure())
        {
            resume_unwind(panic);
        }
    }

    /// Writes a group, and the holds that are due, in one transaction; only then ledgers are
    /// settled and callers answered.
    async fn write(&mut self, group: Vec<PendingRecord>) {
        let now = self.shared.clock.now();
        let mut records = Vec::with_capacity(group.len());
        let mut entries = Vec::with_capacity(group.len());
        for pending in group {
            self.prepare(now, pending, &mut records, &mut entries).await;
        }
        let holds = self.take_holds(&records, &entries);
        if records.is_empty() && holds.changes.is_empty() {
            return;
        }
        let appended = self.shared.append_with_holds(&records, &holds.changes).await;
        holds.end(appended.is_ok());
        match appended {
            Ok(appended) => {
                let Settled { mut raised, conflicts } = self.settle(records, entries, appended);
                for conflict in conflicts {
                    let resolved = guarded(self.shared.resolve(conflict)).await;
                    raised.extend(resolved.flatten());
                }
                self.shared.raise(&raised).await;
            }
            Err(error) => {
                warn!(cause = %error, "storage failed");
                for (record, entry) in records.iter().zip(entries) {
                    entry.workspace.attempt(|ledger| ledger.abandon(record));
                    entry.answer(Err(Error::from(&error)));
                }
            }
        }
    }

    /// Adds the entry of a report to the group, and, where the estimate of its expired hold was
    /// charged, a correction that refunds it.
    async fn prepare(
        &self,
        now: Time,
        pending: PendingRecord,
        records: &mut Vec<Record>,
        entries: &mut Vec<Entry>,
    ) {
        let PendingRecord { workspace, mut report, reply } = pending;
        let placed = guarded(self.shared.place(&workspace, &mut report)).await;
        let charge = match placed.unwrap_or(Err(Error::Quarantined)) {
            Ok(charge) => charge,
            Err(error) => {
                Recorded::answer(reply, Err(error));
                return;
            }
        };
        let check_time = charge.as_ref().map(|charge| charge.entry.charge_time);
        let request_id = report.request_id.clone();
        let seq = self.shared.writer.next_seq();
        let prepared = workspace.attempt(|ledger| {
            let record = ledger.prepare(now, seq, report, check_time)?;
            let ends_stored_hold = ledger.begin_ending(&record);
            Ok((record, ends_stored_hold))
        });
        let ends_stored_hold = match prepared {
            Some(Ok((record, ends_stored_hold))) => {
                records.push(record);
                ends_stored_hold
            }
            Some(Err(error)) => {
                let answer = guarded(self.shared.refuse(&workspace, error, &request_id)).await;
                Recorded::answer(reply, answer.unwrap_or(Err(Error::Quarantined)));
                return;
            }
            None => {
                Recorded::answer(reply, Err(Error::Quarantined));
                return;
            }
        };
        let reply = Some(reply);
        entries.push(Entry { workspace: workspace.clone(), reply, ends_stored_hold });
        if let Some(charge) = charge {
            let record = charge.refund(self.shared.writer.next_seq(), now);
            // A refund makes room: it cannot pass a bound.
            if let Some(Ok(_)) = workspace.attempt(|ledger| ledger.add_pending(&record)) {
                records.push(record);
                entries.push(Entry { workspace, reply: None, ends_stored_hold: false });
            }
        }
    }

    /// Settles a committed group, a record together with the refund that goes along. Returns the
    /// workspaces that have raised alerts with it, and the records whose key is taken.
    fn settle(
        &self,
        records: Vec<Record>,
        entries: Vec<Entry>,
        appended: Vec<Appended>,
    ) -> Settled {
        assert_eq!(records.len(), appended.len(), "storage answers for every record");
        let now = self.shared.clock.now();
        let mut committed = Vec::with_capacity(records.len());
        let mut answers = Vec::with_capacity(records.len());
        let mut settled = Settled::default();
        let mut group = records.into_iter().zip(entries).zip(appended).peekable();
        while let Some(((record, entry), appended)) = group.next() {
            let existing = match appended {
                Appended::New => None,
                Appended::Existing(existing) => Some(existing),
            };
            if let Some(existing) = existing {
                let status = entry.workspace.attempt(|ledger| {
                    ledger.abandon(&record);
                    ledger.budget_status()
                });
                if existing.fingerprint == record.fingerprint || entry.reply.is_none() {
                    let answer = status.map(|status| Recorded::new(&existing, true, status));
                    answers.push((entry, answer.ok_or(Error::Quarantined)));
                } else {
                    settled.conflicts.push(Conflict { record, entry });
                }
                continue;
            }
            let start = committed.len();
            committed.push(record);
            // A correction that goes along follows its record.
            let goes_along = |((_, entry), appended): &((Record, Entry), Appended)| {
                entry.reply.is_none() && *appended == Appended::New
            };
            committed.extend(group.next_if(goes_along).map(|((refund, _), _)| refund));
            let status = entry.workspace.attempt(|ledger| {
                (ledger.settle_together(now, &committed[start..]), ledger.has_alerts())
            });
            if let Some((_, true)) = status {
                settled.raised.push(entry.workspace.clone());
            }
            entry.workspace.announce();
            let answer = status.map(|(status, _)| Recorded::new(&committed[start], false, status));
            answers.push((entry, answer.ok_or(Error::Quarantined)));
        }
        // Before the answers: a caller that has one finds its record in what is committed.
        self.shared.publish(committed);
        for (entry, answer) in answers {
            entry.answer(answer);
        }
        settled
    }
}

/// The result of what runs for one workspace; nothing if it panicked, as in a ledger that fails.
async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// The size of the next group, when one of `records` took so long and `most` were allowed: what
/// fits into [`GROUP_TIME`].
fn next_group_records(most: usize, records: usize, took: Duration) -> usize {
    if took > GROUP_TIME {
        let fitting = records as u128 * GROUP_TIME.as_micros() / took.as_micros();
        return usize::try_from(fitting).map_or(most, |it| it.clamp(GROUP_RECORDS_MIN, most));
    }
    // A group that was not full says nothing of larger ones.
    if records < most { most } else { (most + most / 4).min(GROUP_RECORDS_MAX) }
}

/// What came of a group that was committed.
#[derive(Default)]
struct Settled {
    /// Workspaces that have raised alerts with it.
    raised: Vec<Arc<WorkspaceHandle>>,
    conflicts: Vec<Conflict>,
}

/// A record that was not written: its key is that of an entry with other content.
struct Conflict {
    record: Record,
    entry: Entry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_as_large_as_storage_is_fast() {
        let after = |most, records, millis| {
            next_group_records(most, records, Duration::from_millis(millis))
        };
        assert_eq!(after(2_048, 2_048, 80), 512);
        assert_eq!(after(512, 512, 80), GROUP_RECORDS_MIN);
        assert_eq!(after(2_048, 1, 5_000), GROUP_RECORDS_MIN);
        assert_eq!(after(512, 512, 20), 640);
        assert_eq!(after(512, 511, 20), 512);
        assert_eq!(after(2_048, 2_048, 1), GROUP_RECORDS_MAX);
    }
}
