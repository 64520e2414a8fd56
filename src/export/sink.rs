//! Columns and cells of a table, and [`Sink`], which file formats implement.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::buffer::Buffer;
use super::error::Result;
use crate::domain::Time;
use crate::domain::money::FRACTION_DIGITS;

/// Type of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// A decimal with this many fraction digits: an integer at that scale.
    Decimal(u32),
    /// A ratio or a mean; a float.
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

/// A duration, in microseconds.
pub const SECONDS: Kind = Kind::Decimal(6);

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    /// Whether cells may be absent.
    pub optional: bool,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Absent,
    Text(&'a str),
    Integer(i64),
    /// An integer at a scale: fraction digits.
    Decimal(i64, u32),
    Number(f64),
    Time(Time),
    Second(Time),
    Date(NaiveDate),
    Boolean(bool),
}

/// A file of one format while it is written. Cells come row by row from left to right, each of the
/// kind of its column.
pub trait Sink: Send {
    fn cell(&mut self, column: usize, cell: Cell<'_>);

    fn end_row(&mut self);

    /// Whether so many rows are buffered that they should be encoded.
    fn is_full(&self) -> bool;

    /// Encodes the buffered rows. May take long.
    ///
    /// # Errors
    /// If the format cannot represent a cell.
    fn flush(&mut self) -> Result<()>;

    /// Encodes the buffered rows and the end of the file.
    ///
    /// # Errors
    /// As [`Sink::flush`].
    fn finish(&mut self) -> Result<()>;

    /// The encoded bytes.
    fn output(&mut self) -> &Buffer;
}

impl Column {
    /// A column with a cell in every row.
    pub const fn new(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: false }
    }

    pub const fn optional(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: true }
    }

    /// An optional column whose name is computed.
    pub fn named(name: String, kind: Kind) -> Column {
        Column { name: Cow::Owned(name), kind, optional: true }
    }

    /// Whether a cell is of the kind of the column.
    pub fn accepts(&self, cell: &Cell<'_>) -> bool {
        match cell {
            Cell::Absent => self.optional,
            Cell::Text(_) => self.kind == Kind::Text,
            Cell::Integer(_) => self.kind == Kind::Integer,
            Cell::Decimal(_, scale) => self.kind == Kind::Decimal(*scale),
            Cell::Number(_) => self.kind == Kind::Number,
            Cell::Time(_) => self.kind == Kind::Time,
            Cell::Second(_) => self.kind == Kind::Second,
            Cell::Date(_) => self.kind == Kind::Date,
            Cell::Boolean(_) => self.kind == Kind::Boolean,
        }
    }
}
