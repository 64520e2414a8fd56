//! Writes rows into a file of any format, and [`RowSource`], which tables implement.
//!
//! A row is written cell by cell, so that no row is ever built in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;

use super::error::Result;
use super::sink::{Cell, Column, Kind, Sink};
use crate::domain::{Amount, Time};

/// The rows of a table, in order.
#[async_trait]
pub trait RowSource: Send {
    fn columns(&self) -> Vec<Column>;

    /// Writes the next rows, of bounded number. False once there are no more.
    ///
    /// # Errors
    /// If storage fails, or a bound is exceeded.
    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool>;
}

/// Writes the cells of each row in the order of the columns.
///
/// # Panics
/// If a cell is not of the kind of its column, or a row ends early.
pub struct RowWriter {
    sink: Box<dyn Sink>,
    columns: Vec<Column>,
    /// Column of the next cell.
    next: usize,
}

impl RowWriter {
    pub fn new(sink: Box<dyn Sink>, columns: Vec<Column>) -> RowWriter {
        RowWriter { sink, columns, next: 0 }
    }

    fn put(&mut self, cell: Cell<'_>) {
        let column = &self.columns[self.next];
        assert!(column.accepts(&cell), "{}: {cell:?}", column.name);
        self.sink.cell(self.next, cell);
        self.next += 1;
    }

    pub fn absent(&mut self) {
        self.put(Cell::Absent);
    }

    pub fn text(&mut self, text: &str) {
        self.put(Cell::Text(text));
    }

    /// A text; absent if it is empty.
    pub fn optional_text(&mut self, text: &str) {
        self.put(if text.is_empty() { Cell::Absent } else { Cell::Text(text) });
    }

    /// Tags as a JSON object with sorted keys; absent if there are none.
    pub fn tags(&mut self, tags: &BTreeMap<String, String>) {
        if tags.is_empty() {
            return self.absent();
        }
        self.text(&serde_json::to_string(tags).expect("maps of texts are JSON"));
    }

    pub fn integer(&mut self, integer: i64) {
        self.put(Cell::Integer(integer));
    }

    pub fn optional_integer(&mut self, integer: Option<i64>) {
        self.put(integer.map_or(Cell::Absent, Cell::Integer));
    }

    /// A decimal, as an integer at the scale of its column.
    pub fn decimal(&mut self, scaled: i64) {
        let scale = match self.columns[self.next].kind {
            Kind::Decimal(scale) => scale,
            kind => panic!("{}: {kind:?} is no decimal", self.columns[self.next].name),
        };
        self.put(Cell::Decimal(scaled, scale));
    }

    pub fn optional_decimal(&mut self, scaled: Option<i64>) {
        match scaled {
            Some(scaled) => self.decimal(scaled),
            None => self.absent(),
        }
    }

    pub fn amount(&mut self, amount: Amount) {
        self.decimal(amount.nanos());
    }

    pub fn optional_amount(&mut self, amount: Option<Amount>) {
        self.optional_decimal(amount.map(Amount::nanos));
    }

    pub fn number(&mut self, number: f64) {
        self.put(Cell::Number(number));
    }

    pub fn optional_number(&mut self, number: Option<f64>) {
        self.put(number.map_or(Cell::Absent, Cell::Number));
    }

    pub fn time(&mut self, time: Time) {
        let is_second = self.columns[self.next].kind == Kind::Second;
        self.put(if is_second { Cell::Second(time) } else { Cell::Time(time) });
    }

    pub fn optional_time(&mut self, time: Option<Time>) {
        match time {
            Some(time) => self.time(time),
            None => self.absent(),
        }
    }

    pub fn date(&mut self, date: NaiveDate) {
        self.put(Cell::Date(date));
    }

    pub fn boolean(&mut self, flag: bool) {
        self.put(Cell::Boolean(flag));
    }

    pub fn end_row(&mut self) {
        assert_eq!(self.next, self.columns.len(), "a row has a cell for each column");
        self.next = 0;
        self.sink.end_row();
    }

    /// Whether rows should be encoded by [`RowWriter::flush`].
    pub fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    /// Encodes the buffered rows. May take long.
    ///
    /// # Errors
    /// If the format cannot represent a cell.
    pub fn flush(&mut self) -> Result<()> {
        self.sink.flush()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// As [`RowWriter::flush`].
    pub fn finish(&mut self) -> Result<()> {
        self.sink.finish()
    }

    /// The next encoded bytes, at most `bytes_max`.
    pub fn take(&mut self, bytes_max: usize) -> Vec<u8> {
        self.sink.output().take(bytes_max)
    }

    /// Number of encoded bytes.
    pub fn ready(&mut self) -> usize {
        self.sink.output().len()
    }
}
