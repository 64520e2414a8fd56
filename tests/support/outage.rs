//! Storage that can be cut off: every call fails without having changed anything, until it is
//! back.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate::domain::alert::AlertKey;
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::backfill::{ConsumptionQuery, LimitConfig, RateBucket, RateQuery};
use tollgate::domain::boost::Boost;
use tollgate::domain::calendar::Window;
use tollgate::domain::quota::{Consumption, Quota};
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::record::Record;
use tollgate::domain::workspace::{Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::storage::alerts::{
    AlertFilter, AlertStore, Delivery, DeliveryFilter, EmailReceiver, StoredAlert, Webhook,
};
use tollgate::storage::directory::{DirectoryStore, EntryKind, EntryState, Listed, UserTraces};
use tollgate::storage::policy::{
    AuditEvent, AuditFilter, BoostFilter, Change, PolicyStore, RuleFilter, StoredRate,
};
use tollgate::storage::reports::{Answer, Question, ReportStore};
use tollgate::storage::rollup::{FoldCursor, Folded};
use tollgate::storage::{
    Appended, Before, CatalogueRows, Difference, Error, Order, RecordFilter, RecordPosition,
    Result, Store, StoredHold,
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

    async fn claim(&self) -> Result<Before> {
        self.answer()?;
        self.inner.claim().await
    }

    async fn catalogue(&self) -> Result<CatalogueRows> {
        self.answer()?;
        self.inner.catalogue().await
    }

    async fn workspace(&self, id: &str) -> Result<Option<Workspace>> {
        self.answer()?;
        self.inner.workspace(id).await
    }

    async fn workspaces(&self, after_id: &str, limit: usize) -> Result<Vec<Workspace>> {
        self.answer()?;
        self.inner.workspaces(after_id, limit).await
    }

    async fn workspace_models(&self, workspace_id: &str) -> Result<Vec<WorkspaceModel>> {
        self.answer()?;
        self.inner.workspace_models(workspace_id).await
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

    async fn export_records(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.answer()?;
        self.inner.export_records(workspace_id, window, after, limit).await
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

    async fn put_down(&self, holds: &[StoredHold], rates: &[StoredRate]) -> Result<()> {
        self.answer()?;
        self.inner.put_down(holds, rates).await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.answer()?;
        self.inner.holds(workspace_id).await
    }

    async fn delete_put_down(&self, workspace_id: &str) -> Result<()> {
        self.answer()?;
        self.inner.delete_put_down(workspace_id).await
    }

    async fn workspaces_put_down(&self) -> Result<Vec<String>> {
        self.answer()?;
        self.inner.workspaces_put_down().await
    }

    async fn fold_cursor(&self) -> Result<FoldCursor> {
        self.answer()?;
        self.inner.fold_cursor().await
    }

    async fn fold(&self, from: FoldCursor, to: FoldCursor, folded: &Folded) -> Result<()> {
        self.answer()?;
        self.inner.fold(from, to, folded).await
    }

    async fn verify_rollups(&self, limit: usize) -> Result<Vec<Difference>> {
        self.answer()?;
        self.inner.verify_rollups(limit).await
    }

    async fn drop_records(&self, workspace_id: &str, before: Time, limit: usize) -> Result<usize> {
        self.answer()?;
        self.inner.drop_records(workspace_id, before, limit).await
    }

    async fn dropped_before(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.answer()?;
        self.inner.dropped_before(workspace_id).await
    }

    async fn rebuild_rollups(&self) -> Result<()> {
        self.answer()?;
        self.inner.rebuild_rollups().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tonic::async_trait]
impl ReportStore for Outage {
    async fn report(&self, workspace_id: &str, questions: &[Question]) -> Result<Vec<Answer>> {
        self.answer()?;
        self.inner.report(workspace_id, questions).await
    }
}

#[tonic::async_trait]
impl PolicyStore for Outage {
    async fn change(
        &self,
        workspace_id: &str,
        changes: &[Change],
        events: &[AuditEvent],
    ) -> Result<()> {
        self.answer()?;
        self.inner.change(workspace_id, changes, events).await
    }

    async fn policy(&self, workspace_id: &str, now: Time) -> Result<LimitConfig> {
        self.answer()?;
        self.inner.policy(workspace_id, now).await
    }

    async fn quotas(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>> {
        self.answer()?;
        self.inner.quotas(workspace_id, filter, after_id, limit).await
    }

    async fn rate_limits(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        self.answer()?;
        self.inner.rate_limits(workspace_id, filter, after_id, limit).await
    }

    async fn api_keys(
        &self,
        workspace_id: &str,
        key_group_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<ApiKey>> {
        self.answer()?;
        self.inner.api_keys(workspace_id, key_group_id, after_id, limit).await
    }

    async fn key_groups(
        &self,
        workspace_id: &str,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<KeyGroup>> {
        self.answer()?;
        self.inner.key_groups(workspace_id, after_id, limit).await
    }

    async fn boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>> {
        self.answer()?;
        self.inner.boost(workspace_id, id).await
    }

    async fn boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>> {
        self.answer()?;
        self.inner.boosts(workspace_id, filter, after, limit).await
    }

    async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.answer()?;
        self.inner.audit_events(filter, after, limit).await
    }

    async fn audit_events_naming(
        &self,
        workspace_id: &str,
        text: &str,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>> {
        self.answer()?;
        self.inner.audit_events_naming(workspace_id, text, after, limit).await
    }

    async fn used(
        &self,
        workspace_id: &str,
        query: &ConsumptionQuery,
    ) -> Result<Vec<(String, Consumption)>> {
        self.answer()?;
        self.inner.used(workspace_id, query).await
    }

    async fn sent(&self, workspace_id: &str, query: &RateQuery) -> Result<Vec<RateBucket>> {
        self.answer()?;
        self.inner.sent(workspace_id, query).await
    }

    async fn rates(&self, workspace_id: &str) -> Result<Vec<StoredRate>> {
        self.answer()?;
        self.inner.rates(workspace_id).await
    }
}

#[tonic::async_trait]
impl DirectoryStore for Outage {
    async fn entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        ids: &[String],
    ) -> Result<Vec<Listed>> {
        self.answer()?;
        self.inner.entries(workspace_id, kind, ids).await
    }

    async fn list_entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        state: EntryState,
        department_id: Option<&str>,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        self.answer()?;
        self.inner.list_entries(workspace_id, kind, state, department_id, after_id, limit).await
    }

    async fn user_traces(&self, workspace_id: &str, user_id: &str) -> Result<UserTraces> {
        self.answer()?;
        self.inner.user_traces(workspace_id, user_id).await
    }

    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>> {
        self.answer()?;
        self.inner.departments(workspace_id).await
    }
}

#[tonic::async_trait]
impl AlertStore for Outage {
    async fn last_alert_seq(&self) -> Result<i64> {
        self.answer()?;
        self.inner.last_alert_seq().await
    }

    async fn put_alerts(&self, alerts: &[StoredAlert], deliveries: &[Delivery]) -> Result<()> {
        self.answer()?;
        self.inner.put_alerts(alerts, deliveries).await
    }

    async fn raised(&self, workspace_id: &str, since: Time) -> Result<Vec<AlertKey>> {
        self.answer()?;
        self.inner.raised(workspace_id, since).await
    }

    async fn alert(&self, workspace_id: &str, seq: i64) -> Result<Option<StoredAlert>> {
        self.answer()?;
        self.inner.alert(workspace_id, seq).await
    }

    async fn alerts(
        &self,
        filter: &AlertFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        self.answer()?;
        self.inner.alerts(filter, before, limit).await
    }

    async fn alerts_after(
        &self,
        workspace_id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        self.answer()?;
        self.inner.alerts_after(workspace_id, after, limit).await
    }

    async fn webhooks(&self, workspace_id: &str) -> Result<Vec<Webhook>> {
        self.answer()?;
        self.inner.webhooks(workspace_id).await
    }

    async fn email_receivers(&self, workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        self.answer()?;
        self.inner.email_receivers(workspace_id).await
    }

    async fn due_deliveries(&self, now: Time, limit: usize) -> Result<Vec<Delivery>> {
        self.answer()?;
        self.inner.due_deliveries(now, limit).await
    }

    async fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        self.answer()?;
        self.inner.put_delivery(delivery).await
    }

    async fn delivery(&self, workspace_id: &str, id: &str) -> Result<Option<Delivery>> {
        self.answer()?;
        self.inner.delivery(workspace_id, id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.answer()?;
        self.inner.deliveries(filter, after, limit).await
    }
}
