//! Entries of the log, each packed into one text by the database, or a page of them into one.
//!
//! Of some forty columns a driver makes as many values, and hands each row over on its own, which
//! costs more than all else where a log is read whole. A packed entry has its whole numbers, the
//! lengths of its texts in bytes, and then the texts, one after the other: no text can be taken
//! for something else, and where an entry ends the next one begins.

use std::str::FromStr;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{self, Code, Reader, time};
use super::errors::not_applied;
use super::read::limit_value;
use crate::domain::attribution::Attribution;
use crate::domain::calendar::Window;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use crate::domain::{Amount, Time};
use crate::storage::{Error, RecordPosition, Result};

/// Whole numbers, in the order in which [`Packed::record`] takes them.
const NUMBERS: [&str; 27] = [
    "seq",
    "attempt",
    "revision",
    "kind",
    "tier",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "outcome",
    "source",
    "cost_nanos",
    "CASE WHEN unpriced THEN 1 ELSE 0 END",
    "exchange_rate_nanos",
    "charge_time",
    "hour",
    "day",
    "start_time",
    "record_time",
    "latency",
    "fingerprint",
];
/// Texts, likewise. The workspace is that of all.
const TEXTS: [&str; 15] = [
    "request_id",
    "model_id",
    "metered_model_id",
    "price_id",
    "user_id",
    "department_id",
    "api_key_id",
    "assistant_id",
    "workflow_id",
    "feature_id",
    "project_id",
    "investigation_id",
    "session_id",
    "tags",
    "key_group_id",
];

/// Most of what cannot be read that an error shows.
const QUOTED_CHARS_MAX: usize = 200;

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_packed(
        &self,
        workspace_id: &str,
        window: Window,
        after: Option<RecordPosition>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let earliest = RecordPosition { charge_time: Time::from_micros(i64::MIN), seq: i64::MIN };
        let after = after.unwrap_or(earliest);
        let values = [
            Value::Text(workspace_id),
            // What is before the position is left out by time too, as in listings.
            time(window.start.max(after.charge_time)),
            time(window.end),
            time(after.charge_time),
            Value::Int(after.seq),
            limit_value(limit),
        ];
        let workspace_id: Arc<str> = workspace_id.into();
        let sql = AssertSqlSafe(statement(DB::PACKS_PAGES)).into_sql_str();
        let mut records = Vec::new();
        let mut reader = self.readers.acquire().await.map_err(not_applied)?;
        DB::each(&mut reader, sql, &values, &mut |row| {
            // A page without entries is no text.
            let packed = Reader::<DB>::new(row).optional_text()?.unwrap_or_default();
            unpack(packed, &workspace_id, &mut records)?;
            Ok(true)
        })
        .await?;
        // A database may put together in any order.
        records.sort_unstable_by_key(|record| (record.charge_time, record.seq));
        Ok(records)
    }
}

/// Reads entries, packed one by one or all into one.
fn statement(packs_page: bool) -> String {
    let lengths = TEXTS.map(|text| format!("OCTET_LENGTH({text})"));
    let entries = format!(
        "SELECT CONCAT_WS(' ', {}, {}, CONCAT({})) AS entry FROM usage_records \
         WHERE workspace_id = $1 AND charge_time >= $2 AND charge_time < $3 \
         AND (charge_time, seq) > ($4, $5) ORDER BY charge_time, seq LIMIT $6",
        NUMBERS.join(", "),
        lengths.join(", "),
        TEXTS.join(", ")
    );
    if packs_page {
        format!("SELECT STRING_AGG(entry, '') FROM ({entries}) AS page")
    } else {
        entries
    }
}

fn unpack(mut page: &str, workspace_id: &Arc<str>, records: &mut Vec<Record>) -> Result<()> {
    while !page.is_empty() {
        let (packed, rest) = Packed::first_of(page).ok_or_else(|| corrupt(page))?;
        records.push(packed.record(workspace_id)?);
        page = rest;
    }
    Ok(())
}

/// What is left of an entry to be read.
struct Packed<'t> {
    numbers: std::array::IntoIter<i64, { NUMBERS.len() }>,
    lengths: std::array::IntoIter<usize, { TEXTS.len() }>,
    texts: &'t str,
}

impl<'t> Packed<'t> {
    /// The first entry, and what comes after it.
    fn first_of(page: &'t str) -> Option<(Packed<'t>, &'t str)> {
        let mut rest = page;
        let (mut numbers, mut lengths) = ([0; NUMBERS.len()], [0; TEXTS.len()]);
        for number in &mut numbers {
            *number = next(&mut rest)?;
        }
        for length in &mut lengths {
            *length = next(&mut rest)?;
        }
        let length = lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length))?;
        let (texts, rest) = rest.split_at_checked(length)?;
        let (numbers, lengths) = (numbers.into_iter(), lengths.into_iter());
        Some((Packed { numbers, lengths, texts }, rest))
    }

    fn record(mut self, workspace_id: &Arc<str>) -> Result<Record> {
        Ok(Record {
            workspace_id: workspace_id.clone(),
            seq: self.number(),
            attempt: codec::small_int(self.number())?,
            revision: codec::small_int(self.number())?,
            kind: RecordKind::from_code(self.number())?,
            tier: ServiceTier::from_code(self.number())?,
            usage: Usage { tokens: [(); TokenClass::COUNT].map(|()| self.number()) },
            outcome: Outcome::from_code(self.number())?,
            source: UsageSource::from_code(self.number())?,
            cost: Amount::from_nanos(self.number()),
            unpriced: self.number() == 1,
            exchange_rate: codec::rate(self.number())?,
            charge_time: Time::from_micros(self.number()),
            hour: Time::from_micros(self.number()),
            day: Time::from_micros(self.number()),
            start_time: Time::from_micros(self.number()),
            record_time: Time::from_micros(self.number()),
            latency: self.number(),
            fingerprint: self.number(),
            request_id: self.text()?.into(),
            model_id: self.text()?.into(),
            metered_model_id: self.text()?.into(),
            price_id: Some(self.text()?).filter(|id| !id.is_empty()).map(Arc::from),
            attribution: Attribution {
                user_id: self.text()?.to_owned(),
                department_id: self.text()?.to_owned(),
                api_key_id: self.text()?.to_owned(),
                assistant_id: self.text()?.to_owned(),
                workflow_id: self.text()?.to_owned(),
                feature_id: self.text()?.to_owned(),
                project_id: self.text()?.to_owned(),
                investigation_id: self.text()?.to_owned(),
                session_id: self.text()?.to_owned(),
                tags: codec::read_tags(self.text()?)?,
            },
            key_group_id: self.text()?.into(),
        })
    }

    fn number(&mut self) -> i64 {
        self.numbers.next().expect("each is taken once")
    }

    fn text(&mut self) -> Result<&'t str> {
        let length = self.lengths.next().expect("each is taken once");
        let Some((text, rest)) = self.texts.split_at_checked(length) else {
            return Err(corrupt(self.texts));
        };
        self.texts = rest;
        Ok(text)
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
    Error::Corrupt(format!("\"{begin}\" is no packed entry"))
}

#[cfg(test)]
mod tests {
    use sqlx::{Row, Sqlite};

    use super::*;

    #[tokio::test]
    async fn a_page_is_found_by_time_and_needs_no_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = SqlStore::<Sqlite>::serve(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement(true)));
        let rows = store.read(sql.into_sql_str(), &[]).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let by_time = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";
        assert_eq!(steps, ["CO-ROUTINE page", by_time, "SCAN page"]);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let numbers = vec!["1"; NUMBERS.len()].join(" ");
        let lengths = |first: &str| format!("{first}{}", " 0".repeat(TEXTS.len() - 1));
        let workspace_id: Arc<str> = "w".into();
        let read = |page: &str| {
            let mut records = Vec::new();
            unpack(page, &workspace_id, &mut records).ok().map(|()| records)
        };
        let entry = |text: &str| format!("{numbers} {} {text}", lengths(&text.len().to_string()));
        let ids = |page: &str| {
            let records = read(page)?;
            Some(records.iter().map(|record| record.request_id.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(ids(""), Some(vec![]));
        assert_eq!(ids(&entry("ü")), Some(vec!["ü".to_owned()]));
        let two = entry("1 2 ") + &entry("") + &entry("ü");
        assert_eq!(ids(&two), Some(["1 2 ", "", "ü"].map(str::to_owned).to_vec()));
        for (first, texts) in [("1", "ü"), ("3", "ü"), ("1", ""), ("1", "ab"), ("-1", ""), ("", "")]
        {
            assert_eq!(read(&format!("{numbers} {} {texts}", lengths(first))), None, "{first}");
        }
        assert_eq!(read(&two[..two.len() - 'ü'.len_utf8()]), None);
    }
}
