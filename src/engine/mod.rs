//! The engine: carries requests to the ledger of their workspace, and changes through the writer to
//! storage. It decides nothing itself: ledgers do.
//!
//! Around each LLM request: `usage/`, which finds a loaded workspace in `registry.rs`. What
//! administrators change: `resources/`. One server owns a database and all its ledgers.

pub mod alerts;
mod audit;
mod clock;
mod corrections;
mod error;
mod loading;
mod recommendations;
mod registry;
mod resources;
mod retention;
mod rollups;
mod usage;
mod watch;
mod workspace;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::catalog::Catalog;
use crate::domain::workspace::HoldDurability;
use crate::domain::{Currency, Time};
use crate::storage::audit::AuditEvent;
use crate::storage::lease::Lease;
use crate::storage::settings::Change;
use crate::storage::{self, PreviousOwner, Store};
use alerts::{AlertShared, Keyring};
use registry::Registry;
use resources::{AccessState, Erasures};
use rollups::{FoldSignal, PendingRefusals};
use usage::RefusalBytes;
use writer::{WriterHandle, Written};

pub use crate::backtest::{
    Comparison, Counts as RefusedCounts, Row as RefusedRow, Totals as ReplayTotals,
};
pub use crate::ledger::{
    BudgetView, HoldFilter, HoldView, LiveFigures, ModelView, PreparedCheck, QuotaUsage, RateUsage,
    UsageFilter, UsagePosition,
};
pub use crate::prices::{Change as RateChange, Changed, Format, Jumps, Report as ImportReport};
pub use audit::Actor;
pub use clock::{Clock, ServerClock, SystemClock};
pub use corrections::{Credited, RepriceRequest, Repriced, VoidRequest};
pub use error::{Error, Result, StartError};
pub use loading::backtest::BacktestRun;
pub use loading::policy_change::PolicyChange;
pub use recommendations::{Made, RecommendationPage, StateRequest};
pub use resources::{
    AlertPolicyChange, ApiKeyChange, ApiKeyUsage, BoostAmount, BoostKind, BoostView, CycleView,
    Cycles, ERASED_AT_ONCE, Erased, Grant, GroupView, ImportRequest, LimitChange, ModelLimitChange,
    ModelLimitSetting, NewApiKey, NewBoost, NewEntry, NewFreeze, NewKeyGroup, NewQuota,
    NewRateLimit, NewToken, NewWorkspace, PlanChange, QuotaChange, RateLimitChange, RatePosition,
    RequestedLimit, SubjectNames, ThresholdChange, WorkspaceChange, import_changes,
    import_list_changes, load_catalog, put_token, revoked, rotated,
};
pub use retention::{DROP_RECORDS_MAX, Expired};
pub use rollups::{FOLD_WAIT_MAX, FoldedUpto, LimitStatus, ReportBasis};
pub use usage::{REFUSAL_AGE_MAX, REFUSALS_MAX, RecordPage, Refusal, RefusalFilter, RefusalPage};
pub use watch::{SpendWatch, WorkspaceWatch};
pub use workspace::WorkspaceHandle;
pub use writer::{
    Committed, FOLD_QUEUE_MAX, GROUP_RECORDS_MAX, QUEUED_RECORDS_IN_ALL_MAX, QUEUED_RECORDS_MAX,
    Recorded,
};

/// How long a caller waits for the writer; then it gets an error and may retry.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How long a renewal of the lease may take.
const RENEWAL_DEADLINE: Duration = Duration::from_secs(5);

/// A value whose amounts are in a workspace's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InCurrency<T> {
    pub currency: Currency,
    #[serde(flatten)]
    pub value: T,
}

/// A cheap handle; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What the handles of an engine and its writer share.
pub(crate) struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// When this server started, if the one before it crashed: what that had in memory is lost.
    crash_time: Option<Time>,
    workspaces: Registry,
    catalog: ArcSwap<Catalog>,
    /// Under what is stored.
    builtin: Catalog,
    writer: WriterHandle,
    fold_signal: FoldSignal,
    refusals: PendingRefusals,
    refusal_bytes: RefusalBytes,
    alerts: AlertShared,
    keyring: Keyring,
    access: AccessState,
    erasures: Erasures,
    /// Until when this server may decide.
    lease: Arc<Lease>,
    /// Where the server that has taken over is reached; empty until that is known.
    new_owner: ArcSwap<String>,
}

impl Engine {
    /// Claims the database, encrypts stored secrets with the first key of `keyring`, loads the
    /// catalog over the `builtin` one and starts the writer. The shutdown snapshot of a workspace
    /// is restored when that is loaded, see [`Engine::load_stored`]. Committed records go to the
    /// receiver that is returned, for the fold.
    ///
    /// # Errors
    /// If storage fails, or `keyring` does not open the stored secrets: nothing has changed then.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        builtin: &Catalog,
        keyring: Keyring,
    ) -> Result<(Engine, mpsc::Receiver<Committed>), StartError> {
        // Before the claim: a server that claims and does not start has crashed, as the next one
        // sees it.
        keyring.require_opened(&keyring.survey(&*store).await?)?;
        let before = store.claim().await?;
        // Again, because the server before may have written until then.
        let secrets = keyring.survey(&*store).await?;
        keyring.require_opened(&secrets)?;
        keyring.seal_stored(&*store, secrets).await?;
        let start_time = clock.now();
        let catalog = load_catalog(&*store, builtin).await?;
        let last_seq = store.last_seq().await?;
        let last_alert_seq = store.last_alert_seq().await?;
        let access = AccessState::load(&*store, start_time).await?;
        let lease = store.lease().clone();
        let (writer, committed) = WriterHandle::new(last_seq);
        let shared = Arc::new(Shared {
            store,
            clock,
            crash_time: (before == PreviousOwner::Crashed).then_some(start_time),
            workspaces: Registry::default(),
            catalog: ArcSwap::from_pointee(catalog),
            builtin: builtin.clone(),
            writer,
            fold_signal: FoldSignal::default(),
            refusals: PendingRefusals::default(),
            refusal_bytes: RefusalBytes::default(),
            alerts: AlertShared::new(last_alert_seq),
            keyring,
            access,
            erasures: Erasures::default(),
            lease,
            new_owner: ArcSwap::default(),
        });
        shared.writer.start(&shared).await;
        Ok((Engine { shared }, committed))
    }

    /// Graceful shutdown: finishes what the writer was handed, saves the shutdown snapshot and
    /// closes storage.
    ///
    /// # Errors
    /// If the snapshot could not be saved: the next start finds what it finds after a crash.
    pub async fn stop(&self) -> storage::Result<()> {
        self.shared.writer.stop().await;
        // Nothing is decided after the snapshot, with which the next server may begin at once.
        self.shared.lease.end();
        if let Err(cause) = self.shared.store_refusals().await {
            warn!(%cause, "could not save counts of refusals: some are lost");
        }
        let saved = self.shared.save_snapshot().await;
        if let Ok(count) = saved
            && count > 0
        {
            info!(count, "saved live holds");
        }
        self.shared.store.close().await;
        saved.map(drop)
    }

    /// Ends at once, as a crash would: nothing is finished or saved.
    pub async fn abort(&self) {
        self.shared.writer.abort().await;
    }

    pub fn now(&self) -> Time {
        self.shared.clock.now()
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.load_full()
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// Cancelled when this server must stop because another has taken over its database.
    pub fn fatal(&self) -> &CancellationToken {
        self.shared.writer.fatal()
    }

    /// Whether storage answered the last write.
    pub fn storage_answers(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shared.writer.storage_answers()
    }

    /// When the oldest write began that storage has not taken; none while it takes them.
    pub fn outage_since(&self) -> Option<Time> {
        self.shared.writer.unwritten_since()
    }

    /// Renews the lease, and so finds out whether storage answers and whether another server has
    /// taken over.
    pub async fn renew(&self) {
        let shared = &self.shared;
        let began = shared.clock.now();
        let renewed = tokio::time::timeout(RENEWAL_DEADLINE, shared.store.renew()).await;
        let silent = |_| Err(storage::Error::Unknown("a renewal was not answered".into()));
        let renewed = renewed.unwrap_or_else(silent);
        if let Err(storage::Error::Fenced) = renewed
            && let Ok(address) = shared.store.owner_address().await
        {
            shared.new_owner.store(Arc::new(address));
        }
        shared.note_storage(&renewed, Written::Renewal, began);
    }

    pub fn lease(&self) -> &Lease {
        &self.shared.lease
    }

    /// Whether this server decides and records: it holds the lease, storage answered the last
    /// write, and none has been waiting for long.
    pub fn is_available(&self) -> bool {
        let answers = *self.shared.writer.storage_answers().borrow();
        answers && self.shared.lease.is_held() && !self.shared.writer.is_stuck()
    }

    /// Records and changes that wait for the writer; with [`QUEUED_RECORDS_IN_ALL_MAX`] each
    /// workspace is bounded by its share.
    pub fn queued_commands(&self) -> usize {
        self.shared.writer.queued()
    }

    /// How long the write under way has been waiting for storage, with all its tries; zero without.
    pub fn oldest_write_age(&self) -> Duration {
        self.shared.writer.oldest_age()
    }

    /// Position of the latest entry of the log that was handed out.
    pub fn last_seq(&self) -> i64 {
        self.shared.writer.last_seq()
    }

    /// Position of the latest entry that is in the log.
    pub fn last_committed(&self) -> i64 {
        self.shared.writer.last_committed()
    }

    /// Every workspace that is loaded and sound.
    pub fn loaded_workspaces(&self) -> Vec<Arc<WorkspaceHandle>> {
        self.shared.workspaces.sound()
    }

    /// How many workspaces have a ledger that has failed, and are not loaded again yet.
    pub fn quarantined_workspaces(&self) -> usize {
        self.shared.workspaces.all().iter().filter(|workspace| workspace.count_failure()).count()
    }

    /// Runs a job in the writer, before records that wait and in order with other jobs, and waits
    /// for its result. The job is finished also if the caller is gone.
    pub(crate) async fn in_writer<T, F>(
        &self,
        job: impl FnOnce(Arc<Shared>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        self.shared.writer.run(job).await
    }
}

impl Shared {
    /// That of workspaces whose creator does not say: where another server may take over, holds
    /// should be there when it does.
    fn hold_durability(&self) -> HoldDurability {
        match self.lease.duration() {
            Some(_) => HoldDurability::Journaled,
            None => HoldDurability::Memory,
        }
    }

    /// Applies changes with their entries of the audit log, in one transaction. `workspace_id` is
    /// empty for the catalog.
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> storage::Result<()> {
        self.until_known(|| self.store.change(workspace_id, changes, events)).await
    }
}
