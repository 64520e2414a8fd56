//! Users by directory and usage, sign-ups, and display names.

use sqlx::AssertSqlSafe;

use super::Report;
use crate::domain::attribution::{Dimension, EntryKind};
use crate::domain::time::calendar::Window;
use crate::domain::{Coded, Time};
use crate::storage::Result;
use crate::storage::reports::{ROWS_MAX, ReportResult, SignUp};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::row::{Value, code, limit_value, row};
use crate::storage::sql::statement::Values;

/// Most names that are looked up with one statement.
const NAMES_MAX: usize = 1_000;

row! {
    SignUp {
        user_id,
        display_name,
        department_id,
        external_id,
        sign_up_time,
        first_value_time,
        last_use_time,
    }
}

impl<DB: Backend> Report<'_, DB> {
    pub async fn known(&mut self, kind: EntryKind, times: &[Time]) -> Result<ReportResult> {
        let sql = known(kind);
        let mut counts = Vec::with_capacity(times.len());
        for time in times {
            let values = [Value::Text(self.workspace_id), Value::Int(time.micros())];
            counts.push(self.snapshot.row(AssertSqlSafe(sql.clone()), &values).await?);
        }
        Ok(ReportResult::Known(counts))
    }

    pub async fn sign_ups(
        &mut self,
        window: Window,
        department_id: Option<&str>,
    ) -> Result<ReportResult> {
        let mut values = Values::default();
        let sql = sign_ups(self.workspace_id, window, department_id, &mut values);
        let users: Vec<SignUp> = self.snapshot.rows(AssertSqlSafe(sql), values.as_slice()).await?;
        if users.len() > ROWS_MAX {
            return Ok(ReportResult::TooMany);
        }
        Ok(ReportResult::SignUps(users))
    }

    pub async fn names(&mut self, dimension: Dimension, ids: &[String]) -> Result<ReportResult> {
        let mut names: Vec<(String, String)> = Vec::new();
        for part in ids.chunks(NAMES_MAX) {
            let mut values = Values::default();
            let list = values.texts(part);
            let place = match table_of_names(dimension) {
                None => break,
                Some(Names::Shared(table)) => format!("{table} WHERE TRUE"),
                Some(Names::Owned(table)) => {
                    format!("{table} WHERE workspace_id = {}", values.text(self.workspace_id))
                }
                Some(Names::Registered(kind)) => {
                    let workspace_id = values.text(self.workspace_id);
                    let kind = values.bind(code(kind));
                    format!("directory WHERE workspace_id = {workspace_id} AND kind = {kind}")
                }
            };
            let sql = format!(
                "SELECT id, display_name FROM {place} AND id IN ({list}) AND display_name <> ''"
            );
            let found: Vec<(String, String)> =
                self.snapshot.rows(AssertSqlSafe(sql), values.as_slice()).await?;
            names.extend(found);
        }
        names.sort_unstable();
        names.dedup();
        Ok(ReportResult::Names(names))
    }
}

/// Of `$1`, the workspace, at `$2`.
pub fn known(kind: EntryKind) -> String {
    let (user, dimension) = (kind.code(), kind.dimension().code());
    // An archived one does not count, whatever was seen of it.
    format!(
        "SELECT (SELECT COUNT(*) FROM directory WHERE workspace_id = $1 AND kind = {user} \
           AND (create_time < $2 OR sign_up_time < $2) \
           AND (archive_time IS NULL OR archive_time > $2)) \
         + (SELECT COUNT(*) FROM seen WHERE workspace_id = $1 AND dimension = {dimension} \
           AND first_time < $2 AND NOT EXISTS (SELECT 1 FROM directory AS known \
             WHERE known.workspace_id = $1 AND known.kind = {user} AND known.id = seen.value \
             AND (known.create_time < $2 OR known.sign_up_time < $2 \
               OR known.archive_time <= $2)))"
    )
}

pub fn sign_ups<'a>(
    workspace_id: &'a str,
    window: Window,
    department_id: Option<&'a str>,
    values: &mut Values<'a>,
) -> String {
    let workspace_id = values.text(workspace_id);
    let (start, end) = (values.time(window.start), values.time(window.end));
    let department = match department_id {
        Some(id) => format!("AND department_id = {}", values.text(id)),
        None => String::new(),
    };
    let limit = values.bind(limit_value(ROWS_MAX + 1));
    let (user, dimension) = (EntryKind::User.code(), Dimension::User.code());
    format!(
        "SELECT id, display_name, department_id, external_id, sign_up_time, \
           COALESCE(first_value_time, first_success_time), last_time \
         FROM directory LEFT JOIN seen ON seen.workspace_id = directory.workspace_id \
           AND seen.dimension = {dimension} AND seen.value = directory.id \
         WHERE directory.workspace_id = {workspace_id} AND kind = {user} AND archive_time IS NULL \
           AND sign_up_time >= {start} AND sign_up_time < {end} {department} \
         ORDER BY id LIMIT {limit}"
    )
}

/// Where the names of a dimension's values are.
enum Names {
    /// Of all workspaces.
    Shared(&'static str),
    Owned(&'static str),
    /// In the directory.
    Registered(EntryKind),
}

fn table_of_names(dimension: Dimension) -> Option<Names> {
    if let Some(kind) = EntryKind::ALL.into_iter().find(|kind| kind.dimension() == dimension) {
        return Some(Names::Registered(kind));
    }
    match dimension {
        Dimension::ApiKey => Some(Names::Owned("api_keys")),
        Dimension::KeyGroup => Some(Names::Owned("key_groups")),
        Dimension::Model => Some(Names::Shared("models")),
        _ => None,
    }
}
