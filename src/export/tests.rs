//! The formats, cell by cell: files are read back by other code.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use async_trait::async_trait;
use chrono::NaiveDate;

use super::parquet::{DECIMAL_DIGITS, ROW_GROUP_ROWS_MAX};
use super::sink::{AMOUNT, Kind};
use super::*;
use crate::domain::{Amount, Time};
use crate::storage::Error as StorageError;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> Time {
    Time::from_utc(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

/// All bytes of a complete file.
fn bytes(mut writer: RowWriter) -> Vec<u8> {
    writer.finish().unwrap();
    let mut bytes = Vec::new();
    while writer.ready() > 0 {
        bytes.extend(writer.take(7));
    }
    bytes
}

fn csv(columns: Vec<Column>, rows: impl FnOnce(&mut RowWriter)) -> String {
    let mut out = Format::Csv.writer(columns).unwrap();
    rows(&mut out);
    String::from_utf8(bytes(out)).unwrap()
}

#[test]
fn texts_are_quoted_and_formulas_are_texts() {
    let check = |text: &str, expected: &str| {
        let file = csv(vec![Column::new("a", Kind::Text), Column::new("b", Kind::Text)], |out| {
            out.text(text);
            out.text("end");
            out.end_row();
        });
        assert_eq!(file, format!("a,b\r\n{expected},end\r\n"), "{text:?}");
    };
    check("plain", "plain");
    check("", "");
    check("a,b", "\"a,b\"");
    check("say \"hi\"", "\"say \"\"hi\"\"\"");
    check("two\nlines", "\"two\nlines\"");
    check("two\r\nlines", "\"two\r\nlines\"");
    check("größer, 日本語 🙂", "\"größer, 日本語 🙂\"");
    for start in ["=", "+", "-", "@"] {
        check(&format!("{start}1+1"), &format!("'{start}1+1"));
    }
    check("\tx", "'\tx");
    check("\rx", "\"'\rx\"");
    check("\nx", "\"'\nx\"");
    check("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
    check("a=1", "a=1");
    check("'=1", "'=1");
}

#[test]
fn names_of_columns_are_texts_too() {
    let columns = vec![Column::named("=cmd".to_owned(), Kind::Text)];
    assert_eq!(csv(columns, |_| {}), "'=cmd\r\n");
}

#[test]
fn numbers_are_numbers_also_below_zero() {
    let columns = vec![
        Column::new("integer", Kind::Integer),
        Column::new("amount", AMOUNT),
        Column::new("millions", Kind::Decimal(6)),
        Column::new("whole", Kind::Decimal(0)),
        Column::new("number", Kind::Number),
    ];
    let check = |scaled: i64, number: f64, expected: &str| {
        let file = csv(columns.clone(), |out| {
            out.integer(scaled);
            out.decimal(scaled);
            out.decimal(scaled);
            out.decimal(scaled);
            out.number(number);
            out.end_row();
        });
        assert_eq!(file.lines().nth(1).unwrap(), expected);
    };
    check(0, 0.0, "0,0.00,0,0,0");
    check(-1, -0.5, "-1,-0.000000001,-0.000001,-1,-0.5");
    check(1_500_000_000, 1e21, "1500000000,1.50,1500,1500000000,1000000000000000000000");
    check(-1_234_567_891, 66.666, "-1234567891,-1.234567891,-1234.567891,-1234567891,66.666");
    check(
        i64::MIN,
        1e-7,
        "-9223372036854775808,-9223372036.854775808,-9223372036854.775808,\
         -9223372036854775808,0.0000001",
    );
    for nanos in [0, 5, 100, 10_000_000, 120_000_000, 1_000_000_000, -2_500_000_000] {
        let file = csv(vec![Column::new("amount", AMOUNT)], |out| {
            out.decimal(nanos);
            out.end_row();
        });
        let expected = Amount::from_nanos(nanos).to_text();
        assert_eq!(file, format!("amount\r\n{expected}\r\n"), "as in the API");
    }
}

#[test]
fn times_are_in_utc_and_dates_are_plain() {
    let columns = vec![
        Column::new("time", Kind::Time),
        Column::new("second", Kind::Second),
        Column::new("date", Kind::Date),
        Column::new("flag", Kind::Boolean),
        Column::optional("absent", Kind::Integer),
    ];
    let check = |text: &str, expected: &str| {
        let file = csv(columns.clone(), |out| {
            out.time(at(text));
            out.time(at(text));
            out.date(date(&text[..10]));
            out.boolean(true);
            out.absent();
            out.end_row();
        });
        assert_eq!(file.lines().nth(1).unwrap(), expected);
    };
    check(
        "2026-02-28T23:59:59.000001Z",
        "2026-02-28T23:59:59.000001Z,2026-02-28T23:59:59Z,2026-02-28,true,",
    );
    check(
        "1969-12-31T00:00:00Z",
        "1969-12-31T00:00:00.000000Z,1969-12-31T00:00:00Z,1969-12-31,true,",
    );
    check(
        "2028-02-29T12:00:00.999999Z",
        "2028-02-29T12:00:00.999999Z,2028-02-29T12:00:00Z,2028-02-29,true,",
    );
}

fn all_kinds() -> Vec<Column> {
    vec![
        Column::new("text", Kind::Text),
        Column::optional("optional_text", Kind::Text),
        Column::new("integer", Kind::Integer),
        Column::optional("amount", AMOUNT),
        Column::new("number", Kind::Number),
        Column::new("time", Kind::Time),
        Column::optional("date", Kind::Date),
        Column::optional("flag", Kind::Boolean),
    ]
}

fn add(out: &mut RowWriter, index: i64) {
    let there = index % 3 != 0;
    out.text(&format!("=text {index}"));
    out.optional_text(if there { "é" } else { "" });
    out.integer(index);
    out.optional_decimal(there.then_some(-index));
    out.number(index as f64 / 2.0);
    out.time(Time::from_micros(index));
    if there {
        out.date(NaiveDate::from_epoch_days(index as i32).unwrap());
        out.boolean(index % 2 == 0);
    } else {
        out.absent();
        out.absent();
    }
    out.end_row();
}

#[test]
fn parquet_is_read_back_as_it_was_written() {
    let mut out = Format::Parquet.writer(all_kinds()).unwrap();
    for index in 0..10 {
        add(&mut out, index);
    }
    let mut written = tempfile::tempfile().unwrap();
    written.write_all(&bytes(out)).unwrap();
    let reader = SerializedFileReader::new(written).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let logical: Vec<Option<LogicalType>> =
        schema.columns().iter().map(|column| column.logical_type_ref().cloned()).collect();
    assert_eq!(
        logical,
        [
            Some(LogicalType::String),
            Some(LogicalType::String),
            Some(LogicalType::integer(64, true)),
            Some(LogicalType::decimal(9, DECIMAL_DIGITS as i32)),
            None,
            Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            Some(LogicalType::Date),
            None,
        ]
    );
    let mut count = 0;
    for (index, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        let cells: Vec<Field> = row.get_column_iter().map(|(_, cell)| cell.clone()).collect();
        let index = index as i64;
        // No guard against formulas: nothing runs them.
        assert_eq!(cells[0], Field::Str(format!("=text {index}")));
        assert_eq!(cells[2], Field::Long(index));
        assert_eq!(cells[4], Field::Double(index as f64 / 2.0));
        assert_eq!(cells[5], Field::TimestampMicros(index));
        let absent = [&cells[1], &cells[3], &cells[6], &cells[7]];
        if index % 3 == 0 {
            assert!(absent.iter().all(|cell| **cell == Field::Null), "{cells:?}");
        } else {
            assert_eq!(cells[1], Field::Str("é".to_owned()));
            assert_eq!(cells[6], Field::Date(index as i32));
            assert_eq!(cells[7], Field::Bool(index % 2 == 0));
            let Field::Decimal(decimal) = &cells[3] else { panic!("{cells:?}") };
            let bytes: [u8; 8] = decimal.data().try_into().unwrap();
            assert_eq!(i64::from_be_bytes(bytes), -index);
        }
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn an_amount_that_overflows_the_decimal_is_refused() {
    let mut out = Format::Parquet.writer(vec![Column::new("amount", AMOUNT)]).unwrap();
    out.decimal(999_999_999_999_999_999);
    out.end_row();
    out.flush().unwrap();
    out.decimal(-1_000_000_000_000_000_000);
    out.end_row();
    assert!(matches!(out.finish(), Err(Error::DecimalTooLarge)));
}

/// Endless rows, or rows up to a failure.
struct Endless {
    fails_after: usize,
    pages: Arc<AtomicUsize>,
}

const PAGE_ROWS: usize = 1_000;

#[async_trait]
impl RowSource for Endless {
    fn columns(&self) -> Vec<Column> {
        all_kinds()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let page = self.pages.fetch_add(1, Ordering::Relaxed);
        if page >= self.fails_after {
            return Err(Error::Storage(StorageError::Corrupt("broken".to_owned())));
        }
        for index in 0..PAGE_ROWS {
            add(out, (page * PAGE_ROWS + index) as i64);
        }
        Ok(true)
    }
}

fn endless(format: Format, fails_after: usize) -> (Export, Arc<AtomicUsize>) {
    let pages = Arc::new(AtomicUsize::new(0));
    let source = Endless { fails_after, pages: Arc::clone(&pages) };
    (Export::new("rows", format, Box::new(source)).unwrap(), pages)
}

#[tokio::test]
async fn nothing_is_read_ahead_of_the_reader() {
    let (mut export, pages) = endless(Format::Csv, usize::MAX);
    assert_eq!(pages.load(Ordering::Relaxed), 0);
    for chunks in 1..=5 {
        let chunk = export.next_chunk().await.unwrap().unwrap();
        assert_eq!(chunk.len(), CHUNK_BYTES_MAX);
        // A row has about fifty bytes: no more than a page ahead.
        let rows = pages.load(Ordering::Relaxed) * PAGE_ROWS;
        assert!(rows * 50 <= (chunks + 1) * CHUNK_BYTES_MAX, "{rows} {chunks}");
    }
}

#[tokio::test]
async fn a_row_group_is_written_when_it_is_full() {
    let (mut export, pages) = endless(Format::Parquet, usize::MAX);
    let first = export.next_chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"PAR1"));
    let rows = pages.load(Ordering::Relaxed) * PAGE_ROWS;
    assert!((ROW_GROUP_ROWS_MAX..ROW_GROUP_ROWS_MAX + PAGE_ROWS).contains(&rows), "{rows}");
}

#[tokio::test]
async fn a_failure_ends_the_file_and_nothing_follows_it() {
    for format in [Format::Csv, Format::Parquet] {
        let (mut export, _) = endless(format, 40);
        let mut bytes = Vec::new();
        let failure = loop {
            match export.next_chunk().await {
                Ok(chunk) => bytes.extend(chunk.expect("it does not end")),
                Err(failure) => break failure,
            }
        };
        assert!(matches!(failure, Error::Storage(_)), "{failure}");
        assert!(export.next_chunk().await.is_err());
        assert!(!bytes.ends_with(b"PAR1"), "no whole file");
    }
}
