//! What reports start from: a workspace as it is set now, and sums that are up to date.
//!
//! What a report is, is decided elsewhere; the engine only knows whom to ask.

use std::sync::Arc;

use super::Engine;
use super::error::Result;
use crate::domain::catalog::Catalogue;
use crate::domain::workspace::Workspace;
use crate::domain::{Amount, Time};
use crate::ledger::{QuotaUsage, UsageFilter};

/// What a report starts from.
pub struct ReportBasis {
    pub workspace: Workspace,
    pub catalogue: Arc<Catalogue>,
    pub now: Time,
    /// Everything recorded before this is in the sums.
    pub as_of: Time,
}

/// Where the running cycle and the quotas stand.
pub struct Standing {
    /// Absent without a plan.
    pub envelope: Option<Amount>,
    /// Most utilised first.
    pub quotas: Vec<QuotaUsage>,
}

impl Engine {
    /// The workspace and the catalogue as they are now; what is committed is folded first, as far
    /// as that does not take long.
    ///
    /// # Errors
    /// If there is no such workspace, or storage fails.
    pub async fn report_basis(&self, workspace_id: &str) -> Result<ReportBasis> {
        let handle = self.workspace(workspace_id).await?;
        let as_of = self.folded_upto().await;
        let workspace = handle.lock().workspace().clone();
        Ok(ReportBasis { workspace, catalogue: self.catalogue(), now: self.now(), as_of })
    }

    /// Where the ledger says that the envelope and the first of its quotas stand.
    ///
    /// # Errors
    /// If there is no such workspace.
    pub async fn standing(&self, workspace_id: &str, quotas_max: usize) -> Result<Standing> {
        let handle = self.workspace(workspace_id).await?;
        let now = self.now();
        let mut ledger = handle.lock();
        let budget = ledger.budget(now);
        let quotas = ledger.quota_usage(now, &UsageFilter::default(), None, quotas_max);
        Ok(Standing { envelope: budget.plan_set.then(|| budget.envelope()), quotas })
    }

    /// Everything recorded before this is in the sums.
    async fn folded_upto(&self) -> Time {
        self.fold_now().await.as_of
    }
}
