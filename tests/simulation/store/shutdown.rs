//! The shutdown snapshot.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tollgate::domain::Time;
use tollgate::storage::Result;
use tollgate::storage::shutdown::{ShutdownStore, StoredCrash, StoredHold, StoredRate};

use super::faults::Fault;
use super::{RateKey, SimStore};

#[async_trait]
impl ShutdownStore for SimStore {
    async fn save_snapshot(
        &self,
        holds: &[StoredHold],
        rates: &[StoredRate],
        crashes: &[StoredCrash],
    ) -> Result<()> {
        self.write(|disk| {
            let has_holds = !self.faults.has(Fault::SnapshotWithoutHolds);
            for hold in holds.iter().filter(|_| has_holds) {
                let key = (hold.workspace_id.to_string(), hold.request_id.to_string());
                disk.holds.insert(key, hold.clone());
            }
            let has_rates = !self.faults.has(Fault::SnapshotWithoutRates);
            for rate in rates.iter().filter(|_| has_rates) {
                disk.rates.insert(rate_key(rate), rate.clone());
            }
            for crash in crashes {
                if disk.workspaces.contains_key(&*crash.workspace_id) {
                    disk.crashes.insert(crash.workspace_id.to_string(), crash.time);
                }
            }
            disk.stopped = true;
            Ok(())
        })
        .await
    }

    async fn holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        self.read(|disk| {
            let holds = disk.holds.iter().filter(|((id, _), _)| id == workspace_id);
            let mut holds: Vec<StoredHold> = holds.map(|(_, hold)| hold.clone()).collect();
            holds.sort_by_key(|hold| (hold.check_time, hold.request_id.clone()));
            holds
        })
        .await
    }

    async fn rate_counts(&self, workspace_id: &str) -> Result<Vec<StoredRate>> {
        self.read(|disk| {
            let own = disk.rates.values().filter(|rate| *rate.workspace_id == *workspace_id);
            own.cloned().collect()
        })
        .await
    }

    async fn crash_time(&self, workspace_id: &str) -> Result<Option<Time>> {
        self.read(|disk| disk.crashes.get(workspace_id).copied()).await
    }

    async fn delete_snapshot(&self, workspace_id: &str, keep_holds: bool) -> Result<()> {
        self.write(|disk| {
            disk.holds.retain(|(id, _), _| keep_holds || id != workspace_id);
            disk.rates.retain(|key, _| key.0 != workspace_id);
            disk.crashes.remove(workspace_id);
            Ok(())
        })
        .await
    }

    async fn snapshot_workspaces(&self) -> Result<Vec<String>> {
        self.read(|disk| {
            let of_holds = disk.holds.keys().map(|(id, _)| id);
            let of_rates = disk.rates.keys().map(|key| &key.0);
            let ids: BTreeSet<&String> =
                of_holds.chain(of_rates).chain(disk.crashes.keys()).collect();
            ids.into_iter().cloned().collect()
        })
        .await
    }
}

pub fn rate_key(rate: &StoredRate) -> RateKey {
    let counts = &rate.counts;
    let (rule, subject_id) = (counts.rate_limit_id.to_string(), counts.subject_id.to_string());
    (rate.workspace_id.to_string(), rule, subject_id, counts.span, counts.unit)
}
