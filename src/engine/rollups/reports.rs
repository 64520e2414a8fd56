//! The basis of reports: the current settings of a workspace, and rollups that are up to date.
//!
//! The reports themselves are made elsewhere.

use std::sync::Arc;

use crate::domain::catalog::Catalog;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Time};
use crate::engine::Engine;
use crate::engine::error::Result;
use crate::ledger::{QuotaUsage, UsageFilter};

/// What a report is computed from.
pub struct ReportBasis {
    pub workspace: Workspace,
    pub catalog: Arc<Catalog>,
    pub now: Time,
    /// Everything recorded before this is in the rollups.
    pub as_of: Time,
}

/// The limits of a workspace as its ledger has them.
pub struct LimitStatus {
    /// Absent without a plan.
    pub envelope: Option<Amount>,
    /// Most utilised first.
    pub quotas: Vec<QuotaUsage>,
}

impl Engine {
    /// The current workspace and catalog. What is committed is folded first, if that does not
    /// take long.
    ///
    /// # Errors
    /// If there is no such workspace, or storage fails.
    pub async fn report_basis(&self, workspace_id: &str) -> Result<ReportBasis> {
        let handle = self.workspace(workspace_id).await?;
        let as_of = self.fold_now().await.as_of;
        let workspace = handle.lock().workspace().clone();
        Ok(ReportBasis { workspace, catalog: self.catalog(), now: self.now(), as_of })
    }

    /// The envelope of the running cycle, and the most utilised quotas.
    ///
    /// # Errors
    /// If there is no such workspace.
    pub async fn limit_status(&self, workspace_id: &str, quotas_max: usize) -> Result<LimitStatus> {
        let handle = self.workspace(workspace_id).await?;
        let now = self.now();
        let mut ledger = handle.lock();
        let budget = ledger.budget(now);
        let quotas = ledger.quota_usage(now, &UsageFilter::default(), None, quotas_max);
        Ok(LimitStatus { envelope: budget.plan_set.then(|| budget.envelope()), quotas })
    }
}
