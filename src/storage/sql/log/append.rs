//! Appending to the log: the hot path.
//!
//! A batch is normally one auto-committed INSERT … ON CONFLICT DO NOTHING that checks the epoch.
//! Only if it inserted fewer records than were sent are the existing ones looked up. What comes
//! with holds or audit events is a transaction.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::RECORDS;
use crate::domain::record::Record;
use crate::storage::audit::AuditEvent;
use crate::storage::log::{Appended, HoldChanges};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::errors::{at_commit, not_applied};
use crate::storage::sql::connection::session::{Session, Write};
use crate::storage::sql::row::{Columns, Value};
use crate::storage::sql::tables::audit::AUDIT_EVENTS;
use crate::storage::sql::tables::shutdown::change_holds;
use crate::storage::{Error, Result};

/// Maximum keys of one lookup.
const LOOKUP_KEYS_MAX: usize = 128;

type Key<'a> = (&'a str, &'a str, i32, i32);

/// See [`crate::storage::log::LogStore::append_with_holds`].
pub async fn append<DB: Backend>(
    session: &Session<DB>,
    batch: &[Record],
    holds: &HoldChanges,
) -> Result<Vec<Appended>> {
    if batch.is_empty() && holds.is_empty() {
        return Ok(Vec::new());
    }
    let values = values_of(batch);
    let mut write = session.alone().await?;
    let inserted = if holds.is_empty() && batch.len() <= DB::INSERT_RECORDS_MAX {
        write.insert_records(&values).await.map_err(at_commit::<DB>)?
    } else {
        drop(write);
        let mut parts = session.begin().await?;
        let inserted = insert_in_parts(&mut parts, &values).await?;
        change_holds(&mut parts, holds).await?;
        parts.commit().await?;
        write = session.alone().await?;
        inserted
    };
    if inserted > 0 {
        write.renewed();
    }
    if inserted == batch.len() as u64 {
        write.release();
        return Ok(vec![Appended::New; batch.len()]);
    }
    // Nothing was inserted: all of it exists, or the epoch of this server is stale.
    if inserted == 0 && !write.owns().await? {
        return Err(write.fenced());
    }
    match look_up_all(&mut write, batch).await {
        Ok(appended) => {
            write.release();
            Ok(appended)
        }
        // The insert may have been committed, so it cannot be reported as not applied.
        Err(Error::NotApplied(error)) => Err(Error::Unknown(error)),
        Err(error) => Err(error),
    }
}

/// See [`crate::storage::log::LogStore::append_audited`].
pub async fn append_audited<DB: Backend>(
    session: &Session<DB>,
    batch: &[Record],
    events: &[AuditEvent],
) -> Result<Appended> {
    let mut write = session.begin().await?;
    let inserted = insert_in_parts(&mut write, &values_of(batch)).await?;
    if inserted < batch.len() as u64 {
        let appended = look_up_all(&mut write, batch).await?;
        if let Some(existing) = appended.into_iter().find(|it| *it != Appended::New) {
            write.roll_back().await?;
            return Ok(existing);
        }
    }
    AUDIT_EVENTS.add(&mut write, events).await?;
    write.commit().await?;
    Ok(Appended::New)
}

fn values_of(batch: &[Record]) -> Vec<Value<'_>> {
    let mut values = Vec::with_capacity(batch.len() * RECORDS.columns().len());
    for record in batch {
        record.write(&mut values);
    }
    values
}

/// Inserts in a transaction. Returns how many were inserted.
async fn insert_in_parts<DB: Backend>(
    write: &mut Write<'_, DB>,
    values: &[Value<'_>],
) -> Result<u64> {
    let mut inserted = 0;
    for part in values.chunks(DB::INSERT_RECORDS_MAX * RECORDS.columns().len()) {
        inserted += write.insert_records(part).await.map_err(not_applied)?;
    }
    Ok(inserted)
}

/// Whether each record is new, by its `seq`, or which record has its key already.
async fn look_up_all<DB: Backend>(
    write: &mut Write<'_, DB>,
    batch: &[Record],
) -> Result<Vec<Appended>> {
    let mut found = Vec::new();
    for part in batch.chunks(LOOKUP_KEYS_MAX) {
        found.extend(look_up(write, part).await?);
    }
    let by_key: HashMap<Key<'_>, &Record> =
        found.iter().map(|record| (key(record), record)).collect();
    let mut appended = Vec::with_capacity(batch.len());
    for record in batch {
        appended.push(match by_key.get(&key(record)) {
            Some(entry) if entry.seq == record.seq => Appended::New,
            Some(entry) => Appended::Existing(Box::new((*entry).clone())),
            // Neither inserted nor there by its key: it conflicts by `seq`.
            None => {
                let seq = record.seq;
                return Err(Error::Corrupt(format!("another record has the seq {seq}")));
            }
        });
    }
    Ok(appended)
}

async fn look_up<DB: Backend>(write: &mut Write<'_, DB>, batch: &[Record]) -> Result<Vec<Record>> {
    let mut keys = String::new();
    let mut values = Vec::with_capacity(batch.len() * 4);
    for record in batch {
        keys.push_str(if keys.is_empty() { "(" } else { ", (" });
        for value in [
            Value::Shared(&record.workspace_id),
            Value::Shared(&record.request_id),
            Value::Int(i64::from(record.attempt)),
            Value::Int(i64::from(record.revision)),
        ] {
            if !values.len().is_multiple_of(4) {
                keys.push_str(", ");
            }
            DB::placeholder(values.len(), &mut keys);
            values.push(value);
        }
        keys.push(')');
    }
    // CROSS JOIN fixes the join order of SQLite: keys are the outer loop.
    let sql = format!(
        "WITH keys (workspace, request, number, change) AS (VALUES {keys}) \
         SELECT {} FROM keys CROSS JOIN usage_records \
         WHERE workspace_id = workspace AND request_id = request \
         AND attempt = number AND revision = change",
        RECORDS.list()
    );
    write.rows(AssertSqlSafe(sql), &values).await
}

fn key(record: &Record) -> Key<'_> {
    (&record.workspace_id, &record.request_id, record.attempt, record.revision)
}
