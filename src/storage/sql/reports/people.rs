//! Users as the directory and usage know them, and names.

use super::super::backend::{Backend, Value};
use super::super::codec::{Code, Reader};
use super::super::read::limit_value;
use super::Report;
use super::statement::{Values, safe};
use crate::domain::Time;
use crate::domain::calendar::Window;
use crate::storage::Result;
use crate::storage::reports::{Answer, ROWS_MAX, SignUp};
use crate::storage::rollup::Dimension;

/// Most names that are looked up with one statement.
const NAMES_MAX: usize = 1_000;

impl<DB: Backend> Report<'_, DB> {
    pub async fn known_users(&mut self, times: &[Time]) -> Result<Answer> {
        let sql = known_users();
        let mut counts = Vec::with_capacity(times.len());
        for time in times {
            let values = [Value::Text(self.workspace_id), Value::Int(time.micros())];
            let rows = self.snapshot.rows(safe(sql.clone()), &values).await?;
            for row in &rows {
                counts.push(Reader::<DB>::new(row).int()?);
            }
        }
        Ok(Answer::KnownUsers(counts))
    }

    pub async fn sign_ups(
        &mut self,
        window: Window,
        department_id: Option<&str>,
    ) -> Result<Answer> {
        let mut values = Values::default();
        let sql = sign_ups(self.workspace_id, window, department_id, &mut values);
        let mut users = Vec::new();
        self.snapshot
            .each(safe(sql), values.as_slice(), &mut |row| {
                let mut reader = Reader::<DB>::new(row);
                users.push(SignUp {
                    user_id: reader.string()?,
                    display_name: reader.string()?,
                    department_id: reader.string()?,
                    external_id: reader.string()?,
                    sign_up_time: reader.time()?,
                    first_value_time: reader.optional_time()?,
                    last_use_time: reader.optional_time()?,
                });
                Ok(true)
            })
            .await?;
        if users.len() > ROWS_MAX {
            return Ok(Answer::TooMany);
        }
        Ok(Answer::SignUps(users))
    }

    pub async fn names(&mut self, dimension: Dimension, ids: &[String]) -> Result<Answer> {
        let mut names = Vec::new();
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
                    let kind = values.bind(Value::Int(kind));
                    format!("directory WHERE workspace_id = {workspace_id} AND kind = {kind}")
                }
            };
            let sql = format!(
                "SELECT id, display_name FROM {place} AND id IN ({list}) AND display_name <> ''"
            );
            for row in &self.snapshot.rows(safe(sql), values.as_slice()).await? {
                let mut reader = Reader::<DB>::new(row);
                names.push((reader.string()?, reader.string()?));
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(Answer::Names(names))
    }
}

/// Of `$1`, the workspace, at `$2`.
pub fn known_users() -> String {
    // `kind` 0 is a user. An archived one does not count, whatever was seen of it.
    format!(
        "SELECT (SELECT COUNT(*) FROM directory WHERE workspace_id = $1 AND kind = 0 \
           AND (create_time < $2 OR sign_up_time < $2) \
           AND (archive_time IS NULL OR archive_time > $2)) \
         + (SELECT COUNT(*) FROM seen WHERE workspace_id = $1 AND dimension = {} \
           AND first_time < $2 AND NOT EXISTS (SELECT 1 FROM directory AS known \
             WHERE known.workspace_id = $1 AND known.kind = 0 AND known.id = seen.value \
             AND (known.create_time < $2 OR known.sign_up_time < $2 \
               OR known.archive_time <= $2)))",
        Dimension::User.code()
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
    let user = Dimension::User.code();
    format!(
        "SELECT id, display_name, department_id, external_id, sign_up_time, \
           COALESCE(first_value_time, first_success_time), last_time \
         FROM directory LEFT JOIN seen ON seen.workspace_id = directory.workspace_id \
           AND seen.dimension = {user} AND seen.value = directory.id \
         WHERE directory.workspace_id = {workspace_id} AND kind = 0 AND archive_time IS NULL \
           AND sign_up_time >= {start} AND sign_up_time < {end} {department} \
         ORDER BY id LIMIT {limit}"
    )
}

/// Where the names of a dimension's values are.
enum Names {
    /// Of all workspaces.
    Shared(&'static str),
    Owned(&'static str),
    /// In the directory, under the code of a kind ([`crate::storage::directory::EntryKind`]).
    Registered(i64),
}

fn table_of_names(dimension: Dimension) -> Option<Names> {
    match dimension {
        Dimension::User => Some(Names::Registered(0)),
        Dimension::Department => Some(Names::Registered(1)),
        Dimension::Assistant => Some(Names::Registered(2)),
        Dimension::Workflow => Some(Names::Registered(3)),
        Dimension::Feature => Some(Names::Registered(4)),
        Dimension::Project => Some(Names::Registered(5)),
        Dimension::Investigation => Some(Names::Registered(6)),
        Dimension::ApiKey => Some(Names::Owned("api_keys")),
        Dimension::KeyGroup => Some(Names::Owned("key_groups")),
        Dimension::Model => Some(Names::Shared("models")),
        Dimension::Workspace | Dimension::Session | Dimension::Tag | Dimension::Outcome => None,
    }
}
