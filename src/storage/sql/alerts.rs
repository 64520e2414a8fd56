//! Not written yet.

use async_trait::async_trait;

use super::SqlStore;
use super::backend::Backend;
use crate::ledger::Time;
use crate::ledger::alert::AlertKey;
use crate::storage::Result;
use crate::storage::alerts::{
    AlertFilter, AlertStore, Delivery, DeliveryFilter, EmailReceiver, StoredAlert, Webhook,
};

#[async_trait]
impl<DB: Backend> AlertStore for SqlStore<DB> {
    async fn last_alert_seq(&self) -> Result<i64> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn put_alerts(&self, _alerts: &[StoredAlert], _deliveries: &[Delivery]) -> Result<()> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn raised(&self, _workspace_id: &str, _since: Time) -> Result<Vec<AlertKey>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn alert(&self, _workspace_id: &str, _seq: i64) -> Result<Option<StoredAlert>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn alerts(
        &self,
        _filter: &AlertFilter,
        _before: Option<i64>,
        _limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn alerts_after(
        &self,
        _workspace_id: &str,
        _after: i64,
        _limit: usize,
    ) -> Result<Vec<StoredAlert>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn webhooks(&self, _workspace_id: &str) -> Result<Vec<Webhook>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn email_receivers(&self, _workspace_id: &str) -> Result<Vec<EmailReceiver>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn due_deliveries(&self, _now: Time, _limit: usize) -> Result<Vec<Delivery>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn put_delivery(&self, _delivery: &Delivery) -> Result<()> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn delivery(&self, _workspace_id: &str, _id: &str) -> Result<Option<Delivery>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
    async fn deliveries(
        &self,
        _filter: &DeliveryFilter,
        _after: Option<(Time, String)>,
        _limit: usize,
    ) -> Result<Vec<Delivery>> {
        Err(crate::storage::Error::Corrupt("not here yet".to_owned()))
    }
}
