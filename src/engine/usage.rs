//! Checks, records and holds: the calls around each LLM request.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::{Error, Result};
use super::writer::{Command, PendingRecord, Recorded};
use super::{Engine, InCurrency, WorkspaceHandle};
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::check::{Answer, Check, Decision};
use crate::domain::record::{Record, UsageReport};
use crate::domain::time::Micros;
use crate::domain::{Amount, Time};
use crate::ledger::{HoldView, Ledger, PreparedCheck, RestoredHold};
use crate::storage::{Order, RecordFilter, RecordPosition, StoredHold};

/// Members that are looked at at once; small, because the ledger is locked meanwhile.
const SWEEP_MEMBERS: u32 = 5_000;

impl Engine {
    /// Decides on a request. No storage is touched once the workspace is loaded.
    pub async fn check(&self, workspace_id: &str, check: Check) -> Result<InCurrency<Decision>> {
        self.decide(workspace_id, &mut PreparedCheck::new(check)).await
    }

    /// The same of a check that is prepared.
    pub async fn decide(
        &self,
        workspace_id: &str,
        check: &mut PreparedCheck,
    ) -> Result<InCurrency<Decision>> {
        let decided =
            self.shared.workspaces.with(workspace_id, |workspace| self.check_in(workspace, check));
        if let Some(decision) = decided {
            return decision;
        }
        let workspace = self.workspace(workspace_id).await?;
        self.check_in(&workspace, check)
    }

    fn check_in(
        &self,
        workspace: &WorkspaceHandle,
        check: &mut PreparedCheck,
    ) -> Result<InCurrency<Decision>> {
        let now = self.now();
        let (currency, decision) = {
            let mut ledger = workspace.lock();
            (ledger.workspace().currency, ledger.decide(now, check))
        };
        match decision {
            Ok(value) => {
                if value.answer != Answer::Allowed {
                    self.shared.note_refusal();
                }
                Ok(InCurrency { currency, value })
            }
            Err(error) => Err(Error::of_ledger(error, check.request_id())),
        }
    }

    /// Records one attempt; answers when it is durable.
    pub async fn record(
        &self,
        workspace_id: &str,
        report: UsageReport,
    ) -> Result<InCurrency<Recorded>> {
        let workspace = self.workspace(workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let (reply, answer) = oneshot::channel();
        let command = Command::Record(PendingRecord { workspace, report, reply });
        let value = self.hand_over(command, answer).await?;
        Ok(InCurrency { currency, value })
    }

    /// Records several attempts, with an answer for each, in their order. They are handed to the
    /// writer together.
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
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        let released = ledger.release(self.now(), request_id);
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
        let extended = workspace.lock().extend(self.now(), request_id, duration);
        extended.map_err(|error| Error::of_ledger(error, request_id))
    }

    /// Live holds and those that expired lately, by (check time, request id), and how many expired
    /// since the workspace was loaded.
    pub async fn holds(&self, workspace_id: &str) -> Result<InCurrency<(Vec<HoldView>, i64)>> {
        let workspace = self.workspace(workspace_id).await?;
        let mut ledger = workspace.lock();
        let currency = ledger.workspace().currency;
        let views = ledger.hold_views(self.now());
        Ok(InCurrency { currency, value: (views, ledger.expired_count()) })
    }

    /// Entries of the log, newest first.
    pub async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<InCurrency<Vec<Record>>> {
        let workspace = self.workspace(&filter.workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        let store = self.store();
        let value = store.records(filter, Order::NewestFirst, after, limit).await?;
        Ok(InCurrency { currency, value })
    }

    /// Lets holds expire whose time is up in workspaces that nobody asks, and charges those that
    /// are to be charged. Answers how many estimates were charged.
    ///
    /// # Errors
    /// If storage fails; what was not charged is tried again next time.
    pub async fn expire_holds(&self) -> Result<usize> {
        let now = self.now();
        let mut workspaces = self.loaded_workspaces();
        workspaces.retain(|workspace| workspace.lock().has_due(now));
        // In a defined order, so that a simulation runs the same way twice.
        workspaces.sort_by(|a, b| a.id().cmp(b.id()));
        let mut charged = 0;
        for workspace in workspaces {
            let due = workspace.lock().take_due_charges(now);
            if !due.is_empty() {
                charged += self.charge_expired(workspace, due).await?;
            }
        }
        Ok(charged)
    }

    /// Looks for subjects that are idle, a few in each workspace that is loaded.
    pub fn sweep_subjects(&self) {
        let now = self.now();
        for workspace in self.loaded_workspaces() {
            workspace.lock().sweep(now, SWEEP_MEMBERS);
        }
    }

    async fn charge_expired(
        &self,
        workspace: Arc<WorkspaceHandle>,
        due: Vec<Arc<str>>,
    ) -> Result<usize> {
        self.in_writer(move |shared| async move {
            let mut charged = 0;
            for (index, request_id) in due.iter().enumerate() {
                match shared.charge_expired(&workspace, request_id).await {
                    Ok(true) => charged += 1,
                    Ok(false) => {}
                    Err(error) => {
                        workspace.lock().retry_charges(due[index..].to_vec());
                        return Err(error);
                    }
                }
            }
            workspace.announce();
            Ok(charged)
        })
        .await
    }
}

impl super::Shared {
    /// Writes the charge of one expired hold, unless it has ended otherwise meanwhile.
    async fn charge_expired(&self, workspace: &WorkspaceHandle, request_id: &str) -> Result<bool> {
        let seq = self.next_seq();
        let prepared = workspace.lock().prepare_expiry_charge(self.clock.now(), seq, request_id);
        let record = match prepared {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(false),
            Err(error) => return Err(Error::of_ledger(error, request_id)),
        };
        let is_new = self.append_and_settle(workspace, record).await?;
        if !is_new {
            workspace.lock().expire_charged(request_id);
        }
        Ok(is_new)
    }

    /// Appends one entry that a ledger expects, and settles it. False if its key was there.
    pub(super) async fn append_and_settle(
        &self,
        workspace: &WorkspaceHandle,
        record: Record,
    ) -> Result<bool> {
        let appended = self.append(std::slice::from_ref(&record)).await;
        let mut ledger = workspace.lock();
        match appended {
            Ok(appended) if appended == [crate::storage::Appended::New] => {
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

/// Takes up holds that were written down when the server stopped, at their price of then.
pub(super) fn restore_holds(ledger: &mut Ledger, holds: Vec<StoredHold>, now: Time) {
    for stored in holds {
        let card = stored.price_id.as_deref();
        let card = card.and_then(|id| ledger.catalogue().price_by_id(id)).cloned();
        let rate = Rate::from_nanos(stored.exchange_rate_nanos);
        let quote = card.map(|card| Quote { card, rate });
        let hold = RestoredHold {
            request_id: stored.request_id,
            fingerprint: stored.fingerprint,
            held: stored.held,
            held_tokens: stored.held_tokens,
            check_time: stored.check_time,
            expire_time: stored.expire_time,
            tier: stored.tier,
            routed: stored.routed,
            attribution: (!stored.attribution.is_empty()).then(|| Box::new(stored.attribution)),
            key_group_id: stored.key_group_id,
        };
        ledger.restore_hold(now, &stored.model_id, quote, hold);
    }
}

/// What is to be written down of the live holds of a ledger.
pub(super) fn stored_holds(ledger: &mut Ledger, now: Time) -> Vec<StoredHold> {
    let workspace_id = ledger.workspace().id.clone();
    let views = ledger.hold_views(now);
    let live = views.into_iter().filter(|view| view.live);
    live.map(|HoldView { hold, model_id, .. }| StoredHold {
        workspace_id: workspace_id.clone(),
        model_id,
        routed: hold.routed.is_some(),
        held: hold.held,
        check_time: hold.check_time,
        expire_time: hold.expire_time,
        price_id: hold.quote.as_ref().map(|quote| quote.card.price().id.clone()),
        exchange_rate_nanos: hold.quote.as_ref().map_or(Rate::ONE, |quote| quote.rate).nanos(),
        tier: hold.tier,
        fingerprint: hold.fingerprint,
        attribution: hold.attribution().unwrap_or_default(),
        held_tokens: hold.held_tokens,
        key_group_id: ledger.group_name(hold.group),
        request_id: hold.request_id,
    })
    .collect()
}
