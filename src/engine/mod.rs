//! Carries requests to the ledger of their workspace, and changes through the writer to storage.
//!
//! Decides nothing itself. Everything goes through "the ledger of this workspace", which one
//! server owns.

pub mod alerts;
mod audit;
mod boosts;
mod catalogue;
mod clock;
mod described;
mod directory;
mod erasure;
mod error;
mod fold;
mod keys;
mod policy;
mod quotas;
mod rate_limits;
mod rate_snapshot;
mod refusals;
mod registry;
mod reports;
mod reprice;
mod retention;
mod usage;
mod watch;
mod workspace;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::backfill::{BackfillQueries, BackfillResults, RateSnapshot};
use crate::domain::catalog::price::Price;
use crate::domain::catalog::{Catalogue, Model};
use crate::domain::{Currency, Time};
use crate::ledger::{Ledger, WindowSpend};
use crate::storage::policy::{AuditEvent, Change, StoredRate};
use crate::storage::{self, Before, Store};
use alerts::{AlertPositions, DeliveryBell};
use fold::FoldDesk;
use refusals::RefusalsOnTheWay;
use registry::Registry;
use writer::{Command, QUEUE_COMMANDS_MAX, Writer};

pub use audit::By;
pub use boosts::{BoostAmount, BoostView, BoostsOf, NewBoost};
pub use catalogue::{import as import_changes, load as load_catalogue};
pub use clock::{Clock, SystemClock};
pub use directory::NewEntry;
pub use erasure::Erased;
pub use error::{Error, Result};
pub use fold::{FOLD_WAIT_MAX, FoldedUpto};
pub use keys::{ApiKeyChange, GroupView, NewApiKey, NewKeyGroup};
pub use policy::{ModelLimitChange, NewWorkspace, PlanChange, WorkspaceChange};
pub use quotas::{AskedLimit, LimitChange, NewQuota, QuotaChange, ThresholdChange};
pub use rate_limits::{NewRateLimit, RateLimitChange};
pub use reports::{ReportBasis, Standing};
pub use reprice::{RepriceRequest, Repriced};
pub use retention::{DROP_RECORDS_MAX, Expired};
pub use watch::SpendWatch;
pub use workspace::WorkspaceHandle;
pub use writer::{Committed, FOLD_QUEUE_MAX, GROUP_RECORDS_MAX, Recorded};

/// How long a caller waits for the writer before it is told to try again.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Requests from which a loaded ledger learns how much output to expect.
const OUTPUT_HISTORY_RECORDS: usize = 2_000;
/// Workspaces that are read at once.
const WORKSPACES_PAGE: usize = 1_000;

/// A value whose amounts are in a workspace's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCurrency<T> {
    pub currency: Currency,
    pub value: T,
}

/// A cheap handle; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What the engine and its writer share.
pub(crate) struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// When this server started, if what lived in the memory of the one before it is lost.
    lost_memory_at: Option<Time>,
    workspaces: Registry,
    catalogue: ArcSwap<Catalogue>,
    commands: mpsc::Sender<Command>,
    /// Position of the latest entry of the log that was handed out.
    last_seq: AtomicI64,
    /// Position of the last entry that was committed, and who is told.
    last_committed: AtomicI64,
    committed: mpsc::Sender<Committed>,
    fold_desk: FoldDesk,
    refusals: RefusalsOnTheWay,
    alert_positions: AlertPositions,
    /// Wakes the task that delivers alerts.
    bell: DeliveryBell,
    /// Whether the last write was answered.
    storage_answers: tokio::sync::watch::Sender<bool>,
    /// This server must not go on: another has taken over.
    fatal: CancellationToken,
    writer: AsyncMutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Claims the database, loads the catalogue with `builtin` added to it, takes up holds that
    /// were written down, and starts the writer. Committed records go to the receiver that is
    /// returned, for the fold.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        builtin: (Vec<Model>, Vec<Price>),
    ) -> Result<(Engine, mpsc::Receiver<Committed>)> {
        let before = store.claim().await?;
        let start_time = clock.now();
        let catalogue = catalogue::load(&*store, builtin).await?;
        let last_seq = store.last_seq().await?;
        let last_alert_seq = store.last_alert_seq().await?;
        let (commands, receiver) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (committed_sender, committed) = mpsc::channel(FOLD_QUEUE_MAX);
        let shared = Arc::new(Shared {
            store,
            clock,
            lost_memory_at: (before == Before::Crashed).then_some(start_time),
            workspaces: Registry::default(),
            catalogue: ArcSwap::from_pointee(catalogue),
            commands,
            last_seq: AtomicI64::new(last_seq),
            last_committed: AtomicI64::new(last_seq),
            committed: committed_sender,
            fold_desk: FoldDesk::default(),
            refusals: RefusalsOnTheWay::default(),
            alert_positions: AlertPositions::new(last_alert_seq),
            bell: DeliveryBell::default(),
            storage_answers: tokio::sync::watch::Sender::new(true),
            fatal: CancellationToken::new(),
            writer: AsyncMutex::new(None),
        });
        let writer = Writer::new(shared.clone(), receiver);
        *shared.writer.lock().await = Some(tokio::spawn(writer.run()));
        let engine = Engine { shared };
        for id in engine.shared.store.workspaces_put_down().await? {
            engine.workspace(&id).await?;
        }
        Ok((engine, committed))
    }

    /// Finishes what the writer was handed, writes live holds and counts of refusals down and
    /// closes storage.
    pub async fn stop(&self) {
        let (done, finished) = oneshot::channel();
        if self.shared.commands.send(Command::Stop(done)).await.is_ok() {
            // The writer ends by itself if it is gone already.
            let _ = finished.await;
        }
        if let Some(writer) = self.shared.writer.lock().await.take() {
            let _ = writer.await;
        }
        match self.shared.save_holds().await {
            Ok(0) => {}
            Ok(count) => info!(count, "wrote live holds down"),
            Err(cause) => warn!(%cause, "could not write live holds down: they are given back"),
        }
        if let Err(cause) = self.shared.keep_refusals().await {
            warn!(%cause, "could not write counts of refusals down: some are lost");
        }
        self.shared.store.close().await;
    }

    /// Ends at once, as a crash would: nothing is finished or written down.
    pub async fn abort(&self) {
        if let Some(writer) = self.shared.writer.lock().await.take() {
            writer.abort();
            let _ = writer.await;
        }
    }

    pub fn now(&self) -> Time {
        self.shared.clock.now()
    }

    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.shared.catalogue.load_full()
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Cancelled when this server must stop because another has taken over its database.
    pub fn fatal(&self) -> &CancellationToken {
        &self.shared.fatal
    }

    /// Whether the last write was answered by storage.
    pub fn storage_answers(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shared.storage_answers.subscribe()
    }

    /// Asks storage through the writer, so that what it is stuck in is noticed, and so that
    /// [`Engine::storage_answers`] recovers also where nobody writes.
    pub async fn probe(&self) -> Result<()> {
        self.in_writer(
            |shared| async move { Ok(shared.until_known(|| shared.store.ping()).await?) },
        )
        .await
    }

    /// Position of the latest entry of the log that was handed out.
    pub fn last_seq(&self) -> i64 {
        self.shared.last_seq.load(Ordering::Relaxed)
    }

    /// Position of the latest entry that is in the log.
    pub fn last_committed(&self) -> i64 {
        self.shared.last_committed.load(Ordering::Relaxed)
    }

    /// Every workspace that is loaded.
    pub fn loaded_workspaces(&self) -> Vec<Arc<WorkspaceHandle>> {
        self.shared.loaded_workspaces()
    }

    /// The workspace, loaded if it is not.
    pub(crate) async fn workspace(&self, id: &str) -> Result<Arc<WorkspaceHandle>> {
        if let Some(workspace) = self.shared.loaded(id) {
            return Ok(workspace);
        }
        // Asked before the writer is bothered: callers may name workspaces that do not exist.
        if self.shared.store.workspace(id).await?.is_none() {
            return Err(Error::WorkspaceNotFound(id.to_owned()));
        }
        let id = id.to_owned();
        self.in_writer(move |shared| async move { shared.load(&id).await }).await
    }

    /// Runs a job in the writer, in order with everything else that is written, and waits for it.
    /// The job goes on if the caller is gone.
    pub(crate) async fn in_writer<T, F>(
        &self,
        job: impl FnOnce(Arc<Shared>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let (reply, answer) = oneshot::channel();
        let job = Command::Job(Box::new(move |shared| {
            Box::pin(async move {
                let _ = reply.send(job(shared).await);
            })
        }));
        self.hand_over(job, answer).await
    }

    /// Hands a command to the writer and waits for its answer, at most `WRITE_DEADLINE`.
    async fn hand_over<T>(
        &self,
        command: Command,
        answer: oneshot::Receiver<Result<T>>,
    ) -> Result<T> {
        let handed = async {
            self.shared.commands.send(command).await.map_err(|_| Error::Stopping)?;
            answer.await.map_err(|_| Error::Stopping)?
        };
        tokio::time::timeout(WRITE_DEADLINE, handed).await.unwrap_or(Err(Error::StorageUnavailable))
    }
}

impl Shared {
    fn next_seq(&self) -> i64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn loaded(&self, id: &str) -> Option<Arc<WorkspaceHandle>> {
        self.workspaces.get(id)
    }

    fn loaded_workspaces(&self) -> Vec<Arc<WorkspaceHandle>> {
        self.workspaces.all()
    }

    fn keep(&self, ledger: Ledger) -> Arc<WorkspaceHandle> {
        let handle = Arc::new(WorkspaceHandle::new(ledger));
        self.workspaces.insert(handle.clone());
        handle
    }

    /// Loads a workspace. Runs in the writer, so that the totals it starts from and the records
    /// that are settled later meet at one commit.
    async fn load(&self, id: &str) -> Result<Arc<WorkspaceHandle>> {
        if let Some(workspace) = self.loaded(id) {
            return Ok(workspace);
        }
        let workspace = self.store.workspace(id).await?;
        let workspace = workspace.ok_or_else(|| Error::WorkspaceNotFound(id.to_owned()))?;
        let models = self.store.workspace_models(id).await?;
        let now = self.clock.now();
        let windows = Ledger::windows_to_load(&workspace, now);
        let spend = self.spend_of(id, windows).await?;
        let outputs = self.store.recent_outputs(id, OUTPUT_HISTORY_RECORDS).await?;
        let policy = self.store.policy(id, now).await?;
        let questions = Ledger::questions_of_policy(&workspace, &policy, now);
        let answers = self.answers(id, questions).await?;
        let mut ledger = Ledger::new(workspace, models, self.catalogue.load_full(), spend, now);
        for (model, tokens) in outputs {
            ledger.learn_output(&model, tokens);
        }
        ledger.set_policy(now, policy, answers);
        ledger.set_departments(self.store.departments(id).await?);
        self.take_up(&mut ledger, now).await?;
        let raised = self.store.raised(id, ledger.earliest_window()).await?;
        ledger.set_raised(now, raised);
        Ok(self.keep(ledger))
    }

    /// Takes up what was written down at a graceful stop. It lives in memory from here on; a crash
    /// gives it back.
    async fn take_up(&self, ledger: &mut Ledger, now: Time) -> Result<()> {
        let id = ledger.workspace().id.clone();
        let holds = self.store.holds(&id).await?;
        let rates = self.store.rates(&id).await?;
        if let Some(at) = self.lost_memory_at {
            ledger.apply_crash_penalty(now, at);
        }
        if holds.is_empty() && rates.is_empty() {
            return Ok(());
        }
        usage::restore_holds(ledger, holds, now);
        ledger.restore_rates(now, rate_snapshot::from_stored(rates));
        self.until_known(|| self.store.delete_put_down(&id)).await?;
        Ok(())
    }

    /// What the log says to what a ledger must know before rules apply.
    async fn answers(
        &self,
        id: &str,
        questions: BackfillQueries,
    ) -> storage::Result<BackfillResults> {
        let mut answers = BackfillResults::default();
        for query in questions.used {
            let used = self.store.used(id, &query).await?;
            answers.used.push((query, used));
        }
        for query in questions.sent {
            let sent = self.store.sent(id, &query).await?;
            answers.sent.push((query, sent));
        }
        Ok(answers)
    }

    /// What the log says was spent in some windows of a workspace.
    async fn spend_of(
        &self,
        id: &str,
        windows: [crate::domain::calendar::Window; 2],
    ) -> storage::Result<Vec<WindowSpend>> {
        let mut spend = Vec::with_capacity(windows.len());
        for window in windows {
            let by_model = self.store.spent_by_model(id, window.start, window.end).await?;
            spend.push(WindowSpend { window, by_model });
        }
        Ok(spend)
    }

    /// Applies changes of policy, with their entries of the audit log, in one transaction.
    async fn change(
        &self,
        workspace_id: &str,
        changes: Vec<Change>,
        events: Vec<AuditEvent>,
    ) -> storage::Result<()> {
        self.until_known(|| self.store.change(workspace_id, &changes, &events)).await
    }

    /// The crash penalty of workspaces that were not loaded since the crash.
    async fn crash_penalties(&self, now: Time) -> storage::Result<Vec<StoredRate>> {
        let mut rates = Vec::new();
        let lost_memory_at = self.lost_memory_at;
        let lasts = |at: &Time| now < Ledger::crash_penalty_end(*at);
        let Some(crash_time) = lost_memory_at.filter(lasts) else { return Ok(rates) };
        let snapshot = RateSnapshot { counts: Vec::new(), crash_time: Some(crash_time) };
        let mut after = String::new();
        loop {
            let page = self.store.workspaces(&after, WORKSPACES_PAGE).await?;
            let Some(last) = page.last() else { return Ok(rates) };
            after = last.id.to_string();
            for workspace in page.into_iter().filter(|found| self.loaded(&found.id).is_none()) {
                rates.extend(rate_snapshot::to_stored(&workspace.id, snapshot.clone()));
            }
        }
    }

    async fn save_holds(&self) -> storage::Result<usize> {
        let now = self.clock.now();
        let mut holds = Vec::new();
        let mut rates = self.crash_penalties(now).await?;
        for workspace in self.loaded_workspaces() {
            let mut ledger = workspace.lock();
            holds.extend(usage::stored_holds(&mut ledger, now));
            rates.extend(rate_snapshot::to_stored(workspace.id(), ledger.rate_snapshot(now)));
        }
        self.store.put_down(&holds, &rates).await?;
        Ok(holds.len())
    }
}
