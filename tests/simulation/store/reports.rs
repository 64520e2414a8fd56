//! Reports: the model has none, and fails.

use async_trait::async_trait;
use tollgate::storage::reports::{ReportQuery, ReportResult, ReportStore};
use tollgate::storage::{Error, Result};

use super::SimStore;

#[async_trait]
impl ReportStore for SimStore {
    async fn report(
        &self,
        _workspace_id: &str,
        _queries: &[ReportQuery],
    ) -> Result<Vec<ReportResult>> {
        Err(Error::NotApplied("the model has no reports".into()))
    }
}
