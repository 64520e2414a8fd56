//! Quotas.

use crate::domain::quota::{Quota, Scope};
use crate::storage::Result;
use crate::storage::settings::LimitFilter;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Value, code, row};
use crate::storage::sql::table::{Select, Table};

pub static QUOTAS: Table<Quota> = Table::owned("quotas", &["workspace_id", "id"]);

row! {
    Quota {
        id,
        display_name,
        scope,
        unit,
        period,
        limit = "limit_count",
        enforcement,
        thresholds,
        window_start,
        create_time,
        update_time,
    }
}

row! { Scope { kind = "subject_kind", subject_id, model_id } }

/// Quotas, or rate limits, that match.
pub fn matching<'a, T>(select: Select<'a, T>, filter: &'a LimitFilter) -> Select<'a, T> {
    select
        .with_any("subject_kind =", filter.kind.map(code))
        .with_any("subject_id =", filter.subject_id.as_deref().map(Value::Text))
        .with_any("model_id =", filter.model_id.as_deref().map(Value::Text))
}

/// With its boosts.
pub async fn delete_quota<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    id: &str,
) -> Result<()> {
    let boosts = "DELETE FROM boosts WHERE workspace_id = $1 AND quota_id = $2";
    write.execute(boosts, &[workspace_id, id].map(Value::Text)).await?;
    QUOTAS.delete(write, workspace_id, id).await
}
