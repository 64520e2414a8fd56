//! Storage that can be cut off: every call fails without having changed anything, until it is
//! back; whose writes of records can be held up; or that has a defect: a call that panics.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use tollgate::domain::access::AccessToken;
use tollgate::domain::alert::AlertKey;
use tollgate::domain::alert::anomaly::{Anomaly, AnomalyMember, AnomalyPolicy};
use tollgate::domain::alert::receiver::{EmailReceiver, Webhook};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::{Dimension, EntryKind};
use tollgate::domain::backfill::{ConsumptionQuery, LimitConfig, RateBucket, RateQuery};
use tollgate::domain::boost::Boost;
use tollgate::domain::quota::{Consumption, Quota};
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::record::Record;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::workspace::recommendation::Recommendation;
use tollgate::domain::workspace::{ModelAlias, Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::storage::alerts::{
    AlertFilter, AlertStore, Delivery, DeliveryFilter, StoredAlert, WebhookSecrets,
};
use tollgate::storage::anomalies::{AnomalyFilter, AnomalyStore};
use tollgate::storage::audit::{AuditEvent, AuditFilter, AuditStore};
use tollgate::storage::consumption::ConsumptionStore;
use tollgate::storage::directory::{
    DirectoryStore, EntryFilter, Erasure, Listed, Seen, UserTraces,
};
use tollgate::storage::lease::Lease;
use tollgate::storage::log::{
    Appended, HoldChanges, LogStore, Order, RecordFilter, RecordPosition,
};
use tollgate::storage::recommendations::{RecommendationFilter, RecommendationStore};
use tollgate::storage::reports::{ReportQuery, ReportResult, ReportStore};
use tollgate::storage::rollup::{Difference, FoldCursor, Folded, RollupStore};
use tollgate::storage::search::Counted;
use tollgate::storage::settings::{BoostFilter, CatalogRows, Change, LimitFilter, SettingsStore};
use tollgate::storage::shutdown::{ShutdownStore, StoredCrash, StoredHold, StoredRate};
use tollgate::storage::{ConnectionStore, Error, PreviousOwner, Result, Store};

pub struct Outage {
    inner: Arc<dyn Store>,
    is_out: AtomicBool,
    /// Taken while records are written.
    appending: Semaphore,
    /// Taken while the log is read page by page.
    paging: Semaphore,
    /// The call that panics.
    defective: Mutex<Option<&'static str>>,
}

impl Outage {
    pub fn new(inner: Arc<dyn Store>) -> Outage {
        let is_out = AtomicBool::new(false);
        let [appending, paging] = [1, 1].map(Semaphore::new);
        Outage { inner, is_out, appending, paging, defective: Mutex::new(None) }
    }

    /// Holds up writes of records, until what it returns is dropped.
    pub async fn hold_up(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.appending.acquire().await.unwrap()
    }

    /// Holds up reads of the log page by page, until what it returns is dropped.
    pub async fn hold_up_pages(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.paging.acquire().await.unwrap()
    }

    pub fn set(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::SeqCst);
    }

    /// From now on this call panics.
    pub fn set_defective(&self, call: &'static str) {
        *self.defective.lock().unwrap() = Some(call);
    }

    fn check(&self) -> Result<()> {
        match self.is_out.load(Ordering::SeqCst) {
            true => Err(Error::NotApplied("the disk is gone".into())),
            false => Ok(()),
        }
    }
}

/// Implements traits of storage by the store inside, while storage is not out.
macro_rules! forward {
    ($($trait:ident {
        $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {$(
        #[tonic::async_trait]
        impl $trait for Outage {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                let is_defective = *self.defective.lock().unwrap() == Some(stringify!($name));
                assert!(!is_defective, "a defect in {}", stringify!($name));
                self.check()?;
                let _taken = match stringify!($name) {
                    "append_with_holds" | "append_audited" => {
                        Some(self.appending.acquire().await.unwrap())
                    }
                    "export_records" => Some(self.paging.acquire().await.unwrap()),
                    _ => None,
                };
                self.inner.$name($($argument),*).await
            })*
        }
    )*};
}

#[tonic::async_trait]
impl ConnectionStore for Outage {
    async fn ping(&self) -> Result<()> {
        self.check()?;
        self.inner.ping().await
    }

    async fn claim(&self) -> Result<PreviousOwner> {
        self.check()?;
        self.inner.claim().await
    }

    fn lease(&self) -> &Arc<Lease> {
        self.inner.lease()
    }

    async fn renew(&self) -> Result<()> {
        self.check()?;
        self.inner.renew().await
    }

    async fn owner_address(&self) -> Result<String> {
        self.check()?;
        self.inner.owner_address().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Where a page of a list begins.
type After = Option<(Time, String)>;

forward! {
    SettingsStore {
        change(workspace_id: &str, changes: &[Change], events: &[AuditEvent]) -> ();
        access_revision() -> i64;
        access_tokens() -> Vec<AccessToken>;
        catalog() -> CatalogRows;
        workspace(id: &str) -> Option<Workspace>;
        workspaces(after_id: &str, limit: usize) -> Vec<Workspace>;
        workspace_models(workspace_id: &str) -> Vec<WorkspaceModel>;
        model_aliases(workspace_id: &str) -> Vec<ModelAlias>;
        limit_config(workspace_id: &str, now: Time) -> LimitConfig;
        quotas(id: &str, filter: &LimitFilter, after: &str, limit: usize) -> Vec<Quota>;
        rate_limits(id: &str, filter: &LimitFilter, after: &str, limit: usize) -> Vec<RateLimit>;
        api_keys(id: &str, group: Option<&str>, after: &str, limit: usize) -> Vec<ApiKey>;
        key_groups(workspace_id: &str, after_id: &str, limit: usize) -> Vec<KeyGroup>;
        boost(workspace_id: &str, id: &str) -> Option<Boost>;
        boosts(id: &str, filter: &BoostFilter, after: After, limit: usize) -> Vec<Boost>;
    }
    AuditStore {
        audit_events(filter: &AuditFilter, after: After, limit: usize) -> Vec<AuditEvent>;
        audit_events_naming(id: &str, text: &str, after: After, limit: usize) -> Vec<AuditEvent>;
    }
    LogStore {
        last_seq() -> i64;
        last_record_time() -> Option<Time>;
        append_with_holds(records: &[Record], holds: &HoldChanges) -> Vec<Appended>;
        append_audited(records: &[Record], events: &[AuditEvent]) -> Appended;
        request_records(workspace_id: &str, request_id: &str) -> Vec<Record>;
        records(
            filter: &RecordFilter,
            order: Order,
            after: Option<RecordPosition>,
            limit: usize
        ) -> Vec<Record>;
        charge_time_behind(
            workspace_id: &str,
            to: Option<Time>,
            after: Option<RecordPosition>,
            count: usize
        ) -> Option<Time>;
        export_records(
            workspace_id: &str,
            window: Window,
            after: Option<RecordPosition>,
            limit: usize
        ) -> Vec<Record>;
        late_records(
            workspace_id: &str,
            written: Window,
            before: Time,
            after: Option<RecordPosition>,
            limit: usize
        ) -> Vec<Record>;
        records_after(seq: i64, limit: usize) -> Vec<Record>;
        recent_outputs(workspace_id: &str, before: Time, limit: usize) -> Vec<(String, i64)>;
        recent_attempts(workspace_id: &str, limit: usize) -> Vec<(String, i32)>;
        large_record_counts(workspace_id: &str, since: Time) -> Vec<(Time, i64)>;
        large_record(workspace_id: &str, written: Window, number: i64) -> Option<Record>;
        drop_records(workspace_id: &str, before: Time, limit: usize) -> usize;
        dropped_before(workspace_id: &str) -> Option<Time>;
    }
    ConsumptionStore {
        spent_by_model(workspace_id: &str, from: Time, to: Time) -> HashMap<String, Amount>;
        consumption(workspace_id: &str, query: &ConsumptionQuery) -> Vec<(String, Consumption)>;
        first_charge_time(workspace_id: &str) -> Option<Time>;
        rate_buckets(workspace_id: &str, query: &RateQuery) -> Vec<RateBucket>;
    }
    RollupStore {
        fold_cursor() -> FoldCursor;
        fold(from: FoldCursor, to: FoldCursor, folded: &Folded) -> ();
        verify_rollups(limit: usize) -> Vec<Difference>;
        rebuild_rollups() -> ();
    }
    ShutdownStore {
        save_snapshot(holds: &[StoredHold], rates: &[StoredRate], crashes: &[StoredCrash]) -> ();
        holds(workspace_id: &str) -> Vec<StoredHold>;
        rate_counts(workspace_id: &str) -> Vec<StoredRate>;
        crash_time(workspace_id: &str) -> Option<Time>;
        delete_snapshot(workspace_id: &str, keep_holds: bool) -> ();
        snapshot_workspaces() -> Vec<String>;
    }
    AlertStore {
        last_alert_seq() -> i64;
        put_alerts(alerts: &[StoredAlert], deliveries: &[Delivery]) -> ();
        raised(workspace_id: &str, since: Time) -> Vec<AlertKey>;
        latest_large_record_alert(workspace_id: &str) -> Option<Time>;
        alert(workspace_id: &str, seq: i64) -> Option<StoredAlert>;
        alerts(filter: &AlertFilter, before: Option<i64>, limit: usize) -> Vec<StoredAlert>;
        count_alerts(filter: &AlertFilter, most: usize) -> usize;
        alerts_after(workspace_id: &str, after: i64, limit: usize) -> Vec<StoredAlert>;
        webhooks(workspace_id: &str) -> Vec<Webhook>;
        webhook_secrets(after: Option<(&str, &str)>, limit: usize) -> Vec<WebhookSecrets>;
        put_webhook_secrets(secrets: &[WebhookSecrets]) -> ();
        may_hold_plain_secrets() -> bool;
        wipe_plain_secrets() -> ();
        email_receivers(workspace_id: &str) -> Vec<EmailReceiver>;
        due_deliveries(now: Time, limit: usize) -> Vec<Delivery>;
        put_delivery(delivery: &Delivery) -> ();
        delivery(workspace_id: &str, id: &str) -> Option<Delivery>;
        deliveries(filter: &DeliveryFilter, after: After, limit: usize) -> Vec<Delivery>;
    }
    AnomalyStore {
        anomaly(workspace_id: &str, id: &str) -> Option<Anomaly>;
        anomalies(filter: &AnomalyFilter, after: After, limit: usize) -> Vec<Anomaly>;
        count_anomalies(filter: &AnomalyFilter, most: usize) -> usize;
        unsettled_anomalies(workspace_id: &str) -> Vec<Anomaly>;
        false_anomalies(workspace_id: &str, since: Time) -> Vec<(AnomalyMember, Time)>;
        anomaly_policy(workspace_id: &str) -> Option<AnomalyPolicy>;
    }
    RecommendationStore {
        recommendation(workspace_id: &str, id: &str) -> Option<Recommendation>;
        recommendations(
            filter: &RecommendationFilter,
            after: Option<(Amount, String)>,
            limit: usize
        ) -> Vec<Recommendation>;
        count_recommendations(filter: &RecommendationFilter, most: usize) -> usize;
        recommendations_made(workspace_id: &str) -> Option<Time>;
    }
    DirectoryStore {
        entries(workspace_id: &str, kind: EntryKind, ids: &[String]) -> Vec<Listed>;
        seen(
            workspace_id: &str,
            dimension: Dimension,
            values: &[String]
        ) -> HashMap<String, Seen>;
        list_entries(
            workspace_id: &str,
            filter: &EntryFilter,
            after_id: &str,
            limit: usize
        ) -> Counted<Listed>;
        user_traces(workspace_id: &str, user_id: &str, upto: i64) -> UserTraces;
        user_entries_after(workspace_id: &str, user_id: &str, seq: i64) -> i64;
        erasures() -> Vec<(String, Erasure)>;
        entries_to_erase(
            workspace_id: &str,
            erasure: &Erasure,
            after: Option<RecordPosition>,
            limit: usize
        ) -> Vec<RecordPosition>;
        departments(workspace_id: &str) -> Vec<(String, String)>;
    }
    ReportStore {
        report(workspace_id: &str, questions: &[ReportQuery]) -> Vec<ReportResult>;
    }
}
