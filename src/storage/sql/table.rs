//! Tables: statements that are made from the columns of their rows, and a builder of selections.

use std::marker::PhantomData;
use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::connection::backend::Backend;
use super::connection::session::Write;
use super::row::{Column, Columns, Value, limit_value};
use crate::domain::Time;
use crate::storage::Result;

/// A table with rows of type `T`.
pub struct Table<T> {
    pub name: &'static str,
    /// The columns of its primary key.
    key: &'static [&'static str],
    /// Whether rows have a column `workspace_id` that is not part of `T`.
    is_owned: bool,
    shape: OnceLock<Shape>,
    rows: PhantomData<fn() -> T>,
}

/// What is made of the columns of a table, once.
struct Shape {
    columns: Vec<Column>,
    /// Their names, to be selected.
    list: String,
}

impl<T: Columns> Table<T> {
    pub const fn new(name: &'static str, key: &'static [&'static str]) -> Table<T> {
        Table { name, key, is_owned: false, shape: OnceLock::new(), rows: PhantomData }
    }

    /// A table whose rows belong to workspaces that they do not name themselves.
    pub const fn owned(name: &'static str, key: &'static [&'static str]) -> Table<T> {
        Table { name, key, is_owned: true, shape: OnceLock::new(), rows: PhantomData }
    }

    /// The columns of a row, without that of its workspace where it is owned.
    pub fn columns(&self) -> &[Column] {
        &self.shape().columns
    }

    /// The names of these, separated by commas.
    pub fn list(&self) -> &str {
        &self.shape().list
    }

    /// Inserts rows, or replaces those of the same key. Of rows with the same key there must be
    /// one.
    pub async fn put<'v, DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        rows: impl IntoIterator<Item = &'v T>,
    ) -> Result<()>
    where
        T: 'v,
    {
        self.insert(write, None, rows, &self.replacing()).await
    }

    /// The same of rows of a workspace that they do not name.
    pub async fn put_in<'v, DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        workspace_id: &str,
        rows: impl IntoIterator<Item = &'v T>,
    ) -> Result<()>
    where
        T: 'v,
    {
        self.insert(write, Some(workspace_id), rows, &self.replacing()).await
    }

    /// Inserts the rows whose key is not there yet, and leaves others as they are.
    pub async fn add<DB: Backend>(&self, write: &mut Write<'_, DB>, rows: &[T]) -> Result<()> {
        let tail = format!("ON CONFLICT ({}) DO NOTHING", self.key.join(", "));
        self.insert(write, None, rows, &tail).await
    }

    /// Inserts rows with `tail` behind the statement: what to do on a conflict.
    pub async fn insert<'v, DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        workspace_id: Option<&str>,
        rows: impl IntoIterator<Item = &'v T>,
        tail: &str,
    ) -> Result<()>
    where
        T: 'v,
    {
        assert_eq!(self.is_owned, workspace_id.is_some(), "rows name their workspace or are owned");
        let width = self.columns().len() + usize::from(self.is_owned);
        let mut values = Vec::new();
        for row in rows {
            values.extend(workspace_id.map(Value::Text));
            row.write(&mut values);
        }
        let owner = if self.is_owned { "workspace_id, " } else { "" };
        let head = format!("INSERT INTO {} ({owner}{})", self.name, self.list());
        write.insert_many(&head, width, tail, &values).await
    }

    /// Deletes the row of a workspace with this id, if it is there.
    pub async fn delete<DB: Backend>(
        &self,
        write: &mut Write<'_, DB>,
        workspace_id: &str,
        id: &str,
    ) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE workspace_id = $1 AND id = $2", self.name);
        let key = [Value::Text(workspace_id), Value::Text(id)];
        write.execute(AssertSqlSafe(sql), &key).await.map(drop)
    }

    /// All rows, to be restricted and ordered.
    pub fn all<'a>(&self) -> Select<'a, T> {
        let sql = format!("SELECT {} FROM {} WHERE TRUE", self.list(), self.name);
        Select { sql, values: Vec::new(), rows: PhantomData }
    }

    /// All rows of a workspace, likewise.
    pub fn of<'a>(&self, workspace_id: &'a str) -> Select<'a, T> {
        let sql = format!("SELECT {} FROM {} WHERE workspace_id = $1", self.list(), self.name);
        Select { sql, values: vec![Value::Text(workspace_id)], rows: PhantomData }
    }

    /// Replaces what is there under the same key.
    pub fn replacing(&self) -> String {
        let others = self.columns().iter().filter(|column| !self.key.contains(&column.name));
        let set: Vec<String> =
            others.map(|column| format!("{0} = excluded.{0}", column.name)).collect();
        format!("ON CONFLICT ({}) DO UPDATE SET {}", self.key.join(", "), set.join(", "))
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| {
            let columns = columns_of::<T>();
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let list = names.join(", ");
            Shape { columns, list }
        })
    }
}

/// The columns of a type of several.
pub fn columns_of<T: Columns>() -> Vec<Column> {
    let mut columns = Vec::new();
    T::columns("", &mut columns);
    columns
}

/// A statement with its values, whose rows are of type `T`.
pub struct Select<'a, T> {
    sql: String,
    values: Vec<Value<'a>>,
    rows: PhantomData<fn() -> T>,
}

impl<'a, T> Select<'a, T> {
    /// The placeholder of a value.
    pub fn bind(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Only rows for which `condition` (such as `id =`) is true of the value.
    pub fn with(mut self, condition: &str, value: Value<'a>) -> Select<'a, T> {
        let value = self.bind(value);
        self.only(&format!("{condition} {value}"))
    }

    /// The same if there is a value.
    pub fn with_any(self, condition: &str, value: Option<Value<'a>>) -> Select<'a, T> {
        match value {
            Some(value) => self.with(condition, value),
            None => self,
        }
    }

    /// Only rows with one of some texts in a column.
    pub fn among(mut self, column: &str, texts: &'a [String]) -> Select<'a, T> {
        let list: Vec<String> = texts.iter().map(|text| self.bind(Value::Text(text))).collect();
        self.only(&format!("{column} IN ({})", list.join(", ")))
    }

    /// Only rows for which `condition` (such as `(time, id) <`) is true of a pair of values.
    pub fn beyond(mut self, condition: &str, position: [Value<'a>; 2]) -> Select<'a, T> {
        let [first, second] = position.map(|value| self.bind(value));
        self.only(&format!("{condition} ({first}, {second})"))
    }

    /// Only rows for which `condition` is true.
    pub fn only(mut self, condition: &str) -> Select<'a, T> {
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
    ) -> Select<'a, T> {
        if let Some((time, id)) = after {
            // By time alone too, which every database finds by an index.
            self = self.with(&format!("{column} <="), Value::Int(time.micros()));
            let position = [Value::Int(time.micros()), Value::Text(id)];
            self = self.beyond(&format!("({column}, id) <"), position);
        }
        self.ordered(&format!("{column} DESC, id DESC"), limit)
    }

    /// By id, after `after_id`; at most `limit`.
    pub fn by_id(self, after_id: &'a str, limit: usize) -> Select<'a, T> {
        self.with("id >", Value::Text(after_id)).ordered("id", limit)
    }

    pub fn ordered(mut self, order: &str, limit: usize) -> Select<'a, T> {
        let limit = self.bind(limit_value(limit));
        self.sql.push_str(&format!(" ORDER BY {order} LIMIT {limit}"));
        self
    }

    /// Without a limit.
    pub fn sorted(mut self, order: &str) -> Select<'a, T> {
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(order);
        self
    }

    /// The statement that counts the rows, but no more than `most`.
    pub fn counted(mut self, most: usize) -> (SqlStr, Vec<Value<'a>>) {
        let limit = self.bind(limit_value(most));
        let rows = self.sql.find(" FROM ").map_or("", |from| &self.sql[from..]);
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1{rows} LIMIT {limit}) AS counted");
        (AssertSqlSafe(sql).into_sql_str(), self.values)
    }

    pub fn into_parts(self) -> (SqlStr, Vec<Value<'a>>) {
        (AssertSqlSafe(self.sql).into_sql_str(), self.values)
    }
}
