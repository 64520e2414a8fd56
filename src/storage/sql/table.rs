//! Statements that are made from the columns of a table, and statements that grow by what is
//! asked for.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::backend::{Backend, Value};
use super::read::limit_value;
use super::session::Write;
use crate::domain::Time;
use crate::storage::Result;

/// A table with its columns in the order in which they are written and read.
pub struct Table {
    pub name: &'static str,
    /// Separated by a comma and a space.
    pub columns: &'static str,
    /// How many of the first columns are the key.
    pub key: usize,
}

impl Table {
    /// Inserts rows, or replaces those of the same key. `values` are those of all columns, row by
    /// row; of rows with the same key there must be one.
    pub async fn put<DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        values: &[Value<'_>],
    ) -> Result<()> {
        let set: Vec<String> = self
            .names()
            .skip(self.key)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let tail = format!("ON CONFLICT ({}) DO UPDATE SET {}", self.key(), set.join(", "));
        write.insert_many(&self.head(), self.names().count(), &tail, values).await
    }

    /// Inserts the rows whose key is not there yet, and leaves others as they are.
    pub async fn add<DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        values: &[Value<'_>],
    ) -> Result<()> {
        let tail = format!("ON CONFLICT ({}) DO NOTHING", self.key());
        write.insert_many(&self.head(), self.names().count(), &tail, values).await
    }

    /// Inserts the rows that nothing is in the way of: neither their key nor another that must be
    /// unique.
    pub async fn add_unless_there<DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        values: &[Value<'_>],
    ) -> Result<()> {
        let tail = "ON CONFLICT DO NOTHING";
        write.insert_many(&self.head(), self.names().count(), tail, values).await
    }

    /// Deletes the row of a key, of a workspace and an id, if it is there.
    pub async fn delete<DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        key: &[Value<'_>; 2],
    ) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE workspace_id = $1 AND id = $2", self.name);
        write.execute(AssertSqlSafe(sql).into_sql_str(), key).await.map(drop)
    }

    /// All rows of a workspace, to be restricted and ordered.
    pub fn of<'a>(&self, workspace_id: &'a str) -> Select<'a> {
        let sql = format!("SELECT {} FROM {} WHERE workspace_id = $1", self.columns, self.name);
        Select { sql, values: vec![Value::Text(workspace_id)] }
    }

    fn head(&self) -> String {
        format!("INSERT INTO {} ({})", self.name, self.columns)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.split(", ")
    }

    fn key(&self) -> String {
        self.names().take(self.key).collect::<Vec<_>>().join(", ")
    }
}

/// A statement with its values.
pub struct Select<'a> {
    sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Select<'a> {
    /// Only rows for which `condition` (such as `id =`) is true of the value.
    pub fn with(mut self, condition: &str, value: Value<'a>) -> Select<'a> {
        self.values.push(value);
        self.sql.push_str(&format!(" AND {condition} ${}", self.values.len()));
        self
    }

    /// The same if there is a value.
    pub fn with_any(self, condition: &str, value: Option<Value<'a>>) -> Select<'a> {
        match value {
            Some(value) => self.with(condition, value),
            None => self,
        }
    }

    /// Only rows with one of some texts in a column.
    pub fn among(mut self, column: &str, texts: &'a [String]) -> Select<'a> {
        let first = self.values.len() + 1;
        let numbers = first..first + texts.len();
        let list: Vec<String> = numbers.map(|number| format!("${number}")).collect();
        self.values.extend(texts.iter().map(|text| Value::Text(text)));
        self.sql.push_str(&format!(" AND {column} IN ({})", list.join(", ")));
        self
    }

    /// Only rows for which `condition` is true.
    pub fn only(mut self, condition: &str) -> Select<'a> {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self
    }

    /// The latest by (`column`, id) first, before `after`; at most `limit`.
    pub fn latest(
        mut self,
        column: &str,
        after: Option<&'a (Time, String)>,
        limit: usize,
    ) -> Select<'a> {
        if let Some((time, id)) = after {
            // By time alone too, which every database finds by an index.
            self = self.with(&format!("{column} <="), Value::Int(time.micros()));
            let number = self.values.len();
            self.values.push(Value::Text(id));
            let id = number + 1;
            self.sql.push_str(&format!(" AND ({column}, id) < (${number}, ${id})"));
        }
        self.ordered(&format!("{column} DESC, id DESC"), limit)
    }

    /// By id, after `after_id`; at most `limit`.
    pub fn by_id(self, after_id: &'a str, limit: usize) -> Select<'a> {
        self.with("id >", Value::Text(after_id)).ordered("id", limit)
    }

    pub fn ordered(mut self, order: &str, limit: usize) -> Select<'a> {
        self.values.push(limit_value(limit));
        self.sql.push_str(&format!(" ORDER BY {order} LIMIT ${}", self.values.len()));
        self
    }

    pub fn all(mut self, order: &str) -> Select<'a> {
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(order);
        self
    }

    pub fn into_parts(self) -> (SqlStr, Vec<Value<'a>>) {
        (AssertSqlSafe(self.sql).into_sql_str(), self.values)
    }
}
