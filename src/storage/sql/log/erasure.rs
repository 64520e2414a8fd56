//! Erasure of a user: what names it is deleted, or its id replaced by a pseudonym.
//!
//! Its records are found by the hours in which the rollups have it, and behind the cursor of the
//! fold one by one. Does not know how the states of audit events are rewritten.

use sqlx::AssertSqlSafe;

use crate::domain::attribution::{Dimension, EntryKind, SubjectKind};
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::{Coded, Time};
use crate::storage::Result;
use crate::storage::directory::{Erasure, UserTraces};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::row::{Value, code, time};
use crate::storage::sql::tables::audit::AUDIT_EVENTS;
use crate::storage::sql::tables::entry_words;

/// Hours in which a user has records that are folded.
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

/// See [`crate::storage::directory::DirectoryStore::user_traces`].
pub async fn user_traces<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    user_id: &str,
) -> Result<UserTraces> {
    let [workspace, user] = [workspace_id, user_id].map(Value::Text);
    let of_user = [workspace.clone(), user.clone()];
    let is_known: i64 = snapshot.row(AssertSqlSafe(is_known()), &of_user).await?;
    let cursor = Value::Int(snapshot.row(CURSOR, &[]).await?);
    let hours: Vec<Time> = snapshot.rows(HOURS, &hours_key(workspace_id, user_id)).await?;
    let mut record_count = 0;
    for (from, to) in spans(&hours) {
        let values = [workspace.clone(), user.clone(), time(from), time(to), cursor.clone()];
        record_count += snapshot.row::<i64>(COUNT_FOLDED, &values).await?;
    }
    record_count += snapshot.row::<i64>(COUNT_TAIL, &[workspace, user, cursor]).await?;
    Ok(UserTraces { is_known: is_known != 0 || record_count > 0, record_count })
}

/// See [`Erasure`].
pub async fn erase<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    erasure: &Erasure,
) -> Result<()> {
    write.allow_long_statements();
    let names = [workspace_id, &erasure.user_id, &erasure.pseudonym].map(Value::Text);
    for sql in deletions() {
        write.execute(AssertSqlSafe(sql), &names[..2]).await?;
    }
    let key = hours_key(workspace_id, &erasure.user_id);
    let hours: Vec<Time> = write.rows(HOURS, &key).await?;
    for (from, to) in spans(&hours) {
        let values = [&names[..], &[time(from), time(to)]].concat();
        write.execute(RENAME_FOLDED, &values).await?;
    }
    let cursor = Value::Int(write.row(CURSOR, &[]).await?);
    write.execute(RENAME_TAIL, &[&names[..], &[cursor]].concat()).await?;
    for sql in renamings() {
        write.execute(AssertSqlSafe(sql), &names).await?;
    }
    let (user_id, pseudonym) = (&erasure.user_id, &erasure.pseudonym);
    entry_words::rename_user(write, workspace_id, user_id, pseudonym).await?;
    AUDIT_EVENTS.put(write, &erasure.events).await
}

fn hours_key<'a>(workspace_id: &'a str, user_id: &'a str) -> [Value<'a>; 3] {
    [Value::Text(workspace_id), code(Dimension::User), Value::Text(user_id)]
}

/// Whether anything beside the log names a user. `$1` is the workspace, `$2` the user, as in all
/// statements that follow, and `$3` the pseudonym.
fn is_known() -> String {
    let [kind, entry, dimension] = codes();
    let anything = [
        format!("directory WHERE workspace_id = $1 AND kind = {entry} AND id = $2"),
        format!("seen WHERE workspace_id = $1 AND dimension = {dimension} AND value = $2"),
        format!("quotas WHERE workspace_id = $1 AND subject_kind = {kind} AND subject_id = $2"),
        format!(
            "rate_limits WHERE workspace_id = $1 AND subject_kind = {kind} AND subject_id = $2"
        ),
        format!(
            "boosts WHERE workspace_id = $1 AND subject_id = $2 AND quota_id IN {}",
            of_users()
        ),
        "boosts WHERE workspace_id = $1 AND actor = $2".to_owned(),
        format!("freezes WHERE workspace_id = $1 AND subject_kind = {kind} AND subject_id = $2"),
        "freezes WHERE workspace_id = $1 AND actor = $2".to_owned(),
        "refusals WHERE workspace_id = $1 AND user_id = $2".to_owned(),
        "holds WHERE workspace_id = $1 AND user_id = $2".to_owned(),
        format!("alerts WHERE workspace_id = $1 AND subject_kind = {kind} AND subject_id = $2"),
        "alerts WHERE workspace_id = $1 AND acknowledge_actor = $2".to_owned(),
        "alerts WHERE workspace_id = $1 AND record_user_id = $2".to_owned(),
        format!(
            "anomaly_contributors WHERE workspace_id = $1 AND dimension = {dimension} \
             AND member_id = $2"
        ),
        "anomalies WHERE workspace_id = $1 AND feedback_actor = $2".to_owned(),
        "audit_events WHERE workspace_id = $1 AND actor = $2".to_owned(),
        "audit_events WHERE workspace_id = $1 AND on_behalf_of = $2".to_owned(),
    ];
    let any = anything.map(|rest| format!("EXISTS (SELECT 1 FROM {rest})")).join(" OR ");
    format!("SELECT CAST(CASE WHEN {any} THEN 1 ELSE 0 END AS BIGINT)")
}

fn deletions() -> Vec<String> {
    let [kind, entry, _] = codes();
    let naming = |table: &str| {
        format!("{table} WHERE workspace_id = $1 AND subject_kind = {kind} AND subject_id = $2")
    };
    let delete = |rest: String| format!("DELETE FROM {rest}");
    vec![
        delete(format!(
            "boosts WHERE workspace_id = $1 AND quota_id IN (SELECT id FROM {})",
            naming("quotas")
        )),
        delete(format!(
            "boosts WHERE workspace_id = $1 AND subject_id = $2 AND quota_id IN {}",
            of_users()
        )),
        delete(format!(
            "rate_counts WHERE workspace_id = $1 AND rate_limit_id IN (SELECT id FROM {})",
            naming("rate_limits")
        )),
        delete(naming("quotas")),
        delete(naming("rate_limits")),
        delete(naming("freezes")),
        delete(format!("directory WHERE workspace_id = $1 AND kind = {entry} AND id = $2")),
    ]
}

fn renamings() -> Vec<String> {
    let [kind, _, dimension] = codes();
    let rename = |table: &str, column: &str, more: &str| {
        format!("UPDATE {table} SET {column} = $3 WHERE workspace_id = $1 AND {column} = $2{more}")
    };
    let of_dimension = format!(" AND dimension = {dimension}");
    // Buckets by day have no index by value; those by model do.
    let on_its_days = format!(
        "{of_dimension} AND day IN (SELECT day FROM rollups_by_model \
         WHERE workspace_id = $1 AND dimension = {dimension} AND value = $2)"
    );
    let of_alerts = format!(" AND subject_kind = {kind}");
    let of_rates = format!(
        " AND rate_limit_id IN (SELECT id FROM rate_limits \
         WHERE workspace_id = $1 AND subject_kind = {kind})"
    );
    vec![
        rename("rollup_latencies", "value", &on_its_days),
        rename("rollups_by_day", "value", &on_its_days),
        rename("rollups_by_model", "value", &of_dimension),
        rename("rollups_by_hour", "value", &of_dimension),
        rename("seen", "value", &of_dimension),
        rename("refusals", "user_id", ""),
        rename("holds", "user_id", ""),
        rename("rate_counts", "subject_id", &of_rates),
        rename("alerts", "subject_id", &of_alerts),
        rename("alerts", "acknowledge_actor", ""),
        rename("alerts", "record_user_id", ""),
        rename("anomaly_contributors", "member_id", &of_dimension),
        rename("anomalies", "feedback_actor", ""),
        rename("boosts", "actor", ""),
        rename("freezes", "actor", ""),
        rename("audit_events", "actor", ""),
        rename("audit_events", "on_behalf_of", ""),
    ]
}

/// Quotas whose subjects are users.
fn of_users() -> String {
    let [kind, _, _] = codes();
    format!("(SELECT id FROM quotas WHERE workspace_id = $1 AND subject_kind = {kind})")
}

/// Codes of a user as a subject, as a directory entry, and as a dimension.
fn codes() -> [i64; 3] {
    [SubjectKind::User.code(), EntryKind::User.code(), Dimension::User.code()]
}

/// The spans of time that hours cover, adjoining ones joined.
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
