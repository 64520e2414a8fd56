//! The one task that writes: usage records in groups, everything else one by one, in the order in
//! which they came. What it is handed survives the caller, who only waits for the answer.
//!
//! Group commit without waiting: the next group is what queued up during the last commit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::Shared;
use super::error::{Error, Result};
use super::workspace::WorkspaceHandle;
use crate::domain::check::BudgetStatus;
use crate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind, UsageReport};
use crate::domain::usage::Usage;
use crate::domain::{Amount, Time};
use crate::storage::{self, Appended};

/// Most records in one transaction.
pub const GROUP_RECORDS_MAX: usize = 2_048;
/// Most commands that wait for the writer; callers beyond wait to be let in.
pub const QUEUE_COMMANDS_MAX: usize = 16_384;
/// Pause before storage is asked again what became of a write, doubled up to the maximum.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);
/// Most groups that wait for the fold; it reads from the log what it missed.
pub const FOLD_QUEUE_MAX: usize = 64;

/// What the writer is asked to do.
pub(super) enum Command {
    Record(PendingRecord),
    Job(Job),
    /// Finish; what comes later is refused.
    Stop(oneshot::Sender<()>),
}

/// One record that waits to be written.
pub(super) struct PendingRecord {
    pub workspace: Arc<WorkspaceHandle>,
    pub report: UsageReport,
    pub reply: oneshot::Sender<Result<Recorded>>,
}

/// Anything else that writes, run between groups.
pub(super) type Job =
    Box<dyn FnOnce(Arc<Shared>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What became of a record: it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub cost: Amount,
    pub duplicate: bool,
    pub unpriced: bool,
    pub standing: BudgetStatus,
}

/// Entries of the log that were committed, for the fold.
pub struct Committed {
    /// Position of the last entry committed before.
    pub after: i64,
    /// Position of the last of these.
    pub upto: i64,
    /// [`super::Engine::erasures`] when they were committed.
    pub erasures: u64,
    pub records: Vec<Record>,
}

/// An entry of the group that is being written.
struct Entry {
    workspace: Arc<WorkspaceHandle>,
    /// Absent for a correction that goes along.
    reply: Option<oneshot::Sender<Result<Recorded>>>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, commands: mpsc::Receiver<Command>) -> Writer {
        Writer { shared, commands }
    }

    /// Runs until it is told to stop. If it ends in any other way, the server must not go on.
    pub async fn run(mut self) {
        let fatal = self.shared.fatal.clone().drop_guard();
        self.serve().await;
        fatal.disarm();
    }

    async fn serve(&mut self) {
        let mut commands = Vec::new();
        let mut group = Vec::new();
        while self.commands.recv_many(&mut commands, GROUP_RECORDS_MAX).await > 0 {
            for command in commands.drain(..) {
                match command {
                    Command::Record(record) => group.push(record),
                    Command::Job(job) => {
                        self.write(std::mem::take(&mut group)).await;
                        job(self.shared.clone()).await;
                    }
                    Command::Stop(done) => {
                        self.write(std::mem::take(&mut group)).await;
                        self.commands.close();
                        // Nobody waits for the answer if the deadline has passed.
                        let _ = done.send(());
                    }
                }
            }
            self.write(std::mem::take(&mut group)).await;
        }
    }

    /// Writes a group in one transaction; only then are ledgers settled and callers answered.
    async fn write(&mut self, group: Vec<PendingRecord>) {
        if group.is_empty() {
            return;
        }
        let now = self.shared.clock.now();
        let mut records = Vec::with_capacity(group.len());
        let mut entries = Vec::with_capacity(group.len());
        for pending in group {
            self.prepare(now, pending, &mut records, &mut entries).await;
        }
        if records.is_empty() {
            return;
        }
        match self.shared.append(&records).await {
            Ok(appended) => {
                let touched = self.settle(records, entries, appended);
                self.shared.raise(&touched).await;
            }
            Err(error) => {
                for (record, entry) in records.iter().zip(entries) {
                    entry.workspace.lock().abandon(record);
                    entry.answer(Err(error_again(&error)));
                }
            }
        }
    }

    /// Adds the entry of a report to the group, and, where the estimate of its expired hold was
    /// charged, one that takes it back.
    async fn prepare(
        &self,
        now: Time,
        pending: PendingRecord,
        records: &mut Vec<Record>,
        entries: &mut Vec<Entry>,
    ) {
        let PendingRecord { workspace, report, reply } = pending;
        let charged = match self.expiry_charge(&workspace, &report).await {
            Ok(charged) => charged,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let charge_time = charged.as_ref().map(|charge| charge.charge_time);
        let request_id = report.request_id.clone();
        let mut ledger = workspace.lock();
        match ledger.prepare(now, self.shared.next_seq(), report, charge_time) {
            Ok(record) => records.push(record),
            Err(error) => {
                drop(ledger);
                let _ = reply.send(Err(Error::of_ledger(error, &request_id)));
                return;
            }
        }
        entries.push(Entry { workspace: workspace.clone(), reply: Some(reply) });
        if let Some(charge) = charged {
            let record = take_back(charge, self.shared.next_seq(), now);
            // What is taken back makes room: it cannot pass a bound.
            if ledger.expect(&record).is_ok() {
                drop(ledger);
                records.push(record);
                entries.push(Entry { workspace, reply: None });
            }
        }
    }

    /// The charge of an expired hold that a report takes back: there is one that no record has
    /// taken back, and the report is not a repeat. A request that has a live hold may have one,
    /// from an earlier check.
    async fn expiry_charge(
        &self,
        workspace: &WorkspaceHandle,
        report: &UsageReport,
    ) -> Result<Option<Record>> {
        if !workspace.lock().workspace().may_have_expiry_charges {
            return Ok(None);
        }
        let store = &self.shared.store;
        let mut entries = store.request_records(workspace.id(), &report.request_id).await?;
        let is_repeat = entries.iter().any(|entry| entry.attempt == report.attempt);
        if is_repeat {
            return Ok(None);
        }
        entries.retain(|entry| entry.attempt == EXPIRY_ATTEMPT);
        let net: Amount = entries.iter().map(|entry| entry.cost).sum();
        Ok(entries.into_iter().next().filter(|_| !net.is_zero()))
    }

    /// Returns the workspaces that have raised alerts with it.
    fn settle(
        &self,
        records: Vec<Record>,
        entries: Vec<Entry>,
        appended: Vec<Appended>,
    ) -> Vec<Arc<WorkspaceHandle>> {
        assert_eq!(records.len(), appended.len(), "storage answers for every record");
        let now = self.shared.clock.now();
        let mut committed = Vec::with_capacity(records.len());
        let mut answers = Vec::with_capacity(records.len());
        let mut raised = Vec::new();
        for ((record, entry), appended) in records.into_iter().zip(entries).zip(appended) {
            let answer = match appended {
                Appended::New => {
                    let (standing, has_alerts) = {
                        let mut ledger = entry.workspace.lock();
                        (ledger.settle(now, &record), ledger.has_alerts())
                    };
                    if has_alerts {
                        raised.push(entry.workspace.clone());
                    }
                    let (cost, unpriced) = (record.cost, record.unpriced);
                    committed.push(record);
                    entry.workspace.announce();
                    Ok(Recorded { cost, duplicate: false, unpriced, standing })
                }
                Appended::Existing(existing) => {
                    let mut ledger = entry.workspace.lock();
                    ledger.abandon(&record);
                    repeated(&existing, &record, ledger.budget_status())
                }
            };
            answers.push((entry, answer));
        }
        // Before the answers: who has one finds its record in what is committed.
        self.shared.publish(committed);
        for (entry, answer) in answers {
            entry.answer(answer);
        }
        raised
    }
}

impl Entry {
    fn answer(mut self, answer: Result<Recorded>) {
        self.tell(answer);
    }

    fn tell(&mut self, answer: Result<Recorded>) {
        if let Some(reply) = self.reply.take() {
            // The caller may have gone; the record is there all the same.
            let _ = reply.send(answer);
        }
    }
}

impl Shared {
    /// Appends entries. An outcome that is not known is resolved by appending the same again until
    /// storage says what is there (I4, I13): never guessed, however long it takes.
    ///
    /// # Errors
    /// If nothing was written.
    pub(super) async fn append(&self, records: &[Record]) -> storage::Result<Vec<Appended>> {
        self.until_known(|| self.store.append(records)).await
    }

    /// Tells the fold what was committed. A full queue is no loss: the fold sees the gap and reads
    /// the log.
    pub(super) fn publish(&self, records: Vec<Record>) {
        let Some(last) = records.last() else { return };
        let upto = last.seq;
        let erasures = self.erasures();
        let after = self.last_committed.swap(upto, Ordering::Relaxed);
        let _ = self.committed.try_send(Committed { after, upto, erasures, records });
    }

    /// Runs an idempotent write until its outcome is known.
    pub(super) async fn until_known<T, F>(&self, mut write: impl FnMut() -> F) -> storage::Result<T>
    where
        F: Future<Output = storage::Result<T>>,
    {
        let mut pause = RETRY_PAUSE;
        let mut in_doubt = false;
        loop {
            let outcome = write().await;
            self.note_storage(&outcome);
            match outcome {
                Err(storage::Error::Unknown(cause)) => {
                    warn!(%cause, "outcome of a write is not known yet");
                    in_doubt = true;
                }
                // The try before may have been applied.
                Err(storage::Error::NotApplied(cause)) if in_doubt => {
                    warn!(%cause, "outcome of a write is still not known");
                }
                known => return known,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    fn note_storage<T>(&self, outcome: &storage::Result<T>) {
        self.storage_answers.send_if_modified(|answers| {
            std::mem::replace(answers, outcome.is_ok()) != outcome.is_ok()
        });
        match outcome {
            Err(storage::Error::Fenced) => {
                error!("another server has taken over this database: stopping");
                self.fatal.cancel();
            }
            Err(cause) => warn!(%cause, "storage failed"),
            Ok(_) => {}
        }
    }
}

/// The answer for a record whose key is in the log: the same once more, or other content.
fn repeated(existing: &Record, record: &Record, standing: BudgetStatus) -> Result<Recorded> {
    if existing.fingerprint == record.fingerprint {
        let (cost, unpriced) = (existing.cost, existing.unpriced);
        Ok(Recorded { cost, duplicate: true, unpriced, standing })
    } else {
        Err(Error::RequestIdReused { request_id: record.request_id.to_string() })
    }
}

/// The entry that undoes the charge of an expired hold.
fn take_back(charge: Record, seq: i64, now: Time) -> Record {
    Record {
        seq,
        revision: charge.revision + 1,
        kind: RecordKind::Correction,
        usage: Usage::default(),
        cost: -charge.cost,
        latency: 0,
        record_time: now,
        ..charge
    }
}

/// One failure, told to every caller of a group.
fn error_again(error: &storage::Error) -> Error {
    match error {
        storage::Error::NotApplied(_) | storage::Error::Unknown(_) => Error::StorageUnavailable,
        storage::Error::Fenced => Error::Stopping,
        storage::Error::Corrupt(what) => Error::Internal(what.clone()),
    }
}
