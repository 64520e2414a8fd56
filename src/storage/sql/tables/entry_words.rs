//! The words by which entries of the directory are found.

use sqlx::AssertSqlSafe;

use crate::domain::Coded;
use crate::domain::attribution::EntryKind;
use crate::domain::attribution::directory::Entry;
use crate::storage::Result;
use crate::storage::rollup::SeenRow;
use crate::storage::search::{COUNT_MAX, Search, after_all_with, words_of};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::{Session, Write};
use crate::storage::sql::connection::snapshot::Snapshot;
use crate::storage::sql::row::{Value, code, limit_value};
use crate::storage::sql::statement::Values;
use crate::storage::sql::table::Select;

const INSERT: &str = "INSERT INTO entry_words (workspace_id, kind, id, word)";
const ONCE: &str = "ON CONFLICT (workspace_id, kind, id, word) DO NOTHING";
const DELETE: &str = "DELETE FROM entry_words WHERE workspace_id = $1 AND kind = $2 AND id = $3";
/// Entries that are given their words in one transaction.
const PAGE_ENTRIES: i64 = 1_000;
/// Most rows that one statement looks up; a power of two.
const LOOKUP_MAX: usize = 128;

/// To where the entries of a word are counted, to find the rarest of several.
const RANKED_MAX: usize = 100_000;

/// Spans of words: each begins with one that is searched for.
pub struct Spans(Vec<(String, Option<String>)>);

/// Replaces the words of entries that are registered.
pub async fn put_words<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    entries: &[Entry],
) -> Result<()> {
    for entry in entries {
        let key = [Value::Text(workspace_id), code(entry.kind), Value::Text(&entry.id)];
        write.execute(DELETE, &key).await?;
    }
    let texts = |entry: &Entry| words_of([&*entry.id, &*entry.display_name, &*entry.external_id]);
    let rows = entries.iter().map(|entry| (workspace_id, entry.kind, &*entry.id, texts(entry)));
    add(write, rows).await
}

/// Adds the words of ids that are seen for the first time. Before they are noted as seen.
pub async fn add_seen<DB: Backend>(write: &mut Write<'_, DB>, seen: &[SeenRow]) -> Result<()> {
    let kind_of =
        |row: &SeenRow| EntryKind::ALL.into_iter().find(|kind| kind.dimension() == row.dimension);
    let rows: Vec<(EntryKind, &SeenRow)> =
        seen.iter().filter_map(|row| Some((kind_of(row)?, row))).collect();
    let mut fresh = Vec::new();
    for part in rows.chunks(LOOKUP_MAX) {
        let known = known(write, part).await?;
        fresh.extend(part.iter().enumerate().filter(|(index, _)| !known.contains(index)));
    }
    let rows = fresh
        .iter()
        .map(|(_, (kind, row))| (&*row.workspace_id, *kind, &*row.value, words_of([&*row.value])));
    add(write, rows).await
}

/// The places of those that were seen before.
async fn known<DB: Backend>(
    write: &mut Write<'_, DB>,
    rows: &[(EntryKind, &SeenRow)],
) -> Result<Vec<usize>> {
    let (mut keys, mut values) = (Vec::with_capacity(rows.len()), Vec::new());
    for (index, (_, row)) in rows.iter().enumerate() {
        let mut key = format!("({index}");
        for value in
            [Value::Shared(&row.workspace_id), code(row.dimension), Value::Shared(&row.value)]
        {
            key.push_str(", ");
            DB::placeholder(values.len(), &mut key);
            values.push(value);
        }
        keys.push(key + ")");
    }
    // CROSS JOIN, so that SQLite goes from the keys to the table and never the other way.
    let sql = format!(
        "WITH keys (place, workspace, kind, name) AS (VALUES {}) \
         SELECT CAST(place AS BIGINT) FROM keys CROSS JOIN seen \
         WHERE workspace_id = workspace AND dimension = kind AND value = name",
        keys.join(", ")
    );
    let found: Vec<i64> = write.rows(AssertSqlSafe(sql), &values).await?;
    Ok(found.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Removes the words of a user that is erased, and adds those of its pseudonym.
pub async fn rename_user<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    id: &str,
    pseudonym: &str,
) -> Result<()> {
    let key = [Value::Text(workspace_id), code(EntryKind::User), Value::Text(id)];
    write.execute(DELETE, &key).await?;
    let words = words_of([pseudonym]);
    add(write, std::iter::once((workspace_id, EntryKind::User, pseudonym, words))).await
}

async fn add<'v, DB: Backend>(
    write: &mut Write<'_, DB>,
    rows: impl Iterator<Item = (&'v str, EntryKind, &'v str, std::collections::BTreeSet<String>)>,
) -> Result<()> {
    let mut values = Vec::new();
    for (workspace_id, kind, id, words) in rows {
        for word in words {
            values.extend([
                Value::Text(workspace_id),
                code(kind),
                Value::Text(id),
                Value::Owned(word),
            ]);
        }
    }
    write.insert_many(INSERT, 4, ONCE, &values).await
}

/// Gives entries from before there were words theirs, a part in each transaction.
pub async fn complete<DB: Backend>(session: &Session<DB>) -> Result<()> {
    let mut write = session.begin().await?;
    let is_complete: bool =
        write.row("SELECT is_complete FROM entry_words_state WHERE id = 1", &[]).await?;
    write.commit().await?;
    if is_complete {
        return Ok(());
    }
    for table in [Source::Registered, Source::Seen] {
        let mut after = Some((String::new(), -1, String::new()));
        while let Some(position) = after.take() {
            let mut write = session.begin().await?;
            write.allow_long_statements();
            after = table.add_page(&mut write, position).await?;
            write.commit().await?;
        }
    }
    let mut write = session.begin().await?;
    write.execute("UPDATE entry_words_state SET is_complete = TRUE WHERE id = 1", &[]).await?;
    write.commit().await
}

/// Where entries come from that have no words yet.
#[derive(Clone, Copy)]
enum Source {
    Registered,
    Seen,
}

/// Workspace, code of the kind or the dimension, id.
type Position = (String, i64, String);

impl Source {
    /// Adds the words of the entries after a position. Returns that of the last one.
    async fn add_page<DB: Backend>(
        self,
        write: &mut Write<'_, DB>,
        (workspace_id, number, id): Position,
    ) -> Result<Option<Position>> {
        let (columns, table, kind) = match self {
            Source::Registered => ("kind, id, display_name, external_id", "directory", "kind, id"),
            Source::Seen => ("dimension, value, '', ''", "seen", "dimension, value"),
        };
        let sql = format!(
            "SELECT workspace_id, {columns} FROM {table} \
             WHERE (workspace_id, {kind}) > ($1, $2, $3) ORDER BY workspace_id, {kind} LIMIT $4"
        );
        let values = [
            Value::Text(&workspace_id),
            Value::Int(number),
            Value::Text(&id),
            Value::Int(PAGE_ENTRIES),
        ];
        let page: Vec<(String, i64, String, String, String)> =
            write.rows(AssertSqlSafe(sql), &values).await?;
        let rows = page.iter().filter_map(|(workspace_id, number, id, name, external_id)| {
            let words = words_of([id.as_str(), name, external_id]);
            Some((workspace_id.as_str(), self.kind(*number)?, id.as_str(), words))
        });
        add(write, rows).await?;
        let last = page.into_iter().next_back();
        Ok(last.map(|(workspace_id, number, id, ..)| (workspace_id, number, id)))
    }

    fn kind(self, number: i64) -> Option<EntryKind> {
        match self {
            Source::Registered => EntryKind::from_code(number),
            Source::Seen => {
                EntryKind::ALL.into_iter().find(|kind| kind.dimension().code() == number)
            }
        }
    }
}

fn distinct(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Spans {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn of(search: &Search) -> Spans {
        Spans(search.words().iter().map(|word| (word.clone(), after_all_with(word))).collect())
    }

    /// The ids that are found, by id, if they are at most [`COUNT_MAX`]: a list looks these up;
    /// otherwise it looks whether each of its entries is found.
    pub async fn found<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        of_kind: (&str, EntryKind),
    ) -> Result<Option<Vec<String>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let ids = self.ids(snapshot, of_kind, "TRUE", COUNT_MAX + 1).await?;
        Ok((ids.len() <= COUNT_MAX).then(|| distinct(ids)))
    }

    /// How many of those that are found have no entry in the directory for which `never` is true,
    /// counted to [`COUNT_MAX`].
    pub async fn count_without<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        of_kind: (&str, EntryKind),
        never: &str,
    ) -> Result<usize> {
        let condition = format!(
            "NOT EXISTS (SELECT 1 FROM directory \
             WHERE directory.workspace_id = entry_words.workspace_id \
             AND directory.kind = entry_words.kind AND directory.id = entry_words.id AND {never})"
        );
        // Some have several words that are meant.
        let ids = self.ids(snapshot, of_kind, &condition, 2 * COUNT_MAX).await?;
        Ok(distinct(ids).len().min(COUNT_MAX))
    }

    /// At most `most` ids that are found and meet a condition, in no order, and some of them
    /// repeatedly. Goes through the rarest of the words.
    async fn ids<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        of_kind: (&str, EntryKind),
        condition: &str,
        most: usize,
    ) -> Result<Vec<String>> {
        let rarest = self.rarest(snapshot, of_kind).await?;
        let mut values = Values::default();
        let mut conditions = vec![self.within("", rarest, of_kind, &mut values)];
        for other in (0..self.0.len()).filter(|other| *other != rarest) {
            let span = self.within("other.", other, of_kind, &mut values);
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM entry_words AS other \
                 WHERE {span} AND other.id = entry_words.id)"
            ));
        }
        conditions.push(condition.to_owned());
        let most = values.bind(limit_value(most));
        // Not sorted, and not made distinct: SQLite would go through all words in the order of ids.
        let sql =
            format!("SELECT id FROM entry_words WHERE {} LIMIT {most}", conditions.join(" AND "));
        snapshot.rows(AssertSqlSafe(sql), values.as_slice()).await
    }

    /// The word that fewest entries have, as far as they are counted.
    async fn rarest<DB: Backend>(
        &self,
        snapshot: &mut Snapshot<DB>,
        of_kind: (&str, EntryKind),
    ) -> Result<usize> {
        let mut rarest = (i64::MAX, 0);
        for index in 0..self.0.len() {
            // A single one needs no comparison.
            if self.0.len() == 1 {
                return Ok(0);
            }
            let mut values = Values::default();
            let span = self.within("", index, of_kind, &mut values);
            let most = values.bind(limit_value(RANKED_MAX));
            let sql = format!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM entry_words WHERE {span} LIMIT {most}) AS few"
            );
            let count: i64 = snapshot.row(AssertSqlSafe(sql), values.as_slice()).await?;
            rarest = rarest.min((count, index));
        }
        Ok(rarest.1)
    }

    /// Only entries that are found; `id` is the column of their id.
    pub fn restrict<'a, T>(
        &'a self,
        mut select: Select<'a, T>,
        table: &str,
        id: &str,
        kind: EntryKind,
    ) -> Select<'a, T> {
        for (from, to) in &self.0 {
            let from = select.bind(Value::Text(from));
            let to = to.as_ref().map(|to| select.bind(Value::Text(to)));
            let to = to.map_or_else(String::new, |to| format!(" AND word < {to}"));
            select = select.only(&format!(
                "EXISTS (SELECT 1 FROM entry_words AS words \
                 WHERE words.workspace_id = {table}.workspace_id AND words.kind = {} \
                 AND words.id = {table}.{id} AND word >= {from}{to})",
                kind.code()
            ));
        }
        select
    }

    /// The condition that a row has a word of a span.
    fn within<'a>(
        &'a self,
        table: &str,
        index: usize,
        (workspace_id, kind): (&'a str, EntryKind),
        values: &mut Values<'a>,
    ) -> String {
        let (from, to) = &self.0[index];
        let (workspace, kind) = (values.text(workspace_id), values.bind(code(kind)));
        let from = values.text(from);
        let to = to.as_ref().map(|to| format!(" AND {table}word < {}", values.text(to)));
        format!(
            "{table}workspace_id = {workspace} AND {table}kind = {kind} \
             AND {table}word >= {from}{}",
            to.unwrap_or_default()
        )
    }
}
