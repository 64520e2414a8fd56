//! CSV as spreadsheets and programs read it: RFC 4180, UTF-8, with a header.
//!
//! A text that a spreadsheet would run as a formula begins with an apostrophe. Numbers, amounts,
//! times and dates are written as they are, with a decimal point, in UTC.

use std::io::Write;

use ::csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use chrono::{Datelike, NaiveDate};

use super::Result;
use super::output::Output;
use super::table::{Column, Kind};
use crate::domain::Time;
use crate::domain::money::FRACTION_DIGITS;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// What a text begins with that a spreadsheet would run.
const FORMULA_STARTS: [u8; 7] = [b'=', b'+', b'-', b'@', b'\t', b'\r', b'\n'];
/// What makes it a text.
const TEXT_MARK: u8 = b'\'';
/// Digits that every amount has behind the point, as everywhere else.
const AMOUNT_DIGITS_MIN: u32 = 2;
/// Bytes that are gathered before they are handed on.
const BUFFER_BYTES: usize = 64 * 1024;

/// A file of CSV that is being written.
pub struct CsvFile {
    writer: Writer<Output>,
    output: Output,
    /// A text that had to be changed.
    changed: Vec<u8>,
}

impl CsvFile {
    pub fn new(columns: &[Column]) -> CsvFile {
        let output = Output::default();
        let writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .buffer_capacity(BUFFER_BYTES)
            .from_writer(output.clone());
        let mut file = CsvFile { writer, output, changed: Vec::new() };
        for (index, column) in columns.iter().enumerate() {
            file.text(index, &column.name);
        }
        file.end_row();
        file
    }

    pub fn absent(&mut self, _: usize) {
        self.put(b"");
    }

    pub fn text(&mut self, _: usize, text: &str) {
        let bytes = text.as_bytes();
        if bytes.first().is_some_and(|first| FORMULA_STARTS.contains(first)) {
            self.changed.clear();
            self.changed.push(TEXT_MARK);
            self.changed.extend_from_slice(bytes);
            write_field(&mut self.writer, &self.changed);
        } else {
            self.put(bytes);
        }
    }

    pub fn integer(&mut self, _: usize, integer: i64) {
        let mut text = Digits::default();
        text.put_number(integer.unsigned_abs(), 1);
        text.put_sign(integer);
        self.put(text.as_bytes());
    }

    pub fn decimal(&mut self, _: usize, scaled: i64, scale: u32) {
        let mut text = Digits::default();
        text.put_decimal(scaled, scale);
        self.put(text.as_bytes());
    }

    pub fn number(&mut self, _: usize, number: f64) {
        assert!(number.is_finite(), "ratios and means are finite");
        // Never with an exponent.
        self.put(format!("{number}").as_bytes());
    }

    pub fn time(&mut self, _: usize, time: Time, kind: Kind) {
        let mut text = Digits::default();
        text.put_time(time, kind == Kind::Time);
        self.put(text.as_bytes());
    }

    pub fn date(&mut self, _: usize, date: NaiveDate) {
        let mut text = Digits::default();
        text.put_date(date);
        self.put(text.as_bytes());
    }

    pub fn boolean(&mut self, _: usize, flag: bool) {
        self.put(if flag { b"true" } else { b"false" });
    }

    pub fn end_row(&mut self) {
        let ended = self.writer.write_record(None::<&[u8]>);
        ended.expect("rows are of one length, and memory takes them");
    }

    /// # Errors
    /// Never: as for other formats.
    pub fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    /// # Errors
    /// Never: as for other formats.
    pub fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    pub fn output(&mut self) -> &Output {
        self.writer.flush().expect("memory takes what is written");
        &self.output
    }

    fn put(&mut self, bytes: &[u8]) {
        write_field(&mut self.writer, bytes);
    }
}

fn write_field(writer: &mut Writer<impl Write>, bytes: &[u8]) {
    writer.write_field(bytes).expect("memory takes what is written");
}

/// Longest text of a number, a time or a date: `2026-10-01T00:00:00.000000Z`.
const DIGITS_MAX: usize = 27;

/// Writes digits from the last to the first, without an allocation.
struct Digits {
    bytes: [u8; DIGITS_MAX],
    start: usize,
}

impl Default for Digits {
    fn default() -> Digits {
        Digits { bytes: [0; DIGITS_MAX], start: DIGITS_MAX }
    }
}

impl Digits {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn put(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    /// At least so many digits.
    fn put_number(&mut self, mut number: u64, digits_min: u32) {
        let mut digits = 0;
        while number > 0 || digits < digits_min {
            self.put(b'0' + (number % 10) as u8);
            number /= 10;
            digits += 1;
        }
    }

    fn put_sign(&mut self, number: i64) {
        if number < 0 {
            self.put(b'-');
        }
    }

    /// Without zeros at the end, but for the first two of an amount.
    fn put_decimal(&mut self, scaled: i64, mut scale: u32) {
        let min = if scale == FRACTION_DIGITS { AMOUNT_DIGITS_MIN } else { 0 };
        let unit = 10_u64.pow(scale);
        let whole = scaled.unsigned_abs() / unit;
        let mut fraction = scaled.unsigned_abs() % unit;
        while scale > min && fraction.is_multiple_of(10) {
            fraction /= 10;
            scale -= 1;
        }
        if scale > 0 {
            self.put_number(fraction, scale);
            self.put(b'.');
        }
        self.put_number(whole, 1);
        self.put_sign(scaled);
    }

    fn put_time(&mut self, time: Time, with_micros: bool) {
        let micros = time.micros();
        let of_day = micros.rem_euclid(MICROS_PER_DAY).unsigned_abs();
        let (seconds, fraction) =
            (of_day / MICROS_PER_SECOND.unsigned_abs(), of_day % MICROS_PER_SECOND.unsigned_abs());
        self.put(b'Z');
        if with_micros {
            self.put_number(fraction, 6);
            self.put(b'.');
        }
        self.put_number(seconds % 60, 2);
        self.put(b':');
        self.put_number(seconds / 60 % 60, 2);
        self.put(b':');
        self.put_number(seconds / 3_600, 2);
        self.put(b'T');
        let (year, month, day) = civil(micros.div_euclid(MICROS_PER_DAY));
        self.put_day(year, month, day);
    }

    fn put_date(&mut self, date: NaiveDate) {
        self.put_day(date.year(), date.month(), date.day());
    }

    fn put_day(&mut self, year: i32, month: u32, day: u32) {
        self.put_number(day.into(), 2);
        self.put(b'-');
        self.put_number(month.into(), 2);
        self.put(b'-');
        self.put_number(year.unsigned_abs().into(), 4);
    }
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i32, u32, u32) {
    let days = i32::try_from(days).ok().and_then(NaiveDate::from_epoch_days);
    let date = days.expect("times are bounded");
    (date.year(), date.month(), date.day())
}
