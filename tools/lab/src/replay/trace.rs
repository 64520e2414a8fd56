//! A recorded trace of LLM requests, as CSV: `TIMESTAMP,ContextTokens,GeneratedTokens`.
//!
//! A line that is not as expected ends the reading: half a trace would give figures that look
//! right.

use std::io::Read;
use std::time::Duration;

use chrono::NaiveDateTime;

/// The first line of a trace.
pub const HEADER: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Most requests of one trace.
pub const ROWS_MAX: usize = 10_000_000;

/// Most tokens in one field; the service's own bound.
pub const TOKENS_MAX: i64 = 100_000_000;

/// One request of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Time since the first request.
    pub offset: Duration,
    pub input_token_count: i64,
    pub output_token_count: i64,
}

/// Why a trace cannot be replayed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("line {line}: expected {expected}")]
    Malformed { line: u64, expected: String },
    #[error("the trace has more than {ROWS_MAX} requests")]
    TooLong,
    #[error("the trace has no requests")]
    Empty,
    #[error("the trace could not be read: {0}")]
    Unreadable(String),
}

/// The first `limit` requests of a trace, or all of them.
///
/// # Errors
/// At the first line that is malformed.
pub fn read(source: impl Read, limit: Option<usize>) -> Result<Vec<Row>, Error> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source);
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    let mut first_time = None;
    let header = next(&mut reader, &mut record)?;
    if !header || record.iter().ne(HEADER) {
        return Err(malformed(1, &format!("the header {}", HEADER.join(","))));
    }
    while limit.is_none_or(|limit| rows.len() < limit) && next(&mut reader, &mut record)? {
        if rows.len() == ROWS_MAX {
            return Err(Error::TooLong);
        }
        let line = record.position().map_or(0, csv::Position::line);
        let (time, input_token_count, output_token_count) = fields(&record, line)?;
        let start = *first_time.get_or_insert(time);
        let offset = (time - start).to_std().ok();
        let before = rows.last().map_or(Duration::ZERO, |row: &Row| row.offset);
        let Some(offset) = offset.filter(|offset| *offset >= before) else {
            return Err(malformed(line, "a time at or after that of the line before"));
        };
        rows.push(Row { offset, input_token_count, output_token_count });
    }
    if rows.is_empty() {
        return Err(Error::Empty);
    }
    Ok(rows)
}

fn next<R: Read>(
    reader: &mut csv::Reader<R>,
    record: &mut csv::StringRecord,
) -> Result<bool, Error> {
    reader.read_record(record).map_err(|error| match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => {
            malformed(pos.as_ref().map_or(0, csv::Position::line), "text in UTF-8")
        }
        _ => Error::Unreadable(error.to_string()),
    })
}

fn fields(record: &csv::StringRecord, line: u64) -> Result<(NaiveDateTime, i64, i64), Error> {
    if record.len() != HEADER.len() {
        return Err(malformed(line, &format!("{} fields: {}", HEADER.len(), HEADER.join(","))));
    }
    let time = time(&record[0]).ok_or_else(|| {
        malformed(line, "TIMESTAMP as a time in UTC, for example 2023-11-16 18:15:46.6805900")
    })?;
    let tokens = |column: usize| {
        let count = record[column].parse::<i64>().ok();
        count.filter(|count| (0..=TOKENS_MAX).contains(count)).ok_or_else(|| {
            let name = HEADER[column];
            malformed(line, &format!("{name} as a whole number from 0 to {TOKENS_MAX}"))
        })
    };
    Ok((time, tokens(1)?, tokens(2)?))
}

/// Traces of different years spell UTC differently, or leave it out.
fn time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim_end_matches("+00:00").trim_end_matches('Z');
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()
}

fn malformed(line: u64, expected: &str) -> Error {
    Error::Malformed { line, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

    fn check(lines: &str, limit: Option<usize>) -> Result<Vec<Row>, String> {
        read(format!("{HEAD}{lines}").as_bytes(), limit).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_offsets_and_counts() {
        let lines = "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109";
        let rows = check(lines, None).unwrap();
        let second = Duration::from_nanos(4_314_579_000);
        assert_eq!(
            rows,
            [
                Row { offset: Duration::ZERO, input_token_count: 374, output_token_count: 44 },
                Row { offset: second, input_token_count: 396, output_token_count: 109 },
            ]
        );
        assert_eq!(check(lines, Some(1)).unwrap().len(), 1);
    }

    #[test]
    fn line_ends_and_zones_of_other_traces_are_read() {
        let lines = "2024-05-10 00:00:00.009930+00:00,1,2\r\n2024-05-10 00:00:01Z,0,0\r\n";
        let rows = check(lines, None).unwrap();
        assert_eq!(rows[1].offset, Duration::from_micros(990_070));
    }

    #[test]
    fn malformed_lines_are_refused_by_number_and_expectation() {
        let good = "2023-11-16 18:15:46.6805900,374,44\n";
        let table = [
            ("2023-11-16 18:15,1,2", "line 3: expected TIMESTAMP as a time"),
            ("2023-11-16 18:15:46,1", "line 3: expected 3 fields"),
            ("2023-11-16 18:15:47,1,2,3", "line 3: expected 3 fields"),
            ("2023-11-16 18:15:47,-1,2", "line 3: expected ContextTokens as a whole number"),
            ("2023-11-16 18:15:47,1,2.5", "line 3: expected GeneratedTokens as a whole number"),
            ("2023-11-16 18:15:47,1,100000001", "line 3: expected GeneratedTokens"),
            ("2023-11-16 18:15:45,1,2", "line 3: expected a time at or after"),
        ];
        for (bad, expected) in table {
            let message = check(&format!("{good}{bad}\n{good}"), None).unwrap_err();
            assert!(message.starts_with(expected), "{bad}: {message}");
        }
    }

    #[test]
    fn a_file_that_is_no_trace_is_refused() {
        assert_eq!(check("", None), Err("the trace has no requests".to_owned()));
        for text in ["", "a,b,c\n1,2,3\n"] {
            let error = read(text.as_bytes(), None).unwrap_err().to_string();
            assert!(error.starts_with("line 1: expected the header TIMESTAMP"), "{error}");
        }
        let error = read(&b"TIMESTAMP,ContextTokens,GeneratedTokens\n\xff,1,2"[..], None);
        assert_eq!(error, Err(malformed(2, "text in UTF-8")));
    }
}
