//! Forgetting a user: what names it is deleted, or gets its pseudonym.
//!
//! Its entries of the log are found by the hours in which the rollups have it, and behind the
//! cursor of the fold one by one. How the states of audit events are rewritten is not known here.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::backend::{Backend, Value};
use super::codec::{Code, Reader, time};
use super::session::Write;
use super::{SqlStore, audit};
use crate::domain::Time;
use crate::domain::attribution::SubjectKind;
use crate::domain::time::MICROS_PER_HOUR;
use crate::storage::directory::{EntryKind, Erasure, UserTraces};
use crate::storage::rollup::Dimension;
use crate::storage::{Error, Result};

/// Hours in which a user has entries that are folded.
const HOURS: &str = "\
    SELECT hour FROM rollups_by_hour \
    WHERE workspace_id = $1 AND dimension = $2 AND value = $3 ORDER BY hour";
const CURSOR: &str = "SELECT seq FROM fold_cursor WHERE id = 1";

/// Those behind the cursor are counted apart.
const COUNT_FOLDED: &str = "\
    SELECT COUNT(*) FROM usage_records WHERE workspace_id = $1 AND user_id = $2 \
    AND charge_time >= $3 AND charge_time < $4 AND seq + 0 <= $5";
const COUNT_TAIL: &str = "\
    SELECT COUNT(*) FROM usage_records WHERE workspace_id || '' = $1 AND user_id = $2 \
    AND seq > $3 AND seq <= 9223372036854775807";
const RENAME_FOLDED: &str = "\
    UPDATE usage_records SET user_id = $3 WHERE workspace_id = $1 AND user_id = $2 \
    AND charge_time >= $4 AND charge_time < $5";
const RENAME_TAIL: &str = "\
    UPDATE usage_records SET user_id = $3 WHERE workspace_id || '' = $1 AND user_id = $2 \
    AND seq > $4 AND seq <= 9223372036854775807";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn find_user(&self, workspace_id: &str, user_id: &str) -> Result<UserTraces> {
        let mut snapshot = self.snapshot().await?;
        let of_user = [Value::Text(workspace_id), Value::Text(user_id)];
        let known = snapshot.rows(AssertSqlSafe(is_known()).into_sql_str(), &of_user).await?;
        let cursor = only_int::<DB>(&snapshot.rows(CURSOR.into_sql_str(), &[]).await?)?;
        let key = hours_key(workspace_id, user_id);
        let hours = spans(&times::<DB>(&snapshot.rows(HOURS.into_sql_str(), &key).await?)?);
        let [workspace, user] = of_user;
        let mut record_count = 0;
        for (from, to) in hours {
            let values = [workspace, user, time(from), time(to), Value::Int(cursor)];
            let rows = snapshot.rows(COUNT_FOLDED.into_sql_str(), &values).await?;
            record_count += only_int::<DB>(&rows)?;
        }
        let values = [workspace, user, Value::Int(cursor)];
        let tail = snapshot.rows(COUNT_TAIL.into_sql_str(), &values).await?;
        record_count += only_int::<DB>(&tail)?;
        snapshot.end().await?;
        let is_known = only_int::<DB>(&known)? != 0 || record_count > 0;
        Ok(UserTraces { is_known, record_count })
    }
}

pub(super) async fn erase<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    erasure: &Erasure,
) -> Result<()> {
    let [workspace, user, pseudonym] =
        [workspace_id, &erasure.user_id, &erasure.pseudonym].map(Value::Text);
    for sql in deletions() {
        write.execute(AssertSqlSafe(sql).into_sql_str(), &[workspace, user]).await?;
    }
    let key = hours_key(workspace_id, &erasure.user_id);
    let hours = times::<DB>(&write.rows(HOURS.into_sql_str(), &key).await?)?;
    for (from, to) in spans(&hours) {
        let values = [workspace, user, pseudonym, time(from), time(to)];
        write.run(RENAME_FOLDED, &values).await?;
    }
    let cursor = only_int::<DB>(&write.rows(CURSOR.into_sql_str(), &[]).await?)?;
    write.run(RENAME_TAIL, &[workspace, user, pseudonym, Value::Int(cursor)]).await?;
    for sql in renamings() {
        write.execute(AssertSqlSafe(sql).into_sql_str(), &[workspace, user, pseudonym]).await?;
    }
    audit::replace(write, &erasure.events).await
}

fn hours_key<'a>(workspace_id: &'a str, user_id: &'a str) -> [Value<'a>; 3] {
    let dimension = Value::Int(Dimension::User.code());
    [Value::Text(workspace_id), dimension, Value::Text(user_id)]
}

/// What there is of a user beside the log. `$1` is the workspace, `$2` the user; so they are in all
/// that follows, and `$3` the pseudonym.
fn is_known() -> String {
    let [subject_id, entry, dimension] = codes();
    let anything = [
        format!("directory WHERE workspace_id = $1 AND kind = {entry} AND id = $2"),
        format!("seen WHERE workspace_id = $1 AND dimension = {dimension} AND value = $2"),
        format!("quotas WHERE workspace_id = $1 AND kind = {subject_id} AND member = $2"),
        format!("rate_limits WHERE workspace_id = $1 AND kind = {subject_id} AND member = $2"),
        format!("boosts WHERE workspace_id = $1 AND member = $2 AND quota_id IN {}", of_users()),
        "boosts WHERE workspace_id = $1 AND actor = $2".to_owned(),
        "refusals WHERE workspace_id = $1 AND user_id = $2".to_owned(),
        "holds WHERE workspace_id = $1 AND user_id = $2".to_owned(),
        format!("alerts WHERE workspace_id = $1 AND member_kind = {subject_id} AND member = $2"),
        "alerts WHERE workspace_id = $1 AND acknowledge_actor = $2".to_owned(),
        "audit_events WHERE workspace_id = $1 AND actor = $2".to_owned(),
    ];
    let any = anything.map(|rest| format!("EXISTS (SELECT 1 FROM {rest})")).join(" OR ");
    format!("SELECT CAST(CASE WHEN {any} THEN 1 ELSE 0 END AS BIGINT)")
}

fn deletions() -> Vec<String> {
    let [subject_id, entry, _] = codes();
    let naming = |table: &str| {
        format!("{table} WHERE workspace_id = $1 AND kind = {subject_id} AND member = $2")
    };
    let delete = |rest: String| format!("DELETE FROM {rest}");
    vec![
        delete(format!(
            "boosts WHERE workspace_id = $1 AND quota_id IN (SELECT id FROM {})",
            naming("quotas")
        )),
        delete(format!(
            "boosts WHERE workspace_id = $1 AND member = $2 AND quota_id IN {}",
            of_users()
        )),
        delete(format!(
            "rate_counts WHERE workspace_id = $1 AND rate_limit_id IN (SELECT id FROM {})",
            naming("rate_limits")
        )),
        delete(naming("quotas")),
        delete(naming("rate_limits")),
        delete(format!("directory WHERE workspace_id = $1 AND kind = {entry} AND id = $2")),
    ]
}

fn renamings() -> Vec<String> {
    let [subject_id, _, dimension] = codes();
    let rename = |table: &str, column: &str, more: &str| {
        format!("UPDATE {table} SET {column} = $3 WHERE workspace_id = $1 AND {column} = $2{more}")
    };
    let of_dimension = format!(" AND dimension = {dimension}");
    // Buckets by day have no index by value; those by model do.
    let on_its_days = format!(
        "{of_dimension} AND day IN (SELECT day FROM rollups_by_model \
         WHERE workspace_id = $1 AND dimension = {dimension} AND value = $2)"
    );
    let of_alerts = format!(" AND member_kind = {subject_id}");
    let of_rates = format!(
        " AND rate_limit_id IN (SELECT id FROM rate_limits \
         WHERE workspace_id = $1 AND kind = {subject_id})"
    );
    vec![
        rename("rollup_latencies", "value", &on_its_days),
        rename("rollups_by_day", "value", &on_its_days),
        rename("rollups_by_model", "value", &of_dimension),
        rename("rollups_by_hour", "value", &of_dimension),
        rename("seen", "value", &of_dimension),
        rename("refusals", "user_id", ""),
        rename("holds", "user_id", ""),
        rename("rate_counts", "member", &of_rates),
        rename("alerts", "member", &of_alerts),
        rename("alerts", "acknowledge_actor", ""),
        rename("boosts", "actor", ""),
        rename("audit_events", "actor", ""),
    ]
}

/// Quotas that bound users.
fn of_users() -> String {
    let [subject_id, _, _] = codes();
    format!("(SELECT id FROM quotas WHERE workspace_id = $1 AND kind = {subject_id})")
}

/// A user as what is bounded, as an entry, and as a dimension.
fn codes() -> [i64; 3] {
    [SubjectKind::User.code(), EntryKind::User.code(), Dimension::User.code()]
}

/// The spans of time that hours cover, in few.
fn spans(hours: &[Time]) -> Vec<(Time, Time)> {
    let mut spans: Vec<(Time, Time)> = Vec::new();
    for hour in hours {
        let end = *hour + MICROS_PER_HOUR;
        match spans.last_mut() {
            Some((_, last)) if *hour <= *last => *last = end,
            _ => spans.push((*hour, end)),
        }
    }
    spans
}

fn times<DB: Backend>(rows: &[DB::Row]) -> Result<Vec<Time>> {
    rows.iter().map(|row| Reader::<DB>::new(row).time()).collect()
}

fn only_int<DB: Backend>(rows: &[DB::Row]) -> Result<i64> {
    match rows.first() {
        Some(row) => Reader::<DB>::new(row).int(),
        None => Err(Error::Corrupt("a row is missing that is always there".to_owned())),
    }
}
