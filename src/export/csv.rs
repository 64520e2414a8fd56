//! CSV: RFC 4180, UTF-8, with a header, decimal points and times in UTC.
//!
//! Guards against formula injection: a text that a spreadsheet would run gets an apostrophe in
//! front.

use std::io::Write;

use ::csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use chrono::{Datelike, NaiveDate};

use super::buffer::Buffer;
use super::error::Result;
use super::sink::{Cell, Column, Sink};
use crate::domain::Time;
use crate::domain::money::FRACTION_DIGITS;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// First bytes of a text that a spreadsheet takes for a formula.
const FORMULA_STARTS: [u8; 7] = [b'=', b'+', b'-', b'@', b'\t', b'\r', b'\n'];
/// Put in front of it, makes it a text.
const TEXT_MARK: u8 = b'\'';
/// Least fraction digits of an amount, as in the API.
const AMOUNT_DIGITS_MIN: u32 = 2;
/// Size of the write buffer.
const BUFFER_BYTES: usize = 64 * 1024;

pub struct CsvSink {
    writer: Writer<Buffer>,
    output: Buffer,
    /// Scratch space for texts that are changed.
    changed: Vec<u8>,
}

impl CsvSink {
    pub fn new(columns: &[Column]) -> CsvSink {
        let output = Buffer::default();
        let writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .buffer_capacity(BUFFER_BYTES)
            .from_writer(output.clone());
        let mut file = CsvSink { writer, output, changed: Vec::new() };
        for column in columns {
            file.put_text(&column.name);
        }
        file.end_row();
        file
    }

    fn put_text(&mut self, text: &str) {
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

    fn put_digits(&mut self, write: impl FnOnce(&mut Digits)) {
        let mut digits = Digits::default();
        write(&mut digits);
        self.put(digits.as_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        write_field(&mut self.writer, bytes);
    }
}

impl Sink for CsvSink {
    fn cell(&mut self, _: usize, cell: Cell<'_>) {
        match cell {
            Cell::Absent => self.put(b""),
            Cell::Text(text) => self.put_text(text),
            Cell::Integer(integer) => self.put_digits(|digits| digits.put_integer(integer)),
            Cell::Decimal(scaled, scale) => {
                self.put_digits(|digits| digits.put_decimal(scaled, scale));
            }
            Cell::Number(number) => {
                assert!(number.is_finite(), "ratios and means are finite");
                // Never with an exponent.
                self.put(format!("{number}").as_bytes());
            }
            Cell::Time(time) => self.put_digits(|digits| digits.put_time(time, true)),
            Cell::Second(time) => self.put_digits(|digits| digits.put_time(time, false)),
            Cell::Date(date) => self.put_digits(|digits| digits.put_date(date)),
            Cell::Boolean(flag) => self.put(if flag { b"true" } else { b"false" }),
        }
    }

    fn end_row(&mut self) {
        let ended = self.writer.write_record(None::<&[u8]>);
        ended.expect("rows are of one length, and writes to memory do not fail");
    }

    fn is_full(&self) -> bool {
        false
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    fn output(&mut self) -> &Buffer {
        self.writer.flush().expect("writes to memory do not fail");
        &self.output
    }
}

fn write_field(writer: &mut Writer<impl Write>, bytes: &[u8]) {
    writer.write_field(bytes).expect("writes to memory do not fail");
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

    fn put_integer(&mut self, integer: i64) {
        self.put_number(integer.unsigned_abs(), 1);
        self.put_sign(integer);
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

    /// Without trailing zeros, except for the first two digits of an amount.
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
