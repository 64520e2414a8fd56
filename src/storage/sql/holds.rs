//! Holds that were written down at a graceful stop.

use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{self, Reader, amount, attribution_values, code, time};
use crate::storage::{Result, StoredHold};

const COLUMN_COUNT: usize = 21;

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn write_holds(&self, holds: &[StoredHold]) -> Result<()> {
        let tags: Vec<String> = holds.iter().map(|hold| codec::tags(&hold.attribution)).collect();
        let mut values = Vec::with_capacity(holds.len() * COLUMN_COUNT);
        for (hold, tags) in holds.iter().zip(&tags) {
            values.extend([
                Value::Shared(&hold.workspace_id),
                Value::Shared(&hold.request_id),
                Value::Shared(&hold.model_id),
                Value::Flag(hold.routed),
                amount(hold.held),
                time(hold.check_time),
                time(hold.expire_time),
                hold.price_id.as_ref().map_or(Value::Text(""), Value::Shared),
                Value::Int(hold.exchange_rate_nanos),
                code(hold.tier),
                Value::Int(hold.fingerprint),
            ]);
            values.extend(attribution_values(&hold.attribution, tags));
        }
        let head = "INSERT INTO holds (workspace_id, request_id, model_id, routed, \
                    held_nanos, check_time, expire_time, price_id, exchange_rate_nanos, tier, \
                    fingerprint, user_id, department_id, api_key_id, assistant_id, workflow_id, \
                    feature_id, project_id, investigation_id, session_id, tags)";
        let tail = "ON CONFLICT (workspace_id, request_id) DO UPDATE SET \
                    model_id = excluded.model_id, \
                    routed = excluded.routed, \
                    held_nanos = excluded.held_nanos, check_time = excluded.check_time, \
                    expire_time = excluded.expire_time, price_id = excluded.price_id, \
                    exchange_rate_nanos = excluded.exchange_rate_nanos, tier = excluded.tier, \
                    fingerprint = excluded.fingerprint, user_id = excluded.user_id, \
                    department_id = excluded.department_id, api_key_id = excluded.api_key_id, \
                    assistant_id = excluded.assistant_id, workflow_id = excluded.workflow_id, \
                    feature_id = excluded.feature_id, project_id = excluded.project_id, \
                    investigation_id = excluded.investigation_id, \
                    session_id = excluded.session_id, tags = excluded.tags";
        let mut write = self.session.begin().await?;
        write.insert_many(head, COLUMN_COUNT, tail, &values).await?;
        write.commit().await
    }

    pub(super) async fn read_holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        let sql = "SELECT workspace_id, request_id, model_id, routed, held_nanos, \
                   check_time, expire_time, price_id, exchange_rate_nanos, tier, fingerprint, \
                   user_id, department_id, api_key_id, assistant_id, workflow_id, feature_id, \
                   project_id, investigation_id, session_id, tags FROM holds \
                   WHERE workspace_id = $1 ORDER BY check_time, request_id";
        let rows = self.read(sql.into_sql_str(), &[Value::Text(workspace_id)]).await?;
        rows.iter().map(hold::<DB>).collect()
    }

    pub(super) async fn remove_holds(&self, workspace_id: &str) -> Result<()> {
        let sql = "DELETE FROM holds WHERE workspace_id = $1";
        self.write_one(sql, &[Value::Text(workspace_id)]).await
    }

    pub(super) async fn list_workspaces_with_holds(&self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT workspace_id FROM holds ORDER BY workspace_id";
        let rows = self.read(sql.into_sql_str(), &[]).await?;
        rows.iter().map(|row| Reader::<DB>::new(row).string()).collect()
    }
}

fn hold<DB: Backend>(row: &DB::Row) -> Result<StoredHold> {
    let mut reader = Reader::<DB>::new(row);
    Ok(StoredHold {
        workspace_id: reader.shared()?,
        request_id: reader.shared()?,
        model_id: reader.shared()?,
        routed: reader.flag()?,
        held: reader.amount()?,
        check_time: reader.time()?,
        expire_time: reader.time()?,
        price_id: reader.shared_unless_empty()?,
        exchange_rate_nanos: reader.int()?,
        tier: reader.code()?,
        fingerprint: reader.int()?,
        attribution: reader.attribution()?,
        held_tokens: 0,
        key_group_id: std::sync::Arc::from(""),
    })
}
