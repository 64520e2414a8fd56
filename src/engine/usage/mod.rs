//! The calls around each LLM request: checks, records, holds.

mod refusal_log;

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::{Error, Result};
use super::writer::Recorded;
use super::{Engine, InCurrency, WorkspaceHandle};
use crate::domain::attribution::PackedAttribution;
use crate::domain::check::{Answer, Check, Decision};
use crate::domain::record::{Record, UsageReport};
use crate::domain::time::Micros;
use crate::domain::workspace::HoldDurability;
use crate::domain::{Amount, Time};
use crate::ledger::{
    Error as LedgerError, ExpiryCharge, HoldFilter, HoldView, PreparedCheck, Stored,
};
use crate::storage::log::{Appended, Order, RecordFilter, RecordPosition};
use crate::storage::search::Counted;
use crate::telemetry;

pub use refusal_log::{REFUSAL_AGE_MAX, REFUSALS_MAX, Refusal, RefusalFilter, RefusalPage};
pub(super) use refusal_log::{RefusalBytes, RefusalLog};

/// Subjects swept at once; few, because the ledger is locked meanwhile.
const SWEEP_SUBJECTS: u32 = 5_000;

/// A part of the log.
#[derive(Clone, Debug)]
pub struct RecordPage {
    pub records: Vec<Record>,
    /// After what to go on, where not all that may match were looked at.
    pub go_on: Option<RecordPosition>,
}

/// A decision, and what its answer has to wait for.
struct Decided {
    decision: InCurrency<Decision>,
    uncommitted: Option<Uncommitted>,
}

/// A hold that is to be stored before it is answered.
struct Uncommitted {
    workspace: Arc<WorkspaceHandle>,
    attempt: i32,
}

impl Engine {
    /// Decides on a request. Once the workspace is loaded no storage is touched, except where its
    /// holds are committed: there an answer waits until its hold is stored.
    pub async fn check(&self, workspace_id: &str, check: Check) -> Result<InCurrency<Decision>> {
        self.decide(workspace_id, &mut PreparedCheck::new(check)).await
    }

    /// [`Engine::check`] for a check that is prepared.
    pub async fn decide(
        &self,
        workspace_id: &str,
        check: &mut PreparedCheck,
    ) -> Result<InCurrency<Decision>> {
        loop {
            let decided = self
                .shared
                .workspaces
                .with(workspace_id, |workspace| self.check_in(workspace, check));
            let Decided { decision, uncommitted } = match decided {
                Some(decided) => decided?,
                None => self.check_in(&self.workspace(workspace_id).await?, check)?,
            };
            let Some(Uncommitted { workspace, attempt }) = uncommitted else {
                return Ok(decision);
            };
            // Then it is decided again: the request is held now, or was ended meanwhile.
            self.commit_hold(&workspace, check.request_id(), attempt).await?;
        }
    }

    /// Counts an answer, and keeps a refusal. `held` is the attribution of its hold.
    fn note_decision(
        &self,
        workspace: &WorkspaceHandle,
        now: Time,
        check: &PreparedCheck,
        held: Option<&PackedAttribution>,
        decision: &Decision,
    ) {
        telemetry::decided(decision, check.is_dry_run());
        if decision.answer == Answer::Allowed {
            return;
        }
        self.shared.note_refusal();
        if !check.is_dry_run() {
            let attribution = held.or(check.attribution());
            let (request_id, model_id) = (check.request_id(), check.model_id());
            let refusal = Refusal::new(now, request_id, model_id, attribution, decision);
            workspace.refusals().add(refusal, &self.shared.refusal_bytes);
        }
    }

    /// Waits until the hold of an attempt is stored, or has ended.
    ///
    /// # Errors
    /// If it is not stored. It is released then: its caller has no answer that it may go on.
    async fn commit_hold(
        &self,
        workspace: &WorkspaceHandle,
        request_id: &str,
        attempt: i32,
    ) -> Result<()> {
        let (writer, hold) = (&self.shared.writer, (request_id, Some(attempt)));
        let stored = writer.hold_stored(workspace, hold, |stored| stored.is_there).await;
        if stored.is_err() {
            let now = self.now();
            workspace.attempt(|ledger| ledger.release_unanswered(now, request_id, attempt));
        }
        stored.map(drop)
    }

    fn check_in(
        &self,
        workspace: &Arc<WorkspaceHandle>,
        check: &mut PreparedCheck,
    ) -> Result<Decided> {
        if !self.shared.lease.is_held() {
            return Err(self.shared.not_owner());
        }
        let now = self.now();
        let unwritten_since = self.shared.writer.unwritten_since();
        let mut ledger = workspace.lock();
        ledger.note_outage(now, unwritten_since);
        let (currency, durability) =
            (ledger.workspace().currency, ledger.workspace().hold_durability);
        let decision = match durability {
            // It may have to be decided again.
            HoldDurability::Committed => ledger.decide(now, &mut check.clone()),
            HoldDurability::Memory | HoldDurability::Journaled => ledger.decide(now, check),
        };
        let value = decision.map_err(|error| Error::of_ledger(error, check.request_id()))?;
        let holds = value.answer != Answer::Blocked && !check.is_dry_run();
        let unstored = match durability {
            HoldDurability::Committed if holds => {
                let stored = ledger.stored_hold(check.request_id(), Some(value.attempt));
                stored.filter(|stored| !stored.is_there)
            }
            _ => None,
        };
        // The hold has taken it from the check.
        let is_refused = value.answer != Answer::Allowed;
        let attribution = is_refused.then(|| ledger.held_attribution(check.request_id()));
        drop(ledger);
        if durability != HoldDurability::Memory && holds {
            self.shared.writer.store_holds(workspace, durability);
        }
        if unstored.is_none() {
            let attribution = attribution.flatten();
            self.note_decision(workspace, now, check, attribution.as_ref(), &value);
        }
        let uncommitted =
            unstored.map(|_| Uncommitted { workspace: workspace.clone(), attempt: value.attempt });
        Ok(Decided { decision: InCurrency { currency, value }, uncommitted })
    }

    /// Records one attempt; returns when it is durable.
    pub async fn record(
        &self,
        workspace_id: &str,
        report: UsageReport,
    ) -> Result<InCurrency<Recorded>> {
        let workspace = self.workspace(workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let value = self.shared.writer.record(workspace, report).await?;
        Ok(InCurrency { currency, value })
    }

    /// Records several attempts, with a result for each, in their order. They go to the writer
    /// together.
    pub async fn record_all(
        &self,
        reports: Vec<(String, UsageReport)>,
    ) -> Vec<Result<InCurrency<Recorded>>> {
        let record =
            |(id, report): (String, UsageReport)| async move { self.record(&id, report).await };
        let records = reports.into_iter().map(record);
        futures_util::future::join_all(records).await
    }

    pub async fn release(
        &self,
        workspace_id: &str,
        request_id: &str,
    ) -> Result<InCurrency<Amount>> {
        let workspace = self.workspace(workspace_id).await?;
        let (currency, released) = {
            let mut ledger = workspace.lock();
            (ledger.workspace().currency, ledger.release(self.now(), request_id))
        };
        self.store_holds(&workspace);
        let value = released.map_err(|error| Error::of_ledger(error, request_id))?;
        Ok(InCurrency { currency, value })
    }

    pub async fn extend(
        &self,
        workspace_id: &str,
        request_id: &str,
        duration: Micros,
    ) -> Result<Time> {
        let workspace = self.workspace(workspace_id).await?;
        if !self.shared.lease.is_held() {
            return Err(self.shared.not_owner());
        }
        let (durability, extended) = {
            let mut ledger = workspace.lock();
            let extended = ledger.extend(self.now(), request_id, duration);
            (ledger.workspace().hold_durability, extended)
        };
        let expire_time = extended.map_err(|error| Error::of_ledger(error, request_id))?;
        self.store_holds(&workspace);
        if durability == HoldDurability::Committed
            && !self
                .shared
                .writer
                .hold_stored(&workspace, (request_id, None), Stored::is_current)
                .await?
        {
            return Err(Error::of_ledger(LedgerError::HoldNotFound, request_id));
        }
        Ok(expire_time)
    }

    /// Has holds stored that have changed, and those deleted that have ended.
    fn store_holds(&self, workspace: &Arc<WorkspaceHandle>) {
        let unstored = workspace.attempt(|ledger| {
            ledger.has_unstored_holds().then_some(ledger.workspace().hold_durability)
        });
        if let Some(durability) = unstored.flatten() {
            self.shared.writer.store_holds(workspace, durability);
        }
    }

    /// At most `limit` of the holds that match, by (check time, request id), and how many expired
    /// since the workspace was loaded.
    pub async fn holds(
        &self,
        workspace_id: &str,
        filter: &HoldFilter,
        limit: usize,
    ) -> Result<InCurrency<(Counted<HoldView>, i64)>> {
        let workspace = self.workspace(workspace_id).await?;
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        let entries = ledger.hold_views(self.now(), filter, limit);
        let listed = Counted { entries, total_count: ledger.hold_count(filter) };
        Ok(InCurrency { currency, value: (listed, ledger.expired_count()) })
    }

    /// Entries of the log, newest first. With filters that no index helps, those of the next
    /// `looked_at_max` that match.
    pub async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<RecordPosition>,
        (limit, looked_at_max): (usize, usize),
    ) -> Result<InCurrency<RecordPage>> {
        let workspace = self.workspace(&filter.workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let store = self.store();
        let mut filter = filter.clone();
        let mut end = None;
        if filter.is_scan() {
            let id = &filter.workspace_id;
            end = store.charge_time_behind(id, filter.to, after, looked_at_max).await?;
            end = end.filter(|end| filter.from.is_none_or(|from| *end > from));
            filter.from = filter.from.max(end);
        }
        let records = store.records(&filter, Order::NewestFirst, after, limit).await?;
        let is_full = records.len() == limit;
        let go_on = end.filter(|_| !is_full);
        // All entries of this time were looked at.
        let go_on = go_on.map(|charge_time| RecordPosition { charge_time, seq: i64::MIN });
        Ok(InCurrency { currency, value: RecordPage { records, go_on } })
    }

    /// Expires holds whose time is up in workspaces without requests, and charges those whose
    /// workspace charges the estimate. Returns how many were charged.
    ///
    /// # Errors
    /// If storage fails; the rest is charged next time.
    pub async fn expire_holds(&self) -> Result<usize> {
        let now = self.now();
        let mut workspaces = self.loaded_workspaces();
        // In a defined order, so that a simulation is deterministic.
        workspaces.sort_by(|a, b| a.id().cmp(b.id()));
        self.shared.writer.note_stuck();
        for workspace in &workspaces {
            self.store_holds(workspace);
            let since = self.shared.writer.unwritten_since();
            if workspace.attempt(|ledger| ledger.note_outage(now, since)) == Some(true) {
                workspace.announce();
            }
        }
        workspaces.retain(|workspace| {
            workspace.attempt(|ledger| ledger.has_due(now)).unwrap_or_default()
        });
        let mut charged = 0;
        for workspace in workspaces {
            let due = workspace.attempt(|ledger| ledger.take_due_charges(now)).unwrap_or_default();
            if !due.is_empty() {
                let due = DueCharges { workspace, requests: due.into() };
                charged += self.charge_expired(due).await?;
            }
        }
        Ok(charged)
    }

    /// Drops subjects that are idle, looking at a few of each loaded workspace.
    pub fn sweep_subjects(&self) {
        let now = self.now();
        for workspace in self.loaded_workspaces() {
            workspace.attempt(|ledger| ledger.sweep(now, SWEEP_SUBJECTS));
        }
    }

    async fn charge_expired(&self, due: DueCharges) -> Result<usize> {
        self.in_writer(move |shared| async move {
            let (mut due, mut charged) = (due, 0);
            while let Some(request_id) = due.requests.front() {
                if shared.charge_expired(&due.workspace, request_id).await? {
                    charged += 1;
                }
                due.requests.pop_front();
            }
            due.workspace.announce();
            Ok(charged)
        })
        .await
    }
}

/// Requests whose expired holds are to be charged. Those that are not, because the writer failed or
/// did not begin, go back to the ledger.
struct DueCharges {
    workspace: Arc<WorkspaceHandle>,
    requests: VecDeque<Arc<str>>,
}

impl Drop for DueCharges {
    fn drop(&mut self) {
        let requests = std::mem::take(&mut self.requests);
        if !requests.is_empty() {
            self.workspace.attempt(|ledger| ledger.retry_charges(requests));
        }
    }
}

impl super::Shared {
    fn not_owner(&self) -> Error {
        Error::NotOwner { address: Arc::from(self.new_owner.load().as_str()) }
    }

    /// Writes the charge of one expired hold, unless the hold has ended otherwise meanwhile.
    async fn charge_expired(&self, workspace: &WorkspaceHandle, request_id: &str) -> Result<bool> {
        let seq = self.writer.next_seq();
        let prepared = workspace.lock().prepare_expiry_charge(self.clock.now(), seq, request_id);
        let record = match prepared {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(false),
            Err(error) => return Err(Error::of_ledger(error, request_id)),
        };
        if self.append_and_settle(workspace, record.clone()).await? {
            return Ok(true);
        }
        // A charge of the request is in the log. One that a record has taken back is that of an
        // earlier attempt; one in force is charged once.
        let entries = self.store.request_records(workspace.id(), request_id).await?;
        let revisions = entries.iter().filter(|entry| entry.attempt == record.attempt);
        let last_revision = revisions.map(|entry| entry.revision).max().unwrap_or_default();
        let is_charged = ExpiryCharge::in_force(&entries).is_some() || record.cost.is_zero();
        if is_charged {
            workspace.lock().expire_charged(request_id);
            return Ok(false);
        }
        let record = Record { seq: self.writer.next_seq(), revision: last_revision + 1, ..record };
        let pending = workspace.lock().add_pending(&record);
        pending.map_err(|error| Error::of_ledger(error, request_id))?;
        self.append_and_settle(workspace, record).await
    }

    /// Appends one entry that a ledger expects, and settles it. False if its key exists.
    pub(super) async fn append_and_settle(
        &self,
        workspace: &WorkspaceHandle,
        record: Record,
    ) -> Result<bool> {
        let appended = self.append(std::slice::from_ref(&record)).await;
        let mut ledger = workspace.lock();
        match appended {
            Ok(appended) if appended == [Appended::New] => {
                ledger.settle(self.clock.now(), &record);
                drop(ledger);
                self.publish(vec![record]);
                Ok(true)
            }
            Ok(_) => {
                ledger.abandon(&record);
                Ok(false)
            }
            Err(error) => {
                ledger.abandon(&record);
                Err(error.into())
            }
        }
    }
}
