//! Reports: no client of a simulation asks for one.

use async_trait::async_trait;
use tollgate::storage::Result;
use tollgate::storage::reports::{ReportQuery, ReportResult, ReportStore};

use super::SimStore;

#[async_trait]
impl ReportStore for SimStore {
    async fn report(
        &self,
        _workspace_id: &str,
        _queries: &[ReportQuery],
    ) -> Result<Vec<ReportResult>> {
        unreachable!("the auditor sums up the log itself")
    }
}
