//! Erasure of a user: what names it is deleted, or its id replaced by a pseudonym.
//!
//! Its beginning renames everything but folded entries of the log and audit events. These entries
//! are found by the hours in which the rollups have the pseudonym by then, and are renamed in
//! parts. Does not know how the states of audit events are rewritten.

use sqlx::AssertSqlSafe;

use crate::domain::attribution::{Dimension, EntryKind, SubjectKind};
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::{Coded, Time};
use crate::storage::Result;
use crate::storage::directory::{Erasure, ErasurePart, UserTraces};
use crate::storage::log::RecordPosition;
use crate::storage::sql::SqlStore;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::row::{Value, code, limit_value, row, time};
use crate::storage::sql::table::Table;
use crate::storage::sql::tables::audit::AUDIT_EVENTS;
use crate::storage::sql::tables::entry_words;

static ERASURES: Table<Erasure> = Table::owned("erasures", &["workspace_id", "user_id"]);

row! { Erasure { user_id, pseudonym, seq, record_count, begin_time } }

/// Every erasure that has begun, with its workspace.
pub fn begun() -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "SELECT workspace_id, {} FROM erasures ORDER BY workspace_id, user_id",
        ERASURES.list()
    ))
}

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
    AND seq > $3 AND seq <= $4";
const COUNT_AFTER: &str = "\
    SELECT COUNT(*) FROM usage_records WHERE workspace_id || '' = $1 AND user_id = $2 \
    AND seq > $3 AND seq <= 9223372036854775807";
/// Of an hour or several, beyond a position.
const TO_ERASE: &str = "\
    SELECT charge_time, seq FROM usage_records \
    WHERE workspace_id = $1 AND charge_time >= $3 AND charge_time < $4 \
    AND (charge_time, seq) > ($3, $5) AND user_id = $2 AND seq + 0 <= $6 \
    ORDER BY charge_time, seq LIMIT $7";
const END: &str = "DELETE FROM erasures WHERE workspace_id = $1 AND pseudonym = $2";
const RENAME_TAIL: &str = "\
    UPDATE usage_records SET user_id = $3 WHERE workspace_id || '' = $1 AND user_id = $2 \
    AND seq > $4 AND seq <= $5";

/// See [`crate::storage::directory::DirectoryStore::user_traces`].
pub async fn user_traces<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    user_id: &str,
    upto: i64,
) -> Result<UserTraces> {
    let [workspace, user] = [workspace_id, user_id].map(Value::Text);
    let of_user = [workspace.clone(), user.clone()];
    let is_known: i64 = snapshot.row(AssertSqlSafe(is_known()), &of_user).await?;
    let cursor: i64 = snapshot.row(CURSOR, &[]).await?;
    let hours: Vec<Time> = snapshot.rows(HOURS, &hours_key(workspace_id, user_id)).await?;
    let mut record_count = 0;
    let folded = Value::Int(cursor.min(upto));
    for (from, to) in spans(&hours) {
        let values = [workspace.clone(), user.clone(), time(from), time(to), folded.clone()];
        record_count += snapshot.row::<i64>(COUNT_FOLDED, &values).await?;
    }
    let tail = [workspace, user, Value::Int(cursor), Value::Int(upto)];
    record_count += snapshot.row::<i64>(COUNT_TAIL, &tail).await?;
    Ok(UserTraces { is_known: is_known != 0 || record_count > 0, record_count })
}

/// See [`crate::storage::directory::DirectoryStore::user_entries_after`].
pub async fn user_entries_after<DB: Backend>(
    store: &SqlStore<DB>,
    workspace_id: &str,
    user_id: &str,
    seq: i64,
) -> Result<i64> {
    let values = [Value::Text(workspace_id), Value::Text(user_id), Value::Int(seq)];
    store.row(COUNT_AFTER, &values).await
}

/// See [`crate::storage::directory::DirectoryStore::entries_to_erase`].
pub async fn entries_to_erase<DB: Backend>(
    snapshot: &mut Snapshot<DB>,
    workspace_id: &str,
    erasure: &Erasure,
    after: Option<RecordPosition>,
    limit: usize,
) -> Result<Vec<RecordPosition>> {
    let hours: Vec<Time> =
        snapshot.rows(HOURS, &hours_key(workspace_id, &erasure.pseudonym)).await?;
    let earliest = RecordPosition { charge_time: Time::from_micros(i64::MIN), seq: i64::MIN };
    let after = after.unwrap_or(earliest);
    let mut found: Vec<RecordPosition> = Vec::new();
    for (from, to) in spans(&hours) {
        if found.len() == limit {
            break;
        }
        // Beyond the position, or from the beginning of the span.
        let (from, seq) = match after.charge_time >= from {
            true => (after.charge_time, after.seq),
            false => (from, i64::MIN),
        };
        if from >= to {
            continue;
        }
        let values = [
            Value::Text(workspace_id),
            Value::Text(&erasure.user_id),
            time(from),
            time(to),
            Value::Int(seq),
            Value::Int(erasure.seq),
            limit_value(limit - found.len()),
        ];
        let rows: Vec<(Time, i64)> = snapshot.rows(TO_ERASE, &values).await?;
        let position = |(charge_time, seq)| RecordPosition { charge_time, seq };
        found.extend(rows.into_iter().map(position));
    }
    Ok(found)
}

/// Begins an erasure, see [`Erasure`].
pub async fn begin<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    erasure: &Erasure,
) -> Result<()> {
    write.allow_long_statements();
    let names = [workspace_id, &erasure.user_id, &erasure.pseudonym].map(Value::Text);
    for sql in deletions() {
        write.execute(AssertSqlSafe(sql), &names[..2]).await?;
    }
    let cursor = Value::Int(write.row(CURSOR, &[]).await?);
    let tail = [&names[..], &[cursor, Value::Int(erasure.seq)]].concat();
    write.execute(RENAME_TAIL, &tail).await?;
    for sql in renamings() {
        write.execute(AssertSqlSafe(sql), &names).await?;
    }
    let (user_id, pseudonym) = (&erasure.user_id, &erasure.pseudonym);
    entry_words::rename_user(write, workspace_id, user_id, pseudonym).await?;
    ERASURES.put_in(write, workspace_id, [erasure]).await
}

/// Goes on with an erasure.
pub async fn go_on<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    part: &ErasurePart,
) -> Result<()> {
    let names = [workspace_id, &part.user_id, &part.pseudonym].map(Value::Text);
    if !part.seqs.is_empty() {
        let list: Vec<String> =
            (1..=part.seqs.len()).map(|index| format!("${}", names.len() + index)).collect();
        let list = list.join(", ");
        // By their positions, which are few, and by no other index.
        let sql = format!(
            "UPDATE usage_records SET user_id = $3 \
             WHERE workspace_id || '' = $1 AND user_id = $2 AND seq IN ({list})"
        );
        let seqs: Vec<Value<'_>> = part.seqs.iter().map(|seq| Value::Int(*seq)).collect();
        write.execute(AssertSqlSafe(sql), &[&names[..], &seqs].concat()).await?;
    }
    AUDIT_EVENTS.put(write, &part.events).await
}

/// Ends the erasure that gives a pseudonym.
pub async fn end<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    pseudonym: &str,
) -> Result<()> {
    write.execute(END, &[Value::Text(workspace_id), Value::Text(pseudonym)]).await.map(drop)
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
        "recommendations WHERE workspace_id = $1 AND change_actor = $2".to_owned(),
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
        rename("recommendations", "change_actor", ""),
        rename("boosts", "actor", ""),
        rename("freezes", "actor", ""),
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
