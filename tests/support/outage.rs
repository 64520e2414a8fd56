//! Storage that can be cut off: every call fails without having changed anything, until it is
//! back.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate::ledger::catalogue::{ExchangeRate, Model};
use tollgate::ledger::price::Price;
use tollgate::ledger::record::Record;
use tollgate::ledger::workspace::{Workspace, WorkspaceModel};
use tollgate::ledger::{Amount, Time};
use tollgate::storage::rollup::RollupRow;
use tollgate::storage::{
    Appended, CatalogueRows, Difference, Error, Order, RecordFilter, RecordPosition, Result, Store,
    StoredHold,
};

pub struct Outage {
    inner: Arc<dyn Store>,
    is_out: AtomicBool,
}

impl Outage {
    pub fn new(inner: Arc<dyn Store>) -> Outage {
        Outage { inner, is_out: AtomicBool::new(false) }
    }

    pub fn set(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::SeqCst);
    }

    fn answer(&self) -> Result<()> {
        match self.is_out.load(Ordering::SeqCst) {
            true => Err(Error::NotApplied("the disk is gone".into())),
            false => Ok(()),
        }
    }
}

#[tonic::async_trait]
impl Store for Outage {
    async fn ping(&self) -> Result<()> {
        self.answer()?;
        self.inner.ping().await
    }

    async fn claim(&self) -> Result<()> {
        self.answer()?;
        self.inner.claim().await
    }

    async fn catalogue(&self) -> Result<CatalogueRows> {
        self.answer()?;
        self.inner.catalogue().await
    }

    async fn put_model(&self, model: &Model) -> Result<()> {
        self.answer()?;
        self.inner.put_model(model).await
    }

    async fn put_prices(&self, prices: &[Price]) -> Result<()> {
        self.answer()?;
        self.inner.put_prices(prices).await
    }

    async fn put_exchange_rate(&self, rate: &ExchangeRate) -> Result<()> {
        self.answer()?;
        self.inner.put_exchange_rate(rate).await
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        self.answer()?;
        self.inner.workspace(id).await
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.answer()?;
        self.inner.workspaces(after_id, limit).await
    }

    async fn put_workspace(&self, workspace: &Workspace) -> Result<()> {
        self.answer()?;
        self.inner.put_workspace(workspace).await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.answer()?;
        self.inner.workspace_models(workspace_id).await
    }

    async fn put_workspace_model(&self, workspace_id: &str, model: &WorkspaceModel) -> Result<()> {
        self.answer()?;
        self.inner.put_workspace_model(workspace_id, model).await
    }

    async fn last_seq(&self) -> Result<i64> {
        self.answer()?;
        self.inner.last_seq().await
    }

    async fn append(&self, records: &[Record]) -> Result<Vec<Appended>> {
        self.answer()?;
        self.inner.append(records).await
    }

    async fn request_records(&self, workspace_id: &str, request_id: &str) -> Result<Vec<Record>> {
        self.answer()?;
        self.inner.request_records(workspace_id, request_id).await
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        order: Order,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.answer()?;
        self.inner.records(filter, order, after, limit).await
    }

    async fn records_after(&self, seq: i64, limit: usize) -> Result<Vec<Record>> {
        self.answer()?;
        self.inner.records_after(seq, limit).await
    }

    async fn spent_by_model(
        &self,
        workspace_id: &str,
        from: Time,
        to: Time,
    ) -> Result<HashMap<String, Amount>> {
        self.answer()?;
        self.inner.spent_by_model(workspace_id, from, to).await
    }

    async fn recent_outputs(&self, workspace_id: &str, limit: usize) -> Result<Vec<(String, i64)>> {
        self.answer()?;
        self.inner.recent_outputs(workspace_id, limit).await
    }

    async fn put_holds(&self, holds: &[StoredHold]) -> Result<()> {
        self.answer()?;
        self.inner.put_holds(holds).await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.answer()?;
        self.inner.holds(workspace_id).await
    }

    async fn delete_holds(&self, workspace_id: &str) -> Result<()> {
        self.answer()?;
        self.inner.delete_holds(workspace_id).await
    }

    async fn workspaces_with_holds(&self) -> Result<Vec<String>> {
        self.answer()?;
        self.inner.workspaces_with_holds().await
    }

    async fn fold_cursor(&self) -> Result<i64> {
        self.answer()?;
        self.inner.fold_cursor().await
    }

    async fn fold(&self, from: i64, to: i64, rows: &[RollupRow]) -> Result<()> {
        self.answer()?;
        self.inner.fold(from, to, rows).await
    }

    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        self.answer()?;
        self.inner.verify_rollups(limit).await
    }

    async fn rebuild_rollups(&self) -> Result<()> {
        self.answer()?;
        self.inner.rebuild_rollups().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
