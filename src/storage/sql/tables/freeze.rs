//! Freezes.

use crate::domain::freeze::{Freeze, FrozenSubject};
use crate::storage::Result;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Value, code, row};
use crate::storage::sql::table::Table;

pub static FREEZES: Table<Freeze> =
    Table::owned("freezes", &["workspace_id", "subject_kind", "subject_id"]);

row! { Freeze { subject, reason, end_time, actor, create_time, update_time } }

row! { FrozenSubject { kind = "subject_kind", id = "subject_id" } }

const DELETE: &str =
    "DELETE FROM freezes WHERE workspace_id = $1 AND subject_kind = $2 AND subject_id = $3";

pub async fn delete_freeze<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    subject: &FrozenSubject,
) -> Result<()> {
    let key = [Value::Text(workspace_id), code(subject.kind), Value::Text(&subject.id)];
    write.execute(DELETE, &key).await.map(drop)
}
