//! What lived in memory and was written down at a graceful stop: holds, and counts of rate limits.

use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{self, Reader, amount, attribution_values, code, time, to_json};
use super::session::Write;
use super::table::Table;
use crate::domain::backfill::RateCounts;
use crate::storage::policy::StoredRate;
use crate::storage::{Result, StoredHold};

const HOLDS: Table = Table {
    name: "holds",
    columns: "workspace_id, request_id, model_id, routed, held_nanos, held_tokens, check_time, \
              expire_time, price_id, exchange_rate_nanos, tier, fingerprint, user_id, \
              department_id, api_key_id, assistant_id, workflow_id, feature_id, project_id, \
              investigation_id, session_id, tags, key_group_id",
    key: 2,
};

const RATE_COUNTS: Table = Table {
    name: "rate_counts",
    columns: "workspace_id, rate_limit_id, member, span, unit, buckets",
    key: 5,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn write_down(
        &self,
        holds: &[StoredHold],
        rates: &[StoredRate],
    ) -> Result<()> {
        let mut write = self.session.begin().await?;
        put_holds(&mut write, holds).await?;
        put_rates(&mut write, rates).await?;
        write.run("UPDATE owner SET stopped = TRUE", &[]).await?;
        write.commit().await
    }

    pub(super) async fn read_holds(&self, workspace_id: &str) -> Result<Vec<StoredHold>> {
        let rows = self.select(HOLDS.of(workspace_id).all("check_time, request_id")).await?;
        rows.iter().map(hold::<DB>).collect()
    }

    pub(super) async fn read_rates(&self, workspace_id: &str) -> Result<Vec<StoredRate>> {
        let order = "rate_limit_id, member, span, unit";
        let rows = self.select(RATE_COUNTS.of(workspace_id).all(order)).await?;
        rows.iter().map(rate::<DB>).collect()
    }

    pub(super) async fn remove_put_down(&self, workspace_id: &str) -> Result<()> {
        let mut write = self.session.begin().await?;
        let values = [Value::Text(workspace_id)];
        write.run("DELETE FROM holds WHERE workspace_id = $1", &values).await?;
        write.run("DELETE FROM rate_counts WHERE workspace_id = $1", &values).await?;
        write.commit().await
    }

    pub(super) async fn list_put_down(&self) -> Result<Vec<String>> {
        let sql = "SELECT workspace_id FROM holds UNION SELECT workspace_id FROM rate_counts \
                   ORDER BY workspace_id";
        let rows = self.read(sql.into_sql_str(), &[]).await?;
        rows.iter().map(|row| Reader::<DB>::new(row).string()).collect()
    }
}

async fn put_holds<DB: Backend>(write: &mut Write<'_, DB>, holds: &[StoredHold]) -> Result<()> {
    let tags: Vec<String> = holds.iter().map(|hold| codec::tags(&hold.attribution)).collect();
    let mut values = Vec::new();
    for (hold, tags) in holds.iter().zip(&tags) {
        values.extend([
            Value::Shared(&hold.workspace_id),
            Value::Shared(&hold.request_id),
            Value::Shared(&hold.model_id),
            Value::Flag(hold.routed),
            amount(hold.held),
            Value::Int(hold.held_tokens),
            time(hold.check_time),
            time(hold.expire_time),
            hold.price_id.as_ref().map_or(Value::Text(""), Value::Shared),
            Value::Int(hold.exchange_rate_nanos),
            code(hold.tier),
            Value::Int(hold.fingerprint),
        ]);
        values.extend(attribution_values(&hold.attribution, tags));
        values.push(Value::Shared(&hold.key_group_id));
    }
    HOLDS.put(write, &values).await
}

async fn put_rates<DB: Backend>(write: &mut Write<'_, DB>, rates: &[StoredRate]) -> Result<()> {
    let buckets: Vec<String> = rates.iter().map(|rate| to_json(&rate.counts.buckets)).collect();
    let mut values = Vec::new();
    for (rate, buckets) in rates.iter().zip(&buckets) {
        values.extend([
            Value::Shared(&rate.workspace_id),
            Value::Shared(&rate.counts.rate_limit_id),
            Value::Shared(&rate.counts.subject_id),
            code(rate.counts.span),
            code(rate.counts.unit),
            Value::Text(buckets),
        ]);
    }
    RATE_COUNTS.put(write, &values).await
}

fn hold<DB: Backend>(row: &DB::Row) -> Result<StoredHold> {
    let mut reader = Reader::<DB>::new(row);
    Ok(StoredHold {
        workspace_id: reader.shared()?,
        request_id: reader.shared()?,
        model_id: reader.shared()?,
        routed: reader.flag()?,
        held: reader.amount()?,
        held_tokens: reader.int()?,
        check_time: reader.time()?,
        expire_time: reader.time()?,
        price_id: reader.shared_unless_empty()?,
        exchange_rate_nanos: reader.int()?,
        tier: reader.code()?,
        fingerprint: reader.int()?,
        attribution: reader.attribution()?,
        key_group_id: reader.shared()?,
    })
}

fn rate<DB: Backend>(row: &DB::Row) -> Result<StoredRate> {
    let mut reader = Reader::<DB>::new(row);
    Ok(StoredRate {
        workspace_id: reader.shared()?,
        counts: RateCounts {
            rate_limit_id: reader.shared()?,
            subject_id: reader.shared()?,
            span: reader.code()?,
            unit: reader.code()?,
            buckets: reader.json()?,
        },
    })
}
