//! Loads a workspace from storage, with what it had in the shutdown snapshot; saves the snapshot.
//!
//! The snapshot has what lives in memory alone: counts of rate limits, and the holds of workspaces
//! whose holds storage does not keep. It is deleted once it is restored, so after a crash there is
//! none: then such holds are released, and rate limits count as used up until their windows have
//! passed (the crash penalty).

pub mod backtest;
pub mod policy_change;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use crate::domain::Time;
use crate::domain::alert::large_record_day;
use crate::domain::backfill::{
    BackfillQueries, BackfillResults, ConsumptionQuery, LimitConfig, RateSnapshot,
};
use crate::domain::catalog::price::{Quote, Rate};
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Window;
use crate::domain::workspace::{HoldDurability, ModelAlias, Workspace, WorkspaceModel};
use crate::engine::error::{Error, Result};
use crate::engine::{Engine, Shared, WorkspaceHandle};
use crate::ledger::{
    HoldFilter, HoldView, Ledger, RECORDED_REQUESTS_MAX, RestoredHold, WindowSpend,
};
use crate::storage;
use crate::storage::log::{Order, RecordFilter};
use crate::storage::shutdown::{StoredCrash, StoredHold, StoredRate};

/// Records whose answers are looked at for contexts when a workspace is loaded.
const RECENT_CONTEXTS: usize = 500;
/// Requests from which a loaded ledger learns how much output to expect.
const OUTPUT_HISTORY_RECORDS: usize = 2_000;
/// Workspaces read at once.
const WORKSPACES_PAGE: usize = 1_000;
/// How long a workspace whose ledger fails again stays unloaded: what makes it fail may come again.
const QUARANTINE: Duration = Duration::from_secs(10);

/// What is configured of a workspace, as a ledger is made of it.
#[derive(Clone, Debug)]
struct Configuration {
    workspace: Workspace,
    models: Vec<WorkspaceModel>,
    limits: LimitConfig,
    aliases: Vec<ModelAlias>,
}

impl Engine {
    /// The workspace, loaded if it is not.
    pub(crate) async fn workspace(&self, id: &str) -> Result<Arc<WorkspaceHandle>> {
        if let Some(workspace) = self.shared.workspaces.get(id) {
            return Ok(workspace);
        }
        self.shared.writer.require_storage()?;
        // Outside of the writer: callers may name workspaces that do not exist.
        if self.shared.store.workspace(id).await?.is_none() {
            return Err(Error::WorkspaceNotFound(id.to_owned()));
        }
        let id = id.to_owned();
        self.in_writer(move |shared| async move { shared.load(&id).await }).await
    }

    /// Loads every workspace of which storage has holds or counts, one after the other, with other
    /// writes in between. One that cannot be loaded keeps no other one from it.
    ///
    /// # Errors
    /// That of the first that could not be loaded.
    pub async fn load_stored(&self) -> Result<()> {
        let mut failed = Ok(());
        for id in self.shared.store.snapshot_workspaces().await? {
            failed = failed.and(self.workspace(&id).await.map(drop));
        }
        failed
    }
}

impl Shared {
    /// Loads a workspace. Runs in the writer, so that the totals it starts from and the records
    /// that are settled later meet at one commit.
    pub(in crate::engine) async fn load(&self, id: &str) -> Result<Arc<WorkspaceHandle>> {
        if let Some(workspace) = self.workspaces.get(id) {
            return Ok(workspace);
        }
        let failed = self.workspaces.failed(id);
        if let Some(failed) = &failed {
            if failed.load_time().elapsed() < QUARANTINE {
                return Err(Error::Quarantined);
            }
            failed.count_failure();
            error!(workspace = id, "its ledger has failed: loading it again");
        }
        let now = self.clock.now();
        let configuration = self.configuration(id, now).await?;
        let mut ledger = self.ledger_of(configuration, now, Time::LATEST).await?;
        for (request_id, attempt) in self.store.recent_attempts(id, RECORDED_REQUESTS_MAX).await? {
            ledger.note_recorded(&request_id, attempt);
        }
        for record in self.recent_answers(id).await? {
            ledger.note_contexts(&record);
        }
        ledger.set_departments(self.store.departments(id).await?);
        let lost = if failed.is_some() { Some(now) } else { self.crash_time };
        self.restore_snapshot(&mut ledger, now, lost).await?;
        let large_since = self.large_records_alerted(id).await?.min(large_record_day(now).start);
        let since = ledger.earliest_window().min(large_since);
        ledger.set_raised(now, self.store.raised(id, since).await?);
        let large = self.store.large_record_counts(id, large_since).await?;
        self.load_large_records(&mut ledger, large).await?;
        let handle = Arc::new(WorkspaceHandle::new(ledger, now));
        self.workspaces.insert(handle.clone());
        Ok(handle)
    }

    /// What is configured of a workspace, with the boosts that are not over at a time.
    async fn configuration(&self, id: &str, at: Time) -> Result<Configuration> {
        let workspace = self.store.workspace(id).await?;
        Ok(Configuration {
            workspace: workspace.ok_or_else(|| Error::WorkspaceNotFound(id.to_owned()))?,
            models: self.store.workspace_models(id).await?,
            limits: self.store.limit_config(id, at).await?,
            aliases: self.store.model_aliases(id).await?,
        })
    }

    /// A ledger that begins at a time: its windows have what the log says was charged before
    /// `before`.
    async fn ledger_of(
        &self,
        configuration: Configuration,
        now: Time,
        before: Time,
    ) -> Result<Ledger> {
        let Configuration { workspace, models, limits, aliases } = configuration;
        let id = workspace.id.clone();
        let windows = Ledger::windows_to_load(&workspace, now);
        let spend = self.spend_before(&id, windows, before).await?;
        let outputs = self.store.recent_outputs(&id, before, OUTPUT_HISTORY_RECORDS).await?;
        let queries = Ledger::backfill_for_load(&workspace, &limits, now);
        let backfill = self.backfill_before(&id, queries, before).await?;
        let mut ledger = Ledger::new(workspace, models, self.catalog.load_full(), spend, now);
        for (model, tokens) in outputs {
            ledger.add_output_sample(&model, tokens);
        }
        ledger.load_limits(now, limits, backfill);
        for alias in aliases {
            ledger.put_model_alias(now, alias);
        }
        Ok(ledger)
    }

    /// The start of a day before which nothing is missing of the alerts about large records: they
    /// are stored in the order in which the records were written, by clocks that may differ.
    async fn large_records_alerted(&self, id: &str) -> storage::Result<Time> {
        let latest = self.store.latest_large_record_alert(id).await?;
        Ok(latest.map_or(Time::from_micros(i64::MIN), |day| day - MICROS_PER_DAY))
    }

    /// Sets the counts of large records of these days, and raises the alerts that are missing.
    async fn load_large_records(
        &self,
        ledger: &mut Ledger,
        counts: Vec<(Time, i64)>,
    ) -> storage::Result<()> {
        let id = ledger.workspace().id.clone();
        for (day, count) in counts {
            for number in ledger.set_large_count(day, count) {
                let record = self.store.large_record(&id, large_record_day(day), number).await?;
                if let Some(record) = record {
                    ledger.raise_large_record(&record, number);
                }
            }
        }
        Ok(())
    }

    /// Latest records of a workspace with a provider answer, in the order in which they were
    /// written: requests may go on with what the provider keeps of them.
    async fn recent_answers(&self, id: &str) -> storage::Result<Vec<Record>> {
        let filter = RecordFilter::of(id);
        let mut records =
            self.store.records(&filter, Order::NewestFirst, None, RECENT_CONTEXTS).await?;
        records.retain(|record| record.kind == RecordKind::Usage && record.answer.is_some());
        records.sort_by_key(|record| record.seq);
        Ok(records)
    }

    /// Runs the backfill queries of a ledger on the usage log.
    pub(in crate::engine) async fn backfill(
        &self,
        id: &str,
        queries: BackfillQueries,
    ) -> storage::Result<BackfillResults> {
        self.backfill_before(id, queries, Time::LATEST).await
    }

    /// The same by what was charged before a time. Of rate limits the log is asked only up to the
    /// present: before, they have counted nothing.
    async fn backfill_before(
        &self,
        id: &str,
        queries: BackfillQueries,
        before: Time,
    ) -> storage::Result<BackfillResults> {
        let mut results = BackfillResults::default();
        for query in queries.used {
            let part = ConsumptionQuery { to: query.to.min(before), ..query.clone() };
            let used = match part.from < part.to {
                true => self.store.consumption(id, &part).await?,
                false => Vec::new(),
            };
            results.used.push((query, used));
        }
        let is_present = before == Time::LATEST;
        for query in queries.sent.into_iter().filter(|_| is_present) {
            let sent = self.store.rate_buckets(id, &query).await?;
            results.sent.push((query, sent));
        }
        Ok(results)
    }

    /// What was spent in some windows of a workspace, by the usage log.
    pub(in crate::engine) async fn spend_of(
        &self,
        id: &str,
        windows: [Window; 2],
    ) -> storage::Result<Vec<WindowSpend>> {
        self.spend_before(id, windows, Time::LATEST).await
    }

    /// The same by what was charged before a time.
    async fn spend_before(
        &self,
        id: &str,
        windows: [Window; 2],
        before: Time,
    ) -> storage::Result<Vec<WindowSpend>> {
        let mut spend = Vec::with_capacity(windows.len());
        for window in windows {
            let end = window.end.min(before);
            let by_model = match window.start < end {
                true => self.store.spent_by_model(id, window.start, end).await?,
                false => HashMap::new(),
            };
            spend.push(WindowSpend { window, by_model });
        }
        Ok(spend)
    }

    /// Restores what the snapshot has of a workspace, and deletes it there. With when the memory of
    /// the ledger before was lost, if it was.
    async fn restore_snapshot(
        &self,
        ledger: &mut Ledger,
        now: Time,
        lost: Option<Time>,
    ) -> Result<()> {
        let id = ledger.workspace().id.clone();
        let holds = self.store.holds(&id).await?;
        let rates = self.store.rate_counts(&id).await?;
        let crash_time = self.store.crash_time(&id).await?;
        if let Some(at) = lost {
            ledger.apply_crash_penalty(now, at);
        }
        if holds.is_empty() && rates.is_empty() && crash_time.is_none() {
            return Ok(());
        }
        restore_holds(ledger, holds, now);
        let keep_holds = ledger.workspace().hold_durability != HoldDurability::Memory;
        if keep_holds && rates.is_empty() && crash_time.is_none() {
            return Ok(());
        }
        let counts = rates.into_iter().map(|rate| rate.counts).collect();
        ledger.restore_rates(now, RateSnapshot { counts, crash_time });
        self.until_known(|| self.store.delete_snapshot(&id, keep_holds)).await?;
        Ok(())
    }

    /// Saves the shutdown snapshot. Returns how many holds it has. A workspace whose ledger has
    /// failed is found as after a crash: its holds that are not stored are given back.
    pub(in crate::engine) async fn save_snapshot(&self) -> storage::Result<usize> {
        let now = self.clock.now();
        let mut holds = Vec::new();
        let mut rates = Vec::new();
        let mut crashes = self.crash_penalties(now).await?;
        for workspace in self.workspaces.all() {
            let workspace_id = || workspace.id().clone();
            let Some(mut ledger) = workspace.lock_sound() else {
                error!(workspace = %workspace.id(), "its ledger has failed: live holds are lost");
                crashes.push(StoredCrash { workspace_id: workspace_id(), time: now });
                continue;
            };
            holds.extend(stored_holds(&mut ledger, now));
            let RateSnapshot { counts, crash_time } = ledger.rate_snapshot(now);
            let stored = |counts| StoredRate { workspace_id: workspace_id(), counts };
            rates.extend(counts.into_iter().map(stored));
            let crash = crash_time.map(|time| StoredCrash { workspace_id: workspace_id(), time });
            crashes.extend(crash);
        }
        self.store.save_snapshot(&holds, &rates, &crashes).await?;
        Ok(holds.len())
    }

    /// The crash penalty of workspaces that were not loaded since: it lasts beyond this server.
    async fn crash_penalties(&self, now: Time) -> storage::Result<Vec<StoredCrash>> {
        let mut crashes = Vec::new();
        let lasts = |time: &Time| now < Ledger::crash_penalty_end(*time);
        let Some(time) = self.crash_time.filter(lasts) else { return Ok(crashes) };
        let mut after = String::new();
        loop {
            let page = self.store.workspaces(&after, WORKSPACES_PAGE).await?;
            let Some(last) = page.last() else { return Ok(crashes) };
            after = last.id.to_string();
            let not_loaded =
                page.into_iter().filter(|found| self.workspaces.get(&found.id).is_none());
            crashes.extend(not_loaded.map(|found| StoredCrash { workspace_id: found.id, time }));
        }
    }
}

/// Restores holds at the price that they were taken at.
fn restore_holds(ledger: &mut Ledger, holds: Vec<StoredHold>, now: Time) {
    for stored in holds {
        let card = stored.price_id.as_deref();
        let card = card.and_then(|id| ledger.catalog().price_by_id(id)).cloned();
        let rate = Rate::from_nanos(stored.exchange_rate_nanos);
        let quote = card.map(|card| Quote { card, rate });
        let hold = RestoredHold {
            request_id: stored.request_id,
            attempt: stored.attempt,
            fingerprint: stored.fingerprint,
            held: stored.held,
            held_tokens: stored.held_tokens,
            held_cache_reads: stored.held_cache_reads,
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

/// The live holds of a ledger, to be saved.
fn stored_holds(ledger: &mut Ledger, now: Time) -> Vec<StoredHold> {
    let live = HoldFilter { live: Some(true), after: None };
    let views = ledger.hold_views(now, &live, usize::MAX);
    let views = views.into_iter();
    views.map(|view| stored_hold(ledger, view)).collect()
}

/// A hold of a ledger as it is stored.
pub(in crate::engine) fn stored_hold(ledger: &Ledger, view: HoldView) -> StoredHold {
    let HoldView { hold, model_id, .. } = view;
    StoredHold {
        workspace_id: ledger.workspace().id.clone(),
        model_id,
        attempt: hold.attempt,
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
        held_cache_reads: hold.held_cache_reads,
        key_group_id: ledger.group_name(hold.group),
        request_id: hold.request_id,
    }
}
