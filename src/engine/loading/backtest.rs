//! Backtests: two ledgers of a workspace are made as they would have begun at a time in the past,
//! one with today's policy and one with a changed one, and the log from then on is read page by
//! page and replayed in both. Nothing is written, and the loaded workspace is left alone.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Configuration;
use super::policy_change::PolicyChange;
use crate::backtest::{Backtest, Comparison};
use crate::domain::quota::Period;
use crate::domain::record::Record;
use crate::domain::time::calendar::{Calendar, Window};
use crate::domain::workspace::HoldDurability;
use crate::domain::{Currency, Time};
use crate::engine::Engine;
use crate::engine::error::{Error, Result};
use crate::storage::Store;
use crate::storage::log::RecordPosition;

/// Records that are read at once: two pages are in memory, one that is replayed and one that is
/// read.
const PAGE_RECORDS: usize = 2_000;

/// A backtest under way.
pub struct BacktestRun {
    store: Arc<dyn Store>,
    workspace_id: Arc<str>,
    pub currency: Currency,
    pub window: Window,
    /// Away while a page is replayed.
    backtest: Option<Box<Backtest>>,
    /// Read, and not replayed yet.
    page: Vec<Record>,
    /// The last record that was read.
    after: Option<RecordPosition>,
    is_read: bool,
    entry_count: i64,
    replayed_until: Time,
}

impl Engine {
    /// Begins to replay the usage that a workspace was charged in a window.
    ///
    /// # Errors
    /// If there is no such workspace, the change is not valid, or records of the window were
    /// dropped.
    pub async fn begin_backtest(
        &self,
        workspace_id: &str,
        window: Window,
        change: PolicyChange,
    ) -> Result<BacktestRun> {
        let configuration = self.shared.configuration(workspace_id, window.start).await?;
        let store = self.store().clone();
        if let Some(kept_from) = store.dropped_before(workspace_id).await?
            && window.start < kept_from
        {
            let calendar = Calendar::new(configuration.workspace.time_zone, None);
            return Err(Error::LogDropped { kept_from: calendar.date(kept_from) });
        }
        let configuration = replayable(configuration, window.start);
        let workspace_id = configuration.workspace.id.clone();
        let currency = configuration.workspace.currency;
        let (shared, start) = (&self.shared, window.start);
        let changed = shared.changed_ledger(configuration.clone(), start, change).await?;
        let today = shared.ledger_of(configuration, start, start).await?;
        Ok(BacktestRun {
            store,
            workspace_id,
            currency,
            window,
            backtest: Some(Box::new(Backtest::new(today, changed))),
            page: Vec::new(),
            after: None,
            is_read: false,
            entry_count: 0,
            replayed_until: start,
        })
    }
}

/// The configuration without what stops everything now, and with quotas that are reset by hand
/// counting from `start` on, where they were reset later.
fn replayable(mut configuration: Configuration, start: Time) -> Configuration {
    let Configuration { workspace, limits, .. } = &mut configuration;
    workspace.archive_time = None;
    // Nobody stores the holds of a replay.
    workspace.hold_durability = HoldDurability::Memory;
    limits.freezes.clear();
    for quota in &mut limits.quotas {
        if quota.period == Period::UntilReset {
            quota.window_start = quota.window_start.min(start);
        }
    }
    configuration
}

impl BacktestRun {
    /// Replays what was read, and reads the next page meanwhile. The result, once all is replayed.
    ///
    /// # Errors
    /// If storage fails, or a ledger does: then it cannot go on.
    pub async fn next(&mut self) -> Result<Option<Comparison>> {
        let backtest = self.backtest.take();
        let backtest = backtest.ok_or_else(|| Error::Internal("a backtest is over".to_owned()))?;
        let page = std::mem::take(&mut self.page);
        let is_last = self.is_read;
        self.entry_count += page.len() as i64;
        self.replayed_until = match page.last() {
            Some(last) if !is_last => last.charge_time,
            _ if is_last => self.window.end,
            _ => self.replayed_until,
        };
        let replay = spawn_blocking(move || {
            let mut backtest = backtest;
            backtest.replay(page);
            backtest
        });
        let (next, replayed) = tokio::join!(self.read(), replay);
        let backtest = replayed.map_err(|cause| Error::Internal(cause.to_string()))?;
        if is_last {
            let compared = spawn_blocking(move || backtest.finish()).await;
            return Ok(Some(compared.map_err(|cause| Error::Internal(cause.to_string()))?));
        }
        let next = next?;
        self.is_read = next.len() < PAGE_RECORDS;
        self.after = next.last().map(RecordPosition::of).or(self.after);
        self.page = next;
        self.backtest = Some(backtest);
        Ok(None)
    }

    /// Entries that were replayed, and up to which time.
    pub fn progress(&self) -> (i64, Time) {
        (self.entry_count, self.replayed_until)
    }

    /// The page after what was read; empty after the last one.
    async fn read(&self) -> Result<Vec<Record>> {
        if self.is_read {
            return Ok(Vec::new());
        }
        let (id, window) = (&self.workspace_id, self.window);
        Ok(self.store.export_records(id, window, self.after, PAGE_RECORDS).await?)
    }
}
