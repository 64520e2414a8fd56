//! Tables on their way into a file: typed columns, and where rows are put cell by cell.
//!
//! Knows no format. A row is written from left to right, so that no row is ever built in memory.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::csv::CsvFile;
use super::parquet::ParquetFile;
use super::{Format, Result};
use crate::domain::money::FRACTION_DIGITS;
use crate::domain::{Amount, Time};

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// A decimal with this many fraction digits: an integer at that scale.
    Decimal(u32),
    /// A ratio or a mean; not exact.
    Number,
    /// An instant, to the microsecond.
    Time,
    /// An instant on a whole second.
    Second,
    Date,
    Boolean,
}

/// Money, in nano-units.
pub const AMOUNT: Kind = Kind::Decimal(FRACTION_DIGITS);

/// A span of time: it is kept in microseconds.
pub const SECONDS: Kind = Kind::Decimal(6);

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    /// Whether cells may be absent.
    pub optional: bool,
}

impl Column {
    /// A column with a cell in every row.
    pub const fn new(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: false }
    }

    pub const fn optional(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: true }
    }

    /// A column whose name is known only when it is asked for.
    pub fn named(name: String, kind: Kind, optional: bool) -> Column {
        Column { name: Cow::Owned(name), kind, optional }
    }
}

/// The file that rows are put into, in either format. Cells come in the order of the columns, and
/// each row is ended.
pub struct File {
    body: Body,
    columns: Vec<Column>,
    /// Column of the next cell.
    next: usize,
}

enum Body {
    Csv(Box<CsvFile>),
    Parquet(Box<ParquetFile>),
}

/// Calls the file of either format.
macro_rules! either {
    ($file:expr, $body:ident => $call:expr) => {
        match &mut $file.body {
            Body::Csv($body) => $call,
            Body::Parquet($body) => $call,
        }
    };
}

impl File {
    /// An empty file, with its header.
    ///
    /// # Errors
    /// If the format cannot have such columns.
    pub fn new(format: Format, columns: Vec<Column>) -> Result<File> {
        let body = match format {
            Format::Csv => Body::Csv(Box::new(CsvFile::new(&columns))),
            Format::Parquet => Body::Parquet(Box::new(ParquetFile::new(&columns)?)),
        };
        Ok(File { body, columns, next: 0 })
    }

    /// A cell that has no value.
    pub fn absent(&mut self) {
        assert!(self.columns[self.next].optional, "{} is never absent", self.column_name());
        either!(self, body => body.absent(self.next));
        self.next += 1;
    }

    pub fn text(&mut self, text: &str) {
        self.expect(Kind::Text);
        either!(self, body => body.text(self.next, text));
        self.next += 1;
    }

    /// A text, or no value where it is empty.
    pub fn text_if_any(&mut self, text: &str) {
        if text.is_empty() { self.absent() } else { self.text(text) }
    }

    pub fn integer(&mut self, integer: i64) {
        self.expect(Kind::Integer);
        either!(self, body => body.integer(self.next, integer));
        self.next += 1;
    }

    /// A decimal, as an integer at the scale of its column.
    pub fn decimal(&mut self, scaled: i64) {
        let Kind::Decimal(scale) = self.columns[self.next].kind else {
            panic!("{} is not a decimal", self.column_name());
        };
        either!(self, body => body.decimal(self.next, scaled, scale));
        self.next += 1;
    }

    pub fn amount(&mut self, amount: Amount) {
        self.decimal(amount.nanos());
    }

    /// A decimal, or no value.
    pub fn decimal_if_any(&mut self, scaled: Option<i64>) {
        match scaled {
            Some(scaled) => self.decimal(scaled),
            None => self.absent(),
        }
    }

    pub fn amount_if_any(&mut self, amount: Option<Amount>) {
        self.decimal_if_any(amount.map(Amount::nanos));
    }

    pub fn integer_if_any(&mut self, integer: Option<i64>) {
        match integer {
            Some(integer) => self.integer(integer),
            None => self.absent(),
        }
    }

    pub fn number_if_any(&mut self, number: Option<f64>) {
        match number {
            Some(number) => self.number(number),
            None => self.absent(),
        }
    }

    pub fn number(&mut self, number: f64) {
        self.expect(Kind::Number);
        either!(self, body => body.number(self.next, number));
        self.next += 1;
    }

    pub fn time(&mut self, time: Time) {
        let kind = self.columns[self.next].kind;
        assert!(matches!(kind, Kind::Time | Kind::Second), "{} is no time", self.column_name());
        either!(self, body => body.time(self.next, time, kind));
        self.next += 1;
    }

    pub fn date(&mut self, date: NaiveDate) {
        self.expect(Kind::Date);
        either!(self, body => body.date(self.next, date));
        self.next += 1;
    }

    pub fn boolean(&mut self, flag: bool) {
        self.expect(Kind::Boolean);
        either!(self, body => body.boolean(self.next, flag));
        self.next += 1;
    }

    pub fn end_row(&mut self) {
        assert_eq!(self.next, self.columns.len(), "a row has a cell for each column");
        self.next = 0;
        either!(self, body => body.end_row());
    }

    /// Whether rows have piled up that [`File::settle`] turns into bytes. That takes long.
    pub fn is_full(&self) -> bool {
        match &self.body {
            Body::Csv(_) => false,
            Body::Parquet(body) => body.is_full(),
        }
    }

    /// Turns rows that have piled up into bytes.
    ///
    /// # Errors
    /// If the format cannot say what is in them.
    pub fn settle(&mut self) -> Result<()> {
        either!(self, body => body.settle())
    }

    /// Ends the file: there are no more rows.
    ///
    /// # Errors
    /// As [`File::settle`].
    pub fn finish(&mut self) -> Result<()> {
        either!(self, body => body.finish())
    }

    /// The next bytes; all that are ready, up to `bytes_max`.
    pub fn take(&mut self, bytes_max: usize) -> Vec<u8> {
        either!(self, body => body.output().take(bytes_max))
    }

    /// How many bytes are ready.
    pub fn ready(&mut self) -> usize {
        either!(self, body => body.output().len())
    }

    fn expect(&self, kind: Kind) {
        assert_eq!(self.columns[self.next].kind, kind, "{}", self.column_name());
    }

    fn column_name(&self) -> &str {
        &self.columns[self.next].name
    }
}
