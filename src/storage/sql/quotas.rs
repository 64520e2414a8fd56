//! Quotas and rate limits.

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, optional_shared, time, to_json};
use super::session::Write;
use super::table::{Select, Table};
use crate::domain::quota::{Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::storage::Result;
use crate::storage::policy::RuleFilter;

pub(super) const QUOTAS: Table = Table {
    name: "quotas",
    columns: "workspace_id, id, display_name, kind, subject_id, model_id, unit, period, limit_count, \
              enforcement, thresholds, window_start, create_time, update_time",
    key: 2,
};

pub(super) const RATE_LIMITS: Table = Table {
    name: "rate_limits",
    columns: "workspace_id, id, display_name, kind, subject_id, model_id, requests_per_minute, \
              tokens_per_minute, requests_per_day, enforcement, create_time, update_time",
    key: 2,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn list_quotas(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Quota>> {
        let select = matching(QUOTAS.of(workspace_id), filter).by_id(after_id, limit);
        self.select(select).await?.iter().map(quota::<DB>).collect()
    }

    pub(super) async fn list_rate_limits(
        &self,
        workspace_id: &str,
        filter: &RuleFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<RateLimit>> {
        let select = matching(RATE_LIMITS.of(workspace_id), filter).by_id(after_id, limit);
        self.select(select).await?.iter().map(rate_limit::<DB>).collect()
    }
}

fn matching<'a>(select: Select<'a>, filter: &'a RuleFilter) -> Select<'a> {
    select
        .with_any("kind =", filter.kind.map(code))
        .with_any("member =", filter.subject_id.as_deref().map(Value::Text))
        .with_any("model_id =", filter.model_id.as_deref().map(Value::Text))
}

pub(super) async fn put_quota<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    quota: &Quota,
) -> Result<()> {
    let thresholds = to_json(&quota.thresholds);
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&quota.id),
        Value::Text(&quota.display_name),
        code(quota.scope.kind),
        optional_shared(&quota.scope.subject_id),
        optional_shared(&quota.scope.model_id),
        code(quota.unit),
        code(quota.period),
        Value::OptionalInt(quota.limit),
        code(quota.enforcement),
        Value::Text(&thresholds),
        time(quota.window_start),
        time(quota.create_time),
        time(quota.update_time),
    ];
    QUOTAS.put(write, &values).await
}

pub(super) async fn put_rate_limit<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    rate_limit: &RateLimit,
) -> Result<()> {
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&rate_limit.id),
        Value::Text(&rate_limit.display_name),
        code(rate_limit.scope.kind),
        optional_shared(&rate_limit.scope.subject_id),
        optional_shared(&rate_limit.scope.model_id),
        Value::OptionalInt(rate_limit.requests_per_minute),
        Value::OptionalInt(rate_limit.tokens_per_minute),
        Value::OptionalInt(rate_limit.requests_per_day),
        code(rate_limit.enforcement),
        time(rate_limit.create_time),
        time(rate_limit.update_time),
    ];
    RATE_LIMITS.put(write, &values).await
}

/// With its boosts.
pub(super) async fn delete_quota<DB: Backend>(
    write: &mut Write<'_, DB>,
    values: &[Value<'_>; 2],
) -> Result<()> {
    let boosts = "DELETE FROM boosts WHERE workspace_id = $1 AND quota_id = $2";
    write.run(boosts, values).await?;
    QUOTAS.delete(write, values).await
}

pub(super) fn quota<DB: Backend>(row: &DB::Row) -> Result<Quota> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(Quota {
        id: reader.shared()?,
        display_name: reader.string()?,
        scope: scope(&mut reader)?,
        unit: reader.code()?,
        period: reader.code()?,
        limit: reader.optional_int()?,
        enforcement: reader.code()?,
        thresholds: reader.json()?,
        window_start: reader.time()?,
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}

pub(super) fn rate_limit<DB: Backend>(row: &DB::Row) -> Result<RateLimit> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(RateLimit {
        id: reader.shared()?,
        display_name: reader.string()?,
        scope: scope(&mut reader)?,
        requests_per_minute: reader.optional_int()?,
        tokens_per_minute: reader.optional_int()?,
        requests_per_day: reader.optional_int()?,
        enforcement: reader.code()?,
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}

fn scope<DB: Backend>(reader: &mut Reader<'_, DB>) -> Result<Scope> {
    Ok(Scope {
        kind: reader.code()?,
        subject_id: reader.optional_shared()?,
        model_id: reader.optional_shared()?,
    })
}
