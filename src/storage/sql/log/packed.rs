//! Packed records: the database concatenates each record, or a page of them, into one text.
//!
//! A driver makes a value of each of some forty columns, and passes on each row by itself, which
//! costs more than everything else where the whole log is read. A packed record has its whole
//! numbers, the lengths of its texts in bytes, and then the texts, one after the other: texts need
//! no escaping, and where a record ends the next one begins.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use sqlx::{AssertSqlSafe, Pool, SqlSafeStr};

use super::RECORDS;
use crate::domain::Time;
use crate::domain::record::Record;
use crate::domain::time::calendar::Window;
use crate::storage::log::RecordPosition;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::errors::not_applied;
use crate::storage::sql::row::{FromRow, Kind, Reader, Value, limit_value, time};
use crate::storage::{Error, Result};

/// Most of what cannot be read that an error shows.
const QUOTED_CHARS_MAX: usize = 200;

/// How the columns of a record are packed.
struct Layout {
    /// Whole numbers, as they are selected.
    numbers: Vec<String>,
    /// Texts, but that of the workspace, which all records have in common.
    texts: Vec<&'static str>,
}

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let mut layout = Layout { numbers: Vec::new(), texts: Vec::new() };
    for column in RECORDS.columns() {
        let name = column.name;
        match column.kind {
            Kind::Int => layout.numbers.push(name.to_owned()),
            Kind::Flag => layout.numbers.push(format!("CASE WHEN {name} THEN 1 ELSE 0 END")),
            Kind::Text => layout.texts.push(name),
        }
    }
    // [`Packed`] gives the workspace as the first text.
    assert_eq!(layout.texts.remove(0), "workspace_id", "the first text of a record");
    layout
});

/// See [`crate::storage::log::LogStore::export_records`].
pub async fn read<DB: Backend>(
    readers: &Pool<DB>,
    workspace_id: &str,
    window: Window,
    after: Option<RecordPosition>,
    limit: usize,
) -> Result<Vec<Record>> {
    let earliest = RecordPosition { charge_time: Time::from_micros(i64::MIN), seq: i64::MIN };
    let after = after.unwrap_or(earliest);
    let values = [
        Value::Text(workspace_id),
        // What is before the position is excluded by time too, as in lists.
        time(window.start.max(after.charge_time)),
        time(window.end),
        time(after.charge_time),
        Value::Int(after.seq),
        limit_value(limit),
    ];
    let workspace_id: Arc<str> = workspace_id.into();
    let sql = AssertSqlSafe(statement(DB::PACKS_PAGES)).into_sql_str();
    let mut records = Vec::new();
    let mut reader = readers.acquire().await.map_err(not_applied)?;
    DB::each(&mut reader, sql, &values, &mut |mut row| {
        // A page without records is NULL.
        let packed = row.text()?.unwrap_or_default();
        unpack(packed, &workspace_id, &mut records)?;
        Ok(true)
    })
    .await?;
    // A database may aggregate in any order.
    records.sort_unstable_by_key(|record| (record.charge_time, record.seq));
    Ok(records)
}

/// Selects records, packed one by one or all into one.
fn statement(packs_page: bool) -> String {
    let Layout { numbers, texts } = &*LAYOUT;
    let lengths: Vec<String> = texts.iter().map(|text| format!("OCTET_LENGTH({text})")).collect();
    let records = format!(
        "SELECT CONCAT_WS(' ', {}, {}, CONCAT({})) AS record FROM usage_records \
         WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 \
         AND (charge_time, seq) > ($4, $5) ORDER BY charge_time, seq LIMIT $6",
        numbers.join(", "),
        lengths.join(", "),
        texts.join(", ")
    );
    if packs_page {
        format!("SELECT STRING_AGG(record, '') FROM ({records}) AS page")
    } else {
        records
    }
}

fn unpack(mut page: &str, workspace_id: &Arc<str>, records: &mut Vec<Record>) -> Result<()> {
    let (mut numbers, mut lengths) = (Vec::new(), Vec::new());
    while !page.is_empty() {
        let (texts, rest) =
            split_first(page, &mut numbers, &mut lengths).ok_or_else(|| corrupt(page))?;
        let mut packed = Packed {
            numbers: numbers.iter(),
            lengths: lengths.iter(),
            texts,
            workspace_id: Some(workspace_id),
        };
        records.push(Record::read(&mut packed)?);
        page = rest;
    }
    Ok(())
}

/// Splits off the first record: its texts, and what comes after it. Fills its numbers and the
/// lengths of its texts.
fn split_first<'t>(
    page: &'t str,
    numbers: &mut Vec<i64>,
    lengths: &mut Vec<usize>,
) -> Option<(&'t str, &'t str)> {
    let mut rest = page;
    numbers.clear();
    for _number in &LAYOUT.numbers {
        numbers.push(next(&mut rest)?);
    }
    lengths.clear();
    let mut sum = 0_usize;
    for _text in &LAYOUT.texts {
        let length = next(&mut rest)?;
        sum = sum.checked_add(length)?;
        lengths.push(length);
    }
    rest.split_at_checked(sum)
}

/// Reads a packed record.
struct Packed<'t> {
    numbers: std::slice::Iter<'t, i64>,
    lengths: std::slice::Iter<'t, usize>,
    texts: &'t str,
    /// Until it is taken.
    workspace_id: Option<&'t Arc<str>>,
}

impl<'t> Reader<'t> for Packed<'t> {
    fn int(&mut self) -> Result<Option<i64>> {
        Ok(self.numbers.next().copied())
    }

    fn flag(&mut self) -> Result<Option<bool>> {
        Ok(self.int()?.map(|number| number == 1))
    }

    fn text(&mut self) -> Result<Option<&'t str>> {
        let Some(length) = self.lengths.next() else { return Ok(None) };
        let Some((text, rest)) = self.texts.split_at_checked(*length) else {
            return Err(corrupt(self.texts));
        };
        self.texts = rest;
        Ok(Some(text))
    }

    fn shared(&mut self) -> Result<Option<Arc<str>>> {
        match self.workspace_id.take() {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(self.text()?.map(Arc::from)),
        }
    }
}

/// The number before the next space.
fn next<T: FromStr>(rest: &mut &str) -> Option<T> {
    let (number, after) = rest.split_once(' ')?;
    *rest = after;
    number.parse().ok()
}

fn corrupt(packed: &str) -> Error {
    let begin: String = packed.chars().take(QUOTED_CHARS_MAX).collect();
    Error::Corrupt(format!("\"{begin}\" is no packed record"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::tests::Planner;

    #[tokio::test]
    async fn a_page_is_found_by_time_and_needs_no_sorting() {
        let steps = Planner::new().await.plan(&statement(true)).await;
        let by_time = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        assert_eq!(steps, ["CO-ROUTINE page", by_time, "SCAN page"]);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let numbers = vec!["1"; LAYOUT.numbers.len()].join(" ");
        let lengths = |first: &str| format!("{first}{}", " 0".repeat(LAYOUT.texts.len() - 1));
        let workspace_id: Arc<str> = "w".into();
        let read = |page: &str| {
            let mut records = Vec::new();
            unpack(page, &workspace_id, &mut records).ok().map(|()| records)
        };
        let packed = |text: &str| format!("{numbers} {} {text}", lengths(&text.len().to_string()));
        let ids = |page: &str| {
            let records = read(page)?;
            Some(records.iter().map(|record| record.request_id.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(ids(""), Some(vec![]));
        assert_eq!(ids(&packed("ü")), Some(vec!["ü".to_owned()]));
        let two = packed("1 2 ") + &packed("") + &packed("ü");
        assert_eq!(ids(&two), Some(["1 2 ", "", "ü"].map(str::to_owned).to_vec()));
        for (first, texts) in [("1", "ü"), ("3", "ü"), ("1", ""), ("1", "ab"), ("-1", ""), ("", "")]
        {
            assert_eq!(read(&format!("{numbers} {} {texts}", lengths(first))), None, "{first}");
        }
        assert_eq!(read(&two[..two.len() - 'ü'.len_utf8()]), None);
    }
}
